"""Whether two pictures are nearly the same, by difference hashes (Krawetz 2013, "Kind of like that")."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SIDE = 8  # cells along a side, and differences across it
_BITS = 2 * _SIDE * _SIDE
_LEVEL = 1.0  # of 255: smaller differences are noise of a plain surface


def difference_hash(pixels: NDArray[np.uint8]) -> int:
    """128 bits of a picture uint8 ``(height, width, 3)``: where its brightness rises.

    64 bits say whether each of 8 x 9 cells is brighter than the one to its left, and 64 whether each of
    9 x 8 is brighter than the one above. A plain surface has no bit set.

    >>> ramp = np.tile(np.arange(0, 180, dtype=np.uint8)[None, :, None], (40, 1, 3))
    >>> difference_hash(ramp).bit_count(), difference_hash(ramp[:, ::-1]).bit_count()
    (64, 0)
    """
    gray = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    rows, columns = _averaged(gray, _SIDE), _averaged(gray.T, _SIDE)
    right = np.diff(_averaged(rows.T, _SIDE + 1), axis=0)
    down = np.diff(_averaged(columns.T, _SIDE + 1), axis=0)
    bits = np.concatenate([right.ravel() > _LEVEL, down.ravel() > _LEVEL])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def _averaged(values: NDArray, num: int) -> NDArray:
    """`num` means over equal parts of the first axis (of single rows where there are fewer)."""
    edges = np.linspace(0, len(values), num + 1)
    first = np.minimum(np.floor(edges[:-1]).astype(int), len(values) - 1)
    last = np.maximum(np.floor(edges[1:]).astype(int), first + 1)
    return np.stack([values[a:b].mean(axis=0) for a, b in zip(first, last, strict=True)])


class Seen:
    """The hashes of the pictures that are kept so far."""

    def __init__(self, most: int) -> None:
        """`most`: how many bits of 64 may differ in two pictures that count as the same."""
        self._most = most * _BITS // 64
        self._hashes: list[int] = []

    def __contains__(self, value: int) -> bool:
        return any((value ^ each).bit_count() <= self._most for each in self._hashes)

    def add(self, value: int) -> None:
        """Keeps one more."""
        self._hashes.append(value)
