"""An array to patches and back, plain numpy: the version that the fast kernels are tested against.

Values of patches have the axes ``(*batch, *grid, *array axes)``: leading batch axes stay in front,
then comes the place in the grid, then one patch in the array's own axis order, where each cut axis
has the patch's length.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from sensorium.core.errors import UsageError
from sensorium.core.grid import PatchGrid

BATCH = ("b", "n", "batch")
WHOLE = (*BATCH, "c", "channel")
Fill = float | int | bool | str  # a number, "reflect" or "edge"


class Layout(NamedTuple):
    """Where things stand: in the array's axes (`cut`), and how many leading axes are a batch."""

    num_batch: int
    cut: tuple[int, ...]  # position of each cut axis among the array's axes
    num_axes: int


@lru_cache(maxsize=512)
def layout(grid: PatchGrid) -> Layout:
    """How the axes of the array and of the values of its patches correspond."""
    num_batch = 0
    while grid.axes[num_batch] in BATCH and grid.axes[num_batch] not in grid.names:
        num_batch += 1
    cut = tuple(grid.axes.index(name) for name in grid.names)
    return Layout(num_batch, cut, len(grid.axes))


def check_array(array: Any, grid: PatchGrid) -> None:
    """Refuses an array that is not the one the grid was made for."""
    if len(array.shape) != len(grid.axes):
        raise UsageError(
            f"image: expected {len(grid.axes)} axes ({' '.join(grid.axes)}), "
            f"got shape {tuple(array.shape)}"
        )
    for name, position, size in zip(grid.names, layout(grid).cut, grid.size, strict=True):
        if array.shape[position] != size:
            raise UsageError(
                f"image: the grid expects {size} along axis {name!r}, got {array.shape[position]} "
                f"(shape {tuple(array.shape)})"
            )


def values_shape(grid: PatchGrid, shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of the values of all patches of an array of `shape`."""
    place = layout(grid)
    one = list(shape)
    for position, length in zip(place.cut, grid.patch, strict=True):
        one[position] = length
    return (*one[: place.num_batch], *grid.shape, *one[place.num_batch :])


def image_shape(grid: PatchGrid, shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of the array whose patches have values of `shape`."""
    place = layout(grid)
    one = [*shape[: place.num_batch], *shape[place.num_batch + len(grid.names) :]]
    for position, size in zip(place.cut, grid.size, strict=True):
        one[position] = size
    return tuple(one)


def fill_index(size: int, length: int, fill: str) -> NDArray[np.int64]:
    """Which sample stands at each of `length` places of a padded axis, int64 (length,).

    >>> fill_index(3, 7, "reflect").tolist(), fill_index(3, 5, "edge").tolist()
    ([0, 1, 2, 1, 0, 1, 2], [0, 1, 2, 2, 2])
    """
    places = np.arange(length)
    if fill == "edge":
        return np.minimum(places, size - 1)
    period = max(2 * (size - 1), 1)
    folded = places % period
    return np.minimum(folded, period - folded) if size > 1 else np.zeros(length, dtype=np.int64)


def padded(array: NDArray, grid: PatchGrid, fill: Fill) -> NDArray:
    """`array` itself where the grid fits, else a copy that is filled up at the ends."""
    if grid.padded == grid.size:
        return array
    cut = layout(grid).cut
    if isinstance(fill, str):
        for position, size, length in zip(cut, grid.size, grid.padded, strict=True):
            if length > size:
                array = np.take(array, fill_index(size, length, fill), axis=position)
        return array
    shape = list(array.shape)
    for position, length in zip(cut, grid.padded, strict=True):
        shape[position] = length
    full = np.empty(shape, array.dtype)
    inside = tuple(slice(0, size) for size in array.shape)
    full[inside] = array
    for position, size in zip(cut, grid.size, strict=True):
        full[(slice(None),) * position + (slice(size, None),)] = fill
    return full


def view(array: NDArray, grid: PatchGrid) -> NDArray:
    """All patches of a regular grid as a read-only view of `array`; nothing is copied.

    >>> grid = PatchGrid.fit((4, 6), 2)
    >>> view(np.arange(24).reshape(4, 6), grid)[1, 2].tolist()
    [[16, 17], [22, 23]]
    """
    num_batch, cut, _ = layout(grid)
    strides = array.strides
    steps = tuple(strides[at] * step for at, step in zip(cut, grid.stride, strict=True))
    shape = values_shape(grid, array.shape)
    moves = (*strides[:num_batch], *steps, *strides[num_batch:])
    if array.flags.c_contiguous and array.size and 0 not in shape and type(array) is np.ndarray:
        # The constructor is ten times as fast as as_strided and checks the bounds.
        seen = np.ndarray(shape, array.dtype, array, 0, moves)
        seen.flags.writeable = False
        return seen
    return as_strided(array, shape, moves, writeable=False)


def _blocks(grid: PatchGrid) -> list[tuple[tuple[slice, ...], tuple[int, ...], PatchGrid]]:
    """A shifted grid as regular ones: (place in the grid, first sample, regular grid)."""
    runs: list[list[tuple[slice, int, int]]] = []
    for starts, patch, stride in zip(grid.starts, grid.patch, grid.stride, strict=True):
        last = len(starts) - 1
        even = last < 1 or int(starts[last] - starts[last - 1]) == stride
        parts = [(slice(0, last + even), 0, int(starts[last - (not even)]) + patch)]
        if not even:
            parts.append((slice(last, last + 1), int(starts[last]), patch))
        runs.append(parts)
    blocks = []
    for index in np.ndindex(*(len(parts) for parts in runs)):
        chosen = [parts[i] for parts, i in zip(runs, index, strict=True)]
        size = tuple(length for _, _, length in chosen)
        regular = PatchGrid(size, grid.patch, grid.stride, "drop", "raster", grid.names, grid.axes)
        blocks.append((tuple(s for s, _, _ in chosen), tuple(at for _, at, _ in chosen), regular))
    return blocks


def copy_into(out: NDArray, array: NDArray, grid: PatchGrid, fill: Fill = 0) -> None:
    """Writes the values of all patches into `out` (any grid but a ragged one)."""
    if 0 in out.shape:
        return
    array = padded(array, grid, fill)
    place = layout(grid)
    if grid.is_regular:
        np.copyto(out, view(array, grid))
        return
    for where, first, regular in _blocks(grid):
        part: list[slice] = [slice(None)] * array.ndim
        for position, at, length in zip(place.cut, first, regular.size, strict=True):
            part[position] = slice(at, at + length)
        np.copyto(out[(slice(None),) * place.num_batch + where], view(array[tuple(part)], regular))


def ragged(array: NDArray, grid: PatchGrid) -> list[NDArray]:
    """The patches of a ragged grid as read-only views of different shapes, in `grid.order`."""
    place = layout(grid)
    patches = []
    for box in grid.boxes:
        part: list[slice] = [slice(None)] * array.ndim
        for position, (start, stop) in zip(place.cut, box, strict=True):
            part[position] = slice(start, stop)
        patch = array[tuple(part)].view()
        patch.flags.writeable = False
        patches.append(patch)
    return patches


def flat(values: Any, grid: PatchGrid) -> Any:
    """Values with the grid axes as one axis, the patches numbered in `grid.order`."""
    num_batch, num_cut = layout(grid).num_batch, len(grid.names)
    axes = list(range(values.ndim))
    if grid.order == "column":
        axes[num_batch : num_batch + num_cut] = reversed(axes[num_batch : num_batch + num_cut])
        values = values.transpose(*axes) if isinstance(values, np.ndarray) else values.permute(axes)
    shape = tuple(values.shape)
    count = math.prod(shape[num_batch : num_batch + num_cut])
    return values.reshape(*shape[:num_batch], count, *shape[num_batch + num_cut :])


def unflat(values: Any, grid: PatchGrid) -> Any:
    """The inverse of `flat`: one axis of patches back to the axes of the grid, a view."""
    num_batch, num_cut = layout(grid).num_batch, len(grid.names)
    shape = tuple(values.shape)
    places = grid.shape if grid.order == "raster" else grid.shape[::-1]
    values = values.reshape(*shape[:num_batch], *places, *shape[num_batch + 1 :])
    if grid.order == "raster":
        return values
    axes = list(range(values.ndim))
    axes[num_batch : num_batch + num_cut] = reversed(axes[num_batch : num_batch + num_cut])
    return values.transpose(*axes) if isinstance(values, np.ndarray) else values.permute(axes)
