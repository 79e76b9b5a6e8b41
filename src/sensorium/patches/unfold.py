"""``Tensor.unfold`` along several axes at once, and the inverse that torch does not have.

``unfold(x, (2, 3), 32, 16)`` gives the shape of ``x.unfold(2, 32, 16).unfold(3, 32, 16)``: each axis
becomes the number of patches, and the samples of the patches follow as last axes. numpy arrays are
taken as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sensorium.core.errors import UsageError
from sensorium.core.patch.grid import PatchGrid
from sensorium.core.patch.spacing import whole_numbers
from sensorium.ops.patch import torch_patches
from sensorium.ops.patch.blend import Blend
from sensorium.ops.patch.join import merge
from sensorium.ops.patch.numpy_patches import layout, view


def _axes(ndim: int, dimension: int | Sequence[int]) -> tuple[int, ...]:
    axes = whole_numbers("dimension", dimension)
    for axis in axes:
        if not -ndim <= axis < ndim:
            raise UsageError(f"dimension: expected -{ndim}..{ndim - 1}, got {axis}")
    return tuple(axis % ndim for axis in axes)


def _grid(shape: Sequence[int], axes: tuple[int, ...], size: Any, step: Any) -> PatchGrid:
    """The grid whose cut axes are `axes`, numbered as in the array."""
    every = tuple(f"axis{i}" for i in range(len(shape)))
    sizes = dict(zip(axes, whole_numbers("size", size, len(axes)), strict=True))
    steps = dict(zip(axes, whole_numbers("step", step, len(axes)), strict=True))
    order = sorted(axes)
    for axis in order:
        if sizes[axis] > shape[axis]:
            raise UsageError(f"size: {sizes[axis]} is larger than axis {axis} of {shape[axis]}")
    return PatchGrid(
        tuple(shape[axis] for axis in order),
        tuple(sizes[axis] for axis in order),
        tuple(steps[axis] for axis in order),
        "drop",
        "raster",
        tuple(every[axis] for axis in order),
        every,
    )


def unfold(
    array: Any, dimension: int | Sequence[int], size: int | Sequence[int], step: int | Sequence[int]
) -> Any:
    """All patches along the axes `dimension`, a view; a remainder is dropped as torch drops it.

    >>> unfold(np.arange(24).reshape(4, 6), (0, 1), 2, 2).shape
    (2, 3, 2, 2)
    """
    axes = _axes(array.ndim, dimension)
    if torch_patches.is_tensor(array):
        _grid(array.shape, axes, size, step)
        sizes, steps = (whole_numbers("size", n, len(axes)) for n in (size, step))
        for axis, length, hop in zip(axes, sizes, steps, strict=True):
            array = array.unfold(axis, length, hop)
        return array
    grid = _grid(array.shape, axes, size, step)
    values = view(array, grid)  # (grid..., array axes)
    return values.transpose(_order(array.ndim, axes))


def _order(ndim: int, axes: tuple[int, ...]) -> tuple[int, ...]:
    """Where each axis of the unfolded shape stands in ``(grid..., array axes)``."""
    rank = {axis: i for i, axis in enumerate(sorted(axes))}
    counts = [rank[axis] if axis in rank else len(axes) + axis for axis in range(ndim)]
    return (*counts, *(len(axes) + axis for axis in axes))


def refold(
    patches: Any,
    dimension: int | Sequence[int],
    length: int | Sequence[int],
    step: int | Sequence[int],
    blend: Blend = "mean",
    fill: float = 0,
) -> Any:
    """The inverse of `unfold`: `length` is that of the array along each axis of `dimension`.

    Untouched patches give exactly the array; what `unfold` dropped is `fill`. (``F.fold`` adds the
    overlaps up instead, takes no integers, and knows two axes only.)

    >>> x = np.arange(24).reshape(4, 6)
    >>> bool((refold(unfold(x, (0, 1), 2, 1), (0, 1), (4, 6), 1) == x).all())
    True
    """
    num = 1 if isinstance(dimension, int) else len(dimension)
    ndim = patches.ndim - num
    axes = _axes(ndim, dimension)
    lengths = whole_numbers("length", length, num)
    shape = list(patches.shape[:ndim])
    for axis, samples in zip(axes, lengths, strict=True):
        shape[axis] = samples
    grid = _grid(shape, axes, tuple(patches.shape[ndim:]), step)
    back = np.argsort(_order(ndim, axes)).tolist()
    tensor = torch_patches.is_tensor(patches)
    values = patches.permute(back) if tensor else patches.transpose(back)
    if grid.shape != tuple(values.shape[:num]) or layout(grid).num_batch:
        raise UsageError(
            f"refold: an array of {tuple(shape)} has {grid.shape} patches with step {step}, "
            f"got {tuple(values.shape[:num])}"
        )
    return merge(values, grid, blend, fill)
