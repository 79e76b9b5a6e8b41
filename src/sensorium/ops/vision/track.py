"""Boxes of one picture after the other -> the same thing through time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sensorium.core.vision import Regions
from sensorium.ops.assignment import assigned
from sensorium.ops.vision.boxes import iou


@dataclass(frozen=True, slots=True)
class TrackRule:
    """A box joins a track if it shares `least_iou` with where the track should be by now, or lies
    within `reach` of its own size; a track ends when it was not seen for `patience` seconds.
    """

    least_iou: float = 0.2
    reach: float = 0.6
    patience: float = 1.0


@dataclass(slots=True)
class Track:
    """One thing through time: its boxes, one row per sighting."""

    number: int
    times: list[float] = field(default_factory=list)
    boxes: list[NDArray[np.float32]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    landmarks: list[NDArray[np.float32]] = field(default_factory=list)

    def expected(self, at: float) -> NDArray[np.float32]:
        """Where the box should be at a time, if it goes on as it did last; damped, not beyond 0.5 s."""
        if len(self.boxes) < 2:
            return self.boxes[-1]
        speed = (self.boxes[-1] - self.boxes[-2]) / max(self.times[-1] - self.times[-2], 1e-3)
        return self.boxes[-1] + speed * 0.5 * min(at - self.times[-1], 0.5)


class Tracker:
    """Feeds on the regions of one picture after the other inside one shot."""

    def __init__(self, rule: TrackRule, first_number: int = 0) -> None:
        self._rule = rule
        self._next = first_number
        self.alive: list[Track] = []

    def step(self, regions: Regions) -> tuple[list[int], list[Track]]:
        """(track number of each region, tracks that have ended)."""
        at = regions.at
        ended = [t for t in self.alive if at - t.times[-1] > self._rule.patience]
        self.alive = [t for t in self.alive if at - t.times[-1] <= self._rule.patience]
        chosen = self._matched(regions)
        for index in range(len(regions)):
            track = chosen.get(index)
            if track is None:
                track = Track(self._next)
                self._next += 1
                self.alive.append(track)
                chosen[index] = track
            track.times.append(at)
            track.boxes.append(regions.xyxy[index])
            track.scores.append(float(regions.score[index]))
            track.landmarks.append(regions.landmarks[index])
        return [chosen[index].number for index in range(len(regions))], ended

    def finish(self) -> list[Track]:
        """Ends every track: a cut, or the end of the file. Numbers go on."""
        ended, self.alive = self.alive, []
        return ended

    def _matched(self, regions: Regions) -> dict[int, Track]:
        if not self.alive or not len(regions):
            return {}
        expected = np.stack([track.expected(regions.at) for track in self.alive])
        overlap = iou(expected, regions.xyxy)
        size = np.sqrt(
            np.maximum((expected[:, 2] - expected[:, 0]) * (expected[:, 3] - expected[:, 1]), 1)
        )
        middle = (expected[:, None, :2] + expected[:, None, 2:]) / 2
        away = np.linalg.norm(
            middle - (regions.xyxy[:, :2] + regions.xyxy[:, 2:])[None] / 2, axis=-1
        )
        near = 1 - away / size[:, None]
        allowed = (overlap >= self._rule.least_iou) | (near >= 1 - self._rule.reach)
        value = np.where(allowed, 1 + overlap + 0.5 * near, 0)
        return {c: self.alive[r] for r, c in assigned(value) if allowed[r, c]}
