"""Local speakers of overlapping windows -> speakers of the whole recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from sensorium.ops.cluster import centroids, group, unit


@dataclass(frozen=True, slots=True)
class Local:
    """One speaker of one window: its embedding, and the seconds of sound that it was taken from.

    `alone`: taken from where nobody else speaks, and long enough to found a group; others only
    join one.
    """

    window: int
    speaker: int
    embedding: NDArray
    seconds: float
    alone: bool


def founded(
    locals_: Sequence[Local],
    distance: float,
    smallest: float,
    bounds: tuple[int | None, int | None],
) -> NDArray:
    """(speaker, dim) centroids of the groups that hold at least `smallest` seconds of one voice.

    With nothing that long, the largest group; with no embeddings at all, none. `bounds` are the least
    and the most speakers.
    """
    founders = [each for each in locals_ if each.alone] or list(locals_)
    if not founders:
        return np.zeros((0, 0))
    values = unit(np.stack([each.embedding for each in founders]).astype(np.float64))
    weights = np.array([each.seconds for each in founders])
    groups = group(values, weights, distance, bounds)
    mass = np.bincount(groups, weights=weights)
    large = mass >= min(smallest, mass.max())
    if bounds[0] is not None and large.sum() < bounds[0]:
        large = mass >= np.sort(mass)[-min(bounds[0], len(mass))]
    centers = centroids(values, groups, weights)[large]
    return centers


def assign(locals_: Sequence[Local], centers: NDArray, num_windows: int) -> NDArray[np.int64]:
    """(window, local speaker) -> speaker; two of one window are never the same; -1 without embedding."""
    labels = np.full((num_windows, 3), -1, np.int64)
    by_window: dict[int, list[Local]] = {}
    for each in locals_:
        by_window.setdefault(each.window, []).append(each)
    for window, group_ in by_window.items():
        similarity = unit(np.stack([each.embedding for each in group_])) @ centers.T
        for row, column in zip(*linear_sum_assignment(-similarity), strict=True):
            labels[window, group_[row].speaker] = column
    return labels


def reconstruct(
    activity: Sequence[NDArray[np.uint8]],
    first_rows: Sequence[int],
    labels: NDArray[np.int64],
    num_speakers: int,
) -> NDArray[np.float32]:
    """(row, speaker) activity 0..1 of the whole recording, zero where a speaker is not counted in.

    `activity` holds per window 0..255 as (row, local speaker), `first_rows` where each window begins
    on the common grid. How many speak in a row is the mean over the windows that see it, rounded;
    that many of the most active speakers are kept (Bredin 2023).
    """
    num_rows = max(first + len(a) for first, a in zip(first_rows, activity, strict=True))
    total = np.zeros((num_rows, num_speakers), np.float32)
    seen = np.zeros(num_rows, np.float32)
    count = np.zeros(num_rows, np.float32)
    for first, values, label in zip(first_rows, activity, labels, strict=True):
        rows = slice(first, first + len(values))
        seen[rows] += 1
        count[rows] += (values > 127).sum(axis=1)
        for local, speaker in enumerate(label):
            if speaker >= 0:
                total[rows, speaker] += values[:, local] / np.float32(255)
    seen = np.maximum(seen, 1)
    total /= seen[:, None]
    how_many = np.round(count / seen).astype(np.int64)
    rank = np.argsort(np.argsort(-total, axis=1, kind="stable"), axis=1, kind="stable")
    return np.where(rank < how_many[:, None], total, 0)
