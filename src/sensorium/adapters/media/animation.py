"""Pictures that move (GIF, WebP, APNG, AVIF) through Pillow: short videos without sound.

FFmpeg reads some of them, and puts transparent parts on black; Pillow reads all four, as it reads their
still relatives.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from sensorium.adapters.media import pillow
from sensorium.adapters.media.notices import notice
from sensorium.core.errors import LimitError, MediaError
from sensorium.core.limits import Limits
from sensorium.core.media import Frames

# Browsers show what states 10 ms or less for 100 ms, and files that say 0 rely on it.
_LEAST_SECONDS, _INSTEAD = 0.0105, 0.1


def length(uri: str, limits: Limits) -> tuple[int, float]:
    """(number of frames, seconds until the last one ends), once through; every frame is decoded.

    Raises:
        LimitError: too large or too long.
        MediaError: not even the first frame can be read.
    """
    num, end = 0, 0.0
    with pillow.opened(uri, limits) as picture:
        for start, lasts in _played(uri, picture, limits):
            num, end = num + 1, round(start + lasts, 9)
    return num, end


def pictures(
    uri: str, limits: Limits, max_side: int | None, times: Sequence[float] | None
) -> Iterator[Frames]:
    """One frame after the other; with ascending `times`, the one on display at each of them."""
    waiting = None if times is None else deque(times)
    with pillow.opened(uri, limits) as picture:
        frame = None
        for start, lasts in _played(uri, picture, limits):
            frame = Frames(pillow.as_pixels(uri, picture, max_side)[None], np.array([start]))
            if waiting is None:
                yield frame
            while waiting and waiting[0] < start + lasts:
                waiting.popleft()
                yield frame
            if waiting is not None and not waiting:
                return
        if frame is not None:  # after the end the last one stays
            yield from [frame] * len(waiting or ())


def _played(uri: str, picture: Image.Image, limits: Limits) -> Iterator[tuple[float, float]]:
    """(start, duration) in seconds of each frame, `picture` being that frame at that moment."""
    first, start = pillow.first_frame(picture), 0.0
    index = first
    while True:
        try:
            picture.seek(index)
            picture.load()
        except EOFError:
            return
        except Image.DecompressionBombError as error:
            raise LimitError(
                f"{uri}: {error}; expected at most {limits.max_pixels:,} pixels"
            ) from None
        except (*pillow.BROKEN, MemoryError) as error:  # a length that cannot be, too
            told = str(error) or type(error).__name__
            if index == first:
                message = f"{uri}: the animation cannot be read ({told}); is it complete?"
                raise MediaError(message) from error
            notice(uri, f"the animation breaks off at {start:.2f} s ({told}); the rest is left out")
            return
        limits.check_size(uri, *picture.size)
        stated = float(picture.info.get("duration") or 0) / 1000
        lasts = stated if stated > _LEAST_SECONDS else _INSTEAD
        limits.check_seconds(uri, start + lasts)
        yield start, lasts
        start, index = round(start + lasts, 9), index + 1  # no error of floats adds up
