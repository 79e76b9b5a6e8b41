"""The inner loops, compiled by numba when they are first called; each has a plain numpy version.

Kernels work on flat memory and on the tables of `sensorium.ops.patch.lines`, and release the lock
of the interpreter. None is compiled with fast mathematics: NaN and infinity are kept.
"""

from __future__ import annotations

from typing import Any

import numba

_compiled = numba.njit(nogil=True, cache=True, error_model="numpy")


@_compiled
def copy_patches(source: Any, target: Any, bounds: Any, read: Any, write: Any) -> None:
    """Copies runs; `bounds` is (first group, last group, patches, run).

    `read` and `write` are offsets (of each group, from patch to patch, of each line of a patch).
    """
    first, stop, num, run = bounds
    num_lines = len(read[2])
    for group in range(first, stop):
        # A few lines of all patches before the next few: they lie in the same pages of memory.
        for low in range(0, num_lines, 32):
            high = min(low + 32, num_lines)
            for patch in range(num):
                start = read[0][group] + patch * read[1]
                to = write[0][group] + patch * write[1]
                for row in range(low, high):
                    line = source[start + read[2][row] : start + read[2][row] + run]
                    into = target[to + write[2][row] : to + write[2][row] + run]
                    for k in range(run):
                        into[k] = line[k]


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
    kind = weights.dtype.type
    for patch in range(len(starts)):
        start = starts[patch]
        num = min(run, length - start)
        part = source[offset + patch * step : offset + patch * step + num]
        into = sums[start : start + num]
        for k in range(num):
            into[k] += kind(part[k]) * (weights[k] * weight)


@_compiled
def add_weighted_pair(
    source: Any, sums: Any, starts: Any, bounds: Any, weights: Any, pair: Any
) -> None:
    """Two lines of every patch at once; `pair` is (other offset, weight, other weight)."""
    offset, step, run, length = bounds
    kind = weights.dtype.type
    for patch in range(len(starts)):
        start = starts[patch]
        num = min(run, length - start)
        part = source[offset + patch * step : offset + patch * step + num]
        other = source[pair[0] + patch * step : pair[0] + patch * step + num]
        into = sums[start : start + num]
        for k in range(num):
            into[k] += weights[k] * (kind(part[k]) * pair[1] + kind(other[k]) * pair[2])


@_compiled
def write_line(sums: Any, target: Any, scale: Any, total: Any, magic: Any) -> None:
    """``sums / (scale * total)``; adding and taking away `magic` rounds half to even."""
    kind = scale.dtype.type  # int32 times float32 would be computed in float64
    for k in range(len(target)):
        target[k] = (kind(sums[k]) / (scale[k] * total) + magic) - magic


@_compiled
def write_float_line(sums: Any, target: Any, scale: Any, total: Any) -> None:
    """The same without rounding."""
    for k in range(len(target)):
        target[k] = sums[k] / (scale[k] * total)


@_compiled
def write_line_times(sums: Any, target: Any, scale: Any, by: Any, magic: Any) -> None:
    """``sums * scale * by`` rounded: exact where all counts are powers of two, and faster."""
    kind = scale.dtype.type  # int32 times float32 would be computed in float64
    for k in range(len(target)):
        target[k] = (kind(sums[k]) * (scale[k] * by) + magic) - magic


@_compiled
def mean_lines(
    source: Any, target: Any, sums: Any, bounds: Any, head: Any, tail: Any, options: Any
) -> None:
    """True means; `bounds` is (first line, last line, items of a line, step, run).

    `options`: starts, scale of the line, magic (0: no rounding), whether to multiply by `scale`.
    """
    first, stop, length, step, run = bounds
    starts, scale, magic, times = options
    num_tail = len(tail[0]) - 1
    for line in range(first, stop):
        a, b = line // num_tail, line % num_tail
        count = (head[0][a + 1] - head[0][a]) * (tail[0][b + 1] - tail[0][b])
        if count == 0:
            continue
        sums[:] = 0
        for i in range(head[0][a], head[0][a + 1]):
            for j in range(tail[0][b], tail[0][b + 1]):
                add_plain(source, sums, starts, (head[1][i] + tail[1][j], step, run, length))
        into = target[line * length : (line + 1) * length]
        total = scale.dtype.type(count)
        if magic == 0:
            write_float_line(sums, into, scale, total)
        elif times:
            write_line_times(sums, into, scale, scale.dtype.type(1) / total, magic)
        else:
            write_line(sums, into, scale, total, magic)


@_compiled
def window_lines(
    source: Any, target: Any, sums: Any, bounds: Any, head: Any, tail: Any, options: Any
) -> None:
    """Weighted means; as `mean_lines`, with the weights of a patch's line in `options`.

    `options`: starts, scale of the line (its inverse where rounded), magic, weights.
    """
    first, stop, length, step, run = bounds
    starts, scale, magic, weights = options
    kind = scale.dtype.type
    num_tail = len(tail[0]) - 1
    for line in range(first, stop):
        a, b = line // num_tail, line % num_tail
        total = 0.0
        sums[:] = 0
        for i in range(head[0][a], head[0][a + 1]):
            j, end = tail[0][b], tail[0][b + 1]
            while j < end:
                weight = head[2][i] * tail[2][j]
                total += weight
                at = (head[1][i] + tail[1][j], step, run, length)
                if j + 1 < end:
                    other = head[2][i] * tail[2][j + 1]
                    total += other
                    pair = (head[1][i] + tail[1][j + 1], kind(weight), kind(other))
                    add_weighted_pair(source, sums, starts, at, weights, pair)
                else:
                    add_weighted(source, sums, starts, at, weights, kind(weight))
                j += 2
        if total > 0.0:
            into = target[line * length : (line + 1) * length]
            if magic == 0:
                write_float_line(sums, into, scale, kind(total))
            else:
                write_line_times(sums, into, scale, kind(1.0 / total), magic)


@_compiled
def extreme_lines(
    source: Any, target: Any, bounds: Any, head: Any, tail: Any, starts: Any, sign: Any
) -> None:
    """Maximum (`sign` 1) or minimum (-1) over all patches; NaN wins. `bounds` as `mean_lines`."""
    first, stop, length, step, run = bounds
    num_tail = len(tail[0]) - 1
    for line in range(first, stop):
        a, b = line // num_tail, line % num_tail
        into = target[line * length : (line + 1) * length]
        fresh = True
        for i in range(head[0][a], head[0][a + 1]):
            for j in range(tail[0][b], tail[0][b + 1]):
                at = head[1][i] + tail[1][j]
                if fresh:
                    _assign(source, into, starts, (at, step, run, length))
                _extreme(source, into, starts, (at, step, run, length), sign)
                fresh = False


@_compiled
def _assign(source: Any, into: Any, starts: Any, bounds: Any) -> None:
    offset, step, run, length = bounds
    for patch in range(len(starts)):
        num = min(run, length - starts[patch])
        part = source[offset + patch * step : offset + patch * step + num]
        write = into[starts[patch] : starts[patch] + num]
        for k in range(num):
            write[k] = part[k]


@_compiled
def _extreme(source: Any, into: Any, starts: Any, bounds: Any, sign: Any) -> None:
    offset, step, run, length = bounds
    for patch in range(len(starts)):
        num = min(run, length - starts[patch])
        part = source[offset + patch * step : offset + patch * step + num]
        write = into[starts[patch] : starts[patch] + num]
        if sign > 0:
            for k in range(num):
                write[k] = part[k] if part[k] > write[k] or part[k] != part[k] else write[k]
        else:
            for k in range(num):
                write[k] = part[k] if part[k] < write[k] or part[k] != part[k] else write[k]


@_compiled
def restore_lines(
    source: Any, target: Any, bounds: Any, head: Any, tail: Any, starts: Any, scratch: Any
) -> None:
    """Puts a sample back as it was where all its patches agree; for sums that are not exact.

    `bounds` as `mean_lines`; `scratch` two lines: of the dtype, and of bool.
    """
    first, stop, length, step, run = bounds
    base, differs = scratch
    num_tail = len(tail[0]) - 1
    for line in range(first, stop):
        a, b = line // num_tail, line % num_tail
        if head[0][a] == head[0][a + 1] or tail[0][b] == tail[0][b + 1]:
            continue
        into = target[line * length : (line + 1) * length]
        at = head[1][head[0][a]] + tail[1][tail[0][b]]
        base[:] = into
        differs[:] = False
        _assign(source, base, starts, (at, step, run, length))
        for i in range(head[0][a], head[0][a + 1]):
            for j in range(tail[0][b], tail[0][b + 1]):
                at = head[1][i] + tail[1][j]
                _compare(source, base, differs, starts, (at, step, run, length))
        for k in range(length):
            into[k] = into[k] if differs[k] else base[k]


@_compiled
def _compare(source: Any, base: Any, differs: Any, starts: Any, bounds: Any) -> None:
    offset, step, run, length = bounds
    for patch in range(len(starts)):
        num = min(run, length - starts[patch])
        part = source[offset + patch * step : offset + patch * step + num]
        known = base[starts[patch] : starts[patch] + num]
        found = differs[starts[patch] : starts[patch] + num]
        for k in range(num):
            found[k] |= part[k] != known[k]
