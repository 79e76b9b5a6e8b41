"""Voices of short pieces -> who speaks in every row of the whole recording.

Pieces of 1.5 s are told apart where the local speakers of a 10 s window are not: a segmentation model
often gives two people the same place. So groups of pieces say who there is, the rows are labelled by
the likeliest sequence of them, and the local speakers only say where exactly one ends and the next
begins, and who the second is where two speak. As in VBx (Landini et al. 2022) labels and voices are
found in turns, each from the other; here without a PLDA, by cosine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from sensorium.ops.voices.cluster import centroids, group, joined_groups, unit
from sensorium.ops.voices.crowd import Windows
from sensorium.ops.voices.likeliest import likeliest

_STRETCH = 50_000  # rows at once: what is held besides the result does not grow with the recording
_AROUND = 1_200  # rows of context at both ends of a stretch


@dataclass(frozen=True, slots=True)
class Telling:
    """How voices are told apart.

    `distance`: cosine distance at which groups of pieces are two voices, in a recording where one voice
    is as far from itself as usual; `tuned`: by how much of the difference to that it moves; `narrow`:
    by how much less it is where all came through a telephone, which makes voices alike;
    `smallest`: seconds of pieces alone that found a speaker, and `share` of all of them that also does
    (over many hours chance alone makes some pieces alike); `speakers`: least and most, None where
    open; `crowded`: share of a piece in which two speak from which it founds nobody; `pure`: share of
    one local speaker below which it founds nobody; `temperature` of the cosines; `stay`: probability
    that the speaker of a row is that of the one before; `trust`: how much the local speakers of the
    windows weigh against the pieces, 0..1; `rounds` of labels and new centroids.
    """

    distance: float = 0.74
    tuned: float = 0.6
    narrow: float = 0.1
    smallest: float = 1.0
    share: float = 0.001
    speakers: tuple[int | None, int | None] = (None, None)
    crowded: float = 0.3
    pure: float = 0.9
    temperature: float = 0.08
    stay: float = 0.98
    trust: float = 0.5
    rounds: int = 3

    def of(self, speakers: tuple[int | None, int | None], telephone: bool) -> Telling:
        """The same for a recording: its bounds, and whether it came through a telephone."""
        nearer = self.narrow if telephone else 0.0
        return replace(self, speakers=speakers, distance=self.distance - nearer)


@dataclass(frozen=True, slots=True)
class Pieces:
    """Short stretches with their voices, in order of time.

    `first` and `last` (piece,): rows from and one past; `voices` float16 (piece, dim) of unit norm: ten
    hours with a piece every half second are 28 MB;
    `spoken` and `crowded` (piece,): share of the rows in which somebody, and two, speak; `pure`: share
    of the spoken rows that one local speaker of the window has to himself.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    voices: NDArray[np.float16]
    spoken: NDArray[np.float32]
    crowded: NDArray[np.float32]
    pure: NDArray[np.float32]

    def where(self, chosen: NDArray[np.bool_]) -> Pieces:
        """Some of them."""
        return Pieces(*(getattr(self, each.name)[chosen] for each in fields(self)))

    def __len__(self) -> int:
        return len(self.first)


_SAME = 0.52  # usual distance of a voice from itself 1.5 s later (median over simulated talk)
_SURE = 20  # pairs that weigh as much as what is usual
_BOUNDS = (0.5, 0.85)
_FOUNDERS = 20_000  # pieces that are grouped at once: nearly three hours of speech


def founded(pieces: Pieces, hop: float, rule: Telling) -> NDArray[np.float64]:
    """(speaker, dim): centroids of the groups with enough sound of their own; `hop` seconds a piece.

    With nothing that long, the largest group; without pieces, none. Fewer than the least come only
    from fewer pieces than that.
    """
    if not len(pieces):
        return np.zeros((0, 0))
    least, most = rule.speakers
    alone = pieces.crowded < rule.crowded
    clear = alone & (pieces.pure >= rule.pure) & (pieces.spoken >= 0.5)
    wanted = max(least or 1, 2)
    chosen = next((each for each in (clear, alone) if each.sum() >= wanted), alone | True)
    places = np.flatnonzero(chosen)
    every = -(-len(places) // _FOUNDERS)  # of very long recordings not all
    values = pieces.voices[places[::every]].astype(np.float64)
    weights = np.full(len(values), hop * every)
    rule = replace(rule, smallest=max(rule.smallest, rule.share * float(weights.sum())))
    rule = replace(rule, distance=tuned(pieces, clear, rule))
    groups, large = _split(values, weights, rule)
    centers, mass = centroids(values, groups, weights), np.bincount(groups, weights=weights)
    centers, mass = centers[large], mass[large]
    if most is not None and len(centers) > most:
        joined = joined_groups(centers * mass[:, None], mass, 0.0, most)
        centers = centroids(centers, joined, mass)
    return centers


def tuned(pieces: Pieces, clear: NDArray[np.bool_], rule: Telling) -> float:
    """The distance from which two voices are two in this recording.

    Noise and echo draw a voice away from itself, a telephone draws all voices together. How far a
    voice is from itself shows without knowing who speaks: in pieces that touch, where no change is
    seen from the beginning of the one to the end of the other. (NeMo tunes its clustering to the
    recording by the gaps of a spectrum; Park et al. 2020. This needs no spectrum.)
    """
    length = np.median(pieces.last - pieces.first)
    after = np.searchsorted(pieces.first, pieces.first + length - 1)
    there = np.flatnonzero(after < len(pieces))
    after = after[there]
    touching = np.abs(pieces.first[after] - pieces.first[there] - length) < length / 8
    there, after = there[touching], after[touching]
    unclear = np.concatenate([[0], np.cumsum(~clear)])
    same = unclear[after + 1] == unclear[there]  # all from one to the other are clear
    there, after = there[same][-_FOUNDERS:], after[same][-_FOUNDERS:]
    pairs = np.einsum("ij,ij->i", *(pieces.voices[i].astype(np.float32) for i in (there, after)))
    own = float(np.median(1 - pairs)) if len(pairs) else _SAME
    own = (len(pairs) * own + _SURE * _SAME) / (len(pairs) + _SURE)
    return float(np.clip(rule.distance + rule.tuned * (own - _SAME), *_BOUNDS))


def _split(
    values: NDArray, weights: NDArray, rule: Telling
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Groups, and which are large enough; cut finer, then smaller, until the least are there."""
    least = min(rule.speakers[0] or 1, len(values))
    mass, groups = weights, np.arange(len(values))
    for distance in (rule.distance, *np.arange(rule.distance - 0.05, 0.1, -0.05)):
        groups = group(values, weights, float(distance))
        mass = np.bincount(groups, weights=weights)
        large = mass >= min(rule.smallest, mass.max())
        if large.sum() >= least:
            return groups, large
    if len(mass) < least:  # as good as one voice: so many are wanted, so many parts it gets
        groups = np.arange(len(values)) * least // len(values)
        mass = np.bincount(groups, weights=weights)
    kept = np.zeros(len(mass), bool)
    kept[np.argsort(-mass, kind="stable")[:least]] = True
    return groups, kept


def told(
    windows: Windows, pieces: Pieces, centers: NDArray, num_rows: int, rule: Telling
) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.float64]]:
    """(row,) likeliest speaker, (row,) likeliest second, and the voices as they turned out.

    Every speaker keeps at least the piece that is most like it, also where a louder one is likelier.
    """
    clear = (pieces.crowded < rule.crowded) & (pieces.pure >= rule.pure)
    middle = np.clip((pieces.first + pieces.last) // 2, 0, num_rows - 1)
    for turn in range(rule.rounds):
        first, second = _labelled(windows, pieces, centers, num_rows, rule)
        if turn + 1 < rule.rounds:
            centers = _moved(pieces.voices[clear], first[middle[clear]], centers)
    _nobody_lost(first, second, pieces, centers)
    return first, second, centers


def _moved(voices: NDArray, labels: NDArray, centers: NDArray) -> NDArray[np.float64]:
    """The mean of each speaker's pieces; where there is none, what was."""
    sums = np.zeros_like(centers)
    for first in range(0, len(voices), _FOUNDERS):
        part = slice(first, first + _FOUNDERS)
        np.add.at(sums, labels[part], voices[part].astype(np.float64))
    there = np.bincount(labels, minlength=len(centers)) > 0
    return np.where(there[:, None], unit(sums), centers)


def _nobody_lost(first: NDArray, second: NDArray, pieces: Pieces, centers: NDArray) -> None:
    """Gives a speaker that no row was labelled with the quarter second that sounds most like it."""
    for speaker in np.setdiff1d(np.arange(len(centers)), first):
        best = int(np.argmax(pieces.voices @ centers[speaker].astype(np.float32)))
        middle, eighth = (pieces.first[best] + pieces.last[best]) // 2, 8
        rows = slice(max(int(middle) - eighth, 0), int(middle) + eighth)
        second[rows] = first[rows]
        first[rows] = speaker


def _labelled(
    windows: Windows, pieces: Pieces, centers: NDArray, num_rows: int, rule: Telling
) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    first, second = np.zeros(num_rows, np.int16), np.full(num_rows, -1, np.int16)
    for low in range(0, num_rows, _STRETCH):
        high = min(low + _STRETCH, num_rows)
        start, end = max(low - _AROUND, 0), min(high + _AROUND, num_rows)
        scores = by_pieces(pieces, centers, (start, end), rule.temperature)
        if rule.trust > 0 and len(centers) > 1:
            scores = _with_windows(scores, windows, start, rule.trust)
        path = likeliest(scores, rule.stay)
        kept = slice(low - start, high - start)
        first[low:high] = path[kept]
        if len(centers) > 1:
            scores[np.arange(len(path)), path] = -np.inf
            second[low:high] = scores[kept].argmax(axis=1)
    return first, second


def by_pieces(
    pieces: Pieces, centers: NDArray, rows: tuple[int, int], temperature: float
) -> NDArray[np.float64]:
    """Log probabilities (row, speaker): the middle half of a piece votes; rows without, the nearest."""
    low, high = rows
    num = high - low
    total, seen = np.zeros((num, len(centers))), np.zeros(num)
    near = range(
        int(np.searchsorted(pieces.last, low, "right")), int(np.searchsorted(pieces.first, high))
    )
    similar = pieces.voices[near.start : near.stop].astype(np.float64) @ centers.T
    for index, row in zip(near, similar, strict=True):
        first, last = int(pieces.first[index]), int(pieces.last[index])
        quarter = (last - first) // 4
        part = slice(max(first + quarter - low, 0), max(last - quarter - low, 0))
        total[part] += row
        seen[part] += 1
    known = np.flatnonzero(seen)
    if not len(known):
        return np.full((num, len(centers)), -np.log(len(centers)))
    total[known] /= seen[known, None]
    total = total[known[_nearest(known, num)]] / temperature
    total -= total.max(axis=1, keepdims=True)
    return total - np.log(np.exp(total).sum(axis=1, keepdims=True))


def _nearest(known: NDArray[np.int64], num: int) -> NDArray[np.int64]:
    """(row,) index into `known`, ascending, of the nearest of them."""
    after = np.clip(np.searchsorted(known, np.arange(num)), 1, max(len(known) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(known) - 1)
    rows = np.arange(num)
    return np.where(np.abs(known[after] - rows) < np.abs(rows - known[before]), after, before)


def _with_windows(
    scores: NDArray[np.float64], windows: Windows, start: int, trust: float
) -> NDArray[np.float64]:
    """Log probabilities that also follow the local speakers of the windows."""
    known = np.exp(scores)
    num = len(known)
    total, seen = np.zeros_like(known), np.zeros(num)
    for rows, values, weight in windows.between(start, start + num):
        total[rows] += weight[:, None] * by_locals(values.astype(np.float64) / 255, known[rows])
        seen[rows] += weight
    local = total / np.maximum(seen, 1e-6)[:, None] + 1e-3
    local /= local.sum(axis=1, keepdims=True)
    return np.log((1 - trust) * known + trust * local + 1e-6)


def by_locals(active: NDArray, known: NDArray) -> NDArray[np.float64]:
    """Activity (row, speaker) by the local speakers of one window.

    `active` (row, local speaker) and `known` (row, speaker) are 0..1. A local speaker is whom the
    pieces hear where it speaks alone, in shares: one that mixes two people says little, one that is
    pure draws its own edges.
    """
    alone = np.clip(2 * active - active.sum(axis=1, keepdims=True), 0, 1)
    mass = alone.sum(axis=0)[:, None]
    return active @ ((alone.T @ known + 0.5 / known.shape[1]) / (mass + 0.5))


def joined_rows(
    first: NDArray, second: NDArray, num_speaking: NDArray, active: tuple[float, float]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """(speaker, activity 0..1 per row) of everyone who is heard; one row is never both of one.

    `num_speaking` (row,) is how many are expected to speak, `active` from how many on one does, and
    a second one.
    """
    one, two = num_speaking >= active[0], num_speaking >= active[1]
    for speaker in np.unique(np.concatenate([first[one], second[two]])):
        if speaker >= 0:
            mine = one & (first == speaker)
            also = two & (second == speaker) & (first != speaker)
            values = np.where(mine, np.minimum(num_speaking, 1), 0)
            values = np.where(also, np.clip(num_speaking - 1, 0.01, 1), values)
            yield int(speaker), np.maximum(values, 0.01 * (mine | also)).astype(np.float32)
