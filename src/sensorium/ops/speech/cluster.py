"""Embeddings into groups, at a cost that grows with their number and not its square."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

_BLOCK = 600  # more than this at once are grouped in blocks first


def unit(values: NDArray) -> NDArray:
    """Rows of length 1."""
    return values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-12)


def centroids(values: NDArray, groups: NDArray[np.int64], weights: NDArray) -> NDArray:
    """(group, dim): the weighted mean of each group, of unit norm."""
    num = int(groups.max()) + 1 if len(groups) else 0
    sums = np.zeros((num, values.shape[1]))
    np.add.at(sums, groups, values * weights[:, None])
    return unit(sums)


def _linked(values: NDArray, distance: float, bounds: tuple[int | None, int | None]) -> NDArray:
    if len(values) == 1:
        return np.zeros(1, np.int64)
    tree = linkage(values, method="average", metric="cosine")
    groups = fcluster(tree, distance, criterion="distance")
    low, high = bounds
    num = groups.max()
    if low is not None and num < low:
        groups = fcluster(tree, min(low, len(values)), criterion="maxclust")
    if high is not None and num > high:
        groups = fcluster(tree, high, criterion="maxclust")
    return groups.astype(np.int64) - 1


def group(
    values: NDArray,
    weights: NDArray,
    distance: float,
    bounds: tuple[int | None, int | None] = (None, None),
) -> NDArray[np.int64]:
    """(item,) number of the group of each embedding: average linkage on cosine distance.

    `values` is (item, dim), `weights` (item,) says how much each counts. More than 600 are
    grouped in blocks in their order, and the blocks' centroids among each other: cost and memory
    grow with the number of items. `bounds` are the least and the most groups, None where open.

    >>> group(np.array([[1.0, 0], [0.9, 0.1], [0, 1.0]]), np.ones(3), 0.3).tolist()
    [0, 0, 1]
    """
    if not len(values):
        return np.zeros(0, np.int64)
    if len(values) <= _BLOCK:
        return _in_order(_linked(values, distance, bounds))
    parts, centers, masses, num = [], [], [], 0
    for first in range(0, len(values), _BLOCK):
        block, mass = values[first : first + _BLOCK], weights[first : first + _BLOCK]
        inner = _linked(block, distance, (None, None))
        parts.append(inner + num)
        centers.append(centroids(block, inner, mass))
        masses.append(np.bincount(inner, weights=mass))
        num += len(centers[-1])
    outer = group(np.concatenate(centers), np.concatenate(masses), distance, bounds)
    return _in_order(outer[np.concatenate(parts)])


def _in_order(groups: NDArray) -> NDArray[np.int64]:
    """Groups numbered by first appearance."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)
