"""Which pictures of a dataset are kept for validation: whole files or whole shots."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

from sensorium.ops.learning.choice import ChoiceRule, Picture

_MOST = 1.6  # times `held_out`: a larger part for validation is worse than a finer division
_LEAST = 0.5


def hold_out(pictures: Sequence[Picture], rule: ChoiceRule) -> tuple[list[bool], str]:
    """(whether each picture is for validation, ``"file"`` or ``"shot"``).

    A file or a shot lies on one side as a whole, and so does every track; each class keeps at least half
    of its pictures for training. Files where that leaves enough for validation, else shots.
    """
    wanted = rule.held_out * len(pictures)
    if rule.split != "shot":
        by_file = rule.split == "file"
        held = _held([each.media for each in pictures], pictures, rule, by_file)
        if by_file or (any(held) and sum(held) >= _LEAST * wanted) or not wanted:
            return held, "file"
    return _held(_shots(pictures), pictures, rule, True), "shot"


def _shots(pictures: Sequence[Picture]) -> list[Hashable]:
    """The name of each picture's shot; shots that share a track have one name."""
    above: dict[Hashable, Hashable] = {}

    def top(name: Hashable) -> Hashable:
        while above.setdefault(name, name) != name:
            name = above[name]
        return name

    for picture in pictures:
        for track in picture.tracks:
            above[top(("track", *track))] = top(picture.place)
    return [top(picture.place) for picture in pictures]


def _held(
    units: Sequence[Hashable], pictures: Sequence[Picture], rule: ChoiceRule, whole: bool
) -> list[bool]:
    """First units with a class that has no picture for validation, then any, up to the part wanted.

    `whole`: one unit may be more than the part wanted, where there is none smaller.
    """
    parts: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for unit, picture in zip(units, pictures, strict=True):
        parts[unit].update(picture.identities)
    sizes, total = Counter(units), sum(parts.values(), Counter[str]())
    names = list(parts)
    order = [names[i] for i in np.random.default_rng(rule.seed).permutation(len(names))]
    order.sort(key=lambda unit: not parts[unit])  # faces before pictures without any
    taken: set[Hashable] = set()
    there: Counter[str] = Counter()
    wanted = rule.held_out * len(pictures)
    most = max(_MOST * wanted, min(sizes.values(), default=0) if whole and wanted else 0)
    size = 0
    for only_new in (True, False):
        for unit in order:
            new = any(not there[who] for who in parts[unit])
            fits = size + sizes[unit] <= most
            left = all(2 * (there[who] + n) <= total[who] for who, n in parts[unit].items())
            enough = size >= wanted and not only_new
            if unit not in taken and fits and left and not enough and (new or not only_new):
                taken.add(unit)
                there += parts[unit]
                size += sizes[unit]
    return [unit in taken for unit in units]


def leaks(pictures: Sequence[Picture], held: Sequence[bool]) -> list[Hashable]:
    """The shots and tracks that lie on both sides; none, or the division is wrong."""
    sides: tuple[set[Hashable], set[Hashable]] = (set(), set())
    for picture, validation in zip(pictures, held, strict=True):
        sides[validation].add(("shot", picture.place))
        sides[validation].update(("track", track) for track in picture.tracks)
    return sorted(sides[0] & sides[1], key=repr)
