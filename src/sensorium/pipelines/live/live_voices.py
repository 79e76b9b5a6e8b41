"""The speakers of a stream so far: average linkage, one piece at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sensorium.ops.voices.cluster import group, unit

_NEAR = 0.08  # below the distance: a single piece must be this much nearer to be sure
_FOUNDING = 2  # pieces that are like each other, and like nobody so far, are somebody new
_UNLIKE = 0.97  # one piece as far from everybody as two people are on average is somebody new
_OPEN = 24  # pieces that wait for others like them; the oldest then join who is nearest


class Voices:
    """Centers of the speakers; the first piece founds the first, later ones need two.

    Distances are those of average linkage: 1 minus the product of the means of what is known of a
    speaker and of what is new, so that the threshold is the same as offline. Memory does not grow.
    """

    def __init__(self, distance: float, most: int) -> None:
        self._distance, self._most = distance, most
        self._apart = distance  # in what is heard now
        self._sums: list[NDArray[np.float64]] = []
        self._counts: list[int] = []
        self._open: list[NDArray[np.float32]] = []

    @property
    def num(self) -> int:
        """Speakers so far."""
        return len(self._sums)

    @property
    def centers(self) -> NDArray[np.float64]:
        """(speaker, dim) of unit norm."""
        return unit(np.stack(self._sums))

    def add(self, voice: NDArray[np.float32], clear: bool, nearer: float = 0.0) -> None:
        """Takes in the voice of a piece; one that is not `clear` (mixed, or short) founds nobody.

        `nearer`: by how much less two voices are apart than usual, as through a telephone.
        """
        self._apart = self._distance - nearer
        if not self._sums:
            self._sums, self._counts = [voice.astype(np.float64)], [1]
            return
        if not clear:
            return
        speaker, distance = self._nearest(voice)
        if distance < self._apart - _NEAR or self.num >= self._most:
            self._join(speaker, voice.astype(np.float64), 1)
            return
        self._open.append(voice)
        self._found()
        while len(self._open) > _OPEN:
            self._open.pop(0)  # like nobody, and nobody like it: noise

    def _found(self) -> None:
        """Somebody new, where enough of what is open is alike."""
        values = np.stack(self._open).astype(np.float64)
        groups = group(values, np.ones(len(values)), self._apart)
        mine = groups == groups[-1]
        total, num = values[mine].sum(axis=0), int(mine.sum())
        speaker, distance = self._nearest(total / num)
        if num < _FOUNDING and distance < _UNLIKE:
            return
        if distance < self._apart:
            self._join(speaker, total, num)
        else:
            self._sums.append(total)
            self._counts.append(num)
        self._open = [each for each, taken in zip(self._open, mine, strict=True) if not taken]

    def _nearest(self, mean: NDArray) -> tuple[int, float]:
        means = np.stack(self._sums) / np.array(self._counts)[:, None]
        apart = 1 - means @ mean
        return int(apart.argmin()), float(apart.min())

    def _join(self, speaker: int, total: NDArray[np.float64], num: int) -> None:
        self._sums[speaker] = self._sums[speaker] + total
        self._counts[speaker] += num
