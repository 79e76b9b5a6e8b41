"""How much a mouth moves: small patches about the landmarks, compared from frame to frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ROWS, _COLUMNS = 12, 20


def face_patches(light: NDArray, landmarks: NDArray) -> NDArray[np.float32]:
    """(2, row, column): the mouth and the eyes of one face in `light` (height, width), turned upright.

    `landmarks` (5, 2): left eye, right eye, nose, corners of the mouth. Both patches are measured in
    the distance between the eyes, so that the size of the face does not matter; each is made to
    have mean 0 and deviation 1, so that light and contrast do not either.
    """
    left, right = landmarks[0], landmarks[1]
    across = right - left
    down = np.array([-across[1], across[0]])
    mouth = (landmarks[3] + landmarks[4]) / 2 + 0.12 * down
    eyes = (left + right) / 2 - 0.05 * down
    return np.stack([_patch(light, middle, across, down) for middle in (mouth, eyes)])


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
    """Change of the mouth less change of the eyes between two `face_patches`.

    A head that turns changes both, a mouth that speaks only the first.
    """
    change = np.abs(after - before).mean(axis=(1, 2))
    return float(change[0] - change[1])


def regular(
    times: NDArray[np.float64], values: NDArray, start: float, end: float, rate: float
) -> NDArray[np.float32]:
    """Values at irregular times -> means on a regular grid; a step without any is 0."""
    num = max(1, int(np.ceil((end - start) * rate - 1e-9)))
    steps = np.clip(((times - start) * rate).astype(int), 0, num - 1)
    total = np.bincount(steps, weights=values, minlength=num)
    count = np.bincount(steps, minlength=num)
    return (total / np.maximum(count, 1)).astype(np.float32)
