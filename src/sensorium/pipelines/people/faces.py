"""Who was on screen: faces found, followed through each shot, and grouped into the file's persons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from sensorium.core.features import Features
from sensorium.core.media import MediaRef
from sensorium.core.record import Provenance, Record
from sensorium.core.time import Span
from sensorium.core.vision import Regions
from sensorium.ops.people.grouping import center, persons
from sensorium.ops.vision.sharpness import sharpness
from sensorium.pipelines.people.watch import FacesOptions, Seen, Watch, worth
from sensorium.ports import Detector, Earlier, FaceEncoder, Reader, Report


class Faces:
    """Records of kinds region, person and mouth.

    A video is searched `per_second` times a second, and there is one region record per face and
    searched picture. Tracks end at cuts. A detection that belongs to no track that counts is kept as a
    region without track and person. Persons are P1, P2, ... in order of appearance; drawn faces, which
    have a pass of their own, D1, D2, ..., no mouths, but records of kind look: a title learns from them.
    """

    needs: tuple[str, ...] = ("shots",)

    def __init__(
        self,
        reader: Reader,
        detector: Detector,
        encoder: FaceEncoder,
        options: FacesOptions | None = None,
        drawn: bool = False,
        classes: Mapping[str, str] | None = None,
    ) -> None:
        self._classes = classes or {}  # of a trained detector: class -> identity
        self.name = "drawn" if drawn else "faces"
        self._letter = "D" if drawn else "P"
        self._reader = reader
        self._detector = detector
        self._encoder = encoder
        self._options = options or FacesOptions()

    def recipe(self) -> Mapping[str, Any]:
        """Models and parameters."""
        models = [self._detector.provenance.plain(), self._encoder.provenance.plain()]
        params = asdict(self._options)
        return {"name": self.name, "version": 5, "models": models, "params": params}

    def applies(self, ref: MediaRef) -> bool:
        """Whatever has pictures."""
        return ref.kind in ("image", "video")

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """Regions in order of time, then persons, then mouths."""
        seen = self._image(ref) if ref.kind == "image" else self._video(ref, earlier, report)
        counted = [each for each in seen if each.counts]
        groups = self._grouped(counted)
        labels = [None if group is None else f"{self._letter}{group + 1}" for group in groups]
        named = {id(e): label for e, label in zip(counted, labels, strict=True) if label}
        still = ref.kind == "image"
        kind = "face" if self.name == "faces" else "drawn face"
        yield from _regions(seen, named, (kind, self._detector.provenance), still)
        yield from _persons(counted, labels, self._encoder.provenance, still, self._classes)
        if not still and self.name == "faces":
            yield from _mouths(counted, named, self._options.mouth_rate)
        elif not still:
            yield from _looks(counted, named, self._encoder.provenance)

    def _grouped(self, counted: Sequence[Seen]) -> list[int | None]:
        """Number of the person of each track: tracks of one class are one, the others by their faces."""
        classes = [each.detected[0] if each.detected else None for each in counted]
        apart = [
            {j for j, b in enumerate(counted) if a is not b and _together(a, b)} for a in counted
        ]
        groups = persons(
            [each.embedding for each in counted],
            apart,
            [each.weight for each in counted],
            self._options.distance,
        )
        number: dict[str, int | None] = {}
        for index, (name, group) in enumerate(zip(classes, groups, strict=True)):
            if name is not None and group is not None:
                groups[index] = number.setdefault(name, group)
        return groups

    def _video(self, ref: MediaRef, earlier: Earlier, report: Report) -> list[Seen]:
        watch = Watch(self._detector, self._encoder, self._options, self._classes)
        starts = np.array([record.span.start for record in earlier["shot"] if record.span] or [0.0])
        scale = None
        for frame in self._reader.frames(ref, self._options.max_side):
            scale = scale or ref.scale(frame)
            at = float(frame.times[0])
            watch.step(frame, max(0, int(np.searchsorted(starts, at + 1e-6, side="right")) - 1))
            report(at)
        watch.finish()
        for each in watch.seen:
            each.boxes = [box * np.tile(scale or (1.0, 1.0), 2) for box in each.boxes]
        return sorted(watch.seen, key=lambda each: (each.times[0], each.number))

    def _image(self, ref: MediaRef) -> list[Seen]:
        frame = next(iter(self._reader.frames(ref, 2 * self._options.max_side)))
        found = self._detector.detect(frame)[0]
        wide = np.tile(ref.scale(frame), 2)
        seen = []
        for i in range(len(found)):
            value = worth(
                found.xyxy[i], float(found.score[i]), found.landmarks[i], self._options.least_height
            )
            if sharpness(frame.pixels[0], found.xyxy[i]) < self._options.least_sharp:
                value = 0.0
            only = Regions(
                found.xyxy[[i]], found.score[[i]], found.label[i : i + 1], found.track[[i]], 0.0
            )
            row = self._encoder.encode(frame, [only])[0][0] if value > 0 else None
            box, score = [found.xyxy[i] * wide], [float(found.score[i])]
            seen.append(Seen(i, [0.0], box, score, 0, True, row, value, np.zeros(0, np.float32), 0))
        return seen


def _together(a: Seen, b: Seen) -> bool:
    """Whether both are to be seen at one moment."""
    return a.times[0] <= b.times[-1] and b.times[0] <= a.times[-1]


def _regions(
    seen: Sequence[Seen], named: Mapping[int, str], what: tuple[str, Provenance], still: bool
) -> Iterator[Record]:
    kind, made_by = what
    rows = [(each.times[i], each.number, i, each) for each in seen for i in range(len(each.times))]
    for at, _, index, each in sorted(rows, key=lambda row: row[:3]):
        x0, y0, x1, y1 = (round(float(v), 2) for v in each.boxes[index])
        values = {
            "label": kind,
            "score": round(each.scores[index], 4),
            **{"x0": x0, "y0": y0, "x1": x1, "y1": y1},
            "track": each.number if each.counts and not still else None,
            "person": named.get(id(each)),
            "shot": None if still else each.shot,
        }
        yield Record("region", None if still else Span(at, at), values, made_by)


def _persons(
    counted: Sequence[Seen],
    labels: Sequence[str | None],
    made_by: Provenance,
    still: bool,
    classes: Mapping[str, str],
) -> Iterator[Record]:
    for label in sorted({each for each in labels if each}, key=lambda each: int(each[1:])):
        mine = [i for i, each in enumerate(labels) if each == label]
        tracks = [counted[i] for i in mine]
        best = max(tracks, key=lambda each: each.weight)
        x0, y0, x1, y1 = (round(float(v), 2) for v in best.boxes[best.best])
        mean = center(mine, [each.embedding for each in counted], [each.weight for each in counted])
        beside = {
            other
            for other, each in zip(labels, counted, strict=True)
            if other not in (None, label) and any(_together(each, one) for one in tracks)
        }
        values = {
            "person": label,
            "num_tracks": len(tracks),
            "duration": round(sum(each.span.duration for each in tracks), 3),
            "at": None if still else best.times[best.best],
            **{"x0": x0, "y0": y0, "x1": x1, "y1": y1},
            "apart": sorted(beside),
            **_detected(tracks, classes),
            "embedding": [float(v) for v in mean.astype(np.float32)],
        }
        span = Span(min(t.times[0] for t in tracks), max(t.times[-1] for t in tracks))
        yield Record("person", None if still else span, values, made_by)


def _detected(tracks: Sequence[Seen], classes: Mapping[str, str]) -> dict[str, Any]:
    """What a trained detector says of a person: the class of most of the tracks."""
    said = Counter(each.detected[0] for each in tracks if each.detected)
    if not said:
        return {"detected": None, "detected_as": None, "detected_score": None}
    name = said.most_common(1)[0][0]
    score = max(each.detected[1] for each in tracks if each.detected and each.detected[0] == name)
    return {"detected": name, "detected_as": classes[name], "detected_score": score}


def _looks(
    counted: Sequence[Seen], named: Mapping[int, str], made_by: Provenance
) -> Iterator[Record]:
    for each in counted:
        for values in () if each.looks is None else each.looks.astype(np.float32):
            look = {
                "track": each.number,
                "person": named.get(id(each)),
                "embedding": values.tolist(),
            }
            yield Record("look", each.span, look, made_by)


def _mouths(counted: Sequence[Seen], named: Mapping[int, str], rate: float) -> Iterator[Record]:
    made_by = Provenance("mouth-motion", "2", {"rate": rate})
    for each in counted:
        if len(each.mouth):
            values = {
                "track": each.number,
                "person": named.get(id(each)),
                "rate": rate,
                "motion": [round(float(v), 4) for v in each.mouth],
            }
            yield Record("mouth", each.span, values, made_by)
