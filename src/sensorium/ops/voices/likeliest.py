"""The likeliest sequence of states where staying is likelier than changing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def likeliest(scores: NDArray, stay: float) -> NDArray[np.int64]:
    """(row,) state of each row: Viterbi over log scores (row, state).

    A row keeps the state of the one before with probability `stay`, and any other is as likely as
    the next: a change comes from the best state, so the cost is rows x states, not its square.

    >>> likeliest(np.log([[0.9, 0.1], [0.4, 0.6], [0.9, 0.1]]), 0.9).tolist()
    [0, 0, 0]
    """
    num, states = scores.shape
    if states < 2 or not num:
        return np.zeros(num, np.int64)
    keep, change = np.log(stay), np.log((1 - stay) / (states - 1))
    best, back = scores[0].astype(np.float64), np.zeros((num, states), np.int16)
    same = np.arange(states)
    for row in range(1, num):
        top = int(best.argmax())
        moved = best[top] + change
        stays = best + keep
        back[row] = np.where(moved > stays, top, same)
        best = np.maximum(stays, moved) + scores[row]
    path = np.zeros(num, np.int64)
    path[-1] = best.argmax()
    for row in range(num - 1, 0, -1):
        path[row - 1] = back[row, path[row]]
    return path
