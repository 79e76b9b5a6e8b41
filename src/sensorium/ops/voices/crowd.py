"""How many speak: overlapping windows of local activity on one grid of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sensorium.core.features import Features
from sensorium.core.time import Axis

_AROUND = 2.0  # seconds


@dataclass(slots=True)
class Windows:
    """What is kept of the windows: activity 0..255 as bytes (row, local speaker), and where it lies.

    `first_rows` ascend; the grid begins with the first window. Ten hours with a window of 10 s
    every 2 s are 32 MB.
    """

    activity: list[NDArray[np.uint8]] = field(default_factory=list)
    first_rows: list[int] = field(default_factory=list)
    axis: Axis | None = None

    def add(self, features: Features) -> None:
        """Takes in one window's activity (row, local speaker), 0..1."""
        axis = features.axes[0]
        if self.axis is None:
            self.axis = Axis("time", axis.start, axis.step, axis.step, axis.unit)
        self.first_rows.append(round((axis.start - self.axis.start) / axis.step))
        self.activity.append(np.round(np.clip(features.values, 0, 1) * 255).astype(np.uint8))

    @property
    def num_rows(self) -> int:
        """Rows of the whole recording, the last window's padding among them."""
        ends = (f + len(a) for f, a in zip(self.first_rows, self.activity, strict=True))
        return max(ends, default=0)

    def between(self, low: int, high: int) -> Iterator[tuple[slice, NDArray[np.uint8], NDArray]]:
        """(rows relative to `low`, activity, weight) of the windows that see rows of [low, high).

        A window counts least at its edges, where it knows only one side of what it hears (a Hamming
        window, as in diart's delayed aggregation); not at the ends of the recording, where no other
        window sees more.
        """
        if not self.activity:
            return
        longest = max(len(a) for a in self.activity)
        first, last = np.searchsorted(self.first_rows, [low - longest, high])
        for index in range(int(first), int(last)):
            start, values = self.first_rows[index], self.activity[index]
            weight = np.hamming(len(values)).astype(np.float32)
            if index == 0:
                weight[: len(weight) // 2] = 1
            if index == len(self.activity) - 1:
                weight[len(weight) // 2 :] = 1
            part = slice(max(0, low - start), max(0, high - start))
            if len(values[part]):
                at = max(start - low, 0)
                yield slice(at, at + len(values[part])), values[part], weight[part]


def crowd(windows: Windows, num_rows: int) -> NDArray[np.float32]:
    """(row,) expected number of people who speak: the mean over the windows of the summed activity."""
    total, seen = np.zeros(num_rows, np.float32), np.zeros(num_rows, np.float32)
    for rows, values, weight in windows.between(0, num_rows):
        total[rows] += weight * values.sum(axis=1, dtype=np.float32) / 255
        seen[rows] += weight
    return (total / np.maximum(seen, 1e-6)).astype(np.float32)


def own_share(active: NDArray[np.bool_]) -> float:
    """Share of the rows in which somebody speaks that the local speaker with most has to himself.

    >>> own_share(np.array([[True, False], [True, False], [False, True], [False, False]]))
    0.6666666666666666
    """
    many = active.sum(axis=1)
    alone = (active & (many == 1)[:, None]).sum(axis=0)
    return float(alone.max() / max((many > 0).sum(), 1)) if active.size else 0.0


def latest_alone(active: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(row,) where the local speaker who spoke alone last of all speaks alone.

    >>> rows = np.array([[True, False], [True, False], [False, True], [True, True], [False, False]])
    >>> latest_alone(rows).tolist()
    [False, False, True, False, False]
    """
    alone = active & (active.sum(axis=1) == 1)[:, None]
    rows = np.flatnonzero(alone.any(axis=1))
    return alone[:, alone[rows[-1]].argmax()] if len(rows) else np.zeros(len(active), bool)


def on_grid(values: NDArray, axis: Axis, grid: Axis, num_rows: int) -> NDArray:
    """(row,) the value (time,) on `axis` that the middle of each row of `grid` lies in.

    >>> seconds, halves = (Axis("time", 0.0, step, step, "s") for step in (1.0, 0.5))
    >>> on_grid(np.array([3, 4]), seconds, halves, 5).tolist()
    [3, 3, 4, 4, 4]
    """
    times = grid.start + (np.arange(num_rows) + 0.5) * grid.step
    places = np.floor((times - axis.start) / axis.step + 1e-9).astype(np.int64)
    return values[np.clip(places, 0, len(values) - 1)]


def near_voice(voice: NDArray, step: float, least: float) -> NDArray[np.bool_]:
    """(row,) whether a voice is heard within two seconds of each row of `step` seconds.

    `voice` (row,) are the probabilities of a detector that knows music from speech; a segmentation
    model does not always.
    """
    from scipy.ndimage import maximum_filter1d  # here: a photo does not need it

    around = 2 * max(round(_AROUND / step), 1) + 1
    return maximum_filter1d(voice, around, mode="nearest") >= least
