"""How much a picture has changed since another one, and where: mean brightness of blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCKS = 16  # along the longer side


def blocks(light: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(row, column): mean brightness, 0..255, of square blocks of ``(height, width)``.

    What is left over at the right and at the bottom belongs to no block.

    >>> blocks(np.full((90, 160), 7, np.uint8)).shape
    (9, 16)
    """
    height, width = light.shape
    side = max(1, max(height, width) // BLOCKS)
    rows, columns = max(height // side, 1), max(width // side, 1)
    inside = light[: rows * side, : columns * side]
    deep, wide = inside.shape[0] // rows, inside.shape[1] // columns
    sums = np.add.reduceat(inside, np.arange(0, rows * deep, deep), axis=0, dtype=np.uint32)
    sums = np.add.reduceat(sums, np.arange(0, columns * wide, wide), axis=1)
    return (sums / (deep * wide)).astype(np.float32)


def covered(shape: tuple[int, int], size: tuple[int, int], boxes: NDArray) -> NDArray[np.bool_]:
    """Which of ``shape`` (row, column) blocks of a picture of `size` (height, width) touch a box."""
    hidden = np.zeros(shape, bool)
    scale = np.array([shape[1] / size[1], shape[0] / size[0]] * 2)
    for left, top, right, bottom in boxes * scale:
        hidden[
            max(int(top), 0) : max(int(np.ceil(bottom)), 0),
            max(int(left), 0) : max(int(np.ceil(right)), 0),
        ] = True
    return hidden
