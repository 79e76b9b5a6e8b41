"""What of one file is indexed: utterances, subtitles, text on the screen, and who is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sensorium.adapters.stores.full_text import Label, Unit
from sensorium.library.gallery import sample_key
from sensorium.library.library import Library, results_of
from sensorium.ops.people.amend import WordKey, amend_words
from sensorium.ops.speech.languages import glue
from sensorium.ops.speech.utterance import utterances
from sensorium.ops.text.tokens import indexed

Row = dict[str, Any]
_STAYS = 10.0  # seconds: text that is read again within these was there all the time


def contents(
    library: Library, entry: Mapping[str, Any], fixed: Mapping[WordKey, str]
) -> Iterator[Unit | Label]:
    """Everything of one of `Library.inputs` that a search may find, with the words that people `fixed`."""
    keys = results_of([entry])
    named = list(_heard_and_seen(library, entry["results"]))
    yield from named
    told = {(each.kind, each.label) for each in named}
    for unit in (
        *_spoken(library, keys, fixed),
        *_subtitles(library, keys),
        *written(library, keys),
    ):
        yield unit
        kind = "subtitle" if unit.kind == "subtitle" else "voice"
        if unit.speaker and (kind, unit.speaker) not in told:  # told apart by nothing but a label
            told.add((kind, unit.speaker))
            yield Label(unit.speaker, kind, "", unit.start, unit.end, unit.start)


def _rows(library: Library, keys: Sequence[str], kind: str, *columns: str) -> list[Row]:
    found = library.shelf.table(kind, keys).select(list(columns)).to_pylist()
    return sorted(found, key=lambda row: -1.0 if row.get("start") is None else row["start"])


def _spoken(library: Library, keys: Sequence[str], fixed: Mapping[WordKey, str]) -> Iterator[Unit]:
    columns = ("media", "start", "end", "text", "language", "channel")
    words = _rows(library, keys, "word", *columns)
    if not words:  # a recogniser without times of words
        for row in _rows(library, keys, "transcript", "start", "end", "text"):
            yield Unit("word", row["start"], row["end"], None, None, " ".join(row["text"].split()))
        return
    known = _rows(library, keys, "assignment", "start", "end", "text", "speaker", "person")
    who = {(row["start"], row["end"], row["text"]): row for row in known}
    for word in words:
        said = who.get((word["start"], word["end"], word["text"]), {})
        word["speaker"], word["person"] = said.get("speaker"), said.get("person")
    amend_words(words, fixed)
    for each in utterances(words):
        part = words[slice(*each["words"])]
        whose = (each["speaker"], each["person"], each["text"])
        places = _places(part)
        times = [word["start"] for word in part]
        yield Unit("word", each["start"], each["end"], *whose, places, times)


def _subtitles(library: Library, keys: Sequence[str]) -> Iterator[Unit]:
    for row in _rows(library, keys, "subtitle", "start", "end", "text", "name"):
        text = " ".join(row["text"].split())
        yield Unit("subtitle", row["start"], row["end"], row["name"] or None, None, text)


def _places(part: Sequence[Row]) -> list[int]:
    """The character of the utterance's text at which each word begins."""
    between, place, places = len(glue(part[0]["language"])), 0, []
    for word in part:
        places.append(place)
        place += len(" ".join(word["text"].split())) + between
    return places


def written(library: Library, keys: Sequence[str]) -> Iterator[Unit]:
    """Lines on the screen, from some results; one that is read in picture after picture is one."""
    open_: dict[str, Row] = {}
    for row in _rows(library, keys, "text", "start", "end", "text"):
        key = indexed(row["text"])
        before = open_.get(key)
        if before and row["start"] is not None and row["start"] - before["end"] <= _STAYS:
            before["end"] = max(before["end"], row["end"])
            continue
        if before:
            yield _line(before)
        open_[key] = dict(row)
    yield from map(_line, open_.values())


def _line(row: Row) -> Unit:
    return Unit("text", row["start"], row["end"], None, None, row["text"])


def _heard_and_seen(library: Library, results: Mapping[str, str]) -> Iterator[Label]:
    """Voices at their longest turn, persons at their best picture."""
    longest: dict[str, Row] = {}
    speakers = [results["speakers"]] if "speakers" in results else []
    for turn in _rows(library, speakers, "turn", "start", "end", "speaker"):
        best = longest.setdefault(turn["speaker"], turn)
        if turn["end"] - turn["start"] > best["end"] - best["start"]:
            longest[turn["speaker"]] = turn
    for label, turn in longest.items():
        key = sample_key(results["speakers"], label)
        yield Label(label, "voice", key, turn["start"], turn["end"], turn["start"])
    for kind, name in (("face", "faces"), ("drawn", "drawn")):
        found = [results[name]] if name in results else []
        for row in _rows(library, found, "person", "person", "at"):
            key = sample_key(results[name], row["person"])
            yield Label(row["person"], kind, key, row["at"], row["at"], row["at"])
