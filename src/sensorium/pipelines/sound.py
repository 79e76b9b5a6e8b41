"""What a language model hears: an audio encoder's rows, window by window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sensorium.core.features import Features
from sensorium.core.media import MediaRef
from sensorium.core.record import Record
from sensorium.ops.window import cut, windows
from sensorium.ports import Earlier, Reader, Report, SoundEncoder

_RATE = 16_000


class Sound:
    """Features of consecutive windows; the last, partial one is kept and its padding marked."""

    name = "sound"
    needs: tuple[str, ...] = ()

    def __init__(self, reader: Reader, encoder: SoundEncoder) -> None:
        self._reader = reader
        self._encoder = encoder

    def recipe(self) -> Mapping[str, Any]:
        """The model and its window."""
        models = [self._encoder.provenance.plain()]
        params = {"window": self._encoder.window}
        return {"name": self.name, "version": 1, "models": models, "params": params}

    def applies(self, ref: MediaRef) -> bool:
        """Whatever has sound."""
        return ref.has_sound

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """One Features per window."""
        width = self._encoder.window
        planned = windows(width, width, ref.duration or 0.0)
        for window in cut(self._reader.audio(ref, _RATE), planned):
            yield from self._encoder.encode([window])
            report(window.end)
