"""Which pictures of a library teach who is who: confident, varied, without gaps in their labels."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sensorium.core.errors import UsageError
from sensorium.ops.vision.alike import Seen

UNKNOWN = "somebody in it is not identified"
UNSURE = "it is not sure enough who somebody in it is"
LOOSE = "a face in it belongs to nobody that was followed"
HIDDEN = "a face that was followed was not found at this moment"
WEAK = "a face in it is hardly recognisable as one"
SMALL = "an identified face in it is too small"
TWICE = "one identity is in it twice, so one of them is somebody else"
CLOSE = "too soon after another picture of its shot"
FULL = "enough pictures of its shot"
ALIKE = "nearly the same as another picture"
ENOUGH = "enough pictures of somebody in it"
SPARE = "more pictures without faces than asked for"

_LOOKED_AT = 4  # times `per_shot`: so many pictures of a shot are looked at for near-duplicates


@dataclass(frozen=True, slots=True)
class Box:
    """A face in a picture: `xyxy` in pixels as displayed, inside the picture.

    `identity` is None where it is not known who it is; `score` is the probability of the identity,
    `found` the score of the detector. `track` is the same face through one shot, None in an image.
    `counts` is whether it is certainly a face: part of a track, or of a person of an image.
    """

    identity: str | None
    xyxy: tuple[float, float, float, float]
    score: float = 1.0
    track: int | None = None
    found: float = 1.0
    counts: bool = True

    @property
    def side(self) -> float:
        """The shorter side in pixels."""
        return min(self.xyxy[2] - self.xyxy[0], self.xyxy[3] - self.xyxy[1])


@dataclass(frozen=True, slots=True)
class Picture:
    """A moment of a file that was searched for faces, with all that was found; without boxes a negative.

    `media` is the digest of the file, `at` in seconds (None for an image), `shot` None where there is none.
    """

    media: str
    uri: str
    at: float | None
    shot: int | None
    boxes: tuple[Box, ...] = ()

    @property
    def place(self) -> tuple[str, int]:
        """The file and the shot in it; an image or a file without shots is one shot."""
        return self.media, -1 if self.shot is None else self.shot

    @property
    def identities(self) -> set[str]:
        """Who is in it."""
        return {box.identity for box in self.boxes if box.identity}

    @property
    def tracks(self) -> set[tuple[str, int]]:
        """(file, track) of each followed face."""
        return {(self.media, box.track) for box in self.boxes if box.track is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceRule:
    """What decides a dataset.

    `least_score`: probability of an identity; `least_found`: score of the face detector; `smallest`: pixels
    of a face's shorter side. `per_shot` pictures of a shot, `apart` seconds or more between them;
    `per_identity` boxes of one identity, so that nobody outweighs all others. `alike`: pictures whose
    difference hashes differ in so many bits of 64 or fewer count as the same. `negatives`: pictures without
    a face per picture with one. `held_out`: the part for validation, whole files or shots as `split` says
    (``"auto"``: files where each class keeps training pictures, else shots). `seed` decides between equals.
    """

    least_score: float = 0.9
    least_found: float = 0.5
    smallest: float = 24.0
    per_shot: int = 6
    apart: float = 0.5
    per_identity: int = 500
    alike: int = 4
    negatives: float = 0.1
    held_out: float = 0.2
    split: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("least_score", "least_found", "negatives"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name}: expected a part of 0 to 1, got {getattr(self, name)}")
        if not 0 <= self.held_out < 1:
            raise UsageError(f"held_out: expected a part of 0 to below 1, got {self.held_out}")
        for name in ("per_shot", "per_identity"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}: expected at least 1, got {getattr(self, name)}")
        for name in ("smallest", "apart", "seed"):
            if not getattr(self, name) >= 0:
                raise UsageError(f"{name}: expected 0 or above, got {getattr(self, name)}")
        if not 0 <= self.alike < 32:
            raise UsageError(f"alike: expected 0 to 31 bits of 64, got {self.alike}")
        if self.split not in ("auto", "file", "shot"):
            raise UsageError(f"split: expected auto, file or shot; got {self.split!r}")


def candidates(pictures: Iterable[Picture], rule: ChoiceRule) -> tuple[list[Picture], Counter[str]]:
    """(the pictures that are fit and worth to be looked at, how many were left out why).

    A picture in which a face is not labelled would teach that it is none, so it is left out.
    `pictures` are all that were searched: what is missing in one is seen from the others.
    """
    pictures = list(pictures)
    spans = _spans(pictures)
    left_out: Counter[str] = Counter()
    fit: dict[Hashable, list[Picture]] = defaultdict(list)
    for picture in pictures:
        if why := _unfit(picture, rule) or _hidden(picture, spans[picture.place]):
            left_out[why] += 1
        else:
            fit[picture.place, not picture.boxes].append(picture)
    kept: list[Picture] = []
    for group in fit.values():
        thin = _apart(group, rule.apart)
        left_out[CLOSE] += len(group) - len(thin)
        spread = [thin[i] for i in spread_order(len(thin))[: _LOOKED_AT * rule.per_shot]]
        left_out[FULL] += len(thin) - len(spread)
        kept += spread
    return sorted(kept, key=lambda each: (each.uri, each.media, each.at or 0.0)), +left_out


def _spans(pictures: Sequence[Picture]) -> dict[Hashable, dict[int, tuple[float, float]]]:
    """Shot -> track -> when it was first and last found, in seconds."""
    spans: dict[Hashable, dict[int, tuple[float, float]]] = defaultdict(dict)
    for picture in pictures:
        at = picture.at or 0.0
        for box in picture.boxes:
            if box.track is not None:
                first, last = spans[picture.place].get(box.track, (at, at))
                spans[picture.place][box.track] = min(first, at), max(last, at)
    return spans


def _unfit(picture: Picture, rule: ChoiceRule) -> str:
    """Why a picture must not be learnt from; empty if it may be."""
    for box in picture.boxes:
        if not box.counts and box.identity is None:
            if box.side >= rule.smallest:  # a smaller one is as likely a pattern as a face
                return LOOSE
        elif box.identity is None:
            return UNKNOWN
        elif box.score < rule.least_score:
            return UNSURE
        elif box.found < rule.least_found:
            return WEAK
        elif box.side < rule.smallest:
            return SMALL
    known = [box.identity for box in picture.boxes if box.identity]
    if len(known) > len(set(known)):
        return TWICE
    return "" if known or not picture.boxes else LOOSE


def _hidden(picture: Picture, spans: Mapping[int, tuple[float, float]]) -> str:
    at, here = picture.at or 0.0, {box.track for box in picture.boxes}
    running = {track for track, (first, last) in spans.items() if first <= at <= last}
    return HIDDEN if running - here else ""


def _apart(group: Sequence[Picture], seconds: float) -> list[Picture]:
    """Of the pictures of a shot, in order of time, those at least so many seconds after the one before."""
    kept: list[Picture] = []
    for picture in sorted(group, key=lambda each: each.at or 0.0):
        if not kept or (picture.at or 0.0) - (kept[-1].at or 0.0) >= seconds - 1e-6:
            kept.append(picture)
    return kept


def spread_order(num: int) -> list[int]:
    """0..num-1 so that the first few of them are spread evenly: middle, quarters, eighths, ...

    >>> spread_order(7)
    [3, 1, 5, 0, 2, 4, 6]
    """
    order: dict[int, None] = {}
    parts = 2
    while len(order) < num:
        order |= {min(int(i * num / parts), num - 1): None for i in range(1, parts, 2)}
        if parts > 2 * num:
            order |= dict.fromkeys(range(num))
        parts *= 2
    return list(order)


def choose(
    pictures: Sequence[Picture], hashes: Sequence[int], rule: ChoiceRule
) -> tuple[list[Picture], Counter[str]]:
    """(the pictures of the dataset in order of file and time, how many were left out why).

    `pictures` are `candidates` that could be read, `hashes` their difference hashes. Every shot gives
    its first picture before any gives its second, and whoever is seldom seen comes first.
    """
    seen, left_out, kept = Seen(rule.alike), Counter[str](), list[int]()
    shots, people = Counter[Hashable](), Counter[str]()
    positive = [i for i, each in enumerate(pictures) if each.boxes]
    for i in _ranked(pictures, positive, rule):
        picture = pictures[i]
        if shots[picture.place] >= rule.per_shot:
            left_out[FULL] += 1
        elif any(people[who] >= rule.per_identity for who in picture.identities):
            left_out[ENOUGH] += 1
        elif hashes[i] in seen:
            left_out[ALIKE] += 1
        else:
            seen.add(hashes[i])
            kept.append(i)
            shots[picture.place] += 1
            people.update(picture.identities)
    wanted = len(kept) + round(rule.negatives * len(kept))
    for i in _ranked(pictures, [i for i, each in enumerate(pictures) if not each.boxes], rule):
        if len(kept) >= wanted:
            left_out[SPARE] += 1
        elif hashes[i] in seen:
            left_out[ALIKE] += 1
        else:
            seen.add(hashes[i])
            kept.append(i)
    return [pictures[i] for i in sorted(kept)], left_out


def _ranked(pictures: Sequence[Picture], which: Sequence[int], rule: ChoiceRule) -> list[int]:
    """`which` in the order in which they are taken."""
    shots: dict[Hashable, list[int]] = defaultdict(list)
    often = Counter(who for i in which for who in pictures[i].identities)
    for i in which:
        shots[pictures[i].place].append(i)
    rank = {
        mine[place]: number
        for mine in shots.values()
        for number, place in enumerate(spread_order(len(mine)))
    }
    chance = np.random.default_rng(rule.seed).permutation(len(pictures))

    def key(i: int) -> tuple[bool, int, int]:
        least = min((often[who] for who in pictures[i].identities), default=0)
        return least > rule.per_identity, rank[i], int(chance[i])

    return sorted(which, key=key)
