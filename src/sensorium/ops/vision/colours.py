"""Which colours a picture has: histograms in CIE Lab, where equal steps look about equally large."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

_TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float32
)
_WHITE = np.array([0.9505, 1.0, 1.089], np.float32)  # D65
_LIGHTS, _SHADES, _REACH = 4, 8, 64.0


def lab(pixels: NDArray) -> NDArray[np.float32]:
    """sRGB 0..255 ``(..., 3)`` to Lab: lightness 0..100, then green to red and blue to yellow about 0.

    >>> np.round(lab(np.array([255, 255, 255]))).tolist()
    [100.0, 0.0, -0.0]
    """
    light = np.asarray(pixels, np.float32) / 255
    linear = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    x = linear @ _TO_XYZ.T / _WHITE
    cube = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    first, second, third = np.moveaxis(cube, -1, 0)
    return np.stack([116 * second - 16, 500 * (first - second), 200 * (second - third)], axis=-1)


def colour_histogram(pixels: NDArray) -> NDArray[np.float32]:
    """256 values of unit norm: roots of the shares of 4 lights by 8 by 8 shades.

    A pixel counts for the bins about it in proportion to how near they are, so that a slightly other
    light moves the histogram slightly. The cosine of two is their Bhattacharyya coefficient.
    """
    values = lab(pixels.reshape(-1, 3))
    scaled = np.stack(
        [
            np.clip(values[:, 0] / 100, 0, 1) * (_LIGHTS - 1),
            *(
                (np.clip(values[:, k], -_REACH, _REACH) / _REACH + 1) / 2 * (_SHADES - 1)
                for k in (1, 2)
            ),
        ],
        axis=1,
    )
    low = np.floor(scaled).astype(int)
    part = scaled - low
    sizes = (_LIGHTS, _SHADES, _SHADES)
    found = np.zeros(sizes, np.float32)
    for corner in product((0, 1), repeat=3):
        weight = np.prod(np.where(corner, part, 1 - part), axis=1)
        place = np.minimum(low + corner, np.array(sizes) - 1)
        np.add.at(found, tuple(place.T), weight)
    return np.sqrt(found.ravel() / max(float(found.sum()), 1e-12))
