"""The one door through which files come in."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence

import numpy as np

from sensorium.adapters.media import av, pillow
from sensorium.core.errors import MediaError, MissingMediaError, UnsupportedMediaError
from sensorium.core.limits import Limits
from sensorium.core.media import Audio, Frames, MediaRef


class MediaReader:
    """Reads images through Pillow, audio and video through PyAV, by content and within `limits`."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()

    def probe(self, uri: str) -> MediaRef:
        """What the file is.

        Raises:
            MissingMediaError: no such file, or it may not be read.
            UnsupportedMediaError: no image, audio or video.
            LimitError: a picture too large or a recording too long.
            MediaError: empty, cut short, or broken.
        """
        uri = os.fspath(uri)
        digest, num_bytes = _digest(uri)
        if not num_bytes:
            raise MediaError(f"{uri}: the file is empty; expected an image, audio or video")
        found = pillow.describe(uri, self._limits)
        if found is None:
            return av.describe(uri, digest, num_bytes, self._limits)
        name, width, height = found
        return MediaRef(uri, digest, "image", name, num_bytes, width=width, height=height)

    def audio(self, ref: MediaRef, sample_rate: int, channel: int | None = None) -> Iterator[Audio]:
        """The sound of the track that `ref` names, mono (the average of the channels, or one), resampled
        by soxr, in chunks of 10 s."""
        if not ref.has_sound:
            return iter(())
        return av.sound(ref.uri, sample_rate, self._limits, channel, ref.audio_track)

    def frames(
        self, ref: MediaRef, max_side: int | None, times: Sequence[float] | None = None
    ) -> Iterator[Frames]:
        """The pictures one at a time, upright; of an image the one picture, at 0 seconds."""
        if ref.kind == "video":
            yield from av.pictures(ref.uri, self._limits, max_side, times)
        elif ref.kind == "image":
            pixels = pillow.pixels(ref.uri, self._limits, max_side)
            for _ in times or [0.0]:
                yield Frames(pixels[None], np.zeros(1))


def _digest(uri: str) -> tuple[str, int]:
    """(sha256 in hexadecimal, number of bytes)."""
    total, num_bytes = hashlib.sha256(), 0
    if os.path.isdir(uri):
        raise UnsupportedMediaError(f"{uri}: expected a file, found a folder without any files")
    try:
        with open(uri, "rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
                num_bytes += len(block)
    except FileNotFoundError:
        raise MissingMediaError(f"{uri}: no such file") from None
    except OSError as error:
        raise MissingMediaError(f"{uri}: cannot be opened ({error.strerror})") from error
    return total.hexdigest(), num_bytes
