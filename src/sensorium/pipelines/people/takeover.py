"""A trained detector that takes over: it tells who is where at a glance, and asks when it is unsure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sensorium.core.media import Frames
from sensorium.core.record import Provenance
from sensorium.core.vision import Regions
from sensorium.ops.vision.boxes import iou
from sensorium.pipelines.people.pointing import pointed, usual
from sensorium.ports import Detector


@dataclass(frozen=True, slots=True)
class TakeoverRule:
    """A class counts from a score of `sure` on; one below asks the other detector, and so does, every
    `audit` seconds, the clock: strangers have no class. While it finds some it is asked each time.
    """

    sure: float = 0.6
    audit: float = 2.0
    most_iou: float = 0.4  # boxes of both detectors that share more are one face


class Takeover:
    """Detects with a trained model, label: the class, and with another where that is unsure, label: face.

    A trained model has no landmarks: those of its faces are the other's where that saw the picture, else
    those of `near`, a detector that is shown the face alone.
    """

    def __init__(
        self,
        trained: Detector,
        other: Detector,
        rule: TakeoverRule | None = None,
        near: Detector | None = None,
    ) -> None:
        self._near = near
        self._trained = trained
        self._other = other
        self._rule = rule or TakeoverRule()
        self._last = -np.inf
        self._next_audit = -np.inf
        self._strangers = False
        self.num_asked = 0  # pictures that the other detector saw

    @property
    def near(self) -> Detector:
        """What searches windows of a picture, which the trained model has never seen faces in."""
        return self._near or self._other

    @cached_property
    def provenance(self) -> Provenance:
        """Both models and the rule."""
        first, second = self._trained.provenance, self._other.provenance
        params = {"trained": first.plain(), "other": second.plain(), "rule": asdict(self._rule)}
        if self._near:
            params["near"] = self._near.provenance.plain()
        return Provenance(f"{first.model}+{second.model}", first.revision, params)

    def detect(self, frames: Frames) -> list[Regions]:
        """One Regions per frame; frames in order of time, those of a new file start anew."""
        found = []
        for index, at in enumerate(frames.times.tolist()):
            one = Frames(frames.pixels[index : index + 1], frames.times[index : index + 1])
            found.append(self._detect(one, at))
        return found

    def _detect(self, frame: Frames, at: float) -> Regions:
        if at <= self._last:  # another file
            self._next_audit, self._strangers = -np.inf, False
        self._last = at
        found = self._trained.detect(frame)[0]
        sure = found.score >= self._rule.sure
        rows = [(found.xyxy[i], found.score[i], found.label[i]) for i in np.flatnonzero(sure)]
        points: list[NDArray[np.float32] | None] = [None] * len(rows)
        if not sure.all() or self._strangers or at >= self._next_audit:
            self.num_asked += 1
            self._next_audit = at + self._rule.audit
            others = self._other.detect(frame)[0]
            known = np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4)
            shared = iou(others.xyxy, known)
            same = shared > self._rule.most_iou
            new = np.flatnonzero(~same.any(axis=1))
            self._strangers = len(new) > 0
            points = [
                others.landmarks[shared[:, i].argmax()] if same[:, i].any() else None
                for i in range(len(rows))
            ]
            rows += [(others.xyxy[i], others.score[i], others.label[i]) for i in new]
            points += [others.landmarks[i] for i in new]
        five = [self._five(frame, row[0], each) for row, each in zip(rows, points, strict=True)]
        return Regions(
            np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4),
            np.array([score for _, score, _ in rows], np.float32),
            tuple(label for _, _, label in rows),
            np.full(len(rows), -1, np.int64),
            at,
            np.array(five, np.float32).reshape(-1, 5, 2),
        )

    def _five(
        self, frame: Frames, box: NDArray[np.float32], known: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        if known is not None and len(known) == 5:
            return known
        return pointed(frame, box, self._near) if self._near else usual(box)


def voted(seen: list[tuple[str, float]], classes: Mapping[str, str]) -> tuple[str, float] | None:
    """(class, mean score) of a track, if most of its sightings agree on a class; (label, score) each.

    >>> voted([("Ann", 0.9), ("Ann", 0.8), ("face", 0.7)], {"Ann": "V1"})
    ('Ann', 0.85)
    """
    scores: dict[str, list[float]] = {}
    for label, score in seen:
        if label in classes:
            scores.setdefault(label, []).append(score)
    best = max(scores, key=lambda label: len(scores[label]), default=None)
    if best is None or len(scores[best]) < 0.6 * len(seen):
        return None
    return best, round(float(np.mean(scores[best])), 4)
