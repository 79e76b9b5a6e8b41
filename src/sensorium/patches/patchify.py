"""Stands in for the package ``patchify``: ``from sensorium.patches.patchify import patchify, unpatchify``.

Same arguments and results as patchify 0.2.3 wherever it gives an answer that is right. Differences:
any number of axes (not only 2 and 3); a remainder or a single patch per axis neither loops for ever
nor raises; patches that do not say their step, and whose step cannot be told, are a clear error; a
float image size or a step below 1 is an error. docs/patches.md lists each with a reproduction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError
from sensorium.core.patch.grid import PatchGrid
from sensorium.core.patch.spacing import whole_numbers
from sensorium.ops.patch import fast
from sensorium.ops.patch.merging import check_dtype, fill_uncovered
from sensorium.ops.patch.numpy_patches import view


def patchify(
    image: NDArray, patch_size: int | Sequence[int], step: int | Sequence[int] = 1
) -> NDArray:
    """All patches as a view of `image`: ``(patches along each axis..., *patch_size)``.

    Like the original, what is left over at the ends is dropped and the view may be written through.

    >>> patchify(np.arange(12).reshape(3, 4), (2, 2), step=1).shape
    (2, 3, 2, 2)
    """
    if not isinstance(image, np.ndarray):
        raise TypeError(f"patchify: expected a numpy array, got {type(image).__name__}")
    check_dtype(image.dtype, "first")
    grid = _grid(image.shape, patch_size, step)
    for axis, (patch, size) in enumerate(zip(grid.patch, grid.size, strict=True)):
        if patch > size:
            raise UsageError(f"patch_size: {patch} is larger than axis {axis} of {size}")
    seen = view(image, grid)
    if image.flags.writeable:
        seen = np.lib.stride_tricks.as_strided(image, seen.shape, seen.strides)
    return seen


def unpatchify(
    patches: NDArray, imsize: Sequence[int], step: int | Sequence[int] | None = None
) -> NDArray:
    """The image of size `imsize`; samples that no patch covers are 0, overlaps are cut as patchify does.

    `step` is an addition: without it the step is read off the view that `patchify` gave, and from a
    copy it can only be told if the patches reach exactly to the end (as the original assumes).

    >>> image = np.arange(65 * 64).reshape(65, 64)
    >>> bool((unpatchify(patchify(image, (32, 32), 32), (65, 64))[:64] == image[:64]).all())
    True
    """
    sizes = whole_numbers("imsize", imsize)
    num = len(sizes)
    if patches.ndim != 2 * num:
        raise UsageError(
            f"unpatchify: an image of {num} axes has patches of {2 * num}, got {patches.shape}"
        )
    check_dtype(patches.dtype, "first")
    counts, patch = patches.shape[:num], patches.shape[num:]
    known = _seen_steps(patches, sizes) if step is None else whole_numbers("step", step, num)
    steps = known or tuple(
        _told_step(axis, *lengths)
        for axis, lengths in enumerate(zip(sizes, counts, patch, strict=True))
    )
    grid = _grid(sizes, patch, steps)
    if grid.shape != counts:
        raise UsageError(
            f"unpatchify: an image {sizes} has {grid.shape} patches of {patch} with step {steps}, "
            f"got {counts}"
        )
    out = np.empty(sizes, patches.dtype)
    fast.merge_into(out, patches, grid, "touching")
    fill_uncovered(out, grid, 0)
    return out


def _grid(size: Sequence[int], patch: Any, step: Any) -> PatchGrid:
    names = tuple(f"axis{i}" for i in range(len(size)))
    num = len(size)
    return PatchGrid(
        tuple(size),
        whole_numbers("patch_size", patch, num),
        whole_numbers("step", step, num),
        "drop",
        "raster",
        names,
    )


def _seen_steps(patches: NDArray, sizes: tuple[int, ...]) -> tuple[int, ...] | None:
    """The steps of a view, from its strides; None where `patches` is no such view."""
    num = len(sizes)
    if patches.flags.c_contiguous or patches.base is None:
        return None
    steps = []
    for axis in range(num):
        far, near = patches.strides[axis], patches.strides[num + axis]
        if patches.shape[axis] == 1:
            steps.append(max(sizes[axis], 1))
        elif near <= 0 or far <= 0 or far % near:
            return None
        else:
            steps.append(far // near)
    fits = all(
        (n - p) // s + 1 == count
        for n, p, s, count in zip(
            sizes, patches.shape[num:], steps, patches.shape[:num], strict=True
        )
    )
    return tuple(steps) if fits else None


def _told_step(axis: int, size: int, count: int, patch: int) -> int:
    if count == 1:
        return max(size, 1)
    step, rest = divmod(size - patch, count - 1)
    if rest or step < 1 or step > patch:
        raise UsageError(
            f"unpatchify: along axis {axis}, {count} patches of {patch} do not tell the step in "
            f"{size}; pass step="
        )
    return step
