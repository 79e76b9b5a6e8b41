"""How many speak: overlapping windows of local activity on one grid of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sensorium.core.features import Features
from sensorium.core.time import Axis


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
    return total / np.maximum(seen, np.float32(1e-6))
