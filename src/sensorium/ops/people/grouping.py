"""Tracks of faces -> persons: alike enough, and never two of one person in one picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def persons(
    embeddings: Sequence[NDArray | None],
    apart: Sequence[set[int]],
    weights: Sequence[float],
    distance: float,
) -> list[int | None]:
    """Number of the person of each track; None where there is no embedding to tell by.

    `apart` holds for each track the tracks that share a picture with it: those are other persons. The
    best supported tracks (`weights`) found the persons; then every track goes to the nearest person
    within `distance` (Euclidean) that it may join; persons that turn out alike are joined at the end.
    """
    known = [i for i, each in enumerate(embeddings) if each is not None]
    members: list[list[int]] = []
    for index in sorted(known, key=lambda i: (-weights[i], i)):
        place = _nearest(index, members, embeddings, apart, weights, distance)
        if place is None:
            members.append([index])
        else:
            members[place].append(index)
    members = _merged(members, embeddings, apart, weights, distance)
    members.sort(key=min)
    number = {index: person for person, group in enumerate(members) for index in group}
    return [number.get(i) for i in range(len(embeddings))]


def center(group: Sequence[int], embeddings: Sequence, weights: Sequence[float]) -> NDArray:
    """Weighted mean of the embeddings of some tracks."""
    return np.average([embeddings[i] for i in group], axis=0, weights=[weights[i] for i in group])


def _nearest(
    index: int,
    members: Sequence[Sequence[int]],
    embeddings: Sequence,
    apart: Sequence[set[int]],
    weights: Sequence[float],
    distance: float,
) -> int | None:
    best, place = distance, None
    for number, group in enumerate(members):
        away = float(np.linalg.norm(embeddings[index] - center(group, embeddings, weights)))
        if away < best and not apart[index].intersection(group):
            best, place = away, number
    return place


def _merged(
    members: list[list[int]],
    embeddings: Sequence,
    apart: Sequence[set[int]],
    weights: Sequence[float],
    distance: float,
) -> list[list[int]]:
    while True:
        pairs = [
            (
                float(
                    np.linalg.norm(center(a, embeddings, weights) - center(b, embeddings, weights))
                ),
                i,
                j,
            )
            for i, a in enumerate(members)
            for j, b in enumerate(members[:i])
            if not any(apart[x].intersection(b) for x in a)
        ]
        close = min(pairs, default=(distance, 0, 0))
        if close[0] >= distance:
            return members
        _, i, j = close
        members[j] = members[j] + members[i]
        members = members[:i] + members[i + 1 :]
