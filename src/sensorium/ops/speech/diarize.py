"""Local speakers of overlapping windows -> speakers of the whole recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from sensorium.ops.speech.cluster import centroids, group, unit


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


_ROWS = 50_000  # rows at once: what is held besides the result does not grow with the recording


def reconstruct(
    activity: Sequence[NDArray[np.uint8]],
    first_rows: Sequence[int],
    labels: NDArray[np.int64],
    num_speakers: int,
) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """Who is active in every row of the whole recording, and who most of all.

    `activity` holds per window 0..255 as (row, local speaker), `first_rows` (ascending) where each
    window begins on the common grid. How many speak in a row is the mean over the windows that see
    it, rounded; that many of the most active speakers are kept (Bredin 2023).

    Returns uint8 (row, speaker), 0 where a speaker is not counted in, and int16 (row,) with the most
    active speaker of each row, -1 where nobody speaks.
    """
    num_rows = max(first + len(a) for first, a in zip(first_rows, activity, strict=True))
    longest = max(len(a) for a in activity)
    rows = np.zeros((num_rows, num_speakers), np.uint8)
    first_of_all = np.full(num_rows, -1, np.int16)
    starts = np.asarray(first_rows)
    for low in range(0, num_rows, _ROWS):
        high = min(low + _ROWS, num_rows)
        windows = range(*np.searchsorted(starts, [low - longest, high]))
        total, how_many = _summed(
            [(starts[w] - low, activity[w], labels[w]) for w in windows], high - low, num_speakers
        )
        rank = np.argsort(np.argsort(-total, axis=1, kind="stable"), axis=1, kind="stable")
        kept = np.where(rank < how_many[:, None], total, 0)
        rows[low:high] = np.round(kept * 255)
        first_of_all[low:high] = np.where(kept.max(axis=1) > 0, kept.argmax(axis=1), -1)
    return rows, first_of_all


def _summed(
    windows: Sequence[tuple[int, NDArray[np.uint8], NDArray]], num_rows: int, num_speakers: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Mean activity (row, speaker) and number of speakers (row,) over the windows that see a row."""
    total = np.zeros((num_rows, num_speakers), np.float32)
    seen, count = np.zeros(num_rows, np.float32), np.zeros(num_rows, np.float32)
    for first, values, label in windows:
        values = values[max(0, -first) : max(0, num_rows - first)]
        rows = slice(max(0, first), max(0, first) + len(values))
        seen[rows] += 1
        count[rows] += (values > 127).sum(axis=1)
        for local, speaker in enumerate(label):
            if speaker >= 0:
                total[rows, speaker] += values[:, local] / np.float32(255)
    seen = np.maximum(seen, 1)
    return total / seen[:, None], np.round(count / seen).astype(np.int64)
