"""Where the picture is cut: change from frame to frame against the change around it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sensorium.core.time import Span

_AROUND = 2  # frames on either side that a change is compared with


@dataclass(frozen=True, slots=True)
class CutRule:
    """A cut changes the picture by at least `least` (mean of 0..255 in brightness and colour), and
    `times` as much as the frames around it do; two cuts lie at least `apart` seconds from each other, and
    as far from where the pictures begin and end: what flashes up there is no shot.
    """

    least: float = 12.0
    times: float = 3.0
    apart: float = 0.4


def look(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What two frames are compared by: brightness and two colour differences, (row, column, 3)."""
    red, green, blue = (pixels[..., i].astype(np.float32) for i in range(3))
    light = 0.299 * red + 0.587 * green + 0.114 * blue
    return np.stack([light, red - light, blue - light], axis=-1)


def cuts(frames: Iterable[tuple[float, NDArray[np.uint8]]], rule: CutRule) -> Iterator[float]:
    """Times of the first frame after each cut, from (seconds, small picture) in order.

    The method of PySceneDetect's adaptive detector: fast motion changes many frames in a row, a cut
    only one, a flash two (there and back), of which neither stands out from the other.
    """
    changes: deque[tuple[float, float]] = deque(maxlen=2 * _AROUND + 1)
    before: NDArray[np.float32] | None = None
    last: float | None = None
    for seconds, pixels in _padded(frames):
        last = seconds if last is None else last  # the beginning counts as a cut
        now = look(pixels)
        change = 0.0 if before is None else float(np.abs(now - before).mean())
        before = now
        changes.append((seconds, change))
        if len(changes) < 2 * _AROUND + 1:
            continue
        at, middle = changes[_AROUND]
        around = [value for i, (_, value) in enumerate(changes) if i != _AROUND]
        stands_out = middle >= rule.least and middle >= rule.times * max(
            sum(around) / len(around), 1.0
        )
        if stands_out and middle > max(around) and at - last >= rule.apart:
            last = at
            yield at


def shots(at: Iterable[float], end: float, apart: float) -> Iterator[Span]:
    """The stretches between the ascending cuts `at`: they cover ``[0, end)``, and none is empty.

    None is shorter than `apart` seconds, unless all of it is: a cut too near to another one, or to an
    end, is left out.

    >>> list(shots([0.04, 3.0, 9.9], 10.0, 0.4))
    [Span(start=0.0, end=3.0), Span(start=3.0, end=10.0)]
    """
    start = 0.0
    for cut in at:
        if cut > start and min(cut - start, end - cut) >= apart and cut < end:
            yield Span(start, cut)
            start = cut
    if end > start:
        yield Span(start, end)


def _padded(frames: Iterable) -> Iterator:
    """The frames with the first and the last one repeated, so that the ends are judged as well."""
    last = None
    for frame in frames:
        if last is None:
            yield from [frame] * _AROUND
        last = frame
        yield frame
    if last is not None:
        yield from [last] * _AROUND
