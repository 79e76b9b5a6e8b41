"""Which face speaks, by a model that was trained for it: faces at 25 a second beside their sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorium.core.features import Features
from sensorium.core.media import Audio, MediaRef
from sensorium.core.record import Record
from sensorium.core.time import Span
from sensorium.ops.vision.boxes import widened
from sensorium.ops.vision.resize import resize
from sensorium.ports import ActiveSpeaker, Earlier, Reader, Report

RATE, SIDE = 25, 112  # what the models are trained on: pictures per second, pixels
_ROOM = 1.4  # a crop is so many times the face
_LONGEST = 100  # pictures that are looked at together
_SOUND, _KEPT = 16_000, 10.0  # Hz, seconds


@dataclass(slots=True)
class _Track:
    """One face: where it was seen, and the crops that were not looked at yet."""

    number: int
    person: str | None
    times: list[float] = field(default_factory=list)
    boxes: list[NDArray] = field(default_factory=list)
    crops: list[NDArray[np.uint8]] = field(default_factory=list)
    first: int = 0  # number of the first crop on the grid of 25 a second
    scores: list[float] = field(default_factory=list)

    @property
    def start(self) -> int:
        """First step of the grid on which it is seen."""
        return int(np.ceil(self.times[0] * RATE - 1e-6))

    def box(self, at: float) -> NDArray:
        """Between two sightings in proportion to time."""
        return np.array(
            [np.interp(at, self.times, [box[i] for box in self.boxes]) for i in range(4)],
            np.float32,
        )


class _Following:
    """The sound beside the pictures: read forward, the last ten seconds kept."""

    def __init__(self, chunks: Iterator[Audio]) -> None:
        self._chunks = chunks
        self._held: Audio | None = None

    def during(self, span: Span) -> Audio:
        """The sound of a span that begins at most ten seconds before the last one; silence where none is."""
        while self._held is None or self._held.end < span.end:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            kept = self._held and self._held.between(span.start - _KEPT, self._held.end)
            self._held = kept.followed_by(chunk) if kept else chunk
        samples = np.zeros((1, round(span.duration * _SOUND)), np.float32)
        if self._held is not None:
            found = self._held.between(span.start, span.end)
            first = round((found.start - span.start) * _SOUND)
            part = found.samples[:, : samples.shape[1] - first]
            samples[:, first : first + part.shape[1]] = part
        return Audio(samples, _SOUND, span.start)


class Speaking:
    """Records of kind speaking: the probability that a track speaks, 25 a second."""

    name = "speaking"
    needs: tuple[str, ...] = ("faces",)

    def __init__(self, reader: Reader, model: ActiveSpeaker) -> None:
        self._reader = reader
        self._model = model

    def recipe(self) -> Mapping[str, Any]:
        """The model."""
        return {"name": self.name, "version": 1, "models": [self._model.provenance.plain()]}

    def applies(self, ref: MediaRef) -> bool:
        """Whatever has moving pictures and sound."""
        return ref.kind == "video" and ref.has_sound

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """One record per track, as tracks end."""
        tracks, sound = _tracks(earlier["region"]), _Following(self._reader.audio(ref, _SOUND))
        scale, step = None, 0
        for frame in self._reader.frames(ref, None):
            at = float(frame.times[0])
            width = frame.pixels.shape[2]
            scale = scale or (width / (ref.width or width))
            while step <= int(at * RATE + 1e-6):
                for track in tracks:
                    if track.start <= step and step / RATE <= track.times[-1] + 1e-6:
                        self._see(track, step, frame.pixels[0], scale)
                        if len(track.crops) >= _LONGEST:
                            self._judge(track, sound)
                step += 1
            for track in [each for each in tracks if each.times[-1] + 1 / RATE < at]:
                tracks.remove(track)
                yield from self._ended(track, sound)
            report(at)
        for track in tracks:
            yield from self._ended(track, sound)

    def _see(self, track: _Track, step: int, pixels: NDArray[np.uint8], scale: float) -> None:
        if not track.crops:
            track.first = step
        box = track.box(step / RATE) * scale
        left, top, right, bottom = widened(box, _ROOM, *pixels.shape[:2])
        gray = pixels[top:bottom, left:right].astype(np.float32) @ (0.299, 0.587, 0.114)
        small = resize(np.repeat(gray[..., None], 3, axis=2).astype(np.uint8), SIDE, SIDE)[..., 0]
        track.crops.append(np.round(small).astype(np.uint8))

    def _judge(self, track: _Track, sound: _Following) -> None:
        """Asks the model about the crops that wait, with the sound of that time."""
        if not track.crops:
            return
        span = Span(track.first / RATE, (track.first + len(track.crops)) / RATE)
        track.scores += self._model.speaks(np.stack(track.crops), sound.during(span)).tolist()
        track.crops = []

    def _ended(self, track: _Track, sound: _Following) -> Iterator[Record]:
        self._judge(track, sound)
        if track.scores:
            start = track.start / RATE
            values = {
                "track": track.number,
                "person": track.person,
                "rate": float(RATE),
                "score": [round(float(value), 4) for value in track.scores],
            }
            span = Span(start, start + len(track.scores) / RATE)
            yield Record("speaking", span, values, self._model.provenance)


def _tracks(regions: Sequence[Record]) -> list[_Track]:
    """The tracks of a file with all their sightings; single ones are no use here."""
    found: dict[int, _Track] = {}
    for record in regions:
        values = record.values
        if values["track"] is None or record.span is None or values["label"] != "face":
            continue
        track = found.setdefault(values["track"], _Track(values["track"], values["person"]))
        track.times.append(record.span.start)
        track.boxes.append(
            np.array([values[name] for name in ("x0", "y0", "x1", "y1")], np.float32)
        )
    return [track for track in found.values() if len(track.times) > 1]
