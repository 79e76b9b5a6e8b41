"""Putting patches back: arrays, tensors, lists and arrays on disk through one function."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from sensorium.core.errors import UsageError
from sensorium.core.patch.grid import PatchGrid
from sensorium.ops.patch import fast, merging, numpy_patches, torch_patches
from sensorium.ops.patch.bands import Merger, Rows
from sensorium.ops.patch.blend import Blend, check_blend


def loaded(source: Any) -> Any:
    """An array in memory, or mapped into it; what lies on disk otherwise is read."""
    return source if isinstance(source, np.ndarray) else np.asarray(source[...])


def checked_out(out: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """`out` itself, if it is of this shape and dtype."""
    if tuple(out.shape) != tuple(shape) or out.dtype != dtype:
        raise UsageError(
            f"out: expected {dtype} {tuple(shape)}, got {out.dtype} {tuple(out.shape)}"
        )
    return out


def merge(
    patches: Any,
    grid: PatchGrid | None = None,
    blend: Blend = "mean",
    fill: float = 0,
    out: Any = None,
) -> Any:
    """Puts patches back; untouched patches give exactly what was split, for every `blend`.

    Args:
        patches: values ``(*batch, *grid.shape, *patch)`` or with the patches along one axis, as numpy
            array, torch tensor, list, Zarr array; or `Patches`. Their dtype and the length of axes that
            are not cut are free: they need not be those of the image.
        grid: where they lie.
        blend: what an overlap gets. ``crop`` cuts it in its middle, ``first`` and ``last`` take one patch,
            ``mean``, ``median``, ``max`` and ``min`` all, ``hann``, ``gaussian`` and ``linear`` weigh them.
            dtypes are kept; integers are rounded (halves to even), not truncated.
        fill: what samples get that no patch covers (``drop``, or strides above the patch).
        out: what is written to; if it lies on disk, a band of rows at a time.

    Raises:
        UsageError: patches that do not belong to the grid, or cannot be blended so.
    """
    check_blend(blend)
    if isinstance(getattr(patches, "grid", None), PatchGrid):
        grid, patches = grid or patches.grid, patches.values
    if grid is None:
        raise UsageError("merge: expected the grid that the patches were cut with")
    if isinstance(patches, list | tuple):
        patches = _stacked(patches, grid)
    if grid.edge == "ragged":
        grid = PatchGrid(
            grid.size, grid.patch, grid.stride, "pad", grid.order, grid.names, grid.axes
        )
    if torch_patches.is_tensor(patches):
        merged = _merge_tensor(patches, grid, blend, fill)
        return merged if out is None else out.copy_(merged)
    on_disk = not isinstance(patches, np.ndarray) or not (
        out is None or isinstance(out, np.ndarray)
    )
    if (
        on_disk
        and not numpy_patches.layout(grid).num_batch
        and len(patches.shape) > len(grid.axes) + 1
    ):
        return _merge_bands(patches, grid, (blend, fill), out)
    values = merging.check_values(loaded(patches), grid)
    merging.check_dtype(values.dtype, blend)
    shape = numpy_patches.image_shape(grid, values.shape)
    out = np.empty(shape, values.dtype) if out is None else checked_out(out, shape, values.dtype)
    target = out if isinstance(out, np.ndarray) else np.empty(shape, values.dtype)
    fast.merge_into(target, values, grid, blend)
    merging.fill_uncovered(target, grid, fill)
    if target is not out:
        out[...] = target
    return out


def _merge_tensor(values: Any, grid: PatchGrid, blend: Blend, fill: float) -> Any:
    torch = sys.modules["torch"]  # whoever has a tensor has imported it
    values = merging.check_values(values, grid)
    plain = values.device.type == "cpu" and not values.requires_grad
    if plain and values.dtype != torch.bfloat16 and not torch.compiler.is_compiling():
        merged = merge(values.numpy(), grid, blend, fill)
        return torch.from_numpy(merged)
    return torch_patches.merge(values, grid, blend, fill)


def _merge_bands(patches: Any, grid: PatchGrid, how: tuple[Blend, float], out: Any) -> Any:
    merging.check_values(patches, grid)
    shape = numpy_patches.image_shape(grid, tuple(patches.shape))
    dtype = np.dtype(patches.dtype)
    out = np.empty(shape, dtype) if out is None else checked_out(out, shape, dtype)
    merger = Merger(grid, *how)
    before = (slice(None),) * numpy_patches.layout(grid).cut[0]

    def write(finished: list[Rows]) -> None:
        for start, rows in finished:
            stop = start + rows.shape[len(before)]
            out[(*before, slice(start, stop))] = rows

    for row in range(grid.shape[0]):
        write(merger.add_band(row, patches[row]))
    if 0 in grid.shape:
        out[...] = how[1]
    else:
        write(merger.finish())
    return out


def _stacked(patches: Sequence[Any], grid: PatchGrid) -> Any:
    """A list of patches in `grid.order` as one array; smaller ones are filled up."""
    if len(patches) != grid.num_patches:
        raise UsageError(
            f"patches do not belong to the grid: expected {grid.num_patches}, got {len(patches)}"
        )
    if not patches:
        raise UsageError("merge: expected at least one patch, got an empty list")
    place = numpy_patches.layout(grid)
    first: Any = patches[0] if torch_patches.is_tensor(patches[0]) else np.asarray(patches[0])
    shape = list(first.shape)
    if len(shape) != len(grid.axes):
        raise UsageError(f"patches: expected axes {' '.join(grid.axes)}, got shape {tuple(shape)}")
    for position, length in zip(place.cut, grid.patch, strict=True):
        shape[position] = length
    shape.insert(place.num_batch, len(patches))
    full = (
        first.new_zeros(shape) if torch_patches.is_tensor(first) else np.zeros(shape, first.dtype)
    )
    valid = grid.valid if grid.edge == "ragged" else np.tile(grid.patch, (len(patches), 1))
    for number, (one, lengths) in enumerate(zip(patches, valid.tolist(), strict=True)):
        inside: list[Any] = [slice(None)] * len(grid.axes)
        for position, length in zip(place.cut, lengths, strict=True):
            inside[position] = slice(0, length)
            if one.shape[position] != length:
                raise UsageError(
                    f"patches do not belong to the grid: patch {number} should have {length} "
                    f"along axis {grid.axes[position]!r}, got shape {tuple(one.shape)}"
                )
        inside.insert(place.num_batch, number)
        full[tuple(inside)] = one
    return full
