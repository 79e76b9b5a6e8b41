"""Which patch counts how much, one axis at a time.

A patch is a product of intervals, so everything that a merge must know (who covers a sample, who
owns it, with what weight) is known per axis; the weight of a sample in a patch is the product of
its weights along the axes.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError

Blend = Literal[
    "crop", "first", "last", "mean", "median", "max", "min", "hann", "gaussian", "linear"
]
BLENDS: tuple[str, ...] = get_args(Blend)
# Every sample is copied from one patch. "touching" is for patches.patchify: of the patches that touch
# each other from the first on, and the very last, the later one.
OWNING = ("crop", "first", "last", "touching")
WINDOWED = ("hann", "gaussian", "linear")


def check_blend(blend: str) -> None:
    """Refuses a name that is none of `BLENDS`."""
    if blend not in BLENDS:
        raise UsageError(f"blend: expected one of {', '.join(BLENDS)}; got {blend!r}")


def window(blend: str, length: int) -> NDArray[np.float64]:
    """The weight of each sample along one axis of a patch, float64 (length,), above 0 everywhere.

    ``hann`` is sampled at the middles of the samples, so that its ends are small but not 0 and the
    border of the image is kept; ``gaussian`` has a standard deviation of length / 8; ``linear``
    rises by equal steps to the middle. All others weigh every sample 1.

    >>> window("linear", 4).tolist()
    [1.0, 2.0, 2.0, 1.0]
    """
    middle = np.arange(length) + 0.5
    if blend == "hann":
        return np.sin(np.pi * middle / length) ** 2
    if blend == "gaussian":
        return np.exp(-0.5 * ((middle - length / 2) / (length / 8)) ** 2)
    if blend == "linear":
        return np.minimum(middle + 0.5, length + 0.5 - middle)
    return np.ones(length)


def covering(
    starts: NDArray[np.int64], patch: int, size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First patch and end of the patches that cover each sample, two int64 (sample,).

    >>> low, high = covering(np.array([0, 2, 4]), 4, 6)
    >>> low.tolist(), high.tolist()
    ([0, 0, 0, 0, 1, 1], [1, 1, 2, 2, 3, 3])
    """
    samples = np.arange(size)
    low = np.searchsorted(starts, samples - patch, side="right")
    high = np.searchsorted(starts, samples, side="right")
    return low.astype(np.int64), high.astype(np.int64)


def owners(blend: str, starts: NDArray[np.int64], patch: int, size: int) -> NDArray[np.int64]:
    """The patch that each sample is copied from, int64 (sample,); -1 where none covers it.

    ``crop`` takes the patch whose middle is nearest (the earlier of two), so overlaps are cut in
    their middle.

    >>> owners("crop", np.array([0, 2, 4]), 4, 6).tolist()
    [0, 0, 0, 1, 1, 2]
    """
    low, high = covering(starts, patch, size)
    if blend == "first":
        chosen = low
    elif blend == "last":
        chosen = high - 1
    elif blend == "touching":
        jump = max(patch // int(starts[1] - starts[0]), 1) if len(starts) > 1 else 1
        written = np.minimum(np.arange(0, len(starts) - 1 + jump, jump), len(starts) - 1)
        last_before = np.searchsorted(starts[written], np.arange(size), side="right") - 1
        chosen = written[last_before] if len(starts) else low
    else:
        ideal = np.arange(size) - (patch - 1) / 2  # where a patch with this middle would start
        after = np.clip(np.searchsorted(starts, ideal), low, np.maximum(high - 1, low))
        before = np.maximum(after - 1, low)
        last = max(len(starts) - 1, 0)
        reach = np.append(starts, 0) if not len(starts) else starts
        nearer = np.abs(reach[np.minimum(before, last)] - ideal) <= np.abs(
            reach[np.minimum(after, last)] - ideal
        )
        chosen = np.where(nearer, before, after)
    return np.where(high > low, chosen, -1)


def norm(blend: str, starts: NDArray[np.int64], patch: int, size: int) -> NDArray[np.float64]:
    """The sum of the weights on each sample, float64 (sample,); 0 where no patch covers it."""
    weights = window(blend, patch)
    total = np.zeros(size + patch)
    for start in starts:
        total[start : start + patch] += weights
    return total[:size]
