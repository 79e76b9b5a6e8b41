"""Whatever classes a detector knows (persons, heads, cars), found and followed through each shot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from sensorium.core.features import Features
from sensorium.core.media import MediaRef
from sensorium.core.record import Record
from sensorium.core.time import Span
from sensorium.core.vision import Regions
from sensorium.ops.vision.track import Tracker, TrackRule
from sensorium.ports import Detector, Earlier, Reader, Report

_FIRST = 1_000_000  # number of the first track, so that none is that of a face


@dataclass(frozen=True, slots=True)
class ObjectsOptions:
    """`per_second`: pictures of a video that are searched; `max_side`: pixels they are read at."""

    per_second: float = 5.0
    max_side: int = 1280
    tracks: TrackRule = field(default_factory=TrackRule)


class Objects:
    """Records of kind region whose label is the detector's class; no person, no identity.

    Things of one class are followed through a shot as faces are; a track never crosses a cut.
    """

    name = "objects"
    needs: tuple[str, ...] = ("shots",)

    def __init__(
        self, reader: Reader, detector: Detector, options: ObjectsOptions | None = None
    ) -> None:
        self._reader = reader
        self._detector = detector
        self._options = options or ObjectsOptions()

    def recipe(self) -> Mapping[str, Any]:
        """The model and the choice of pictures."""
        models = [self._detector.provenance.plain()]
        return {"name": self.name, "version": 1, "models": models, "params": asdict(self._options)}

    def applies(self, ref: MediaRef) -> bool:
        """Whatever has pictures."""
        return ref.kind in ("image", "video")

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """Regions in order of time."""
        starts = np.array([r.span.start for r in earlier["shot"] if r.span] or [0.0])
        trackers: dict[str, Tracker] = {}
        due, shot, following = 0.0, 0, _FIRST
        for frame in self._reader.frames(ref, self._options.max_side):
            at = float(frame.times[0])
            place = max(0, int(np.searchsorted(starts, at + 1e-6, side="right")) - 1)
            if place != shot:
                trackers, shot, due = {}, place, at
            if at + 1e-6 < due:
                continue
            due = max(due + 1 / self._options.per_second, at)
            scale = np.tile(ref.scale(frame), 2)
            found = self._detector.detect(frame)[0]
            for label, mine in _by_label(found).items():
                if label not in trackers:
                    trackers[label] = Tracker(self._options.tracks, following)
                    following += _FIRST
                numbers, _ = trackers[label].step(mine)
                for index, number in enumerate(numbers):
                    still = ref.kind == "image"
                    yield self._record(mine, index, scale, (None if still else number, place))
            report(at)

    def _record(
        self, found: Regions, index: int, scale: np.ndarray, where: tuple[int | None, int]
    ) -> Record:
        track, shot = where
        x0, y0, x1, y1 = (round(float(v), 2) for v in found.xyxy[index] * scale)
        values = {
            "label": found.label[index],
            "score": round(float(found.score[index]), 4),
            **{"x0": x0, "y0": y0, "x1": x1, "y1": y1},
            "track": track,
            "person": None,
            "shot": None if track is None else shot,
        }
        span = None if track is None else Span(found.at, found.at)
        return Record("region", span, values, self._detector.provenance)


def _by_label(found: Regions) -> dict[str, Regions]:
    """The regions of each class."""
    places: dict[str, list[int]] = defaultdict(list)
    for index, label in enumerate(found.label):
        places[label].append(index)
    return {
        label: Regions(found.xyxy[p], found.score[p], (label,) * len(p), found.track[p], found.at)
        for label, p in places.items()
    }
