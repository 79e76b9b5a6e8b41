"""Who goes with whom: the pairs of rows and columns that are worth most together."""

from __future__ import annotations

from numpy.typing import NDArray


def assigned(value: NDArray) -> list[tuple[int, int]]:
    """Pairs (row, column), each row and each column at most once, whose summed `value` is largest.

    As many pairs as the shorter side has, in order of the rows (the Hungarian method, by scipy).

    >>> assigned(np.array([[1.0, 5.0], [2.0, 7.0]]))
    [(0, 0), (1, 1)]
    """
    if 0 in value.shape:
        return []
    if len(value) == 1:
        return [(0, int(value[0].argmax()))]
    # a quarter of a second to import: a photo with one face does not need it
    from scipy.optimize import linear_sum_assignment

    return [
        (int(row), int(column)) for row, column in zip(*linear_sum_assignment(-value), strict=True)
    ]
