"""Faces followed through one video: found, tracked, the best crops embedded, mouths watched."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sensorium.core.media import Frames
from sensorium.core.time import Span
from sensorium.core.vision import Regions
from sensorium.ops.people.mouth import LAG, motion, mouth_patch, regular
from sensorium.ops.vision.boxes import widened
from sensorium.ops.vision.sharpness import sharpness
from sensorium.ops.vision.track import Track, Tracker, TrackRule
from sensorium.pipelines.people.gaze import IN_A_WINDOW, Gaze, GazeRule
from sensorium.pipelines.people.takeover import Takeover, voted
from sensorium.ports import Detector, FaceEncoder

_CROP = 2.0  # a crop for the encoder is so many times the face, for landmarks need surroundings


@dataclass(frozen=True, slots=True)
class FacesOptions:
    """How faces are looked for and told apart.

    `per_second`: pictures of a video that are searched; `max_side`: pixels they are read at; a track
    counts from `sightings` on, at a mean score of `track_score`; a face is embedded from `least_height`
    pixels and `least_sharp` on (`ops.vision.sharpness`), at most `crops` per track; `distance`:
    Euclidean, at which faces are two persons (portraits allow 0.6, video does not); `mouth_rate`: values
    of mouth motion per second; `gaze`: which part of a picture is searched.
    """

    per_second: float = 5.0
    max_side: int = 1280
    sightings: int = 3
    track_score: float = 0.55
    least_height: float = 36.0
    least_sharp: float = 0.25
    crops: int = 5
    distance: float = 0.5
    mouth_rate: float = 12.5
    tracks: TrackRule = field(default_factory=TrackRule)
    gaze: GazeRule = field(default_factory=GazeRule)


def worth(box: NDArray, score: float, landmarks: NDArray, least_height: float) -> float:
    """How well a face can be told by this picture of it, 0 (not at all) to 1: large, sure, frontal."""
    height = float(box[3] - box[1])
    if height < least_height:
        return 0.0
    eyes = landmarks[:2, 0] if len(landmarks) else np.array([0.0, 1.0])
    nose = landmarks[2, 0] if len(landmarks) else 0.5
    place = (nose - eyes[0]) / max(
        float(eyes[1] - eyes[0]), 1e-6
    )  # 0.5 in a face seen from the front
    frontal = max(0.0, 1.0 - abs(float(place) - 0.5) / 0.75)
    return score * frontal * min(1.0, height / 120.0)


@dataclass(slots=True)
class Seen:
    """What is kept of one track until the end of the file."""

    number: int
    times: list[float]
    boxes: list[NDArray]
    scores: list[float]
    shot: int
    counts: bool
    embedding: NDArray | None
    weight: float
    mouth: NDArray[np.float32]
    best: int  # index of the best picture
    detected: tuple[str, float] | None = None  # class of a trained detector, and its score
    looks: NDArray | None = None  # (crop, dim): the embeddings that `embedding` is the mean of

    @property
    def span(self) -> Span:
        """From the first sighting to the last."""
        return Span(self.times[0], self.times[-1])


class Watch:
    """One video's way through detector, tracker and encoder; holds a fifth of a second of pictures."""

    def __init__(
        self,
        detector: Detector,
        encoder: FaceEncoder,
        options: FacesOptions,
        classes: Mapping[str, str] | None = None,
    ) -> None:
        self._classes = classes or {}
        self._labels: dict[int, list[tuple[str, float]]] = {}
        near = detector.near if isinstance(detector, Takeover) else None
        self._gaze = Gaze(detector, options.gaze, near)
        self._encoder = encoder
        self._options = options
        self._tracker = Tracker(options.tracks)
        self._waiting: list[tuple[float, NDArray]] = []
        self._patches: dict[int, deque[tuple[float, NDArray]]] = {}
        self._moved: dict[int, list[tuple[float, float]]] = {}
        self._crops: dict[int, dict[int, tuple[float, Frames, Regions]]] = {}
        self._shot = 0
        self._due = 0.0
        self.seen: list[Seen] = []

    def step(self, frame: Frames, shot: int) -> None:
        """Takes in one picture; looks for faces if it is time to, and at once after a cut."""
        at = float(frame.times[0])
        if shot != self._shot:
            self.finish()
            self._shot, self._due = shot, at
        self._waiting.append((at, frame.pixels[0, :, :, 1]))  # green is nearly brightness, and free
        if at + 1e-6 < self._due:
            return
        self._due = max(self._due + 1 / self._options.per_second, at)
        regions = self._gaze.look(frame, self._tracker.alive)
        numbers, ended = self._tracker.step(regions)
        for track in ended:
            self._end(track)
        for index, number in enumerate(numbers):
            said = self._labels.setdefault(number, [])
            if regions.label[index] != IN_A_WINDOW:
                said.append((regions.label[index], float(regions.score[index])))
            self._keep(number, frame, regions, index)
        for track in self._tracker.alive:
            self._watch_mouth(track)
        self._waiting = self._waiting[-1:]

    def finish(self) -> None:
        """Ends all tracks."""
        for track in self._tracker.finish():
            self._end(track)
        self._gaze.forget()
        self._waiting = []

    def _keep(self, number: int, frame: Frames, regions: Regions, index: int) -> None:
        """Keeps a crop if it is the best of its two seconds, and among the best of its track."""
        box, score = regions.xyxy[index], float(regions.score[index])
        value = worth(box, score, regions.landmarks[index], self._options.least_height)
        crops = self._crops.setdefault(number, {})
        place = int(regions.at // 2)
        if value <= crops.get(place, (0.0,))[0]:
            return
        if sharpness(frame.pixels[0], box) < self._options.least_sharp:
            return
        left, top, right, bottom = widened(box, _CROP, *frame.pixels.shape[1:3])
        pixels = frame.pixels[:, top:bottom, left:right].copy()
        inside = Regions(
            regions.xyxy[[index]] - np.array([left, top, left, top], np.float32),
            regions.score[[index]],
            (regions.label[index],),
            np.array([number]),
            regions.at,
        )
        crops[place] = (value, Frames(pixels, frame.times), inside)
        if len(crops) > self._options.crops:
            del crops[min(crops, key=lambda p: crops[p][0])]

    def _watch_mouth(self, track: Track) -> None:
        """Mouth motion in the pictures since the last sighting, its landmarks in between by time."""
        if (
            not len(track.landmarks[-1])
            or not self._waiting
            or track.times[-1] < self._waiting[-1][0]
        ):
            return
        before = len(track.times) - 2
        for at, light in self._waiting:
            points = track.landmarks[-1]
            if before >= 0 and at < track.times[-1]:
                if at < track.times[before]:
                    continue
                part = (at - track.times[before]) / (track.times[-1] - track.times[before])
                points = track.landmarks[before] * (1 - part) + points * part
            elif at < track.times[-1]:
                continue
            self._moved_by(track.number, at, mouth_patch(light, points))

    def _moved_by(self, number: int, at: float, patch: NDArray) -> None:
        """Compares a mouth with itself `LAG` seconds ago."""
        patches = self._patches.setdefault(number, deque())
        if patches and patches[-1][0] >= at:
            return
        patches.append((at, patch))
        while len(patches) > 2 and at - patches[1][0] >= LAG - 1e-6:
            patches.popleft()
        if at - patches[0][0] >= LAG - 1e-6:
            moved = (at, motion(patches[0][1], patch))
            self._moved.setdefault(number, []).append(moved)

    def _end(self, track: Track) -> None:
        """Embeds the track's crops, and forgets its pictures."""
        options = self._options
        counts = (
            len(track.times) >= options.sightings and np.mean(track.scores) >= options.track_score
        )
        crops = list(self._crops.pop(track.number, {}).values()) if counts else []
        self._crops.pop(track.number, None)
        detected = voted(self._labels.pop(track.number, []), self._classes)
        if detected:  # known by its class: one crop, for whoever doubts it
            crops = sorted(crops, key=lambda crop: -crop[0])[:1]
        rows = [self._encoder.encode(frame, [region])[0][0] for _, frame, region in crops]
        weights = [value for value, _, _ in crops]
        moved = self._moved.pop(track.number, [])
        self._patches.pop(track.number, None)
        times, values = np.array([m[0] for m in moved]), np.array([m[1] for m in moved])
        start, end, rate = track.times[0], track.times[-1], options.mouth_rate
        sizes = [float((b[3] - b[1]) * s) for b, s in zip(track.boxes, track.scores, strict=True)]
        self.seen.append(
            Seen(
                track.number,
                track.times,
                track.boxes,
                track.scores,
                self._shot,
                bool(counts),
                np.average(rows, axis=0, weights=weights) if rows else None,
                float(sum(weights)),
                regular(times, values, start, end, rate) if moved else np.zeros(0, np.float32),
                int(np.argmax(sizes)),
                detected if counts else None,
                np.stack(rows) if rows else None,
            )
        )
