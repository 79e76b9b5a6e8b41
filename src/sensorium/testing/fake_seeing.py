"""Models that see pictures painted for them: red is a face, and a bright face speaks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError
from sensorium.core.media import Audio, Frames
from sensorium.core.record import Provenance
from sensorium.core.vision import Regions


class FakeFaceFinder:
    """Calls all that is red in a picture one face; there are no landmarks."""

    provenance = Provenance("fake-face-finder", "1")

    def detect(self, frames: Frames) -> list[Regions]:
        return [
            self._detect(pixels.astype(np.int16), at)
            for pixels, at in zip(frames.pixels, frames.times.tolist(), strict=True)
        ]

    def _detect(self, pixels: NDArray[np.int16], at: float) -> Regions:
        rows, columns = np.nonzero(pixels[..., 0] - pixels[..., 1:].max(axis=-1) > 80)
        num = min(len(rows), 1)
        corners = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if num else []
        return Regions(
            np.array(corners, np.float32).reshape(num, 4),
            np.full(num, 0.9, np.float32),
            ("face",) * num,
            np.full(num, -1, np.int64),
            at,
        )


class FakeFaces:
    """A face is the mean colour in its box."""

    provenance = Provenance("fake-faces", "1")

    def encode(self, frames: Frames, regions: Sequence[Regions]) -> list[NDArray]:
        """Three dimensions, 0..1."""
        pairs = zip(frames.pixels, regions, strict=True)
        return [
            np.array([_colour(pixels, box) for box in each.xyxy], np.float32).reshape(-1, 3)
            for pixels, each in pairs
        ]


def _colour(pixels: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray:
    left, top, right, bottom = np.round(box).astype(int)
    inside = pixels[max(top, 0) : max(bottom, 1), max(left, 0) : max(right, 1)]
    return inside.mean(axis=(0, 1)) / 255


class FakeActiveSpeaker:
    """A face speaks as much as it is bright, and not at all while nothing is heard."""

    provenance = Provenance("fake-active-speaker", "1")

    def speaks(self, faces: NDArray, sound: Audio) -> NDArray:
        if sound.sample_rate != 16_000:
            raise UsageError(f"speaks: expected 16000 Hz, got {sound!r}")
        heard = np.zeros(len(faces) * 640, np.float32)
        samples = sound.mono()[: len(heard)]
        heard[: len(samples)] = samples
        loud = np.abs(heard.reshape(-1, 640)).max(axis=1, initial=0.0) > 0
        return (faces.mean(axis=(1, 2)) / 255 * loud).astype(np.float32)
