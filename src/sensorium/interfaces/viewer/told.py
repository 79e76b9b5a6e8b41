"""What the viewer is told of files and people, as plain data for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sensorium.core.errors import UsageError
from sensorium.core.people.identity import Identity
from sensorium.core.record import KINDS, digest
from sensorium.find.contents import written
from sensorium.interfaces.text.timeline import Timeline, rows, timelines
from sensorium.interfaces.text.units import describe
from sensorium.interfaces.viewer.thumbnails import colours, faces, jpeg
from sensorium.library.choosing import results_of
from sensorium.library.gallery import samples
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.library.library_file import names
from sensorium.ops.people.known import Known
from sensorium.ops.speech.languages import glue
from sensorium.ops.speech.utterance import Row
from sensorium.ports import Reader

Told = dict[str, Any]


def entry_of(library: Library, file: str) -> dict[str, Any]:
    """The entry of `Library.inputs` that an id names: the digest of its path, and never a path.

    Raises:
        UsageError: no such input.
    """
    found = library.shelf.entries_where("id", file)
    if not found:
        raise UsageError(f"{file!r}: expected the id of an input of {library.path}")
    return found[0]


def files(library: Library) -> list[Told]:
    """Every input, with who is in it; no result is read."""
    entries, known = library.inputs(), library.known()
    called, whose = names(entries), dict[str, dict[str, str]]()
    for who in known.all():
        for sample in who.samples:
            whose.setdefault(sample.uri, {})[who.id] = who.name or ""
    told = []
    for entry in entries:
        ref, there = entry.get("ref") or {}, whose.get(entry["uri"], {})
        told.append(
            {
                "id": digest(entry["uri"]),
                "name": called[entry["uri"]],
                "uri": entry["uri"],
                "kind": ref.get("kind", ""),
                "duration": ref.get("duration"),
                "people": [name for name in there.values() if name],
                "unnamed": sum(not name for name in there.values()),
            }
        )
    return told


def file(library: Library, entry: Mapping[str, Any], missing: str) -> Told:
    """One file with its lanes and words; `missing` says why it cannot be played, empty if it can.

    Words come as columns, for there may be tens of thousands; their speakers are those of the utterances.
    """
    line = next(timelines(library, [entry]))
    return {
        "id": digest(entry["uri"]),
        "name": line.name,
        "uri": line.uri,
        "kind": line.kind,
        "about": describe(line.about) if line.about else "",
        "duration": line.duration,
        "missing": missing,
        "labels": labels(library, entry, line),
        "words": _columns(line.words, ("start", "end", "text", "score", "heard", "channel")),
        "utterances": [_utterance(line, row) for row in line.utterances],
        "turns": _columns(line.turns, ("start", "end", "found_start", "found_end", "speaker")),
        "shots": _columns(line.shots, ("start", "end")),
        "faces": _columns([row for row in line.faces if row["person"]], ("start", "end", "person")),
        "texts": [
            [each.start, each.end, each.text]
            for each in written(library, results_of([entry]))
            if each.start is not None
        ],
        "subtitles": _columns(line.subtitles, ("start", "end", "text")),
        "errors": [f"{row['step']} failed: {row['message']}" for row in line.errors],
        "warnings": line.warnings,
    }


def _columns(found: Sequence[Row], columns: Sequence[str]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in found] for name in columns}


def _utterance(line: Timeline, row: Row) -> list[Any]:
    first, last = row["words"]
    between = glue(line.words[first]["language"])
    return [row["start"], row["end"], row["speaker"], row["person"], first, last, between]


def labels(library: Library, entry: Mapping[str, Any], line: Timeline | None = None) -> list[Told]:
    """The voices and persons of one file, with who they are; all that a correction of one changes."""
    line = line or next(timelines(library, [entry]))
    keys = {sample.label: sample.key for sample in samples(Layout(library.path), entry)}
    told, known = colours(line), library.known()
    heard = {row["speaker"]: row["duration"] for row in line.voices}
    seen = {row["person"]: row["duration"] for row in line.persons}
    return [
        {
            "label": label,
            "kind": kind,
            "colour": told.get(label, 0),
            "seconds": seconds.get(label),
            "sample": keys.get(label),
            "face": kind == "person" and label in seen,
            **_who(known, keys.get(label)),
        }
        for kind, there, seconds in (("voice", line.speakers, heard), ("person", line.seen, seen))
        for label in there
    ]


def _who(known: Known, key: str | None) -> Told:
    who = known.identities.get(known.of.get(key or "") or "")
    if who is None:
        return {"identity": None, "name": None, "name_score": None}
    return {"identity": who.id, "name": who.name, "name_score": who.score}


def people(library: Library) -> list[Told]:
    """Everyone, the one heard longest first."""
    known = library.known()
    return [_person(library, who, known) for who in known.all()]


def person(library: Library, identity: str) -> Told:
    """One identity with the evidence for its names.

    Raises:
        UsageError: no such identity.
    """
    known = library.known()
    who = known.find(identity)
    claims = sorted(who.claims, key=lambda c: (-who.names[c.name], -c.score))[:12]
    evidence = [
        {"name": c.name, "source": c.source, "score": c.score, "quote": c.quote} for c in claims
    ]
    return _person(library, who, known) | {"evidence": evidence}


def _person(library: Library, who: Identity, known: Known) -> Told:
    return {
        "identity": who.id,
        "name": who.name,
        "name_score": who.score,
        "names": [[name, p] for name, p in list(who.names.items())[:5]],
        "seconds": who.seconds,
        "on_screen": who.on_screen,
        "samples": [
            {
                "sample": each.key,
                "file": digest(each.uri) if _here(library, each.uri) else None,
                "called": each.uri.rpartition("/")[2],
                "label": each.label,
                "kind": each.kind,
                "seconds": each.seconds,
                "score": known.score[each.key],
            }
            for each in who.samples
        ],
    }


def _here(library: Library, uri: str) -> bool:
    return library.shelf.entry(uri) is not None


def face(library: Library, entry: Mapping[str, Any], label: str, reader: Reader) -> bytes | None:
    """The best picture of a person of one file as JPEG; None if there is none any more."""
    persons = [row for row in rows(library, entry, "person") if row["person"] == label]
    about = rows(library, entry, "media")
    if not persons or not about:
        return None
    empty: dict[str, Any] = {
        name: []
        for name in (
            "shots", "speech", "words", "utterances", "turns", "voices", "regions", "faces",
            "subtitles", "errors", "warnings",
        )
    }  # fmt: skip
    one = Timeline(
        uri=entry["uri"],
        digest=entry["digest"],
        name=label,
        about={column.name: about[0][column.name] for column in KINDS["media"]},
        persons=persons,
        ref=entry.get("ref"),
        stat=entry.get("stat"),
        **empty,
    )
    cut = faces(one, reader).get(label)
    return None if cut is None else jpeg(cut, 192)
