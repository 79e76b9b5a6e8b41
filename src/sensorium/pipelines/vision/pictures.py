"""What a language model sees: an image encoder's tokens of chosen pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from sensorium.core.features import Features
from sensorium.core.media import MediaRef
from sensorium.core.record import Record
from sensorium.core.time import Axis, Span
from sensorium.ports import Earlier, ImageEncoder, Reader, Report


@dataclass(frozen=True, slots=True)
class PicturesOptions:
    """`every`: seconds between the pictures of a long shot; `max_side`: pixels they are read at."""

    every: float = 10.0
    max_side: int = 1024


def moments(shot: Span, every: float) -> list[float]:
    """When to take pictures of a shot: its middle, or the middles of its equal parts of `every` s.

    >>> moments(Span(0.0, 8.0), 10.0), moments(Span(0.0, 30.0), 10.0)
    ([4.0], [5.0, 15.0, 25.0])
    """
    num = max(1, int(np.ceil(shot.duration / every - 1e-9)))
    part = shot.duration / num
    return [shot.start + (i + 0.5) * part for i in range(num)]


class Pictures:
    """Features ``patches`` and ``class`` of an image, or of one picture per shot of a video.

    The axes of the patches are in pixels of the file as displayed; `span` is the stretch of the shot
    that the picture stands for.
    """

    name = "pictures"
    needs: tuple[str, ...] = ("shots",)

    def __init__(
        self, reader: Reader, encoder: ImageEncoder, options: PicturesOptions | None = None
    ) -> None:
        self._reader = reader
        self._encoder = encoder
        self._options = options or PicturesOptions()

    def recipe(self) -> Mapping[str, Any]:
        """The model and the choice of pictures."""
        models = [self._encoder.provenance.plain()]
        return {"name": self.name, "version": 1, "models": models, "params": asdict(self._options)}

    def applies(self, ref: MediaRef) -> bool:
        """Whatever has pictures."""
        return ref.kind in ("image", "video")

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """The outputs of one picture after the other."""
        if ref.kind == "image":
            yield from self._outputs(ref, None, [None])
            return
        shots = [record.span for record in earlier["shot"] if record.span is not None]
        times = [at for shot in shots for at in moments(shot, self._options.every)]
        for done in self._outputs(
            ref, times, [_part(at, shots, self._options.every) for at in times]
        ):
            report(done.span.end if done.span else 0.0)
            yield done

    def _outputs(
        self, ref: MediaRef, times: Sequence[float] | None, spans: Sequence[Span | None]
    ) -> Iterator[Features]:
        pictures = self._reader.frames(ref, self._options.max_side, times)
        for frame, span in zip(
            pictures, spans, strict=False
        ):  # a video may end before its header says
            scale = ref.scale(frame)[::-1]
            for features in self._encoder.encode(frame)[0]:
                axes = tuple(_scaled(a, s) for a, s in zip(features.axes, scale, strict=False))
                yield replace(features, axes=axes, span=span)


def _part(at: float, shots: Sequence[Span], every: float) -> Span:
    """The stretch that the picture at a time stands for."""
    shot = next(shot for shot in shots if shot.start <= at < shot.end)
    half = shot.duration / max(1, int(np.ceil(shot.duration / every - 1e-9))) / 2
    return Span(max(shot.start, at - half), min(shot.end, at + half))


def _scaled(axis: Axis, factor: float) -> Axis:
    return replace(
        axis, start=axis.start * factor, step=axis.step * factor, width=axis.width * factor
    )
