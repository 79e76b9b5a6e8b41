"""Finds what was said, written and named in a library, and what is like a picture or a voice."""

from __future__ import annotations

import math
import os
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sensorium.adapters.stores.full_text import Filter, FullText, Label, Unit
from sensorium.core.errors import UsageError
from sensorium.core.people.identity import Identity
from sensorium.find.index import opened
from sensorium.find.whose import Whose, allowed, told
from sensorium.library.library import Library
from sensorium.ops.text.query import Phrase, marked, parse, places
from sensorium.ops.text.tokens import tokens

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("word", "text", "subtitle", "name")
LIKE = ("picture", "face", "voice")
COLUMNS = (
    "uri", "kind", "start", "end", "at", "text", "marked", "marks", "speaker", "person", "name",
    "identity", "score", "media",
)  # fmt: skip
MOST = 10_000  # hits at once


@dataclass(frozen=True, slots=True)
class Narrow:
    """What a search is narrowed to, as `sensorium.Library.find` takes it; None: nothing."""

    speaker: str | None = None
    media: str | os.PathLike[str] | None = None
    kind: str | None = None
    between: tuple[float, float] | None = None

    def filter(self, library: Library, whose: Whose) -> Filter:
        """The same as the index takes it."""
        uris = None if self.media is None else [e["uri"] for e in library.chosen(self.media)]
        labels = None if self.speaker is None else whose.pairs(self.speaker)
        return Filter(uris, labels, (self.kind,) if self.kind else (), self.between)


def find(
    library: Library,
    text: str = "",
    narrow: Narrow | None = None,
    like: str | os.PathLike[str] | None = None,
    limit: int = 20,
) -> pd.DataFrame:
    """See `sensorium.Library.find`."""
    import pandas as pd

    narrow = narrow or Narrow()
    _check(text, narrow, like, limit)
    phrases = parse(text) if like is None else ()
    digests = {entry["uri"]: entry["digest"] for entry in library.inputs()}
    with opened(library) as index:
        whose = Whose(library, index)
        wanted = narrow.filter(library, whose)
        if like is not None:
            from sensorium.find.likeness import Likeness  # with the decoders of media

            rows = Likeness(library, whose, wanted).hits(like, narrow.kind, limit)
        else:
            rows = _texts(index, phrases, whose, wanted, limit)
    rows = [{**row, "media": digests.get(row["uri"])} for row in rows]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _check(text: Any, narrow: Narrow, like: Any, limit: Any) -> None:
    kinds = KINDS if like is None else LIKE
    if not isinstance(text, str):
        raise UsageError(f"text: expected words to look for, got {text!r}")
    if like is not None and text.strip():
        raise UsageError(
            f"find: expected words or a file that it is like, got both: {text!r}, {like}"
        )
    if narrow.kind is not None and narrow.kind not in kinds:
        raise UsageError(f"kind: expected one of {', '.join(kinds)}; got {narrow.kind!r}")
    if not isinstance(limit, int) or not 1 <= limit <= MOST:
        raise UsageError(f"limit: expected 1 to {MOST}, got {limit!r}")
    between = narrow.between
    if between is not None and not (
        len(between) == 2 and all(map(math.isfinite, between)) and between[0] < between[1]
    ):
        raise UsageError(f"between: expected (start, end) in seconds, start first; got {between!r}")


def _texts(
    index: FullText, phrases: Sequence[Phrase], whose: Whose, wanted: Filter, limit: int
) -> list[dict[str, Any]]:
    kinds = wanted.kinds or KINDS
    rows = list(_named(whose, phrases, wanted))[:limit] if "name" in kinds else []
    if kinds != ("name",) and len(rows) < limit:
        found = index.search(phrases, wanted, limit - len(rows))
        rows += [_hit(uri, unit, score, phrases, whose) for score, uri, unit in found]
    return rows


def _hit(
    uri: str, unit: Unit, score: float, phrases: Sequence[Phrase], whose: Whose
) -> dict[str, Any]:
    marks = places(phrases, tokens(unit.text))
    at = unit.start
    if marks and len(unit.words):
        at = unit.times[max(bisect_right(unit.words, marks[0][0]) - 1, 0)]
    who = whose.of(uri, unit.speaker) or whose.of(uri, unit.person)
    named = told(who)
    if unit.kind == "subtitle":
        named = {"name": unit.speaker, "identity": None}
    return {
        "uri": uri,
        "kind": unit.kind,
        "start": unit.start,
        "end": unit.end,
        "at": at,
        **_text(unit.text, marks),
        "speaker": unit.speaker,
        "person": unit.person,
        **named,
        "score": score,
    }


def _text(text: str, marks: Sequence[tuple[int, int]]) -> Mapping[str, Any]:
    return {"text": text, "marked": marked(text, marks, "**", "**"), "marks": list(marks)}


def _named(whose: Whose, phrases: Sequence[Phrase], wanted: Filter) -> Iterator[dict[str, Any]]:
    """Voices and faces whose name holds all phrases, the best match first, then the longest turn.

    Everywhere if only names are asked for; else everybody once, for the sake of what else is found.
    """
    found: list[tuple[float, str, Label, Identity, list[tuple[int, int]]]] = []
    for uri, label in whose.labels:
        who = whose.of_key(label.key)
        if who is None or not who.name or not allowed(uri, label, wanted):
            continue
        if marks := places(phrases, tokens(who.name)):
            share = sum(end - start for start, end in marks) / len(who.name)
            found.append((min(share, 1.0), uri, label, who, marks))
    found.sort(key=lambda each: (-each[0], *_longest(each[2]), each[1], each[2].label))
    shown: set[str] = set()
    for score, uri, label, who, marks in found:
        if wanted.kinds != ("name",) and who.id in shown:
            continue
        shown.add(who.id)
        heard = label.kind == "voice"
        yield {
            "uri": uri,
            "kind": "name",
            "start": label.start,
            "end": label.end,
            "at": label.at,
            **_text(who.name or "", marks),
            "speaker": label.label if heard else None,
            "person": None if heard else label.label,
            **told(who),
            "score": score,
        }


def _longest(label: Label) -> tuple[int, float]:
    """Sorts voices before faces, and long turns before short ones."""
    return int(label.kind != "voice"), (label.start or 0.0) - (label.end or 0.0)
