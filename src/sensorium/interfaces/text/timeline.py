"""One file of a library as plain data, ready to be shown: what text, subtitles and page are made of."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from sensorium.core.people.identity import Identity
from sensorium.core.record import COMMON, KINDS
from sensorium.library.choosing import results_of
from sensorium.library.library import Library
from sensorium.library.snapshot import WhoIsWho
from sensorium.ops.people.amend import amend_words, turn_key
from sensorium.ops.speech.utterance import Row, side_by_side, utterances


@dataclass(frozen=True, slots=True)
class Timeline:
    """One file with its lanes; every row is a dict of plain data, times in seconds, in order of time.

    `about` is what is known of the file itself (the columns of kind ``media``; empty if it could not be
    read). `words` and `turns` carry `speaker` and `person` where they are clear, else None.
    `utterances` join words to what one voice said in one go: `words` is the half-open range of
    their indices; where channels were heard apart, `words` keeps what one says in one go together.
    `faces` are stretches in which one face was seen; `regions` the single boxes.
    `stat` is size in bytes and time of change in ns of the file when it was read, None if unknown.
    """

    uri: str
    digest: str
    name: str
    about: Row
    shots: list[Row]
    speech: list[Row]
    words: list[Row]
    utterances: list[Row]
    turns: list[Row]
    voices: list[Row]
    regions: list[Row]
    faces: list[Row]
    persons: list[Row]
    subtitles: list[Row]
    errors: list[Row]
    warnings: list[str]
    ref: Row | None = None
    stat: list[int] | None = None

    @property
    def kind(self) -> str:
        """image, audio or video; empty if the file could not be read."""
        return self.about.get("kind") or ""

    @property
    def duration(self) -> float:
        """Seconds that hold everything that was found; 0 for an image."""
        lanes = (self.shots, self.speech, self.words, self.turns, self.subtitles)
        ends = [row["end"] for lane in lanes for row in lane if row["end"] is not None]
        return max([self.about.get("duration") or 0.0, *ends])

    @property
    def speakers(self) -> list[str]:
        """The voices of the file, in order of first appearance."""
        heard = (row["speaker"] for lane in (self.turns, self.words) for row in lane)
        return list(dict.fromkeys(each for each in heard if each))

    @property
    def seen(self) -> list[str]:
        """The persons of the file, the one longest on screen first."""
        lanes = (self.persons, self.faces, self.regions)
        found = (row["person"] for lane in lanes for row in lane)
        return list(dict.fromkeys(each for each in found if each))


def rows(library: Library, entry: Mapping[str, Any], kind: str) -> list[Row]:
    """The records of one kind of one input, as plain data; NaN becomes None."""
    found = library.shelf.rows(kind, results_of([entry]))
    for row in found:
        row["uri"] = entry["uri"]  # twins share one result, which names the first of them
        for key, value in row.items():
            row[key] = _finite(value)
    return sorted(found, key=_when)  # a stable sort: equal times keep their order


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _when(row: Row) -> tuple[float, float]:
    start, end = row["start"], row["end"]
    return (-1.0 if start is None else start, -1.0 if end is None else end)


def joined(rows_: list[Row], more: Iterable[Row], keys: Sequence[str], new: Sequence[str]) -> None:
    """Adds the columns `new` of the rows in `more` that agree in `keys`; None where none does."""
    known = {tuple(row[key] for key in keys): row for row in more}
    for row in rows_:
        found = known.get(tuple(row[key] for key in keys), {})
        row.update({name: found.get(name) for name in new})


def words_and_turns(
    library: Library, entry: Mapping[str, Any], known: WhoIsWho
) -> tuple[list[Row], list[Row]]:
    """Words and turns of one input with who said them, as `Library.words` and `Library.turns`.

    Words also have `heard`, the text before a person corrected it, else None; turns `found_start` and
    `found_end`, their span as the sound alone gives it.
    """
    words, turns = rows(library, entry, "word"), rows(library, entry, "turn")
    joined(
        words,
        rows(library, entry, "assignment"),
        ("start", "end", "text", "channel"),
        ("speaker", "person"),
    )
    amend_words(words, known.words)
    moved = ("whole_start", "whole_end")
    links = rows(library, entry, "link")
    joined(turns, links, ("start", "end", "speaker"), ("person", "track", *moved))
    for row in turns:
        corrected = known.edges.get(turn_key(row), (None, None))
        for name, whole, by_hand in zip(("start", "end"), moved, corrected, strict=True):
            time = row.pop(whole)
            row[f"found_{name}"] = row[name]
            row[name] = next(t for t in (by_hand, time, row[name]) if t is not None)
    who = known.of(entry)
    for row in (*words, *turns):
        _identified(row, "speaker", who)
    return words, turns


def _identified(row: Row, column: str, who: Mapping[str, Identity]) -> Row:
    """The row with `identity` and `name` of the voice or face that a column gives."""
    identity = who.get(row[column])
    row["identity"] = identity.id if identity else None
    row["name"] = identity.name if identity else None
    return row


def to_timeline(library: Library, media: str | os.PathLike[str]) -> Timeline:
    """Everything that is known of one input, in order of time.

    `media` is its path, the end of its path, or its digest.

    Raises:
        UsageError: no input of that name, or several.
    """
    return next(timelines(library, [library.chosen(media)[0]]))


def timelines(library: Library, entries: Sequence[Mapping[str, Any]]) -> Iterator[Timeline]:
    """The timelines of some entries of `Library.chosen`, one file in memory at a time."""
    known = library.who_is_who(entries)
    for entry in entries:
        yield _timeline(library, entry, known)


def _timeline(library: Library, entry: Mapping[str, Any], known: WhoIsWho) -> Timeline:
    words, turns = words_and_turns(library, entry, known)
    who = known.of(entry)
    regions = [_identified(row, "person", who) for row in rows(library, entry, "region")]
    persons = [_identified(row, "person", who) for row in rows(library, entry, "person")]
    about = rows(library, entry, "media")
    words = side_by_side(words)
    return Timeline(
        uri=entry["uri"],
        digest=entry["digest"],
        name=library.called(entry["uri"]),
        about={c.name: about[0][c.name] for c in KINDS["media"]} if about else {},
        shots=rows(library, entry, "shot"),
        speech=rows(library, entry, "speech"),
        words=words,
        utterances=list(utterances(words)),
        turns=turns,
        voices=[_identified(row, "speaker", who) for row in rows(library, entry, "voice")],
        regions=regions,
        faces=face_stretches(regions),
        persons=sorted(persons, key=lambda row: -(row["duration"] or 0.0)),
        subtitles=rows(library, entry, "subtitle"),
        errors=rows(library, entry, "error"),
        warnings=list(dict.fromkeys(row["message"] for row in rows(library, entry, "warning"))),
        ref=entry.get("ref"),
        stat=entry.get("stat"),
    )


def face_stretches(regions: Sequence[Row]) -> list[Row]:
    """Boxes of one face that follow one another, as one stretch with a start and an end.

    A face that is missing for two pictures or more starts a new stretch, and so does a new shot.
    Faces of nobody in particular (`person` None) are kept apart by their track. The body of somebody counts
    as the face that is turned away; one of nobody does not.
    """
    times = sorted({row["start"] for row in regions if row["start"] is not None})
    step = median([b - a for a, b in pairwise(times)]) if times[1:] else 0.2
    done: list[Row] = []
    open_: dict[Any, Row] = {}
    for row in regions:
        if row["start"] is None or (row.get("label") == "body" and not row["person"]):
            continue
        who = (row["person"] or row["track"], row["shot"])
        end = max(row["end"], row["start"])
        before = open_.get(who)
        if before and row["start"] - before["end"] <= 2.5 * step:
            before["end"] = max(end, before["end"])
            continue
        open_[who] = {"start": row["start"], "end": end, "person": row["person"]}
        open_[who] |= {"track": row["track"], "shot": row["shot"]}
        done.append(open_[who])
    for each in done:  # a box says where a face was at one moment; it stays until the next look
        if each["end"] - each["start"] < step:
            each["end"] = each["start"] + step
    return done


def tables(
    library: Library, entries: Sequence[Mapping[str, Any]], embeddings: bool = False
) -> dict[str, list[Row]]:
    """Every kind of record of some inputs; lists of numbers only with `embeddings`."""
    told: dict[str, list[Row]] = {kind: [] for kind in KINDS}
    known = library.who_is_who(entries)
    for entry in entries:
        words, turns = words_and_turns(library, entry, known)
        for kind in KINDS:
            joint = {"word": words, "turn": turns}.get(kind)
            told[kind] += rows(library, entry, kind) if joint is None else joint
    if not embeddings:
        for kind, columns in KINDS.items():
            heavy = [c.name for c in (*COMMON, *columns) if c.dtype == "list<float32>"]
            for row in told[kind]:
                for name in heavy:
                    del row[name]
    return told
