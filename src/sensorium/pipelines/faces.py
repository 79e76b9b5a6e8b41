"""Who was on screen: faces found, followed through each shot, and grouped into the file's persons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorium.core.features import Features
from sensorium.core.media import Frames, MediaRef
from sensorium.core.record import Provenance, Record
from sensorium.core.time import Span
from sensorium.core.vision import Regions
from sensorium.ops.boxes import widened
from sensorium.ops.group import center, persons
from sensorium.ops.mouth import face_patches, motion, regular
from sensorium.ops.track import Track, Tracker, TrackRule
from sensorium.ports import Detector, Earlier, FaceEncoder, Reader, Report

_CROP = 2.0  # a crop for the encoder is so many times the face, for landmarks need surroundings


@dataclass(frozen=True, slots=True)
class FacesOptions:
    """How faces are looked for and told apart.

    `per_second`: pictures of a video that are searched; `max_side`: pixels they are read at; a track
    counts from `sightings` on, at a mean score of `track_score`; a face is embedded from
    `least_height` pixels on, at most `crops` per track; `distance`: Euclidean, at which faces are two
    persons (portraits allow 0.6, video does not); `mouth_rate`: values of mouth motion per second.
    """

    per_second: float = 5.0
    max_side: int = 1280
    sightings: int = 3
    track_score: float = 0.55
    least_height: float = 36.0
    crops: int = 5
    distance: float = 0.5
    mouth_rate: float = 12.5
    tracks: TrackRule = field(default_factory=TrackRule)


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
class _Seen:
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

    @property
    def span(self) -> Span:
        return Span(self.times[0], self.times[-1])


class _Watch:
    """One video's way through detector, tracker and encoder; holds a fifth of a second of pictures."""

    def __init__(self, detector: Detector, encoder: FaceEncoder, options: FacesOptions) -> None:
        self._detector = detector
        self._encoder = encoder
        self._options = options
        self._tracker = Tracker(options.tracks)
        self._waiting: list[tuple[float, NDArray]] = []
        self._patches: dict[int, NDArray] = {}
        self._moved: dict[int, list[tuple[float, float]]] = {}
        self._crops: dict[int, dict[int, tuple[float, Frames, Regions]]] = {}
        self._shot = 0
        self._due = 0.0
        self.seen: list[_Seen] = []

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
        regions = self._detector.detect(frame)[0]
        numbers, ended = self._tracker.step(regions)
        for track in ended:
            self._end(track)
        for index, number in enumerate(numbers):
            self._keep(number, frame, regions, index)
        for track in self._tracker.alive:
            self._watch_mouth(track)
        self._waiting = self._waiting[-1:]

    def finish(self) -> None:
        """Ends all tracks."""
        for track in self._tracker.finish():
            self._end(track)
        self._waiting = []

    def _keep(self, number: int, frame: Frames, regions: Regions, index: int) -> None:
        """Keeps a crop if it is the best of its two seconds, and among the best of its track."""
        box, score = regions.xyxy[index], float(regions.score[index])
        value = worth(box, score, regions.landmarks[index], self._options.least_height)
        crops = self._crops.setdefault(number, {})
        place = int(regions.at // 2)
        if value <= crops.get(place, (0.0,))[0]:
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
            patches = face_patches(light, points)
            if (
                track.number in self._patches
                and self._moved.get(track.number, [(-1.0, 0)])[-1][0] < at
            ):
                value = motion(self._patches[track.number], patches)
                self._moved.setdefault(track.number, []).append((at, value))
            self._patches[track.number] = patches

    def _end(self, track: Track) -> None:
        """Embeds the track's crops, and forgets its pictures."""
        options = self._options
        counts = (
            len(track.times) >= options.sightings and np.mean(track.scores) >= options.track_score
        )
        crops = list(self._crops.pop(track.number, {}).values()) if counts else []
        self._crops.pop(track.number, None)
        rows = [self._encoder.encode(frame, [region])[0][0] for _, frame, region in crops]
        weights = [value for value, _, _ in crops]
        moved = self._moved.pop(track.number, [])
        self._patches.pop(track.number, None)
        times, values = np.array([m[0] for m in moved]), np.array([m[1] for m in moved])
        start, end, rate = track.times[0], track.times[-1], options.mouth_rate
        sizes = [float((b[3] - b[1]) * s) for b, s in zip(track.boxes, track.scores, strict=True)]
        self.seen.append(
            _Seen(
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
            )
        )


class Faces:
    """Records of kinds region, person and mouth.

    A video is searched `per_second` times a second, and there is one region record per face and
    searched picture. Tracks end at cuts. A detection that belongs to no track that counts is kept as a
    region without track and person. Persons are P1, P2, ... in order of appearance.
    """

    name = "faces"
    needs: tuple[str, ...] = ("shots",)

    def __init__(
        self,
        reader: Reader,
        detector: Detector,
        encoder: FaceEncoder,
        options: FacesOptions | None = None,
    ) -> None:
        self._reader = reader
        self._detector = detector
        self._encoder = encoder
        self._options = options or FacesOptions()

    def recipe(self) -> Mapping[str, Any]:
        """Models and parameters."""
        models = [self._detector.provenance.plain(), self._encoder.provenance.plain()]
        return {"name": self.name, "version": 1, "models": models, "params": asdict(self._options)}

    def applies(self, ref: MediaRef) -> bool:
        """Whatever has pictures."""
        return ref.kind in ("image", "video")

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """Regions in order of time, then persons, then mouths."""
        seen = self._image(ref) if ref.kind == "image" else self._video(ref, earlier, report)
        counted = [each for each in seen if each.counts]
        groups = persons(
            [each.embedding for each in counted],
            [{j for j, b in enumerate(counted) if a is not b and _together(a, b)} for a in counted],
            [each.weight for each in counted],
            self._options.distance,
        )
        named = {id(e): f"P{g + 1}" for e, g in zip(counted, groups, strict=True) if g is not None}
        still = ref.kind == "image"
        yield from _regions(seen, named, self._detector.provenance, still)
        yield from _persons(counted, groups, self._encoder.provenance, still)
        if not still:
            yield from _mouths(counted, named, self._options.mouth_rate)

    def _video(self, ref: MediaRef, earlier: Earlier, report: Report) -> list[_Seen]:
        watch = _Watch(self._detector, self._encoder, self._options)
        starts = np.array([record.span.start for record in earlier["shot"] if record.span] or [0.0])
        scale = None
        for frame in self._reader.frames(ref, self._options.max_side):
            scale = scale or _scale(ref, frame)
            at = float(frame.times[0])
            watch.step(frame, max(0, int(np.searchsorted(starts, at + 1e-6, side="right")) - 1))
            report(at)
        watch.finish()
        for each in watch.seen:
            each.boxes = [box * np.tile(scale or (1.0, 1.0), 2) for box in each.boxes]
        return sorted(watch.seen, key=lambda each: (each.times[0], each.number))

    def _image(self, ref: MediaRef) -> list[_Seen]:
        frame = next(iter(self._reader.frames(ref, 2 * self._options.max_side)))
        found = self._detector.detect(frame)[0]
        wide = np.tile(_scale(ref, frame), 2)
        seen = []
        for i in range(len(found)):
            value = worth(
                found.xyxy[i], float(found.score[i]), found.landmarks[i], self._options.least_height
            )
            only = Regions(
                found.xyxy[[i]], found.score[[i]], found.label[i : i + 1], found.track[[i]], 0.0
            )
            row = self._encoder.encode(frame, [only])[0][0] if value > 0 else None
            box, score = [found.xyxy[i] * wide], [float(found.score[i])]
            seen.append(
                _Seen(i, [0.0], box, score, 0, True, row, value, np.zeros(0, np.float32), 0)
            )
        return seen


def _scale(ref: MediaRef, frame: Frames) -> tuple[float, float]:
    """Pixels as displayed per pixel of the frame, across and down."""
    height, width = frame.pixels.shape[1:3]
    return (ref.width or width) / width, (ref.height or height) / height


def _together(a: _Seen, b: _Seen) -> bool:
    """Whether both are to be seen at one moment."""
    return a.times[0] <= b.times[-1] and b.times[0] <= a.times[-1]


def _regions(
    seen: Sequence[_Seen], named: Mapping[int, str], made_by: Provenance, still: bool
) -> Iterator[Record]:
    rows = [(each.times[i], each.number, i, each) for each in seen for i in range(len(each.times))]
    for at, _, index, each in sorted(rows, key=lambda row: row[:3]):
        x0, y0, x1, y1 = (round(float(v), 2) for v in each.boxes[index])
        values = {
            "label": "face",
            "score": round(each.scores[index], 4),
            **{"x0": x0, "y0": y0, "x1": x1, "y1": y1},
            "track": each.number if each.counts and not still else None,
            "person": named.get(id(each)),
            "shot": None if still else each.shot,
        }
        yield Record("region", None if still else Span(at, at), values, made_by)


def _persons(
    counted: Sequence[_Seen], groups: Sequence[int | None], made_by: Provenance, still: bool
) -> Iterator[Record]:
    for number in sorted({group for group in groups if group is not None}):
        mine = [i for i, group in enumerate(groups) if group == number]
        tracks = [counted[i] for i in mine]
        best = max(tracks, key=lambda each: each.weight)
        x0, y0, x1, y1 = (round(float(v), 2) for v in best.boxes[best.best])
        mean = center(mine, [each.embedding for each in counted], [each.weight for each in counted])
        values = {
            "person": f"P{number + 1}",
            "num_tracks": len(tracks),
            "duration": round(sum(each.span.duration for each in tracks), 3),
            "at": None if still else best.times[best.best],
            **{"x0": x0, "y0": y0, "x1": x1, "y1": y1},
            "embedding": [float(v) for v in mean.astype(np.float32)],
        }
        span = Span(min(t.times[0] for t in tracks), max(t.times[-1] for t in tracks))
        yield Record("person", None if still else span, values, made_by)


def _mouths(counted: Sequence[_Seen], named: Mapping[int, str], rate: float) -> Iterator[Record]:
    made_by = Provenance("mouth-motion", "1", {"rate": rate})
    for each in counted:
        if len(each.mouth):
            values = {
                "track": each.number,
                "person": named.get(id(each)),
                "rate": rate,
                "motion": [round(float(v), 4) for v in each.mouth],
            }
            yield Record("mouth", each.span, values, made_by)
