"""Whole persons: bodies found and followed through each shot, and the face that sits on each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from sensorium.core.features import Features
from sensorium.core.media import Frames, MediaRef
from sensorium.core.record import Record
from sensorium.core.time import Span
from sensorium.core.vision import Regions
from sensorium.ops.people.belonging import Followed, Told, owners, who_is
from sensorium.ops.vision.track import Track, Tracker, TrackRule
from sensorium.ports import Detector, Earlier, Reader, Report

_HEAD = 0.5  # score of a face whose person only its body says
_FIRST = 500_000  # number of the first track, so that none is that of a face


@dataclass(frozen=True, slots=True)
class BodiesOptions:
    """How bodies are looked for, and how long one stays its person once the face is turned away.

    `per_second`: pictures of a video that are searched; `max_side`: pixels they are read at; a track
    counts from `sightings` on; `reach`: seconds around its sightings for which a face is there; the score
    of a body whose face is not seen halves every `fading` seconds.
    """

    per_second: float = 5.0
    max_side: int = 640
    sightings: int = 3
    reach: float = 0.3
    fading: float = 10.0
    tracks: TrackRule = field(default_factory=lambda: TrackRule(least_iou=0.3, reach=0.3))


class Bodies:
    """Records of kind region, label ``body``, whose `person` is that of the face on the body.

    Where the face is turned away, the body goes on as the same person, its score less the longer that
    lasts. A face that was followed but is nobody's by itself (too small, from the side, masked) on a body
    that is somebody's comes again as a region ``head`` of that person. Tracks end at cuts.
    """

    name = "bodies"
    needs: tuple[str, ...] = ("shots", "faces")

    def __init__(
        self, reader: Reader, detector: Detector, options: BodiesOptions | None = None
    ) -> None:
        self._reader = reader
        self._detector = detector
        self._options = options or BodiesOptions()

    def recipe(self) -> Mapping[str, Any]:
        """The model and the choice of pictures."""
        models = [self._detector.provenance.plain()]
        return {"name": self.name, "version": 1, "models": models, "params": asdict(self._options)}

    def applies(self, ref: MediaRef) -> bool:
        """Whatever has pictures."""
        return ref.kind in ("image", "video")

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """Regions in order of time."""
        still = ref.kind == "image"
        found = self._looked(ref, earlier, report)
        least = 1 if still else self._options.sightings
        tracks = [(shot, track) for shot, track in found if len(track.times) >= least]
        bodies = [_followed(shot, track) for shot, track in tracks]
        faces = _faces(earlier["region"])
        owner = owners(faces, bodies, self._options.reach)
        told = who_is(bodies, faces, owner)
        scores = [track.scores for _, track in tracks]
        rows = [*self._bodies(bodies, scores, told), *_heads(bodies, faces, owner, told)]
        for at, _, values in sorted(rows, key=lambda row: row[:2]):
            if still:
                values |= {"track": None, "shot": None}
            yield Record(
                "region", None if still else Span(at, at), values, self._detector.provenance
            )

    def _looked(self, ref: MediaRef, earlier: Earlier, report: Report) -> list[tuple[int, Track]]:
        """(shot, track) of every body."""
        starts = np.array([r.span.start for r in earlier["shot"] if r.span] or [0.0])
        tracker, done = Tracker(self._options.tracks, _FIRST), []
        due, shot = 0.0, 0
        for frame in self._reader.frames(ref, self._options.max_side):
            at = float(frame.times[0])
            place = max(0, int(np.searchsorted(starts, at + 1e-6, side="right")) - 1)
            if place != shot:
                done += [(shot, track) for track in tracker.finish()]
                shot, due = place, at
            if at + 1e-6 < due:
                continue
            due = max(due + 1 / self._options.per_second, at)
            _, ended = tracker.step(self._in_file(frame, ref))
            done += [(shot, track) for track in ended]
            report(at)
        return [*done, *((shot, track) for track in tracker.finish())]

    def _in_file(self, frame: Frames, ref: MediaRef) -> Regions:
        """What is found in a picture, in pixels of the file."""
        found = self._detector.detect(frame)[0]
        scale = np.tile(ref.scale(frame), 2).astype(np.float32)
        return replace(found, xyxy=found.xyxy * scale)

    def _bodies(
        self, bodies: Sequence[Followed], scores: Sequence[list[float]], told: list[list[Told]]
    ) -> Iterator[tuple[float, int, dict[str, Any]]]:
        for body, sure, whose in zip(bodies, scores, told, strict=True):
            for time, box, score, one in zip(body.times, body.boxes, sure, whose, strict=True):
                if one.person:
                    hidden = max(0.0, one.away - self._options.reach)
                    score *= 0.5 ** (hidden / self._options.fading)
                yield float(time), body.number, _values("body", box, score, body, one.person)


def _values(
    label: str, box: np.ndarray, score: float, body: Followed, person: str | None
) -> dict[str, Any]:
    x0, y0, x1, y1 = (round(float(v), 2) for v in box)
    return {
        "label": label,
        "score": round(float(score), 4),
        **{"x0": x0, "y0": y0, "x1": x1, "y1": y1},
        "track": body.number,
        "person": person,
        "shot": body.shot,
    }


def _heads(
    bodies: Sequence[Followed],
    faces: Sequence[Followed],
    owner: Mapping[int, int],
    told: list[list[Told]],
) -> Iterator[tuple[float, int, dict[str, Any]]]:
    """Faces of nobody on bodies of somebody."""
    for index, place in owner.items():
        face, body = faces[index], bodies[place]
        if face.person:
            continue
        for time, box in zip(face.times, face.boxes, strict=True):
            one = told[place][int(np.argmin(np.abs(body.times - time)))]
            if one.person:
                yield float(time), body.number, _values("head", box, _HEAD, body, one.person)


def _followed(shot: int, track: Track) -> Followed:
    return Followed(track.number, shot, np.array(track.times), np.stack(track.boxes))


def _faces(regions: Sequence[Record]) -> list[Followed]:
    """The tracks of the faces; in an image, each face by itself."""
    rows: dict[Any, list[tuple[float, list[float], str | None, int]]] = {}
    for index, record in enumerate(regions):
        values = record.values
        if values["label"] != "face" or (record.span and values["track"] is None):
            continue
        at = record.span.start if record.span else 0.0
        box = [values[name] for name in ("x0", "y0", "x1", "y1")]
        key = (values["shot"], values["track"]) if record.span else index
        rows.setdefault(key, []).append((at, box, values["person"], values["shot"] or 0))
    return [
        Followed(
            number,
            seen[0][3],
            np.array([at for at, _, _, _ in seen]),
            np.array([box for _, box, _, _ in seen], np.float32),
            seen[0][2],
        )
        for number, seen in enumerate(rows.values())
    ]
