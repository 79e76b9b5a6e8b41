"""Encoders that stand in for the real ones: they measure colours and loudness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sensorium.core.errors import UsageError
from sensorium.core.features import Features
from sensorium.core.media import Audio, Frames
from sensorium.core.record import Provenance
from sensorium.core.time import Axis, Span

_RATE = 16_000


class FakeImageEncoder:
    """The mean colour of each quarter of a picture, and of all of it."""

    provenance = Provenance("fake-image-encoder", "1")

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads

    def encode(self, frames: Frames) -> list[tuple[Features, ...]]:
        height, width = frames.pixels.shape[1:3]
        axes = (
            Axis("height", 0.0, height / 2, height / 2, "px"),
            Axis("width", 0.0, width / 2, width / 2, "px"),
        )
        rows = np.array_split(np.arange(height), 2) if height > 1 else [np.arange(1)] * 2
        columns = np.array_split(np.arange(width), 2) if width > 1 else [np.arange(1)] * 2
        model = self.provenance.model
        found: list[tuple[Features, ...]] = []
        for picture in frames.pixels.astype(np.float32):
            quarters = [[picture[np.ix_(r, c)].mean((0, 1)) for c in columns] for r in rows]
            patches = Features(np.array(quarters, np.float32), axes, model, "patches")
            found.append((patches, Features(picture.mean((0, 1)), (), model, "class")))
        return found


class FakeSoundEncoder:
    """Mean and loudness of every half second of windows of two seconds."""

    provenance = Provenance("fake-sound-encoder", "1")
    window = 2.0

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads

    def encode(self, windows: Sequence[Audio]) -> list[tuple[Features, ...]]:
        return [(self._encode(each),) for each in windows]

    def _encode(self, window: Audio) -> Features:
        if window.sample_rate != _RATE or window.duration > self.window + 1e-6:
            raise UsageError(f"encode: expected at most 2 s at {_RATE} Hz, got {window!r}")
        size = _RATE // 2
        samples = np.zeros(4 * size, np.float32)
        samples[: window.samples.shape[1]] = window.mono()[: 4 * size]
        rows = samples.reshape(4, size)
        values = np.stack([rows.mean(1), np.sqrt((rows**2).mean(1))], 1)
        num_valid = min(4, int(np.ceil(window.duration / 0.5 - 1e-9)))
        axis, span = Axis("time", window.start, 0.5, 0.5, "s"), Span(window.start, window.end)
        return Features(values, (axis,), self.provenance.model, "encoder", span, num_valid)
