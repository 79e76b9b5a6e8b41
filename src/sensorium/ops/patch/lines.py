"""What the fast kernels are told: an array as lines, and where each line's samples lie.

A line is the array along its last cut axis, with whatever axes follow it. Where a line's samples
lie in the values of the patches is a sum of one offset per axis in front, so a plan holds two
short tables (`head` and `tail`) instead of an entry for every line or sample.
"""

from __future__ import annotations

import ctypes
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorium.core.patch.grid import PatchGrid
from sensorium.ops.patch.blend import OWNING, covering, norm, owners, window
from sensorium.ops.patch.numpy_patches import layout


class Table(NamedTuple):
    """For each index its entries ``[ends[i], ends[i + 1])``: offsets in items, and weights."""

    ends: NDArray[np.int64]
    offsets: NDArray[np.int64]
    weights: NDArray[np.float64]

    @property
    def num_lines(self) -> int:
        return len(self.ends) - 1


class MergePlan(NamedTuple):
    """A merge as lines; all lengths and offsets in items."""

    head: Table
    tail: Table
    starts: NDArray[np.int64]  # where each patch of the last axis starts in a line
    step: int  # from one patch of the last axis to the next, in the values
    run: int  # items of one patch in one line
    line: int  # items in one line
    window: NDArray[np.float64]  # (run,)
    norm: NDArray[np.float64]  # (line,)
    pieces: NDArray[np.int64]  # (piece, 3): patch, first and end in the line, for copied blends


def memory(array: NDArray, dtype: np.dtype) -> NDArray:
    """The memory from the first to the last item of `array`, flat; `array` must outlive it.

    All strides must be positive. Writable and one-dimensional for every array, so that a kernel
    is compiled once per dtype and not once per kind of array.
    """
    moves = zip(array.shape, array.strides, strict=True)
    num_bytes = sum((n - 1) * s for n, s in moves) + array.itemsize
    buffer = (ctypes.c_char * num_bytes).from_address(array.ctypes.data)
    return np.frombuffer(buffer, dtype)


def in_order(array: NDArray, from_axis: int) -> bool:
    """Whether the axes from `from_axis` on lie in one piece and all strides are whole and >= 0."""
    expected = array.itemsize
    for axis in range(array.ndim - 1, -1, -1):
        stride, length = array.strides[axis], array.shape[axis]
        if stride < 0 or stride % array.itemsize:
            return False
        if axis >= from_axis and length > 1 and stride != expected:
            return False
        expected *= length
    return True


def _whole(length: int, stride: int) -> Table:
    return Table(np.arange(length + 1), np.arange(length) * stride, np.ones(length))


def _cut(grid: PatchGrid, axis: int, strides: tuple[int, int], blend: str) -> Table:
    """Entries of a cut axis: every patch that covers the sample, or the one that owns it."""
    starts, patch, size = grid.starts[axis], grid.patch[axis], grid.size[axis]
    low, high = covering(starts, patch, size)
    if blend in OWNING:
        owner = owners(blend, starts, patch, size)
        low, high = owner, owner + 1
        low, high = np.maximum(low, 0), np.where(owner < 0, np.maximum(low, 0), high)
    ends = np.concatenate([[0], np.cumsum(high - low)])
    samples = np.repeat(np.arange(size), high - low)
    patches = low[samples] + np.arange(len(samples)) - ends[samples]
    at = samples - starts[patches] if len(samples) else samples
    offsets = patches * strides[0] + at * strides[1]
    return Table(ends, offsets, window(blend, patch)[at])


def _joined(outer: Table, inner: Table) -> Table:
    """The table of all pairs of lines: offsets add, weights multiply."""
    many, few = np.diff(outer.ends), np.diff(inner.ends)
    counts = (many[:, None] * few[None]).ravel()
    ends = np.concatenate([[0], np.cumsum(counts)])
    lines = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(lines)) - ends[lines]
    a, b = lines // max(len(few), 1), lines % max(len(few), 1)
    first = outer.ends[a] + within // np.maximum(few[b], 1)
    second = inner.ends[b] + within % np.maximum(few[b], 1)
    return Table(
        ends,
        outer.offsets[first] + inner.offsets[second],
        outer.weights[first] * inner.weights[second],
    )


def _two(tables: list[Table]) -> tuple[Table, Table]:
    """Joins the tables to two of about equal length, so that neither is large."""
    lengths = [table.num_lines for table in tables]
    costs = [math.prod(lengths[:i]) + math.prod(lengths[i:]) for i in range(len(tables) + 1)]
    at = costs.index(min(costs))
    one = Table(np.arange(2), np.zeros(1, dtype=np.int64), np.ones(1))
    joined = []
    for part in (tables[:at], tables[at:]):
        total = one
        for table in part:
            total = _joined(total, table)
        joined.append(total)
    return joined[0], joined[1]


def merge_plan(values: NDArray, grid: PatchGrid, blend: str) -> MergePlan:
    """How `values` (strided in whole items, last cut axis in order) become lines."""
    place = layout(grid)
    num_cut, last = len(grid.names), place.cut[-1]
    moves = [stride // values.itemsize for stride in values.strides]
    of_array = [*moves[: place.num_batch], *moves[place.num_batch + num_cut :]]
    shape = [*values.shape[: place.num_batch], *values.shape[place.num_batch + num_cut :]]
    tables = []
    for position in range(last):
        if position in place.cut:
            axis = place.cut.index(position)
            strides = (moves[place.num_batch + axis], of_array[position])
            tables.append(_cut(grid, axis, strides, blend))
        else:
            tables.append(_whole(shape[position], of_array[position]))
    starts, patch, size = grid.starts[-1], grid.patch[-1], grid.size[-1]
    inner = math.prod(shape[last + 1 :])
    total = norm(blend, starts, patch, size)
    return MergePlan(
        *_two(tables),
        starts * inner,
        moves[place.num_batch + num_cut - 1],
        patch * inner,
        size * inner,
        np.repeat(window(blend, patch), inner),
        np.repeat(np.where(total == 0, 1, total), inner),
        _pieces(owners(blend if blend in OWNING else "first", starts, patch, size), inner),
    )


def _pieces(owner: NDArray[np.int64], inner: int) -> NDArray[np.int64]:
    """Runs of samples that one patch owns, int64 (piece, 3): patch, first and end in the line."""
    edges = np.flatnonzero(np.diff(owner, prepend=-2, append=-2))
    first, stop = edges[:-1], edges[1:]
    kept = owner[first] >= 0
    columns = [owner[first][kept], first[kept] * inner, stop[kept] * inner]
    return np.ascontiguousarray(np.stack(columns, axis=1))


class Runs(NamedTuple):
    """Where the runs of a split lie on one side: in the array, or in the values of its patches."""

    groups: NDArray[np.int64]  # (group,): rows of patches
    step: int  # from one patch of the last axis to the next
    lines: NDArray[np.int64]  # (line,): lines of one patch

    def divided(self, by: int) -> Runs:
        """The same offsets, counted in items `by` times as large."""
        return Runs(self.groups // by, self.step // by, self.lines // by)


class SplitPlan(NamedTuple):
    """A split as runs; all lengths and offsets in items of `itemsize` bytes."""

    array: Runs
    values: Runs
    num_patches: int  # along the last axis
    run: int  # items of one patch in one line
    itemsize: int


def split_plan(values: NDArray, array: NDArray, grid: PatchGrid) -> SplitPlan:
    """How an evenly spaced grid of `array` and `values` (each patch in one piece) correspond.

    Runs are counted in the largest items, up to 8 bytes, that divide everything: a run of 48 bytes
    is six copies and not 48.
    """
    place = layout(grid)
    num_cut, last = len(grid.names), place.cut[-1]
    moves, to = array.strides, values.strides
    batch = [(array.shape[i], moves[i], to[i]) for i in range(place.num_batch)]
    outer = [
        (grid.shape[i], moves[place.cut[i]] * grid.stride[i], to[place.num_batch + i])
        for i in range(num_cut - 1)
    ]
    one = values.shape[place.num_batch + num_cut :]
    lines = [(one[i - place.num_batch], moves[i]) for i in range(place.num_batch, last)]
    run = math.prod(one[last - place.num_batch :]) * array.itemsize
    in_array = Runs(
        _sums([(n, source) for n, source, _ in batch + outer]),
        moves[last] * grid.stride[-1],
        _sums(lines),
    )
    in_values = Runs(
        _sums([(n, target) for n, _, target in batch + outer]),
        to[place.num_batch + num_cut - 1],
        np.arange(len(in_array.lines)) * run,
    )
    steps = [8, run, in_array.step, in_values.step, array.ctypes.data, values.ctypes.data]
    tables = (in_array.groups, in_array.lines, in_values.groups, in_values.lines)
    item = math.gcd(*steps, *(int(np.gcd.reduce(table)) for table in tables))
    return SplitPlan(
        in_array.divided(item), in_values.divided(item), grid.shape[-1], run // item, item
    )


def _sums(moves: list[tuple[int, int]]) -> NDArray[np.int64]:
    """All sums of one multiple of each stride, in raster order, int64."""
    total = np.zeros(1, dtype=np.int64)
    for length, stride in moves:
        total = (total[:, None] + np.arange(length) * stride).ravel()
    return total
