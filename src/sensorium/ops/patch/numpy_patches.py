"""An array to patches and back, plain numpy: the version that the fast kernels are tested against.

Values of patches have the axes ``(*batch, *grid, *array axes)``: leading batch axes stay in front,
then comes the place in the grid, then one patch in the array's own axis order, where each cut axis
has the patch's length.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from sensorium.core.errors import UsageError
from sensorium.core.media import read_only
from sensorium.core.patch.grid import BATCH, PatchGrid

Fill = float | int | bool | str  # a number, "reflect" or "edge"


class Layout(NamedTuple):
    """Where things stand: in the array's axes (`cut`), and how many leading axes are a batch."""

    num_batch: int
    cut: tuple[int, ...]  # position of each cut axis among the array's axes
    num_axes: int
    fits: bool  # patches at even steps that all lie inside the array


@lru_cache(maxsize=512)
def layout(grid: PatchGrid) -> Layout:
    """How the axes of the array and of the values of its patches correspond."""
    num_batch = 0
    while grid.axes[num_batch] in BATCH and grid.axes[num_batch] not in grid.names:
        num_batch += 1
    cut = tuple(grid.axes.index(name) for name in grid.names)
    fits = grid.is_regular and grid.padded == grid.size
    return Layout(num_batch, cut, len(grid.axes), fits)


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


def view(array: NDArray, grid: PatchGrid, writeable: bool = False) -> NDArray:
    """All patches of a regular grid as a view of `array`, read-only by default; nothing is copied.

    >>> grid = PatchGrid.fit((4, 6), 2)
    >>> view(np.arange(24).reshape(4, 6), grid)[1, 2].tolist()
    [[16, 17], [22, 23]]
    """
    num_batch, cut, _, _ = layout(grid)
    strides = array.strides
    steps = tuple(strides[at] * step for at, step in zip(cut, grid.stride, strict=True))
    shape = values_shape(grid, array.shape)
    moves = (*strides[:num_batch], *steps, *strides[num_batch:])
    if array.flags.c_contiguous and array.size and 0 not in shape and type(array) is np.ndarray:
        # The constructor is ten times as fast as as_strided and checks the bounds.
        seen = np.ndarray(shape, array.dtype, array, 0, moves)
        seen.flags.writeable = writeable
        return seen
    return as_strided(array, shape, moves, writeable=writeable)


class Block(NamedTuple):
    """Part of a grid whose patches are evenly spaced and lie inside one array."""

    where: tuple[slice, ...]  # in the grid
    array: NDArray
    grid: PatchGrid


def blocks(array: NDArray, grid: PatchGrid, fill: Fill) -> Iterator[Block]:
    """The grid as evenly spaced parts; only a last patch that is filled up is copied for it."""
    place = layout(grid)
    parts = [
        _parts(*axis, grid.edge)
        for axis in zip(grid.starts, grid.size, grid.patch, grid.stride, strict=True)
    ]
    for chosen in itertools.product(*parts):
        part = array
        for position, (_, start, stop), length in zip(place.cut, chosen, grid.size, strict=True):
            part = _cut(part, position, (start, stop, length), fill)
        even = even_grid(grid, part.shape, grid.patch)
        yield Block(tuple(where for where, _, _ in chosen), part, even)


def _parts(
    starts: NDArray[np.int64], size: int, patch: int, stride: int, edge: str
) -> list[tuple[slice, int, int]]:
    """(patches, first sample, end) of the evenly spaced whole patches, and of the last one."""
    last = len(starts) - 1
    ends = int(starts[last]) + patch
    odd = ends > size or (edge == "shift" and last > 0 and starts[last] != last * stride)
    parts = [] if odd and not last else [(slice(0, last + (not odd)), 0, last * stride + patch)]
    if odd:
        if parts:
            parts = [(slice(0, last), 0, (last - 1) * stride + patch)]
        parts.append((slice(last, last + 1), int(starts[last]), ends))
    return parts


def touching_blocks(
    array: NDArray, grid: PatchGrid
) -> Iterator[tuple[tuple[slice, ...], NDArray, tuple[int, ...]]]:
    """(place in the grid, that part of `array`, samples of a patch there that lie in it)."""
    parts = [
        _parts(*axis, grid.edge)
        for axis in zip(grid.starts, grid.size, grid.patch, grid.stride, strict=True)
    ]
    for chosen in itertools.product(*parts):
        part: list[slice] = [slice(None)] * array.ndim
        for position, (_, start, stop) in zip(layout(grid).cut, chosen, strict=True):
            part[position] = slice(start, stop)
        lengths = tuple(
            patch if stop <= size else size - start
            for (_, start, stop), size, patch in zip(chosen, grid.size, grid.patch, strict=True)
        )
        yield tuple(where for where, _, _ in chosen), array[tuple(part)], lengths


def inside(grid: PatchGrid, lengths: Sequence[int], ndim: int) -> tuple[slice, ...]:
    """The slices of one patch that leave its first `lengths` samples, for values of `ndim` axes."""
    place = layout(grid)
    kept: list[slice] = [slice(None)] * (ndim - place.num_batch - len(grid.names))
    for position, length in zip(place.cut, lengths, strict=True):
        kept[position - place.num_batch] = slice(0, length)
    return (*[slice(None)] * (ndim - len(kept)), *kept)


def even_grid(grid: PatchGrid, shape: Sequence[int], lengths: Sequence[int]) -> PatchGrid:
    """The grid of a part of the array of `shape`, whose patches have `lengths` and all fit."""
    size = tuple(shape[position] for position in layout(grid).cut)
    stride = grid.stride
    return PatchGrid(size, tuple(lengths), stride, "drop", "raster", grid.names, grid.axes)


def _cut(array: NDArray, position: int, where: tuple[int, int, int], fill: Fill) -> NDArray:
    start, stop, size = where
    before = (slice(None),) * position
    if stop <= size:
        return array[(*before, slice(start, stop))]
    if isinstance(fill, str):
        return np.take(array, fill_index(size, stop, fill)[start:], axis=position)
    shape = list(array.shape)
    shape[position] = stop - start
    full = np.full(shape, fill, array.dtype)
    full[(*before, slice(0, size - start))] = array[(*before, slice(start, size))]
    return full


def copy_even(out: NDArray, array: NDArray, grid: PatchGrid) -> None:
    """Writes the patches of an evenly spaced grid into `out`."""
    np.copyto(out, view(array, grid))


def copy_into(
    out: NDArray,
    array: NDArray,
    grid: PatchGrid,
    fill: Fill = 0,
    copy: Callable[[NDArray, NDArray, PatchGrid], None] = copy_even,
) -> None:
    """Writes the values of all patches into `out` (any grid but a ragged one)."""
    if 0 in out.shape:
        return
    batch = (slice(None),) * layout(grid).num_batch
    for block in blocks(array, grid, fill):
        copy(out[batch + block.where], block.array, block.grid)


def ragged(array: Any, grid: PatchGrid) -> list[Any]:
    """The patches of a ragged grid as read-only views of different shapes, in `grid.order`."""
    place = layout(grid)
    patches = []
    for box in grid.boxes:
        part: list[slice] = [slice(None)] * array.ndim
        for position, (start, stop) in zip(place.cut, box, strict=True):
            part[position] = slice(start, stop)
        patch = array[tuple(part)]
        patches.append(read_only(patch) if isinstance(patch, np.ndarray) else patch)
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
