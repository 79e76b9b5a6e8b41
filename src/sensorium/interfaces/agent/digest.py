"""One file of a library within a number of tokens: who spoke when, what, who was seen, what was written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sensorium.core.errors import UsageError
from sensorium.find.contents import written
from sensorium.interfaces.agent.digest_lines import CUT, Line, head, lines
from sensorium.interfaces.agent.token_count import Count, counted
from sensorium.interfaces.text.timeline import timelines
from sensorium.library.library import Library, results_of

_SHARES = (0.7, 0.15, 0.15)  # of the budget below the head, of what is said, written and shown
_WORDS = 4  # when, who and "[...]" are three: a line of less says nothing
LEAST = 50  # tokens: less does not hold what a file is


def prompt(
    library: Library,
    file: str | os.PathLike[str],
    budget: int = 2000,
    tokenizer: Any = None,
    pictures: bool = False,
) -> str | list[dict[str, Any]]:
    """See `sensorium.Library.prompt`."""
    count = counted(tokenizer)
    if not isinstance(budget, int) or budget < LEAST:
        raise UsageError(f"budget: expected {LEAST} tokens or more, got {budget!r}")
    (entry,) = library.chosen(os.fspath(file))
    timeline = next(timelines(library, [entry]))
    found = lines(timeline, list(written(library, results_of([entry]))))
    if not pictures:
        return _text(*_fitted(head(timeline), found, budget, count))
    from sensorium.interfaces.agent.digest_pictures import chosen, parts

    shown, cost = chosen(timeline, budget // 2)
    top, kept = _fitted(head(timeline), found, budget - cost, count)
    return parts(timeline, shown, top, kept)


def _fitted(
    top: Sequence[str], found: Sequence[Line], budget: int, count: Count
) -> tuple[list[str], list[Line]]:
    """The head and the lines that are kept, with a line "[...]" wherever some are left out."""
    top = _head(top, budget // 2, count)
    kept = _kept(found, budget - count(_text(top, [])) - 1, count)
    told = _with_gaps(found, kept)
    while kept and count(_text(top, told)) > budget:  # a tokenizer may join what was counted apart
        least = max(kept, key=lambda place: (kept[place].level, -kept[place].value, place))
        del kept[least]
        told = _with_gaps(found, kept)
    return top, told


def _head(top: Sequence[str], budget: int, count: Count) -> list[str]:
    """The head, its lists of people cut at the end where there are too many."""
    done: list[str] = []
    for line in top:
        parts = line.split(", ")
        num = len(parts)
        while num > 1 and count("\n".join([*done, _listed(parts, num)])) > budget:
            num -= 1
        text = _listed(parts, num)
        if num == 1 and count("\n".join([*done, text])) > budget:
            text = _clipped(text, budget - count("\n".join([*done, ""])), count)
        done += [text] if text else []
    return done


def _listed(parts: Sequence[str], num: int) -> str:
    return ", ".join(parts[:num]) + (f", {CUT}" if num < len(parts) else "")


def _clipped(text: str, budget: int, count: Count) -> str:
    """The first words of a text, for what is longer than everything together may be."""
    while text and count(f"{text} {CUT}") > budget:
        text = (
            text[: len(text) * 7 // 8].rpartition(" ")[0] if " " in text else text[: len(text) // 2]
        )
    return f"{text} {CUT}" if text else ""


def _kept(found: Sequence[Line], budget: int, count: Count) -> dict[int, Line]:
    """Place -> line: the worthiest of each level within its share, then what still fits."""
    gap = count(f"\n{CUT}\n")  # before any line there may be one
    costs = [count(f"{line.text}\n") + gap for line in found]
    order = sorted(range(len(found)), key=lambda i: (found[i].level, -found[i].value, i))
    kept: dict[int, Line] = {}
    if sum(costs) - gap * len(costs) <= budget:  # nothing is left out, so no gaps are told
        return dict(enumerate(found))
    left = budget - gap
    room = [int(share * left) for share in _SHARES]
    for own in (True, False):
        for place in order:
            level = found[place].level
            most = min(left, room[level]) if own else left
            if place not in kept and costs[place] <= most:
                kept[place] = found[place]
                left -= costs[place]
                room[level] -= costs[place]
    for place in order:  # what is left takes the first sentences of what did not fit
        if place in kept:
            continue
        for line in found[place].shorter():
            cost = count(f"{line.text}\n") + gap
            if cost <= left:
                kept[place], left = line, left - cost
                break
    if order and not kept:  # not one whole sentence fits
        line = found[order[0]]
        text = _clipped(line.text, left - 2 * gap, count)
        return {order[0]: replace(line, text=text)} if len(text.split()) > _WORDS else {}
    return kept


def _with_gaps(found: Sequence[Line], kept: dict[int, Line]) -> list[Line]:
    told: list[Line] = []
    for place, line in enumerate(found):
        if place in kept:
            told.append(kept[place])
        elif not told or told[-1].text != CUT:
            told.append(Line(line.at, line.level, 0.0, CUT))
    return told


def _text(top: Sequence[str], told: Sequence[Line]) -> str:
    return "\n".join([*top, *(line.text for line in told)])
