"""Embeddings into groups, at a cost that grows with their number and not its square."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BLOCK = 600  # more than this at once are grouped in blocks first


def unit(values: NDArray) -> NDArray:
    """Rows of length 1."""
    return values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-12)


def centroids(values: NDArray, groups: NDArray[np.int64], weights: NDArray) -> NDArray:
    """(group, dim): the weighted mean of each group, of unit norm."""
    return unit(_sums(values, groups, weights))


def _sums(values: NDArray, groups: NDArray[np.int64], weights: NDArray) -> NDArray:
    num = int(groups.max()) + 1 if len(groups) else 0
    sums = np.zeros((num, values.shape[1]))
    np.add.at(sums, groups, values * weights[:, None])
    return sums


def group(values: NDArray, weights: NDArray, distance: float) -> NDArray[np.int64]:
    """(item,) number of the group of each embedding: average linkage on cosine distance.

    `values` is (item, dim) of unit norm, `weights` (item,) says how much each counts. More than 600
    are grouped in blocks in their order, and then the groups among each other: memory grows with
    the number of items. The mean distance between the members of two groups is 1 minus the product
    of their means, so going on from groups is the same average linkage as from items.

    >>> group(np.array([[1.0, 0], [0.9, 0.1], [0, 1.0]]), np.ones(3), 0.3).tolist()
    [0, 0, 1]
    """
    if not len(values):
        return np.zeros(0, np.int64)
    parts, num = [], 0
    for first in range(0, len(values), _BLOCK):
        inner = _linked(values[first : first + _BLOCK], distance)
        parts.append(inner + num)
        num += int(inner.max()) + 1
    groups = np.concatenate(parts)
    if len(parts) > 1:
        masses = np.bincount(groups, weights=weights)
        outer = joined_groups(_sums(values, groups, weights), masses, distance)
        groups = outer[groups]
    return _in_order(groups)


def joined_groups(
    sums: NDArray, masses: NDArray, distance: float, most: int | None = None
) -> NDArray[np.int64]:
    """(group,) new number of each group; those nearest to each other are joined first.

    `sums` (group, dim) are the weighted sums of unit embeddings, `masses` (group,) the weights'
    sums. Joins until the nearest two lie `distance` apart and, where `most` is given, no more than
    that many are left. More than 600 are joined in blocks, then what is left of those.
    """
    labels = np.arange(len(sums))
    while len(sums) > _BLOCK:
        blocks = [
            _agglomerated(sums[i : i + _BLOCK], masses[i : i + _BLOCK], distance, None)
            for i in range(0, len(sums), _BLOCK)
        ]
        offsets = np.cumsum([0, *(int(b.max()) + 1 for b in blocks)])
        step = np.concatenate([b + o for b, o in zip(blocks, offsets[:-1], strict=True)])
        if offsets[-1] > 0.9 * len(sums):  # many voices, or noise: no block joins much any more
            break
        labels, sums = step[labels], _sums(sums, step, np.ones(len(sums)))
        masses = np.bincount(step, weights=masses)
    return _agglomerated(sums, masses, distance, most)[labels]


def _agglomerated(
    sums: NDArray, masses: NDArray, distance: float, most: int | None
) -> NDArray[np.int64]:
    """Average linkage by its definition; keeps the nearest neighbour of each row."""
    num, sums, masses = len(sums), sums.astype(np.float64), masses.astype(np.float64)
    means = sums / np.maximum(masses, 1e-12)[:, None]
    apart = 1 - means @ means.T
    np.fill_diagonal(apart, np.inf)
    near = apart.argmin(axis=1)
    parent = np.arange(num)
    for left in range(num, 1, -1):
        best = apart[np.arange(num), near]
        one = int(best.argmin())
        other = int(near[one])
        if best[one] >= distance and (most is None or left <= most):
            break
        sums[one] += sums[other]
        masses[one] += masses[other]
        parent[parent == other] = one
        means[one] = sums[one] / max(masses[one], 1e-12)
        apart[other], apart[:, other] = np.inf, np.inf
        row = np.where(np.isinf(apart[one]), np.inf, 1 - means @ means[one])
        apart[one], apart[:, one] = row, row
        stale = np.flatnonzero((near == one) | (near == other))
        near[stale] = apart[stale].argmin(axis=1)
        near[one] = row.argmin()
        closer = row < apart[np.arange(num), near]
        near[closer] = one
    return np.unique(parent, return_inverse=True)[1].astype(np.int64)


def _linked(values: NDArray, distance: float) -> NDArray:
    if len(values) == 1:
        return np.zeros(1, np.int64)
    from scipy.cluster.hierarchy import fcluster, linkage  # here: a photo does not need it

    # by hand: a voice of zeros (digital silence) is at distance 1 from all, not at none
    apart = np.maximum(1 - values @ values.T, 0)
    tree = linkage(apart[np.triu_indices(len(values), 1)], method="average")
    return fcluster(tree, distance, criterion="distance").astype(np.int64) - 1


def _in_order(groups: NDArray) -> NDArray[np.int64]:
    """Groups numbered by first appearance."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)
