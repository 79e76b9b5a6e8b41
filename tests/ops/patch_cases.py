"""Random arrays and grids that the tests of patches share."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from sensorium.core.patch.grid import PatchGrid
from sensorium.ops.patch import numpy_patches

AXES = ("x", "c x", "b x", "h w", "h w c", "c h w", "b c h w", "h c w", "t h w c", "b c d h w")
KINDS = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "?")
LONGEST = {1: 40, 2: 16, 3: 7}


@st.composite
def cases(draw: Any, kinds: tuple[str, ...] = KINDS) -> tuple[NDArray, PatchGrid, Any]:
    """An array, a grid for it and a fill."""
    axes = draw(st.sampled_from(AXES))
    names = [name for name in axes.split() if name not in ("b", "c")]
    longest = LONGEST[len(names)]
    size = [draw(st.integers(1, longest)) for _ in names]
    patch = [draw(st.integers(1, longest // 2 + 2)) for _ in names]
    stride = [draw(st.integers(1, longest // 2 + 2)) for _ in names]
    edge = draw(st.sampled_from(["pad", "pad", "shift", "drop"]))
    if edge == "shift":
        patch = [min(p, n) for p, n in zip(patch, size, strict=True)]
    order = draw(st.sampled_from(["raster", "column"]))
    grid = PatchGrid.fit(size, patch, stride, edge, order, axes)
    sizes = dict(zip(names, size, strict=True))
    shape = [sizes.get(name) or draw(st.integers(1, 3)) for name in axes.split()]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    array = numbers(rng, shape, np.dtype(draw(st.sampled_from(kinds))))
    if draw(st.booleans()):
        array = np.asfortranarray(array)
    return array, grid, draw(st.sampled_from([0, 1, "reflect", "edge"]))


def numbers(rng: np.random.Generator, shape: list[int], dtype: np.dtype) -> NDArray:
    """Random values over the whole range of integers; floats with an infinity and a NaN."""
    if dtype.kind in "iu":
        return rng.integers(0, 256, (*shape, dtype.itemsize), "u1").view(dtype)[..., 0].copy()
    array = (rng.normal(size=shape) * 10).astype(dtype)
    if dtype.kind == "f":
        array.flat[0] = np.inf
        array.flat[-1] = np.nan
    return array


def covered(array: NDArray, grid: PatchGrid) -> NDArray[np.bool_]:
    """Which samples a patch covers."""
    mask = np.ones(array.shape, bool)
    for position, counts in zip(numpy_patches.layout(grid).cut, grid.counts(), strict=True):
        mask &= (counts > 0).reshape([-1 if i == position else 1 for i in range(array.ndim)])
    return mask


def same(one: NDArray, other: NDArray) -> bool:
    """Equal to the bit of their values; NaN equals NaN."""
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def close(one: NDArray, other: NDArray, slack: int = 1) -> bool:
    """Equal but for rounding: integers within `slack`, floats within a few of their steps."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype.kind == "b":
        return True  # ties of a weighted mean of two values may fall either way
    if one.dtype.kind == "f":
        step = float(np.finfo(one.dtype).eps)
        return np.allclose(one, other, rtol=4 * step, atol=200 * step, equal_nan=True)
    return int((np.maximum(one, other) - np.minimum(one, other)).max(initial=0)) <= slack
