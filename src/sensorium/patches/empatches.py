"""Stands in for the package ``empatches``: ``from sensorium.patches.empatches import EMPatches``.

Same arguments, lists and order of patches as EMPatches 0.2.3 (the first axis fastest, the last patch
moved in). Differences: ``avg`` is the true mean; dtypes are kept; ``max`` and ``min`` know negative
numbers; volumes may have channels; torch batches come back upright, one-dimensional ones too;
`patch_via_indices` cuts volumes right. docs/patches.md lists each with a reproduction.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sensorium.core.errors import UsageError
from sensorium.core.patch.grid import PatchGrid
from sensorium.core.patch.spacing import axis_starts, whole_numbers
from sensorium.ops.patch import fast, torch_patches
from sensorium.ops.patch.merging import check_dtype, fill_uncovered

MODES = {"overwrite": "last", "max": "max", "min": "min", "avg": "mean"}


class EMPatches:
    """Lists of patches with their boxes, and arrays from them."""

    def extract_patches(
        self,
        data: Any,
        patchsize: int,
        overlap: float | None = None,
        stride: int | None = None,
        vox: bool = False,
    ) -> tuple[list[Any], list[tuple[int, ...]]]:
        """Patches of 1-D, 2-D or ``(height, width, channel)`` data, or of a volume with `vox`.

        `stride` in samples, else `overlap` 0..1 of the patch, else steps of one sample. Patches are
        views of `data`; a box is ``(start, end)`` of each axis in turn.

        >>> patches, boxes = EMPatches().extract_patches(np.zeros((5, 4)), 3, stride=2)
        >>> boxes
        [(0, 3, 0, 3), (2, 5, 0, 3), (0, 3, 1, 4), (2, 5, 1, 4)]
        """
        num = min(len(data.shape), 3 if vox else 2)
        if len(data.shape) not in (num, num + 1) or (num == 1 and len(data.shape) > 1):
            raise UsageError(
                f"extract_patches: expected 1 to 3 axes, or 3 to 4 with vox=True, got {data.shape}"
            )
        (length,) = whole_numbers("patchsize", patchsize)
        starts, lengths = [], []
        for size in data.shape[:num]:
            patch = min(length, size)
            step = _step(patch, overlap, stride)
            _check(patch, step)
            starts.append(list(axis_starts(size, patch, step, "shift")))
            lengths.append(patch)
        boxes = []
        for place in _in_order(starts):
            box = [(at, at + patch) for at, patch in zip(place, lengths, strict=True)]
            boxes.append(tuple(itertools.chain.from_iterable(box)))
        return patch_via_indices(data, boxes), boxes

    def merge_patches(
        self, data_patches: Sequence[Any], indices: Sequence[Sequence[int]], mode: str = "overwrite"
    ) -> Any:
        """The array again, in the dtype of the patches; `mode` is overwrite, max, min or avg."""
        if mode not in MODES:
            raise UsageError(f"mode has to be either one of {list(MODES)}, but got {mode}")
        if not len(indices) or len(data_patches) != len(indices):
            raise UsageError(
                f"merge_patches: expected a box for each patch, got {len(data_patches)} patches "
                f"and {len(indices)} boxes"
            )
        patches = [_as_numpy(patch) for patch in data_patches]
        check_dtype(patches[0].dtype, MODES[mode])
        boxes = np.asarray(indices, dtype=np.int64).reshape(len(indices), -1, 2)
        grid = _as_grid(boxes, patches[0].ndim)
        if grid is None:
            return _one_by_one(patches, boxes, mode)
        # In the order of the boxes (first axis fastest, depth before width) the last is the last.
        index = [_in_order([list(range(n)) for n in grid.shape])]
        places = np.array(list(index[0]), dtype=np.int64)
        values = np.empty((*grid.shape, *patches[0].shape), patches[0].dtype)
        for place, patch in zip(places.tolist(), patches, strict=True):
            values[tuple(place)] = patch
        out = np.empty((*grid.size, *patches[0].shape[len(grid.size) :]), values.dtype)
        fast.merge_into(out, values, grid, MODES[mode])
        fill_uncovered(out, grid, 0)
        return out


class BatchPatching(EMPatches):
    """The same for batches: ``(b, h, w, c)`` (`typ` "tf"), ``(b, c, h, w)`` ("torch") or ``(b, x)``."""

    def __init__(
        self,
        patchsize: int,
        overlap: float | None = None,
        stride: int | None = None,
        typ: str = "tf",
        vox: bool = False,
    ) -> None:
        self.patchsize = patchsize
        self.overlap = overlap
        self.stride = stride
        self.typ = typ
        self.vox = vox

    def patch_batch(self, batch: Any) -> tuple[list[list[Any]], list[list[tuple[int, ...]]]]:
        """A list of patches and one of boxes for each item; patches have their channels last."""
        if self.typ not in ("tf", "torch"):
            raise UsageError(f"typ: expected 'tf' (also for numpy) or 'torch', got {self.typ!r}")
        if len(batch.shape) not in (2, 4):
            raise UsageError(
                f"patch_batch: expected (b, x), (b, h, w, c) or (b, c, h, w), got {tuple(batch.shape)}"
            )
        if len(batch.shape) == 4 and self.typ == "torch":
            axes = (0, 2, 3, 1)
            batch = batch.permute(axes) if torch_patches.is_tensor(batch) else batch.transpose(axes)
        cut = [
            self.extract_patches(item, self.patchsize, self.overlap, self.stride, self.vox)
            for item in batch
        ]
        return [patches for patches, _ in cut], [boxes for _, boxes in cut]

    def merge_batch(
        self,
        b_patches: Sequence[Sequence[Any]],
        b_indices: Sequence[Sequence[Sequence[int]]],
        mode: str = "overwrite",
    ) -> Any:
        """The batch again, a numpy array with the axes in the order that `typ` names."""
        merged = np.stack(
            [self.merge_patches(*item, mode) for item in zip(b_patches, b_indices, strict=True)]
        )
        return merged.transpose(0, 3, 1, 2) if self.typ == "torch" and merged.ndim == 4 else merged


def patch_via_indices(data: Any, indices: Sequence[Sequence[int]]) -> list[Any]:
    """The parts of `data` in the boxes ``(start, end, start, end, ...)``, as views.

    >>> patch_via_indices(np.arange(5), [(0, 2), (3, 5)])
    [array([0, 1]), array([3, 4])]
    """
    return [
        data[tuple(slice(a, b) for a, b in zip(box[::2], box[1::2], strict=True))]
        for box in indices
    ]


def _as_numpy(patch: Any) -> Any:
    return patch.detach().cpu().numpy() if torch_patches.is_tensor(patch) else np.asarray(patch)


def _step(patch: int, overlap: float | None, stride: int | None) -> int:
    if stride is not None:
        return whole_numbers("stride", stride)[0]
    if overlap is None:
        return 1
    if not 0 <= overlap < 1:
        raise UsageError(f"overlap: expected 0 <= overlap < 1, got {overlap}")
    return patch - math.floor(patch * overlap)


def _check(patch: int, step: int) -> None:
    if patch < 1 or step < 1:
        raise UsageError(f"expected a patchsize and stride of at least 1, got {patch} and {step}")


def _in_order(per_axis: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """All places in the order of EMPatches: width slowest, then height, then depth."""
    if len(per_axis) == 1:
        return [(x,) for x in per_axis[0]]
    return [
        (y, x, *rest) for x, y, *rest in itertools.product(per_axis[1], per_axis[0], *per_axis[2:])
    ]


def _as_grid(boxes: Any, ndim: int) -> PatchGrid | None:
    """The grid that the boxes are in order, None where they are no grid."""
    lengths = boxes[0, :, 1] - boxes[0, :, 0]
    if (boxes[:, :, 1] - boxes[:, :, 0] != lengths).any() or (lengths < 1).any():
        return None
    size = tuple(boxes[:, :, 1].max(axis=0).tolist())
    starts = [np.unique(boxes[:, axis, 0]) for axis in range(len(size))]
    steps = tuple(int(s[1] - s[0]) if len(s) > 1 else n for s, n in zip(starts, size, strict=True))
    names = tuple(f"axis{i}" for i in range(len(size)))
    every = (*names, *(f"rest{i}" for i in range(ndim - len(size))))
    grid = PatchGrid(size, tuple(lengths.tolist()), steps, "shift", "raster", names, every)
    if math.prod(grid.shape) != len(boxes):
        return None
    wanted = _in_order([found.tolist() for found in grid.starts])
    return grid if (np.array(wanted) == boxes[:, :, 0]).all() else None


def _one_by_one(patches: list[Any], boxes: Any, mode: str) -> Any:
    """Patches that are no grid (some left out, say), in their order."""
    size = tuple(boxes[:, :, 1].max(axis=0).tolist())
    out = np.zeros((*size, *patches[0].shape[len(size) :]), patches[0].dtype)
    exact = out.astype(np.float64) if mode == "avg" else out
    count = np.zeros((*size, *(1 for _ in out.shape[len(size) :])), np.int64)
    for patch, box in zip(patches, boxes.tolist(), strict=True):
        where = tuple(slice(a, b) for a, b in box)
        count[where] += 1
        fresh = count[where] == 1
        if mode == "avg":
            exact[where] += (patch - exact[where]) / count[where]
        elif mode == "overwrite":
            exact[where] = patch
        else:
            join = np.maximum if mode == "max" else np.minimum
            exact[where] = np.where(fresh, patch, join(exact[where], patch))
    return (
        exact
        if mode != "avg" or (out.dtype.kind == "f" and out.dtype == np.float64)
        else (
            exact.astype(out.dtype) if out.dtype.kind == "f" else np.rint(exact).astype(out.dtype)
        )
    )
