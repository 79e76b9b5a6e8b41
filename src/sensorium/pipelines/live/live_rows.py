"""Rows of a stream that have not settled yet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sensorium.core.time import Axis
from sensorium.ops.voices.likeliest import likeliest

_STAY = 0.98


class Rows:
    """Who speaks in the rows that have not settled, averaged over the windows that see them.

    A window counts least at its edges, where it knows only one side of what it hears (a Hamming
    window, as in diart's delayed aggregation).
    """

    def __init__(self, axis: Axis, active: tuple[float, float]) -> None:
        """`active`: expected number of people from which one speaks, and two."""
        self._axis = axis
        self._active = active
        self._first = 0  # number of the first row that is held
        self._who = np.zeros((0, 0), np.float32)
        self._seen = np.zeros(0, np.float32)
        self._many = np.zeros(0, np.float32)
        self._last = -1  # the speaker of the last row that settled

    def add(self, axis: Axis, values: NDArray, who: NDArray) -> None:
        """Takes in one window: activity (row, local speaker), and probabilities (row, speaker)."""
        first = round((axis.start - self._axis.start) / self._axis.step)
        gone = max(0, self._first - first)
        weights = np.hamming(len(values))[gone:].astype(np.float32)
        values, who, first = values[gone:], who[gone:], max(first, self._first)
        self._grow(first + len(values) - self._first, who.shape[1])
        rows = slice(first - self._first, first - self._first + len(values))
        self._seen[rows] += weights
        self._many[rows] += weights * values.sum(axis=1)
        self._who[rows, : who.shape[1]] += weights[:, None] * who

    def _grow(self, num_rows: int, num_speakers: int) -> None:
        rows = max(num_rows - len(self._seen), 0)
        columns = max(num_speakers - self._who.shape[1], 0)
        self._who = np.pad(self._who, ((0, rows), (0, columns)))
        self._seen, self._many = np.pad(self._seen, (0, rows)), np.pad(self._many, (0, rows))

    def take(self, end: float) -> tuple[Axis, NDArray[np.float32]]:
        """The rows that begin before `end` as activity (row, speaker), 0..1; they are let go.

        The likeliest sequence of speakers over all that is held says who the first is, the mean of
        the windows who a second one.
        """
        high = min(self._axis.index(end) + 1, self._first + len(self._seen))
        num = max(high - self._first, 0)
        start = self._axis.span(self._first).start
        axis = Axis("time", start, self._axis.step, self._axis.width, "s")
        told = np.zeros((num, self._who.shape[1]), np.float32)
        if num and told.shape[1]:
            seen = np.maximum(self._seen, 1e-6)
            who, many = self._who / seen[:, None], (self._many / seen)[:num]
            scores = np.log(who.astype(np.float64) + 1e-6)
            if self._last >= 0:
                scores[0] += np.log((1 - _STAY) / who.shape[1])
                scores[0, self._last] -= np.log((1 - _STAY) / who.shape[1]) - np.log(_STAY)
            path, rows = likeliest(scores, _STAY)[:num], np.arange(num)
            scores[rows, path] = -np.inf
            second = scores[:num].argmax(axis=1)
            two = (many >= self._active[1]) & (told.shape[1] > 1)
            told[rows[two], second[two]] = np.clip(many[two] - 1, 0.01, 0.98)
            one = many >= self._active[0]
            told[rows[one], path[one]] = np.clip(many[one], 0.01, 1)
            self._last = int(path[-1])
        self._first += num
        self._who, self._seen, self._many = self._who[num:], self._seen[num:], self._many[num:]
        return axis, told
