"""Patches of an array larger than memory: bands in, finished rows out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError
from sensorium.core.patch.grid import PatchGrid
from sensorium.ops.patch import fast, numpy_patches
from sensorium.ops.patch.blend import Blend, check_blend
from sensorium.ops.patch.merging import check_dtype, fill_uncovered


class Rows(NamedTuple):
    """Finished rows of a merge: `values` belong at `start` of the first cut axis."""

    start: int
    values: NDArray


def read_band(source: Any, grid: PatchGrid, row: int, fill: numpy_patches.Fill) -> NDArray:
    """The values of one row of the grid, ``(*batch, *grid without the first axis, *patch)``.

    Only the samples of this row are read from `source`, which needs no more than slices.
    """
    place = numpy_patches.layout(grid)
    position, start = place.cut[0], int(grid.starts[0][row])
    stop, size = start + grid.patch[0], grid.size[0]
    if stop <= size or grid.edge == "ragged":
        wanted = np.arange(start, min(stop, size))
    elif isinstance(fill, str):
        wanted = numpy_patches.fill_index(size, stop, fill)[start:]
    else:
        wanted = np.arange(start, size)
    first, last = int(wanted.min()), int(wanted.max()) + 1
    band = np.asarray(source[(slice(None),) * position + (slice(first, last),)])
    if len(wanted) != last - first or isinstance(fill, str):
        band = np.take(band, wanted - first, axis=position)
    one = PatchGrid(
        (len(wanted), *grid.size[1:]),
        (len(wanted) if grid.edge == "ragged" else grid.patch[0], *grid.patch[1:]),
        grid.stride, grid.edge, grid.order, grid.names, grid.axes,
    )  # fmt: skip
    out = np.empty(numpy_patches.values_shape(one, band.shape), band.dtype)
    fast.copy_into(out, band, one, fill)
    return np.take(out, 0, axis=place.num_batch)


class Merger:
    """Patches in any order in; rows of the merged array out, as soon as they are finished.

    It keeps only the patches whose rows still wait for another: with patches in raster order that
    is as many rows of the grid as overlap. The rows are those that `merge` gives.

    >>> grid = PatchGrid.fit((6, 4), 4, 2)
    >>> image = np.arange(24, dtype=np.uint8).reshape(6, 4)
    >>> merger = Merger(grid, blend="hann")
    >>> rows = [part for number, (box, _) in enumerate(grid.boxes.tolist())
    ...         for part in merger.add(number, np.pad(image, ((0, 4), (0, 4)))[
    ...             box[0]:box[1], grid.boxes[number, 1, 0]:grid.boxes[number, 1, 1]])]
    >>> rows += merger.finish()
    >>> bool((np.concatenate([part.values for part in rows]) == image).all())
    True

    Args:
        grid: where the patches lie (any edge but ``ragged``).
        blend: as in `merge`.
        fill: what samples get that no patch covers.
    """

    def __init__(self, grid: PatchGrid, blend: Blend = "mean", fill: float = 0) -> None:
        check_blend(blend)
        if grid.edge == "ragged":
            raise UsageError("Merger: expected patches of one size, got a grid with edge='ragged'")
        self._grid = grid
        self._blend = blend
        self._fill = fill
        self._waiting: dict[int, NDArray] = {}  # rows of the grid
        self._missing = dict.fromkeys(range(grid.shape[0]), math.prod(grid.shape[1:]))
        self._seen: dict[int, set[tuple[int, ...]]] = {}
        self._open = _segments(grid)
        self._shape: tuple[int, ...] | None = None
        self._dtype: np.dtype | None = None

    def add(self, number: int, values: Any) -> list[Rows]:
        """Takes patch `number` (counted in the order of the grid), gives the rows it finishes."""
        row, *place = self._grid.position(number)
        values = np.asarray(values)
        num_batch = numpy_patches.layout(self._grid).num_batch
        self._check(values, values.shape)
        band = self._waiting.get(row)
        if band is None:
            shape = (*values.shape[:num_batch], *self._grid.shape[1:], *values.shape[num_batch:])
            band = self._waiting[row] = np.empty(shape, values.dtype)
        seen = self._seen.setdefault(row, set())
        if tuple(place) in seen or not self._missing[row]:
            raise UsageError(f"Merger: patch {number} came twice")
        seen.add(tuple(place))
        band[(slice(None),) * num_batch + tuple(place)] = values
        self._missing[row] -= 1
        return self._finished() if not self._missing[row] else []

    def add_band(self, row: int, values: Any) -> list[Rows]:
        """Takes one whole row of the grid, ``(*batch, *grid without the first axis, *patch)``."""
        grid, values = self._grid, np.asarray(values)
        num_batch, num_other = numpy_patches.layout(grid).num_batch, len(grid.names) - 1
        if row not in self._missing:
            raise UsageError(f"Merger: expected a row in 0..{grid.shape[0] - 1}, got {row}")
        if self._missing[row] != math.prod(grid.shape[1:]):
            raise UsageError(f"Merger: patches of row {row} came before")
        places = values.shape[num_batch : num_batch + num_other]
        if places != grid.shape[1:]:
            raise UsageError(f"Merger: expected {grid.shape[1:]} patches in a row, got {places}")
        self._check(values, values.shape[:num_batch] + values.shape[num_batch + num_other :])
        self._waiting[row] = values
        self._missing[row] = 0
        return self._finished()

    def finish(self) -> list[Rows]:
        """The rows that no patch covers; an error if patches are missing."""
        missing = sum(self._missing.values())
        if missing:
            rows = [row for row, count in self._missing.items() if count][:5]
            raise UsageError(f"Merger: {missing} patches are missing (rows {rows} of the grid)")
        return self._finished(everything=True)

    def _check(self, values: NDArray, one: tuple[int, ...]) -> None:
        grid, place = self._grid, numpy_patches.layout(self._grid)
        if len(one) != len(grid.axes) or any(
            one[at] != length for at, length in zip(place.cut, grid.patch, strict=True)
        ):
            raise UsageError(
                f"patches do not belong to the grid: expected one patch of {grid.patch} "
                f"along {' '.join(grid.names)} of {' '.join(grid.axes)}, got shape {one}"
            )
        if self._shape is None:
            check_dtype(values.dtype, self._blend)
            self._shape, self._dtype = one, values.dtype
        if (one, values.dtype) != (self._shape, self._dtype):
            raise UsageError(
                f"Merger: expected {self._dtype} {self._shape} like the first patch, "
                f"got {values.dtype} {one}"
            )

    def _finished(self, everything: bool = False) -> list[Rows]:
        done, left = [], []
        for segment in self._open:
            ready = all(not self._missing[row] for row in range(segment[2], segment[3]))
            uncovered = segment[2] == segment[3]
            if (uncovered and not everything) or not ready or self._shape is None:
                left.append(segment)
            else:
                done.append(self._merged(segment))
        self._open = left
        needed = {row for _, _, low, high in left for row in range(low, high)}
        for row in [r for r in self._waiting if r not in needed and not self._missing[r]]:
            del self._waiting[row]
            self._seen.pop(row, None)
        return done

    def _merged(self, segment: tuple[int, int, int, int]) -> Rows:
        start, stop, low, high = segment
        grid, place = self._grid, numpy_patches.layout(self._grid)
        assert self._shape is not None  # a segment is merged after its patches came
        if low < high:
            values = np.stack([self._waiting[row] for row in range(low, high)], place.num_batch)
            return Rows(
                start, _merge_rows(values, grid, self._blend, (start, stop, low), self._fill)
            )
        shape = list(self._shape)
        for position, size in zip(place.cut, (stop - start, *grid.size[1:]), strict=True):
            shape[position] = size
        return Rows(start, np.full(shape, self._fill, self._dtype))


def _merge_rows(
    values: NDArray, grid: PatchGrid, blend: str, segment: tuple[int, int, int], fill: float
) -> NDArray:
    """The samples ``[start, stop)`` of the first axis from the rows of the grid that cover them."""
    start, stop, low = segment
    place = numpy_patches.layout(grid)
    first = int(grid.starts[0][low])
    last = int(grid.starts[0][low + values.shape[place.num_batch] - 1])
    size = min(last + grid.patch[0], grid.size[0]) - first
    edge = "drop" if grid.edge == "error" else grid.edge
    part = PatchGrid(
        (size, *grid.size[1:]), grid.patch, grid.stride, edge, grid.order, grid.names, grid.axes
    )
    out = np.empty(numpy_patches.image_shape(part, values.shape), values.dtype)
    fast.merge_into(out, values, part, blend)
    fill_uncovered(out, part, fill)
    return out[(slice(None),) * place.cut[0] + (slice(start - first, stop - first),)]


def _segments(grid: PatchGrid) -> list[tuple[int, int, int, int]]:
    """Runs of rows with the same patches: (start, end, first row of the grid, end row)."""
    starts = grid.starts[0]
    stops = np.minimum(starts + grid.patch[0], grid.size[0])
    edges = np.unique(np.concatenate([[0], starts, stops, [grid.size[0]]]))
    segments = []
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        low = int(np.searchsorted(stops, start, side="right"))
        high = int(np.searchsorted(starts, start, side="right"))
        segments.append((start, stop, min(low, high), high))
    return segments


def bands(source: Any, grid: PatchGrid, fill: numpy_patches.Fill) -> Iterator[tuple[int, NDArray]]:
    """Each row of the grid with its values, read one after the other."""
    for row in range(grid.shape[0]):
        yield row, read_band(source, grid, row, fill)
