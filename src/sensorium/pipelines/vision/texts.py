"""What is written on the screen: names in lower thirds, burned-in subtitles, credits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sensorium.core.features import Features
from sensorium.core.media import Frames, MediaRef
from sensorium.core.record import Record
from sensorium.core.time import Span
from sensorium.pipelines.vision.pictures import moments
from sensorium.ports import Detector, Earlier, Reader, Report


@dataclass(frozen=True, slots=True)
class TextsOptions:
    """`every`: seconds between the pictures of a shot that are read; `apart`: least seconds between
    two readings, over cuts too; `max_side`: pixels they are read at.
    """

    every: float = 3.0
    apart: float = 1.0
    max_side: int = 1280


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
        return {"name": self.name, "version": 1, "models": models, "params": asdict(self._options)}

    def applies(self, ref: MediaRef) -> bool:
        """Whatever has pictures."""
        return ref.kind in ("image", "video")

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """Lines in order of time, from top to bottom."""
        times = None if ref.kind == "image" else self._times(earlier)
        for frame in self._reader.frames(ref, self._options.max_side, times):
            at = float(frame.times[0])
            yield from self._lines(ref, frame, None if times is None else Span(at, at))
            report(at)

    def _times(self, earlier: Earlier) -> list[float]:
        chosen: list[float] = []
        for shot in earlier["shot"]:
            for at in moments(shot.span, self._options.every) if shot.span else ():
                if not chosen or at - chosen[-1] >= self._options.apart:
                    chosen.append(at)
        return chosen

    def _lines(self, ref: MediaRef, frame: Frames, span: Span | None) -> Iterator[Record]:
        scale = ref.scale(frame) * 2
        found = self._texts.detect(frame)[0]
        for box, score, text in zip(found.xyxy, found.score, found.label, strict=True):
            corners = [round(float(v * s), 2) for v, s in zip(box, scale, strict=True)]
            place = dict(zip(("x0", "y0", "x1", "y1"), corners, strict=True))
            values = {"text": text, "score": round(float(score), 4), **place}
            yield Record("text", span, values, self._texts.provenance)
