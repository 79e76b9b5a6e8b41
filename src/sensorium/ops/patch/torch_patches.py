"""Patches of torch tensors, by the tensor's own methods: differentiable, on any device.

torch is not imported here; whatever has torch's methods can be cut and merged. Axes are merged one
after the other by gathering the samples of every patch that covers a place, so that no sum depends
on the order of threads and a merge gives the same bits every time.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from sensorium.core.errors import UsageError
from sensorium.core.patch.grid import PatchGrid
from sensorium.ops.patch.blend import OWNING, covering, norm, owners, window
from sensorium.ops.patch.numpy_patches import Fill, fill_index, layout


def is_tensor(value: Any) -> bool:
    """Whether `value` is a torch tensor, asked without importing torch."""
    return any(
        kind.__module__.partition(".")[0] == "torch" for kind in type(value).__mro__
    ) and hasattr(value, "unfold")


def _table(like: Any, numbers: Any, dtype: str = "int64") -> Any:
    """A numpy table as a tensor on the device of `like`."""
    torch = sys.modules["torch"]  # whoever has a tensor has imported it
    return torch.as_tensor(numbers, dtype=getattr(torch, dtype), device=like.device)


def _index(like: Any, numbers: Any) -> Any:
    return _table(like, np.ascontiguousarray(numbers))


def padded(tensor: Any, grid: PatchGrid, fill: Fill) -> Any:
    """`tensor` itself where the grid fits, else a copy that is filled up at the ends."""
    if grid.padded == grid.size:
        return tensor
    cut = layout(grid).cut
    if isinstance(fill, str):
        for position, size, length in zip(cut, grid.size, grid.padded, strict=True):
            if length > size:
                tensor = tensor.index_select(
                    position, _index(tensor, fill_index(size, length, fill))
                )
        return tensor
    shape = list(tensor.shape)
    for position, length in zip(cut, grid.padded, strict=True):
        shape[position] = length
    full = tensor.new_full(shape, fill)
    full[tuple(slice(0, size) for size in tensor.shape)] = tensor
    return full


def split(tensor: Any, grid: PatchGrid, fill: Fill = 0) -> Any:
    """Values ``(*batch, *grid, *patch)``: a view where the grid is regular and nothing is filled."""
    num_batch, cut = layout(grid)[:2]
    tensor = padded(tensor, grid, fill)
    for axis, position in enumerate(cut):
        if 0 in grid.shape:
            return _empty(tensor, grid)
        here = position + axis
        starts, patch, stride = grid.starts[axis], grid.patch[axis], grid.stride[axis]
        last = len(starts) - 1
        if last > 0 and int(starts[last]) != last * stride:
            at = (starts[:, None] + np.arange(patch)).ravel()
            shape = list(tensor.shape)
            chosen = tensor.index_select(here, _index(tensor, at))
            cuts = chosen.reshape(*shape[:here], last + 1, patch, *shape[here + 1 :])
            tensor = cuts.movedim(here, num_batch + axis)
        else:
            cuts = tensor.unfold(here, patch, stride)  # (..., patches, ..., sample)
            cuts = cuts.narrow(here, 0, last + 1).movedim(-1, here + 1)
            tensor = cuts.movedim(here, num_batch + axis)
    return tensor


def _empty(tensor: Any, grid: PatchGrid) -> Any:
    from sensorium.ops.patch.numpy_patches import values_shape

    return tensor.new_empty(values_shape(grid, tuple(tensor.shape)))


def merge(values: Any, grid: PatchGrid, blend: str, fill: float = 0) -> Any:
    """The merged tensor, in the dtype of `values`."""
    if 0 in grid.shape:
        from sensorium.ops.patch.numpy_patches import image_shape

        return values.new_full(image_shape(grid, tuple(values.shape)), fill)
    if blend in OWNING or blend in ("max", "min"):
        merged = _all_axes(values, grid, blend)
    elif blend == "median":
        merged = _median(values, grid)
    else:
        merged = _averaged(values, grid, blend)
    return _fill(merged, grid, fill)


def _fill(merged: Any, grid: PatchGrid, fill: float) -> Any:
    for position, counts in zip(layout(grid).cut, grid.counts(), strict=True):
        if (counts == 0).any():
            empty = _index(merged, counts == 0).bool()
            shape = [1] * merged.ndim
            shape[position] = -1
            merged = merged.masked_fill(empty.reshape(shape), fill)
    return merged


def _all_axes(values: Any, grid: PatchGrid, blend: str) -> Any:
    for axis in reversed(range(len(grid.names))):
        values = _reduce(values, grid, axis, blend)
    return values


def _pair(values: Any, grid: PatchGrid, axis: int, lead: int = 0) -> tuple[Any, int]:
    """(patch, sample) of one axis as one axis in front, and where the merged axis will stand."""
    place = layout(grid)
    grid_axis = lead + place.num_batch + axis
    patch_axis = grid_axis + 1 + place.cut[axis] - place.num_batch
    front = values.movedim((grid_axis, patch_axis), (0, 1))
    return front.reshape(-1, *front.shape[2:]), patch_axis - 1


def _reduce(values: Any, grid: PatchGrid, axis: int, blend: str) -> Any:
    starts, patch, size = grid.starts[axis], grid.patch[axis], grid.size[axis]
    front, position = _pair(values, grid, axis)
    samples = np.arange(size)
    if blend in OWNING:
        owner = np.maximum(owners(blend, starts, patch, size), 0)
        at = owner * patch + np.minimum(samples - starts[owner], patch - 1)
        return front.index_select(0, _index(front, at)).movedim(0, position)
    low, high = covering(starts, patch, size)
    weights = window(blend, patch)
    merged = None
    for k in range(max(int((high - low).max()), 1)):
        here = low + k < high
        index = np.where(here, low + k, np.minimum(low, len(starts) - 1))
        at = np.clip(samples - starts[index], 0, patch - 1)
        part = front.index_select(0, _index(front, index * patch + at))
        shape = (size, *(1 for _ in part.shape[1:]))
        if blend in ("max", "min"):
            merged = part if merged is None else _extreme(merged, part, blend)
            continue
        if blend != "mean":
            part = part * _table(part, weights[at], "float64").reshape(shape)
        part = part.masked_fill(~_index(part, here).bool().reshape(shape), 0)
        merged = part if merged is None else merged + part
    return merged.movedim(0, position)  # type: ignore[union-attr]


def _extreme(one: Any, other: Any, blend: str) -> Any:
    if str(one.dtype) == "torch.bool":
        return one | other if blend == "max" else one & other
    return one.maximum(other) if blend == "max" else one.minimum(other)


def _kind(tensor: Any) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _averaged(values: Any, grid: PatchGrid, blend: str) -> Any:
    kind = _kind(values)
    if kind in ("int64", "uint64"):
        raise UsageError(
            f"blend={blend!r}: torch {kind} has no exact mean; use int32, a float or a numpy array"
        )
    scale = _norms(values.double(), grid, blend)
    if kind == "float64":
        # Only the differences to the first patch are averaged: equal samples stay as they are.
        base = _all_axes(values, grid, "first")
        spread = _spread(base, grid)
        # Only what is not finite is masked: a mask on equal samples would cut their gradients.
        moved = (values - spread).masked_fill((values == spread) & ~values.isfinite(), 0)
        return base + _all_axes(moved, grid, blend) / scale
    total = _all_axes(values.double(), grid, blend) / scale
    return total.to(values.dtype) if values.is_floating_point() else total.round().to(values.dtype)


def _spread(image: Any, grid: PatchGrid) -> Any:
    """The samples of `image` at the places of the patches (past the end: the last sample)."""
    place = layout(grid)
    for axis, position in enumerate(place.cut):
        at = grid.starts[axis][:, None] + np.arange(grid.patch[axis])
        here = position + axis
        shape = list(image.shape)
        chosen = image.index_select(
            here, _index(image, np.minimum(at, grid.size[axis] - 1).ravel())
        )
        image = chosen.reshape(*shape[:here], *at.shape, *shape[here + 1 :])
        image = image.movedim(here, place.num_batch + axis)
    return image


def _norms(like: Any, grid: PatchGrid, blend: str) -> Any:
    total = like.new_ones((1,) * len(grid.axes))
    for axis, position in enumerate(layout(grid).cut):
        along = norm(blend, grid.starts[axis], grid.patch[axis], grid.size[axis])
        shape = [1] * len(grid.axes)
        shape[position] = -1
        total = total * _table(like, np.where(along == 0, 1, along), "float64").reshape(shape)
    return total


def _median(values: Any, grid: PatchGrid) -> Any:
    """The median over every patch on a sample; each sample is ranked with its own count."""
    stacked = values[None]
    marks = values.new_ones((1,) * (1 + len(grid.axes))).bool()
    for axis in reversed(range(len(grid.names))):
        starts, patch, size = grid.starts[axis], grid.patch[axis], grid.size[axis]
        low, high = covering(starts, patch, size)
        most = max(int((high - low).max()), 1)
        front, position = _pair(stacked, grid, axis, lead=1)
        index = low[:, None] + np.arange(most) % np.maximum(high - low, 1)[:, None]
        index = np.minimum(index, len(starts) - 1)
        at = np.clip(np.arange(size)[:, None] - starts[index], 0, patch - 1)
        picked = front.index_select(0, _index(front, (index * patch + at).T.ravel()))
        picked = picked.reshape(most, size, *front.shape[1:])  # (k, size, kind, ...)
        picked = picked.movedim(1, position + 1).transpose(0, 1)
        stacked = picked.reshape(-1, *picked.shape[2:])
        shape = [1] * len(grid.axes)
        shape[layout(grid).cut[axis]] = size
        here = np.arange(most)[:, None] < np.maximum(high - low, 1)
        here = _index(values, here).bool().reshape(1, most, *shape)
        marks = (marks[:, None] & here).flatten(0, 1)
    return _middle(stacked, marks)


def _middle(stacked: Any, marks: Any) -> Any:
    marks = marks.expand(stacked.shape)
    count = marks.sum(0, keepdim=True)
    exact = stacked.double()
    nan = (exact.isnan() & marks).any(0)
    ranked = exact.masked_fill(~marks, float("inf")).sort(0).values
    lower = ranked.gather(0, (count - 1) // 2)[0]
    upper = ranked.gather(0, count // 2)[0]
    middle = lower + ((upper - lower) / 2).masked_fill(lower == upper, 0)
    middle = (
        middle.masked_fill(nan, float("nan")) if stacked.is_floating_point() else middle.round()
    )
    return middle.to(stacked.dtype)
