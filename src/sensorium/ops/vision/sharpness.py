"""How sharp a face is in a picture: blurred faces of different people look alike to an encoder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sensorium.ops.vision.resize import resize

_SIDE = 24  # pixels that a face is compared at: grain and compression lie below, what tells a face above
_LEAST_VARIANCE = 16.0  # of brightness: a flat box has no contrast to share out


def sharpness(pixels: NDArray[np.uint8], box: NDArray) -> float:
    """Variance of the Laplacian over that of the brightness, of the square about a box, at 24 x 24.

    `pixels` are ``(height, width, 3)``, `box` left, top, right, bottom in them. Light, contrast and size
    make no difference; 0.35 to 2 in faces of 36 pixels and more, below 0.25 where they are blurred by
    4 % of their height (docs/characters.md). The measure is that of Pech-Pacheco et al. 2000, divided by
    the contrast. 0 for a box outside the picture.

    >>> sharpness(np.full((40, 40, 3), 90, np.uint8), np.array([4, 4, 36, 36]))
    0.0
    """
    half = float(box[2] - box[0] + box[3] - box[1]) / 4
    middle = (np.asarray(box[:2], np.float64) + box[2:]) / 2
    rows, columns = pixels.shape[:2]
    left, top = (max(0, round(float(v - half))) for v in middle)
    right = min(columns, round(float(middle[0] + half)))
    bottom = min(rows, round(float(middle[1] + half)))
    if right <= left or bottom <= top:
        return 0.0
    light = resize(pixels[top:bottom, left:right], _SIDE, _SIDE).mean(axis=-1)
    inner = light[1:-1, 1:-1]
    across, down = light[1:-1, :-2] + light[1:-1, 2:], light[:-2, 1:-1] + light[2:, 1:-1]
    edges = (across + down - 4 * inner)[1:-1, 1:-1]  # without what touches the border
    return float(edges.var() / max(float(light.var()), _LEAST_VARIANCE))
