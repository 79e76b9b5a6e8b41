"""Patches back to one array, plain numpy, one axis after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError
from sensorium.core.patch.grid import BATCH, PatchGrid
from sensorium.ops.patch.blend import OWNING, covering, norm, owners, window
from sensorium.ops.patch.numpy_patches import image_shape, layout, unflat, values_shape

WIDE = ("float64", "int64", "uint64")  # a sum of these in float64 is not exact


def check_dtype(dtype: np.dtype, blend: str) -> None:
    """Refuses what cannot be cut, and what cannot be blended."""
    if dtype.kind not in "biufc":
        raise UsageError(f"dtype: expected numbers or bool, got {dtype}")
    if blend not in OWNING and (dtype.kind == "c" or dtype.itemsize > 8):
        raise UsageError(
            f"blend={blend!r}: expected bool, integers or floats up to 64 bits, got {dtype}; "
            "crop, first and last take any numbers"
        )


def check_values(values: Any, grid: PatchGrid) -> Any:
    """The values with the axes of the grid, whether they came so or as one axis of patches."""
    place, num_cut, shape = layout(grid), len(grid.names), tuple(values.shape)
    expected = list(grid.axes)
    for position, name, length in zip(place.cut, grid.names, grid.patch, strict=True):
        expected[position] = f"{name}={length}"
    if (
        len(shape) == len(grid.axes) + 1
        and num_cut > 1
        and shape[place.num_batch] == grid.num_patches
    ):
        values = unflat(values, grid)
    found = tuple(values.shape)
    fits = len(found) == len(grid.axes) + num_cut
    if not fits or values_shape(grid, image_shape(grid, found)) != found:
        wanted = (
            *grid.axes[: place.num_batch],
            *map(str, grid.shape),
            *expected[place.num_batch :],
        )
        hint = (
            ""
            if set(grid.axes) & {"c", *BATCH}
            else "; name further axes: PatchGrid.fit(..., axes='h w c')"
        )
        raise UsageError(
            f"patches do not belong to the grid: expected ({', '.join(wanted)}) or "
            f"{grid.num_patches} patches of ({', '.join(expected[place.num_batch :])}), "
            f"got shape {shape}{hint}"
        )
    return values


def _reduce(values: NDArray, grid: PatchGrid, axis: int, blend: str) -> NDArray:
    """Merges one cut axis: the grid axis goes, the patch axis gets the length of the array.

    Axes are merged from the last to the first, so grid axis `axis` is the last that is left.
    """
    place = layout(grid)
    starts, patch, size = grid.starts[axis], grid.patch[axis], grid.size[axis]
    grid_axis = place.num_batch + axis
    patch_axis = grid_axis + 1 + place.cut[axis] - place.num_batch
    front = np.moveaxis(values, (grid_axis, patch_axis), (0, 1))
    samples = np.arange(size)
    if not len(starts):
        merged = np.zeros((size, *front.shape[2:]), values.dtype)
    elif blend in OWNING:
        owner = np.maximum(owners(blend, starts, patch, size), 0)
        merged = front[owner, np.minimum(samples - starts[owner], patch - 1)]
    else:
        merged = _combine(front, starts, patch, size, blend)
    return np.moveaxis(merged, 0, patch_axis - 1)


def _combine(
    front: NDArray, starts: NDArray[np.int64], patch: int, size: int, blend: str
) -> NDArray:
    low, high = covering(starts, patch, size)
    samples, weights = np.arange(size), window(blend, patch)
    merged: NDArray | None = None
    for k in range(max(int((high - low).max()), 1)):
        here = low + k < high
        index = np.where(here, low + k, np.minimum(low, len(starts) - 1))
        place = np.clip(samples - starts[index], 0, patch - 1)
        part = front[index, place]
        shape = (size,) + (1,) * (part.ndim - 1)
        if blend in ("max", "min"):
            join = np.maximum if blend == "max" else np.minimum
            merged = part if merged is None else join(merged, part)
            continue
        if blend != "mean":
            part = part * weights[place].reshape(shape)
        part = np.where(here.reshape(shape), part, part.dtype.type(0))
        merged = part if merged is None else merged + part
    assert merged is not None  # the loop runs at least once
    return merged


def _all_axes(values: NDArray, grid: PatchGrid, blend: str) -> NDArray:
    for axis in reversed(range(len(grid.names))):
        values = _reduce(values, grid, axis, blend)
    return values


def norms(grid: PatchGrid, blend: str, ndim: int) -> NDArray[np.float64]:
    """The sum of the weights on every sample, broadcast to the array; 1 where nothing covers it."""
    total = np.ones((1,) * ndim)
    place = layout(grid)
    for axis, position in enumerate(place.cut):
        along = norm(blend, grid.starts[axis], grid.patch[axis], grid.size[axis])
        shape = [1] * ndim
        shape[position] = -1
        total = total * np.where(along == 0, 1, along).reshape(shape)
    return total


def difference(values: NDArray, base: NDArray) -> NDArray[np.float64]:
    """``values - base`` in float64: 0 where they are equal (infinities too), without overflow."""
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            return np.where(values == base, 0.0, values - base)
    high = (values >> 32).astype(np.int64) - (base >> 32).astype(np.int64)
    mask = values.dtype.type(0xFFFFFFFF)
    low = (values & mask).astype(np.int64) - (base & mask).astype(np.int64)
    return high.astype(np.float64) * 2.0**32 + low


def _spread(image: NDArray, grid: PatchGrid) -> NDArray:
    """The samples of `image` at the places of the patches (past the end: the last sample)."""
    place = layout(grid)
    spread = image
    for axis, position in enumerate(place.cut):
        at = grid.starts[axis][:, None] + np.arange(grid.patch[axis])
        here = position + axis
        spread = np.take(spread, np.minimum(at, grid.size[axis] - 1), axis=here)
        spread = np.moveaxis(spread, here, place.num_batch + axis)
    return spread


def _averaged(values: NDArray, grid: PatchGrid, blend: str) -> NDArray:
    dtype = values.dtype
    if dtype.name in WIDE:
        # Only the differences to the first patch are averaged: equal samples stay as they are.
        base = _all_axes(values, grid, "first")
        moved = _all_axes(difference(values, _spread(base, grid)), grid, blend)
        moved = moved / norms(grid, blend, base.ndim)
        return add_back(base, moved)
    exact = np.int64 if dtype.kind in "biu" and blend == "mean" else np.float64
    total = _all_axes(values.astype(exact), grid, blend) / norms(grid, blend, len(grid.axes))
    return total.astype(dtype) if dtype.kind == "f" else np.rint(total).astype(dtype)


def add_back(base: NDArray, moved: NDArray[np.float64]) -> NDArray:
    """``base + moved`` in the dtype of `base`; integers are rounded, never wrapped."""
    if base.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            return np.where(moved == 0, base, base + moved)
    whole = np.floor(moved)
    size = np.abs(whole).astype(np.uint64).astype(base.dtype)
    lower = np.where(whole < 0, base - size, base + size)
    rest = moved - whole  # the half goes to the even sum, so it is not rounded before it is added
    return lower + ((rest > 0.5) | ((rest == 0.5) & (lower % 2 == 1))).astype(base.dtype)


def _median(values: NDArray, grid: PatchGrid) -> NDArray:
    """The median of all patches on every sample, row by row of the first axis' segments."""
    place, num_cut = layout(grid), len(grid.names)
    stacked = values[None]
    counts: NDArray = np.ones((1,) * len(grid.axes), dtype=np.int64)
    for axis in reversed(range(num_cut)):
        starts, patch, size = grid.starts[axis], grid.patch[axis], grid.size[axis]
        low, high = covering(starts, patch, size)
        most = max(int((high - low).max()), 1)
        grid_axis = 1 + place.num_batch + axis
        patch_axis = grid_axis + 1 + place.cut[axis] - place.num_batch
        front = np.moveaxis(stacked, (grid_axis, patch_axis), (0, 1))
        # A sample with fewer patches repeats its own in turn, and is told apart below.
        index = low[:, None] + np.arange(most) % np.maximum(high - low, 1)[:, None]
        index = np.minimum(index, len(starts) - 1)
        at = np.clip(np.arange(size)[:, None] - starts[index], 0, patch - 1)
        picked = np.moveaxis(front[index, at], 0, patch_axis)  # (k, kind, ..., size, ...)
        picked = np.moveaxis(picked, 0, 1)
        stacked = picked.reshape(-1, *picked.shape[2:])
        counts = _with_counts(counts, high - low, most, place.cut[axis], len(grid.axes))
    return middle(stacked, counts)


def _with_counts(
    counts: NDArray, covered: NDArray, most: int, position: int, ndim: int
) -> NDArray[np.int64]:
    """Marks (1) the repetitions that count, one row per repetition, broadcast to the array."""
    marks = (np.arange(most)[:, None] < np.maximum(covered, 1)[None]).astype(np.int64)
    shape = [1] * ndim
    shape[position] = len(covered)
    marks = marks.reshape(most, *shape)
    known = counts if counts.ndim == ndim + 1 else counts[None]
    joined = known[:, None] * marks[None]
    return joined.reshape(-1, *joined.shape[2:])


def middle(stacked: NDArray, marks: NDArray[np.int64]) -> NDArray:
    """The median over the first axis of the samples that are marked; NaN where one is NaN."""
    dtype = stacked.dtype
    marks = np.broadcast_to(marks.astype(bool), stacked.shape)
    count = marks.sum(axis=0)
    # Unmarked samples sort behind the marked ones.
    order = np.lexsort((stacked, ~marks), axis=0)
    ranked = np.take_along_axis(stacked, order, axis=0)
    lower = np.take_along_axis(ranked, ((count - 1) // 2)[None], axis=0)[0]
    upper = np.take_along_axis(ranked, (count // 2)[None], axis=0)[0]
    if dtype.name in WIDE:
        result = add_back(lower, difference(upper, lower) / 2)
    else:
        mean = (lower.astype(np.float64) + upper.astype(np.float64)) / 2
        result = mean.astype(dtype) if dtype.kind == "f" else np.rint(mean).astype(dtype)
    if dtype.kind == "f":
        result = np.where((np.isnan(stacked) & marks).any(axis=0), dtype.type(np.nan), result)
    return result


def fill_uncovered(image: Any, grid: PatchGrid, fill: float) -> None:
    """Writes `fill` where no patch lies (``drop``, or strides above the patch)."""
    for position, counts in zip(layout(grid).cut, grid.counts(), strict=True):
        empty = np.flatnonzero(counts == 0)
        if len(empty):
            image[(slice(None),) * position + (empty,)] = fill


def merge_into(out: NDArray, values: NDArray, grid: PatchGrid, blend: str) -> None:
    """Merges `values` (*batch, *grid, *patch) into `out`; uncovered samples are left undefined."""
    if 0 in grid.shape or not out.size:
        return
    if blend == "median":
        np.copyto(out, _median(values, grid))
    elif blend in OWNING or blend in ("max", "min"):
        np.copyto(out, _all_axes(values, grid, blend))
    else:
        np.copyto(out, _averaged(values, grid, blend))
