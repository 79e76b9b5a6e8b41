"""Pictures of patches, as arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError
from sensorium.core.patch.grid import PatchGrid
from sensorium.ops.patch.numpy_patches import layout


def rgb(values: Any, channel: int | None) -> NDArray[np.uint8]:
    """Anything as uint8 (..., 3): grey repeated, alpha left out, other ranges stretched to 0..255."""
    pixels = np.asarray(values)
    pixels = pixels[..., None] if channel is None else np.moveaxis(pixels, channel, -1)
    if pixels.shape[-1] in (2, 4):
        pixels = pixels[..., :-1]
    if pixels.shape[-1] not in (1, 3):
        pixels = pixels[..., :1]
    if pixels.dtype != np.uint8:
        wide = np.nan_to_num(pixels.astype(np.float64), posinf=0, neginf=0)
        low, high = (float(wide.min()), float(wide.max())) if wide.size else (0.0, 1.0)
        pixels = np.rint((wide - low) * (255 / ((high - low) or 1))).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:-1], 3)))


def channel_of(grid: PatchGrid) -> int | None:
    """Which axis of a picture holds its channels; refuses what is no picture."""
    others = [name for name in grid.axes if name not in grid.names]
    if len(grid.names) != 2 or len(others) > 1 or layout(grid).num_batch:
        raise UsageError(
            f"draw: expected one picture cut along two axes (h w, h w c or c h w), "
            f"got {' '.join(grid.axes)} cut along {' '.join(grid.names)}"
        )
    return grid.axes.index(others[0]) if others else None


def outlined(pixels: NDArray[np.uint8], grid: PatchGrid, color: tuple[int, int, int]) -> NDArray:
    """A copy of the picture (height, width, 3) with the outline of every patch."""
    drawn = pixels.copy()
    height, width = drawn.shape[:2]
    tint = np.array(color, np.uint16)
    for axis, length in ((0, height), (1, width)):
        starts = grid.starts[axis]
        lines = np.unique(np.concatenate([starts, starts + grid.patch[axis] - 1]))
        lines = lines[lines < length]
        where = (lines,) if axis == 0 else (slice(None), lines)
        drawn[where] = ((drawn[where].astype(np.uint16) + 3 * tint) // 4).astype(np.uint8)
    return drawn


def sheet(patches: NDArray[np.uint8], columns: int, gap: int = 2) -> NDArray[np.uint8]:
    """Pictures (patch, height, width, 3) side by side on white, `columns` in a row."""
    num, height, width, _ = patches.shape
    rows = math.ceil(num / columns)
    board = np.full(
        (rows * (height + gap) + gap, columns * (width + gap) + gap, 3), 255, dtype=np.uint8
    )
    for number, picture in enumerate(patches):
        top = gap + (number // columns) * (height + gap)
        left = gap + (number % columns) * (width + gap)
        board[top : top + height, left : left + width] = picture
    return board
