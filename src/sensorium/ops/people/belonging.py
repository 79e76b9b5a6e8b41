"""Which face sits on which body, over time: containment in single pictures, votes over a track."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sensorium.ops.assignment import assigned

_INSIDE = 0.7  # of a face that has to lie in the body it belongs to
_UPPER = 0.6  # a face's middle lies in this part of a body from above, also where somebody bends


@dataclass(frozen=True, slots=True)
class Followed:
    """One thing through a shot: `boxes` (sighting, 4) at `times`; `person` where it is known who."""

    number: int
    shot: int
    times: NDArray[np.float64]
    boxes: NDArray[np.float32]
    person: str | None = None

    def near(self, times: Sequence[float], reach: float) -> Sequence[float]:
        """Those of some ascending times at which it is there, or was or will be within `reach` s."""
        first = bisect_left(times, float(self.times[0]) - reach)
        return times[first : bisect_right(times, float(self.times[-1]) + reach)]

    def at(self, time: float) -> NDArray[np.float64]:
        """(4,): where it is at a time, moving evenly between sightings."""
        return np.array([np.interp(time, self.times, column) for column in self.boxes.T])


def fit(faces: NDArray, bodies: NDArray) -> NDArray[np.float64]:
    """(face, body): how well each face sits on each body, 0 (not at all) to 2.

    The face lies inside, in the upper part; of two bodies that hold it, that one is better whose head it
    would be: near its upper edge, about its middle, and not tiny on it.

    >>> body, other = [0, 0, 100, 300], [0, 100, 300, 400]
    >>> fit(np.array([[40, 10, 70, 50]]), np.array([body, other])).round(1).tolist()
    [[1.9, 0.0]]
    """
    left = np.maximum(faces[:, None, :2], bodies[None, :, :2])
    right = np.minimum(faces[:, None, 2:], bodies[None, :, 2:])
    shared = np.prod(np.maximum(right - left, 0), axis=-1)
    inside = shared / np.maximum(np.prod(faces[:, 2:] - faces[:, :2], axis=1), 1e-9)[:, None]
    size = np.maximum(bodies[:, 2:] - bodies[:, :2], 1e-9)[None]
    middle = (faces[:, None, :2] + faces[:, None, 2:]) / 2
    across, down = np.moveaxis((middle - bodies[None, :, :2]) / size, -1, 0)
    top = np.abs(faces[:, None, 1] - bodies[None, :, 1]) / size[..., 1]
    aside = np.abs(across - 0.5)
    allowed = (inside >= _INSIDE) & (down <= _UPPER)
    return np.where(allowed, np.clip(2 - top - aside, 0.01, 2), 0.0)


def owners(faces: Sequence[Followed], bodies: Sequence[Followed], reach: float) -> dict[int, int]:
    """Index of a face -> index of its body, for those that sit on one for most of the time.

    At each sighting of a body every face goes to one body and every body to one face; a face belongs to
    the body that it went to most often, if that is in at least half of the moments at which it was seen.
    """
    votes: Counter[tuple[int, int]] = Counter()
    moments: Counter[int] = Counter()
    for shot in sorted({body.shot for body in bodies}):
        there: dict[float, list[tuple[int, NDArray]]] = {}
        for index, body in enumerate(bodies):
            if body.shot == shot:
                for time, box in zip(body.times.tolist(), body.boxes, strict=True):
                    there.setdefault(time, []).append((index, box))
        times = sorted(there)
        shown: dict[float, list[tuple[int, NDArray]]] = {}
        for index, face in enumerate(faces):
            if face.shot == shot:
                for time in face.near(times, reach):
                    shown.setdefault(time, []).append((index, face.at(time)))
                    moments[index] += 1
        for time, looks in shown.items():
            now = there[time]
            value = fit(np.stack([box for _, box in looks]), np.stack([box for _, box in now]))
            votes.update((looks[r][0], now[c][0]) for r, c in assigned(value) if value[r, c] > 0)
    best: dict[int, int] = {}
    for (sitting, under), num in votes.most_common():
        if sitting not in best and 2 * num >= moments[sitting]:
            best[sitting] = under
    return best


@dataclass(frozen=True, slots=True)
class Told:
    """Who a sighting of a body is, and how far (seconds) the next sighting of the face is."""

    person: str | None
    away: float


def who_is(
    bodies: Sequence[Followed], faces: Sequence[Followed], owner: dict[int, int]
) -> list[list[Told]]:
    """Per body and sighting whose it is: the person of the nearest face in time that sits on it.

    Nobody is in two places: of two bodies that would be one person at one moment, the one whose face is
    nearer in time is, and the other is nobody in particular.
    """
    told: list[list[Told]] = []
    for index, body in enumerate(bodies):
        mine = [f for f, b in owner.items() if b == index and faces[f].person]
        told.append([_nearest([faces[f] for f in mine], float(time)) for time in body.times])
    for claims in _moments(bodies, told).values():
        for place, row in sorted(claims, key=lambda c: told[c[0]][c[1]].away)[1:]:
            told[place][row] = Told(None, np.inf)
    return told


def _nearest(faces: Sequence[Followed], time: float) -> Told:
    away = [(float(np.abs(face.times - time).min()), face.person) for face in faces]
    distance, person = min(away, key=lambda each: each[0], default=(np.inf, None))
    return Told(person, distance)


def _moments(
    bodies: Sequence[Followed], told: Sequence[Sequence[Told]]
) -> dict[tuple[str, int, float], list[tuple[int, int]]]:
    """(person, shot, time) -> (body, sighting) of all that claim to be that person."""
    found: dict[tuple[str, int, float], list[tuple[int, int]]] = {}
    for index, body in enumerate(bodies):
        for row, time in enumerate(body.times):
            person = told[index][row].person
            if person:
                found.setdefault((person, body.shot, float(time)), []).append((index, row))
    return found
