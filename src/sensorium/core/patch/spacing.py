"""One axis cut into patches: where they start and how often each sample is covered."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError


def whole_numbers(name: str, value: Any, num_axes: int | None = None) -> tuple[int, ...]:
    """`value` as one int per axis; a single number counts for every axis."""
    given = tuple(value) if isinstance(value, Sequence | np.ndarray) else (value,)
    numbers = []
    for item in given:
        fraction = isinstance(item, float | np.floating) and not float(item).is_integer()
        if fraction or isinstance(item, bool | np.bool_):
            raise UsageError(f"{name}: expected whole numbers, got {item} in {value!r}")
        try:
            numbers.append(int(item) if isinstance(item, float) else operator.index(item))
        except TypeError:
            raise UsageError(f"{name}: expected whole numbers, got {value!r}") from None
    if num_axes is not None and len(numbers) == 1 and not isinstance(value, Sequence | np.ndarray):
        numbers *= num_axes
    if num_axes is not None and len(numbers) != num_axes:
        raise UsageError(
            f"{name}: expected one number or {num_axes}, got {len(numbers)}: {value!r}"
        )
    return tuple(numbers)


def axis_starts(size: int, patch: int, stride: int, edge: str) -> Iterator[int]:
    """The first sample of every patch along one axis, ascending; `edge` as in `PatchGrid`."""
    whole = (size - patch) // stride + 1 if size >= patch else 0
    yield from range(0, whole * stride, stride)
    if edge in ("drop", "error"):
        return
    covered = (whole - 1) * stride + patch if whole else 0
    if covered < size:
        if edge == "shift":
            yield size - patch
        elif whole * stride < size:  # with gaps between patches the next may start past the end
            yield whole * stride


def covered(starts: NDArray[np.int64], patch: int, size: int) -> NDArray[np.int64]:
    """How many patches cover each sample, int64 (sample,)."""
    steps = np.zeros(size + 1, dtype=np.int64)
    np.add.at(steps, starts, 1)
    np.add.at(steps, np.minimum(starts + patch, size), -1)
    return np.cumsum(steps)[:size]
