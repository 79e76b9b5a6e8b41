"""How much a mouth moves: small patches about its landmarks, compared over a fifth of a second."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LAG = 0.2  # seconds between the two patches that are compared: about one opening of a mouth
_ROWS, _COLUMNS = 12, 20
_REACH = 2  # cells by which two patches may be shifted: what landmarks are off by


def mouth_patch(light: NDArray, landmarks: NDArray) -> NDArray[np.float32]:
    """(row, column): the mouth of one face in `light` (height, width), turned upright.

    `landmarks` (5, 2): left eye, right eye, nose, corners of the mouth. The patch is measured in the
    distance between the eyes, so that the size of the face does not matter; it is made to have
    mean 0 and deviation 1, so that light and contrast do not either.
    """
    across = landmarks[1] - landmarks[0]
    down = np.array([-across[1], across[0]])
    return _patch(light, (landmarks[3] + landmarks[4]) / 2 + 0.12 * down, across, down)


def _patch(light: NDArray, middle: NDArray, across: NDArray, down: NDArray) -> NDArray[np.float32]:
    """Bilinear samples of a field 1.2 eye distances wide and 0.8 high."""
    u, v = np.linspace(-0.6, 0.6, _COLUMNS), np.linspace(-0.4, 0.4, _ROWS)
    points = middle + u[None, :, None] * across + v[:, None, None] * down
    x = np.clip(points[..., 0], 0, light.shape[1] - 1.001)
    y = np.clip(points[..., 1], 0, light.shape[0] - 1.001)
    column, row = x.astype(int), y.astype(int)
    fx, fy = x - column, y - row
    upper = light[row, column] * (1 - fx) + light[row, column + 1] * fx
    lower = light[row + 1, column] * (1 - fx) + light[row + 1, column + 1] * fx
    values = upper * (1 - fy) + lower * fy
    return ((values - values.mean()) / max(float(values.std()), 4.0)).astype(np.float32)


def motion(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """Mean change between two patches, shifted against each other so that it is least.

    Without the shift, landmarks that tremble by a pixel look like a mouth that speaks: on the made
    episodes (docs/characters.md) that is the difference between AUC 0.9 and 1.0.
    """
    inner = _centered(after[_REACH:-_REACH, _REACH:-_REACH])
    rows, columns = inner.shape
    shifted = np.lib.stride_tricks.sliding_window_view(before, (rows, columns))
    change = np.abs(_centered(shifted) - inner).mean(axis=(-2, -1))
    return float(change.min())


def _centered(patches: NDArray) -> NDArray:
    return patches - patches.mean(axis=(-2, -1), keepdims=True)


def regular(
    times: NDArray[np.float64], values: NDArray, start: float, end: float, rate: float
) -> NDArray[np.float32]:
    """Values at irregular times -> means on a regular grid; a step without any is NaN."""
    num = max(1, int(np.ceil((end - start) * rate - 1e-9)))
    steps = np.clip(((times - start) * rate).astype(int), 0, num - 1)
    total = np.bincount(steps, weights=values, minlength=num)
    count = np.bincount(steps, minlength=num)
    means = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return means.astype(np.float32)
