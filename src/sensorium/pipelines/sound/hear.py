"""What a language model hears: an audio encoder's rows, window by window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sensorium.core.errors import UsageError
from sensorium.core.features import Features
from sensorium.core.media import Audio, MediaRef
from sensorium.core.record import Record
from sensorium.ops.sound.window import cut, windows
from sensorium.ports import Earlier, Reader, Report, SoundEncoder

_RATE = 16_000


@dataclass(frozen=True, slots=True)
class SoundOptions:
    """Windows every `hop` seconds; None: back to back.

    Where windows overlap, each gives the part in its middle that no other is nearer to, so that the
    parts follow one another without gap; the first keeps its beginning, the last its end. Outputs
    without a time axis belong to the whole window.
    """

    hop: float | None = None


def encoded(
    chunks: Iterable[Audio], duration: float, encoder: SoundEncoder, hop: float | None = None
) -> Iterator[Features]:
    """The outputs of every window of a sound of `duration` seconds, mono 16 kHz, in order of time.

    Raises:
        UsageError: a hop that is larger than the window: something would be left out.
    """
    width, step = encoder.window, encoder.window if hop is None else hop
    if not 0 < step <= width:
        raise UsageError(
            f"hop: expected more than 0 and at most the window of {width:g} s, got {hop}"
        )
    # what is the last window the sound says, not the plan: a stated length may be a sample off
    for window, first, last in _with_ends(cut(chunks, windows(width, step, duration))):
        margin = (width - step) / 2
        start = window.start if first else window.start + margin
        end = window.start + width - (0 if last else margin)
        for features in encoder.encode([window])[0]:
            yield _part(features, start, end) if step < width else features


def _with_ends(found: Iterable[Audio]) -> Iterator[tuple[Audio, bool, bool]]:
    """(window, whether it is the first, whether it is the last)."""
    held, first = None, True
    for each in found:
        if held is not None:
            yield held, first, False
            first = False
        held = each
    if held is not None:
        yield held, first, True


def _part(features: Features, start: float, end: float) -> Features:
    """What lies in ``[start, end)`` along the time axis."""
    place = next((i for i, axis in enumerate(features.axes) if axis.name == "time"), None)
    if place is None:
        return features
    axis = features.axes[place]
    num = features.values.shape[place]
    low = min(max(round((start - axis.start) / axis.step), 0), num)
    high = min(max(round((end - axis.start) / axis.step), low), num)
    chosen = (*([slice(None)] * place), slice(low, high))
    axes = list(features.axes)
    axes[place] = replace(axis, start=axis.start + low * axis.step)
    valid = (
        None if features.num_valid is None else min(max(features.num_valid - low, 0), high - low)
    )
    return replace(features, values=features.values[chosen], axes=tuple(axes), num_valid=valid)


class Sound:
    """Features of consecutive windows; the last, partial one is kept and its padding marked."""

    name = "sound"
    needs: tuple[str, ...] = ()

    def __init__(
        self, reader: Reader, encoder: SoundEncoder, options: SoundOptions | None = None
    ) -> None:
        self._reader = reader
        self._encoder = encoder
        self._options = options or SoundOptions()

    def recipe(self) -> Mapping[str, Any]:
        """The model, its window and the hop."""
        models = [self._encoder.provenance.plain()]
        params = {"window": self._encoder.window, "hop": self._options.hop}
        return {"name": self.name, "version": 3, "models": models, "params": params}

    def applies(self, ref: MediaRef) -> bool:
        """Whatever has sound."""
        return ref.has_sound

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """The outputs of every window."""
        chunks = self._reader.audio(ref, _RATE)
        for features in encoded(chunks, ref.duration or 0.0, self._encoder, self._options.hop):
            yield features
            report(features.span.end if features.span else 0.0)
