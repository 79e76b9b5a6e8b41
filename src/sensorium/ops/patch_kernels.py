"""The inner loops, compiled by numba when they are first called; each has a plain numpy version.

Kernels work on flat memory and on the tables of `sensorium.ops.patch_lines`, and release the lock
of the interpreter. None is compiled with fast mathematics: NaN and infinity are kept.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

_compiled = numba.njit(nogil=True, cache=True, error_model="numpy")


@_compiled
def copy_patches(
    source: Any, target: Any, bounds: Any, sources: Any, targets: Any, steps: Any, rows: Any
) -> None:
    """Copies runs; `bounds` is (first group, last group, patches, run)."""
    first, stop, num, run = bounds
    for group in range(first, stop):
        for patch in range(num):
            write = targets[group] + patch * steps[1]
            read = sources[group] + patch * steps[0]
            for row in range(len(rows)):
                line = source[read + rows[row] : read + rows[row] + run]
                into = target[write : write + run]
                for k in range(run):
                    into[k] = line[k]
                write += run


@_compiled
def copy_lines(source: Any, target: Any, bounds: Any, head: Any, tail: Any, pieces: Any) -> None:
    """Owned blends; `bounds` is (first line, last line, items of a line, step of a patch).

    `pieces` (piece, 4): patch, first and end in the line, start of the patch in the line.
    """
    first, stop, length, step = bounds
    num_tail = len(tail[0]) - 1
    for line in range(first, stop):
        a, b = line // num_tail, line % num_tail
        if head[0][a] == head[0][a + 1] or tail[0][b] == tail[0][b + 1]:
            continue
        base = head[1][head[0][a]] + tail[1][tail[0][b]]
        into = target[line * length : (line + 1) * length]
        for piece in range(len(pieces)):
            patch, start, end = pieces[piece, 0], pieces[piece, 1], pieces[piece, 2]
            read = base + patch * step + start - pieces[piece, 3]
            part = source[read : read + end - start]
            write = into[start:end]
            for k in range(end - start):
                write[k] = part[k]


@_compiled
def add_plain(source: Any, sums: Any, starts: Any, bounds: Any) -> None:
    """Adds one line of every patch; `bounds` is (offset, step, run, items of a line)."""
    offset, step, run, length = bounds
    for patch in range(len(starts)):
        start = starts[patch]
        num = min(run, length - start)
        part = source[offset + patch * step : offset + patch * step + num]
        into = sums[start : start + num]
        for k in range(num):
            into[k] += part[k]


@_compiled
def add_weighted(
    source: Any, sums: Any, starts: Any, bounds: Any, weights: Any, weight: Any
) -> None:
    """The same, each sample times `weights` of its place in the patch and times `weight`."""
    offset, step, run, length = bounds
    for patch in range(len(starts)):
        start = starts[patch]
        num = min(run, length - start)
        part = source[offset + patch * step : offset + patch * step + num]
        into = sums[start : start + num]
        for k in range(num):
            into[k] += part[k] * (weights[k] * weight)


@_compiled
def add_weighted_pair(
    source: Any, sums: Any, starts: Any, bounds: Any, weights: Any, pair: Any
) -> None:
    """Two lines of every patch at once; `pair` is (other offset, weight, other weight)."""
    offset, step, run, length = bounds
    for patch in range(len(starts)):
        start = starts[patch]
        num = min(run, length - start)
        part = source[offset + patch * step : offset + patch * step + num]
        other = source[pair[0] + patch * step : pair[0] + patch * step + num]
        into = sums[start : start + num]
        for k in range(num):
            into[k] += weights[k] * (part[k] * pair[1] + other[k] * pair[2])


@_compiled
def write_rounded(sums: Any, target: Any, scale: Any, by: Any, magic: Any) -> None:
    """``round(sums * scale * by)``; adding and taking away `magic` rounds half to even."""
    for k in range(len(target)):
        target[k] = (sums[k] * (scale[k] * by) + magic) - magic


@_compiled
def write_divided(sums: Any, target: Any, scale: Any, by: Any, magic: Any) -> None:
    """``round(sums / (scale * by))``, for means whose counts are no powers of two."""
    for k in range(len(target)):
        target[k] = (sums[k] / (scale[k] * by) + magic) - magic


@_compiled
def write_scaled(sums: Any, target: Any, scale: Any, by: Any, magic: Any) -> None:
    """``sums / (scale * by)`` for floats."""
    for k in range(len(target)):
        target[k] = sums[k] / (scale[k] * by)


def _averaging(write: Any, weighted: bool) -> Any:
    """The loop over lines, for one manner of writing and of adding."""

    @_compiled
    def average(
        source: Any, target: Any, sums: Any, bounds: Any, tables: Any, starts: Any, scales: Any
    ) -> None:
        first, stop, length, step, run = bounds
        (head_ends, head_at, head_weights), (tail_ends, tail_at, tail_weights) = tables
        weights, scale, magic = scales
        num_tail = len(tail_ends) - 1
        kind = type(scale[0])
        for line in range(first, stop):
            a, b = line // num_tail, line % num_tail
            total = 0.0
            sums[:] = 0
            for i in range(head_ends[a], head_ends[a + 1]):
                j = tail_ends[b]
                while j < tail_ends[b + 1]:
                    weight = head_weights[i] * tail_weights[j]
                    total += weight
                    where = (head_at[i] + tail_at[j], step, run, length)
                    if not weighted:
                        add_plain(source, sums, starts, where)
                    elif j + 1 < tail_ends[b + 1]:
                        other = head_weights[i] * tail_weights[j + 1]
                        total += other
                        pair = (
                            head_at[i] + tail_at[j + 1],
                            scale.dtype.type(weight),
                            scale.dtype.type(other),
                        )
                        add_weighted_pair(source, sums, starts, where, weights, pair)
                        j += 1
                    else:
                        add_weighted(source, sums, starts, where, weights, scale.dtype.type(weight))
                    j += 1
            if total > 0.0:
                write(sums, target[line * length : (line + 1) * length], scale, total, magic)

    return average
