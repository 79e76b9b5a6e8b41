"""Chooses between the compiled kernels and plain numpy, and shares the lines among threads.

The kernels are compiled (and numba is imported) at the first call that is large enough to gain
from it; where numba cannot be imported everything is done by numpy, with the same results.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from sensorium.core.patch.grid import PatchGrid
from sensorium.ops.patch import merging, numpy_patches
from sensorium.ops.patch.blend import OWNING
from sensorium.ops.patch.lines import MergePlan, Table, in_order, memory, merge_plan, split_plan

SMALL = 1 << 16  # bytes; below it numpy is quicker than the plan
SHARE = 1 << 20  # bytes that make a thread worth its start


@lru_cache(maxsize=1)
def kernels() -> ModuleType | None:
    """The compiled kernels, or None where numba is not to be had."""
    try:
        from sensorium.ops.patch import patch_kernels
    except ImportError:
        return None
    return patch_kernels


def _shared(num_lines: int, num_bytes: int, work: Callable[[int, int], None]) -> None:
    """Calls ``work(first, stop)`` over all lines, in as many threads as are worth it."""
    import numba

    num = min(numba.get_num_threads(), num_bytes // SHARE, num_lines)
    if num < 2:
        work(0, num_lines)
        return
    # More parts than threads: a thread whose core is busy with something else does fewer of them.
    edges = np.linspace(0, num_lines, min(8 * num, num_lines) + 1).astype(int).tolist()
    with ThreadPoolExecutor(num) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))


def _items(itemsize: int) -> np.dtype | None:
    """The unsigned integer that stands for any item of this size while it is copied."""
    return np.dtype(f"u{itemsize}") if itemsize in (1, 2, 4, 8) else None


def _runs(values: NDArray, array: NDArray, grid: PatchGrid) -> bool:
    """Whether both sides lie in runs that a kernel can copy."""
    place = numpy_patches.layout(grid)
    first_of_patch = place.num_batch + len(grid.names)
    return in_order(array, place.cut[-1]) and in_order(values, first_of_patch)


def _copy_runs(values: NDArray, array: NDArray, grid: PatchGrid, back: bool) -> None:
    """Copies patches of `array` to `values`, or `back` from there."""
    fast = kernels()
    assert fast is not None  # the callers have asked
    plan = split_plan(values, array, grid)
    kind = np.dtype(f"u{plan.itemsize}")
    inside, outside = memory(array, kind), memory(values, kind)
    source, target = (outside, inside) if back else (inside, outside)
    read, write = (plan.values, plan.array) if back else (plan.array, plan.values)

    def work(first: int, stop: int) -> None:
        bounds = (first, stop, plan.num_patches, plan.run)
        fast.copy_patches(source, target, bounds, tuple(read), tuple(write))

    _shared(len(read.groups), values.nbytes, work)


def copy_even(out: NDArray, array: NDArray, grid: PatchGrid) -> None:
    """`sensorium.ops.patch.numpy_patches.copy_even`, compiled."""
    if out.nbytes >= SMALL and _runs(out, array, grid) and kernels() is not None:
        _copy_runs(out, array, grid, back=False)
    else:
        numpy_patches.copy_even(out, array, grid)


def _paste(out: NDArray, values: NDArray, grid: PatchGrid) -> None:
    """Merges patches of which no two overlap: a split the other way round."""
    batch = (slice(None),) * numpy_patches.layout(grid).num_batch
    for where, region, lengths in numpy_patches.touching_blocks(out, grid):
        part = values[batch + where]
        part = part[numpy_patches.inside(grid, lengths, values.ndim)]
        even = numpy_patches.even_grid(grid, region.shape, lengths)
        if part.nbytes >= SMALL and _runs(part, region, even) and kernels() is not None:
            _copy_runs(part, region, even, back=True)
        else:
            np.copyto(numpy_patches.view(region, even, writeable=True), part)


def copy_into(out: NDArray, array: NDArray, grid: PatchGrid, fill: numpy_patches.Fill = 0) -> None:
    """`sensorium.ops.patch.numpy_patches.copy_into`, compiled where that is quicker."""
    numpy_patches.copy_into(out, array, grid, fill, copy_even)


def merge_into(out: NDArray, values: NDArray, grid: PatchGrid, blend: str) -> None:
    """`sensorium.ops.patch.merging.merge_into`, compiled where that is quicker."""
    touching = all(int(counts.max(initial=0)) <= 1 for counts in grid.counts())
    if touching and 0 not in grid.shape:
        _paste(out, values, grid)  # no sample has two patches: every blend is a copy
        return
    wide = values.dtype.name in ("int64", "uint64") and blend not in (*OWNING, "max", "min")
    fast = kernels() if values.nbytes >= SMALL and not wide and blend != "median" else None
    if fast is None or _items(values.itemsize) is None or 0 in grid.shape:
        merging.merge_into(out, values, grid, blend)
        return
    dtype = values.dtype
    if dtype == np.float16 and blend not in OWNING:
        values = values.astype(np.float32)
    place = numpy_patches.layout(grid)
    if not in_order(values, place.cut[-1] + len(grid.names)):
        values = np.ascontiguousarray(values)
    direct = in_order(out, 0) and out.dtype == values.dtype
    target = out if direct else np.zeros(out.shape, values.dtype)
    _merge_lines(fast, target, values, grid, blend)
    if not direct:
        np.copyto(out, target, casting="unsafe")


def _merge_lines(
    fast: ModuleType, out: NDArray, values: NDArray, grid: PatchGrid, blend: str
) -> None:
    plan = merge_plan(values, grid, blend)
    num_lines = plan.head.num_lines * plan.tail.num_lines
    kind = np.dtype("u1") if values.dtype.kind == "b" else values.dtype
    if blend in OWNING:
        kind = _items(values.itemsize) or kind
    source, target = memory(values, kind), memory(out, kind)
    head, tail = plan.head, plan.tail
    work: Callable[[int, int], None]
    if blend in OWNING:
        starts = plan.starts[plan.pieces[:, 0]]
        pieces = np.concatenate([plan.pieces, starts[:, None]], axis=1)

        def work(first: int, stop: int) -> None:
            bounds = (first, stop, plan.line, plan.step)
            fast.copy_lines(source, target, bounds, tuple(head), tuple(tail), pieces)

    elif blend in ("max", "min"):

        def work(first: int, stop: int) -> None:
            bounds = (first, stop, plan.line, plan.step, plan.run)
            sign = 1 if blend == "max" else -1
            fast.extreme_lines(source, target, bounds, tuple(head), tuple(tail), plan.starts, sign)

    else:
        work = _averaging(fast, (source, target), plan, blend)
    _shared(num_lines, values.nbytes, work)


def _most(table: Table) -> int:
    return int(np.diff(table.ends).max(initial=0))


def _averaging(
    fast: ModuleType, arrays: tuple[NDArray, NDArray], plan: MergePlan, blend: str
) -> Callable[[int, int], None]:
    """How the sums are kept: exact for means, and so that an untouched sample comes back as it was.

    Small integers are summed as integers (mean) or in float32 (windows); all else in float64, whose
    error is far below half a step of float32 or of a 32-bit integer. Sums of float64 itself are not
    exact, so there a sample on which all patches agree is put back afterwards.
    """
    source, target = arrays
    dtype = source.dtype
    mean, small = blend == "mean", dtype.itemsize <= 2 and dtype.kind in "iu"
    most = _most(plan.head) * _most(plan.tail) * int(plan.norm.max()) if mean else 0
    largest = most * int(np.iinfo(dtype).max) if small else 0
    real = np.dtype("f4") if small and largest < 2**23 else np.dtype("f8")
    summed: np.dtype = real
    if mean and small:
        summed = np.dtype("u2" if dtype.kind == "u" and largest < 2**16 else "i4")
        summed = summed if largest < 2**31 else np.dtype("f8")
    # 1.5 * 2**(bits of the fraction): its neighbours are 1 apart.
    magic = real.type(0 if dtype.kind == "f" else 1.5 * 2.0 ** (23 if real.itemsize == 4 else 52))
    scale = plan.norm.astype(real)
    weights = plan.window.astype(real)
    head, tail = tuple(plan.head), tuple(plan.tail)
    times = bool(mean and _all_powers(plan))
    if magic and (times or not mean):
        scale = (1 / plan.norm).astype(real)

    def work(first: int, stop: int) -> None:
        bounds = (first, stop, plan.line, plan.step, plan.run)
        sums = np.empty(plan.line, summed)
        last = times if mean else weights
        options = (plan.starts, scale, magic, last)
        average = fast.mean_lines if mean else fast.window_lines
        average(source, target, sums, bounds, head, tail, options)
        if dtype == np.float64:
            scratch = (np.empty(plan.line), np.empty(plan.line, np.bool_))
            fast.restore_lines(source, target, bounds, head, tail, plan.starts, scratch)

    return work


def _all_powers(plan: MergePlan) -> bool:
    """Whether every count is a power of two, so that its inverse is exact."""
    counts = [np.diff(plan.head.ends), np.diff(plan.tail.ends), plan.norm.astype(np.int64)]
    return all(bool(((c & (c - 1)) == 0).all()) for c in counts)
