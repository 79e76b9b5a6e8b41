"""What is written on the screen: names in lower thirds, burned-in subtitles, credits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sensorium.core.features import Features
from sensorium.core.media import Frames, MediaRef
from sensorium.core.record import Record
from sensorium.core.time import Span
from sensorium.core.vision import Regions
from sensorium.pipelines.vision.pictures import moments
from sensorium.ports import Detector, Earlier, Reader, Report


@dataclass(frozen=True, slots=True)
class TextsOptions:
    """`every`: seconds between the pictures of a shot that are read; `apart`: least seconds between
    two readings, over cuts too; `max_side`: pixels they are read at; `together`: pictures that the reader
    of texts sees at once: a line that stands in several is read once.
    """

    every: float = 3.0
    apart: float = 1.0
    max_side: int = 1280
    together: int = 8


class Texts:
    """Records of kind text, one per line and picture that was read."""

    name = "texts"
    needs: tuple[str, ...] = ("shots",)

    def __init__(
        self, reader: Reader, texts: Detector, options: TextsOptions | None = None
    ) -> None:
        self._reader = reader
        self._texts = texts
        self._options = options or TextsOptions()

    def recipe(self) -> Mapping[str, Any]:
        """The model and the choice of pictures."""
        models = [self._texts.provenance.plain()]
        return {"name": self.name, "version": 3, "models": models, "params": asdict(self._options)}

    def applies(self, ref: MediaRef) -> bool:
        """Whatever has pictures."""
        return ref.kind in ("image", "video")

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """Lines in order of time, from top to bottom."""
        times = None if ref.kind == "image" else self._times(earlier)
        pictures = self._reader.frames(ref, self._options.max_side, times)
        for frames in _together(pictures, self._options.together):
            for found in self._texts.detect(frames):
                span = None if times is None else Span(found.at, found.at)
                yield from self._lines(found, ref.scale(frames) * 2, span)
            report(float(frames.times[-1]))

    def _times(self, earlier: Earlier) -> list[float]:
        chosen: list[float] = []
        for shot in earlier["shot"]:
            for at in moments(shot.span, self._options.every) if shot.span else ():
                if not chosen or at - chosen[-1] >= self._options.apart:
                    chosen.append(at)
        return chosen

    def _lines(self, found: Regions, scale: Sequence[float], span: Span | None) -> Iterator[Record]:
        for box, score, text in zip(found.xyxy, found.score, found.label, strict=True):
            corners = [round(float(v * s), 2) for v, s in zip(box, scale, strict=True)]
            place = dict(zip(("x0", "y0", "x1", "y1"), corners, strict=True))
            values = {"text": text, "score": round(float(score), 4), **place}
            yield Record("text", span, values, self._texts.provenance)


def _together(pictures: Iterable[Frames], most: int) -> Iterator[Frames]:
    """Up to `most` pictures that follow one another and are of one size."""
    held: list[Frames] = []
    for picture in pictures:
        if held and (len(held) == most or picture.pixels.shape != held[0].pixels.shape):
            yield _stacked(held)
            held = []
        held.append(picture)
    if held:
        yield _stacked(held)


def _stacked(held: Sequence[Frames]) -> Frames:
    return Frames(
        np.concatenate([each.pixels for each in held]),
        np.concatenate([each.times for each in held]),
    )
