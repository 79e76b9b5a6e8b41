"""What is least sure, first: names, whose a voice or face is, and words."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from sensorium.adapters.stores.full_text import Label
from sensorium.core.record import digest
from sensorium.find.index import opened
from sensorium.interfaces.text.timeline import rows
from sensorium.library.library import Library
from sensorium.library.library_file import names
from sensorium.ops.people.amend import word_key
from sensorium.ops.people.known import Known
from sensorium.ops.speech.utterance import text_of

SURE = 0.99  # a person is not asked about what is surer
LEAST = 0.3  # probability of a name that is worth a question
CLEAR = 0.6  # score of a word that is not asked about
_AROUND = 6  # words before and after one that is asked about
Doubt = dict[str, Any]


def doubts(library: Library, kind: str = "", limit: int = 100) -> list[Doubt]:
    """Questions that yes or no answer, the least sure first; people before words.

    An answer about a person counts in all files, one about a word in one place. `kind` keeps ``"name"``
    (is this Ann?), ``"same"`` (is this voice of the one we think?) or ``"word"``.
    """
    known = library.known()
    with opened(library) as index:
        places = {label.key: (uri, label) for uri, label in index.labels() if label.key}
    called = names(library.inputs())
    asked = {"name": _names(known, places), "same": _same(known, places)}
    found = [each for name, some in asked.items() if kind in ("", name) for each in some]
    told = heapq.nsmallest(limit, found, key=_score)
    if kind in ("", "word"):
        told += heapq.nsmallest(limit - len(told), _words(library, known), key=_score)
    for each in told:
        uri = each.pop("uri")
        each |= {"file": digest(uri), "called": called.get(uri, uri)}
    return told


def _score(doubt: Doubt) -> float:
    return doubt["score"]


_Places = Mapping[str, tuple[str, Label]]


def _at(place: tuple[str, Label]) -> Doubt:
    """Where somebody is to be heard or seen."""
    uri, label = place
    start, end = label.start, label.end
    if label.kind != "voice" and start is not None:
        start, end = max(start - 1.0, 0.0), start + 2.0
    told = {"uri": uri, "label": label.label, "start": start, "end": end}
    return told | {"face": label.kind != "voice"}


def _pointed(place: tuple[str, Label]) -> Doubt:
    told = _at(place)
    return told | {"file": digest(told["uri"])}


def _names(known: Known, places: _Places) -> Iterator[Doubt]:
    for who in known.all():
        there = [places[sample.key] for sample in who.samples if sample.key in places]
        if who.id in known.named or not who.names or not there:
            continue
        name, score = max(who.names.items(), key=lambda each: each[1])
        if LEAST <= score < SURE:
            face = next((each for each in there if each[1].kind != "voice"), None)
            best = max((c for c in who.claims if c.name == name), key=lambda c: c.score)
            yield {
                "kind": "name",
                "score": score,
                "identity": who.id,
                "name": name,
                "why": f"{best.source}: {best.quote}" if best.quote else best.source,
                **_at(there[0]),
                "like": _pointed(face) if face else None,
            }


def _same(known: Known, places: _Places) -> Iterator[Doubt]:
    for who in known.all():
        sure = [s.key for s in who.samples if (known.score[s.key] or 1.0) >= SURE]
        for sample in who.samples:
            score = known.score[sample.key]
            others = [key for key in sure if key != sample.key and key in places]
            if score is not None and score < SURE and sample.key in places and others:
                yield {
                    "kind": "same",
                    "score": score,
                    "identity": who.id,
                    "name": who.name,
                    "sample": sample.key,
                    **_at(places[sample.key]),
                    "like": _pointed(places[others[0]]),
                }


def _words(library: Library, known: Known) -> Iterator[Doubt]:
    for entry in library.inputs():
        words = rows(library, entry, "word")
        for number, word in enumerate(words):
            if word["score"] is None or word["score"] >= CLEAR or word_key(word) in known.words:
                continue
            before = itertools.islice(words, max(number - _AROUND, 0), number)
            yield {
                "kind": "word",
                "score": word["score"],
                "uri": entry["uri"],
                "start": word["start"],
                "end": word["end"],
                "heard": word["text"],
                "channel": word["channel"],
                "before": text_of(list(before)),
                "after": text_of(words[number + 1 : number + 1 + _AROUND]),
            }
