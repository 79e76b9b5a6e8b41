"""Who is active in a row as one of seven classes: nobody, each of three speakers, each pair of them.

Plaquet and Bredin 2023, "Powerset multi-class cross entropy loss for neural speaker diarization".
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

SPEAKERS = 3  # of one window
SETS: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2))
IGNORED = -1  # a row whose truth the classes cannot say

_MEMBER = np.array([[k in each for k in range(SPEAKERS)] for each in SETS])  # (class, speaker)
_ORDERS = tuple(permutations(range(SPEAKERS)))
PERMUTED = np.array(
    [[SETS.index(tuple(sorted(order[k] for k in each))) for each in SETS] for order in _ORDERS]
)  # (permutation, class): what a class becomes when speaker k is called order[k]


def encode(active: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(..., 3) who speaks -> (...) class. Where all three do, `IGNORED`: no class says so.

    >>> encode(np.array([[0, 0, 0], [0, 1, 0], [1, 0, 1]], bool))
    array([0, 2, 5])
    """
    active = np.asarray(active, bool)
    match = (active[..., None, :] == _MEMBER).all(axis=-1)
    return np.where(match.any(axis=-1), match.argmax(axis=-1), IGNORED)


def decode(classes: NDArray[np.integer]) -> NDArray[np.bool_]:
    """(...) class -> (..., 3) who speaks; the other way round.

    >>> decode(np.array([5])).tolist()
    [[True, False, True]]
    """
    return _MEMBER[classes]


def activity(probabilities: NDArray[np.floating]) -> NDArray[np.float32]:
    """(..., 7) probabilities of the classes -> (..., 3) of each speaker: summed over the sets it is in."""
    return np.asarray(probabilities @ _MEMBER.astype(probabilities.dtype), np.float32)


def targets(active: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(row, any number of speakers) who speaks -> (row,) class, `IGNORED` where none fits.

    The three who speak most keep a name; rows in which another one speaks are ignored, and so are rows
    with three at once: to call them silence, or one voice fewer, would teach something wrong.
    """
    active = np.asarray(active, bool)
    order = np.argsort(-active.sum(axis=0), kind="stable")
    kept = np.zeros((len(active), SPEAKERS), bool)
    kept[:, : min(SPEAKERS, len(order))] = active[:, order[:SPEAKERS]]
    return np.where(active[:, order[SPEAKERS:]].any(axis=1), IGNORED, encode(kept))


def window_errors(
    found: NDArray[np.integer], truth: NDArray[np.integer]
) -> tuple[int, int, int, int]:
    """Of the classes (row,) of one window: (rows of speakers wrong, rows of speakers, rows whose voice
    activity is wrong, rows), with the names that fit best.

    The first over the second is the diarization error rate inside the window: missed, false and confused.
    """
    counted = truth != IGNORED
    found, truth = np.asarray(found)[counted], np.asarray(truth)[counted]
    right, spoken = _MEMBER[truth], _MEMBER[truth].sum(axis=1)
    wrong = min(
        int((np.maximum(spoken, guess.sum(axis=1)) - (guess & right).sum(axis=1)).sum())
        for guess in (_MEMBER[names[found]] for names in PERMUTED)
    )
    activity_wrong = int(((found > 0) != (truth > 0)).sum())
    return wrong, int(spoken.sum()), activity_wrong, len(truth)
