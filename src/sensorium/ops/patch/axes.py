"""From what a user says (axes by name, numbers per axis) to a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from sensorium.core.errors import UsageError
from sensorium.core.patch.grid import WHOLE, Edge, PatchGrid
from sensorium.core.patch.spacing import whole_numbers

Numbers = int | Sequence[int] | Mapping[str, int]


def plain(numbers: Any) -> Any:
    """The same numbers, hashable."""
    if numbers is None or isinstance(numbers, int):
        return numbers
    if isinstance(numbers, Mapping):
        return ("named", *numbers.items())
    if isinstance(numbers, np.ndarray):
        return tuple(numbers.tolist())
    return tuple(numbers) if isinstance(numbers, list | tuple) else numbers


@lru_cache(maxsize=1024)
def grid_for(
    shape: tuple[int, ...], patch: Any, stride: Any, axes: str | None, edge: Edge
) -> PatchGrid:
    """The grid for an array of `shape`; all arguments hashable (`plain`), as `split` takes them."""
    named = dict(patch[1:]) if isinstance(patch, tuple) and patch[:1] == ("named",) else None
    every = tuple(axes.split()) if axes else _default_axes(shape, patch)
    if len(every) != len(shape):
        raise UsageError(f"axes: {axes!r} names {len(every)} axes, the image has shape {shape}")
    if named is not None and not set(named) <= set(every):
        raise UsageError(f"patch: expected some of the axes {' '.join(every)}, got {sorted(named)}")
    names = tuple(name for name in every if (name in named if named else name not in WHOLE))
    if not names:
        raise UsageError(f"axes: {axes!r} names no axis to be cut")
    if named is not None:
        patch = tuple(named[name] for name in names)
    if isinstance(stride, tuple) and stride[:1] == ("named",):
        steps = dict(stride[1:])
        stride = tuple(steps.get(name, p) for name, p in zip(names, patch, strict=True))
    patches = whole_numbers("patch", patch, len(names))
    strides = patches if stride is None else whole_numbers("stride", stride, len(names))
    size = tuple(shape[every.index(name)] for name in names)
    return PatchGrid(size, patches, strides, edge, "raster", names, every)


def _default_axes(shape: tuple[int, ...], patch: Any) -> tuple[str, ...]:
    every = isinstance(patch, tuple) and len(patch) == len(shape)
    if len(shape) > 2 and not every:
        raise UsageError(
            f"axes: name the axes of an array of shape {shape}, as axes='h w c', 'c h w' or "
            "'b t h w c' (b and c are kept whole)"
        )
    if not shape:
        raise UsageError("image: expected at least one axis, got a single number")
    ones = (1,) * len(shape)
    return PatchGrid(ones, ones, ones).names
