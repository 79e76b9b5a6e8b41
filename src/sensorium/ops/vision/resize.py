"""Pictures made smaller or larger, antialiased, in plain numpy."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)


@lru_cache(maxsize=64)
def _weights(source: int, target: int) -> NDArray[np.float32]:
    """(target, source): triangle filter, as wide as the larger of the two steps; rows sum to 1."""
    scale = source / target
    width = max(scale, 1.0)
    centers = (np.arange(target) + 0.5) * scale
    distance = np.abs(np.arange(source)[None] + 0.5 - centers[:, None]) / width
    weights = np.maximum(0.0, 1.0 - distance)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def resize(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float32]:
    """float32 ``(height, width, 3)`` in 0..255 from ``(rows, columns, 3)``; no pixel is left out.

    Antialiased bilinear: the same triangle filter that Pillow's BILINEAR uses.

    >>> float(resize(np.full((9, 7, 3), 50, np.uint8), 4, 4).max())
    50.0
    """
    rows, columns = pixels.shape[:2]
    down = _weights(rows, height) @ pixels.reshape(rows, -1).astype(np.float32)
    across = down.reshape(height, columns, 3).transpose(0, 2, 1) @ _weights(columns, width).T
    return np.round(across.transpose(0, 2, 1), 3)


def pooled(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Every `factor` x `factor` pixels averaged; a rest at the border is averaged with its last row."""
    if factor == 1:
        return pixels
    rows, columns = pixels.shape[:2]
    padded = np.pad(pixels, ((0, -rows % factor), (0, -columns % factor), (0, 0)), mode="edge")
    shape = (padded.shape[0] // factor, factor, padded.shape[1] // factor, factor, 3)
    return padded.reshape(shape).mean(axis=(1, 3), dtype=np.float32).astype(np.uint8)


def sampled(pixels: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.float32]:
    """Bilinear samples without smoothing: what detectors are trained on (OpenCV's INTER_LINEAR).

    float32 ``(rows, columns, 3)`` in 0..255; made smaller by more than two, pixels are left out.
    """

    def places(num: int, of: int) -> tuple[NDArray, NDArray, NDArray]:
        at = np.clip((np.arange(num) + 0.5) * of / num - 0.5, 0, of - 1)
        low = np.floor(at).astype(np.int64)
        return low, np.minimum(low + 1, of - 1), (at - low).astype(np.float32)

    y0, y1, fy = places(rows, pixels.shape[0])
    x0, x1, fx = places(columns, pixels.shape[1])
    upper, lower = pixels[y0].astype(np.float32), pixels[y1].astype(np.float32)
    lines = upper + (lower - upper) * fy[:, None, None]
    return np.round(lines[:, x0] + (lines[:, x1] - lines[:, x0]) * fx[None, :, None])


def standardised(pictures: Iterable[NDArray[np.uint8]], side: int) -> NDArray[np.float32]:
    """``(picture, 3, side, side)`` with the mean and deviation of ImageNet's pixels taken out."""
    small = np.stack([resize(each, side, side) for each in pictures])
    planes = ((small / 255.0 - _MEAN) / _STD).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(planes, np.float32)
