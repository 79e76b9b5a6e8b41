"""Who is who, by result: for who asks for some files, and shall not go through every decision.

``people.sqlite`` is derived from ``decisions.jsonl`` and may be deleted. It says of which decisions it is;
where there are others now it counts for nothing, and is made anew by whoever needs it next. It takes the
place of the old one whole, so nobody has to hold a lock. Few decisions are gone through faster than a file
is made: then there is none.
"""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sensorium.core.people.identity import Identity, result_of
from sensorium.library.gallery import Gallery
from sensorium.library.layout import Layout
from sensorium.library.store.database import connected
from sensorium.ops.people.amend import TurnKey, WordKey

if TYPE_CHECKING:
    from sensorium.ops.people.known import Known

_FORMAT = "1"  # to be raised when another name, or anything else, follows from the same decisions
_WORTH = 1 << 20  # bytes of decisions, some thousand voices and faces
_MANY = 1000  # results from which on all are gone through
_TABLES = (
    "CREATE TABLE said (format TEXT, of TEXT, words TEXT, edges TEXT);"
    "CREATE TABLE who (result TEXT PRIMARY KEY, rows TEXT) WITHOUT ROWID;"
)
Row = Sequence[Any]  # label, kind, identity, its name, probability of the name, of the identity


@dataclass(frozen=True, slots=True)
class WhoIsWho:
    """Who the voices and faces of some results are, and what people corrected in any file.

    `rows` are by result, voices first, each kind by label; `words` and `edges` as in `Known`.
    """

    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    words: Mapping[WordKey, str] = field(default_factory=dict)
    edges: Mapping[TurnKey, tuple[float, float]] = field(default_factory=dict)

    def of(self, entry: Mapping[str, Any]) -> dict[str, Identity]:
        """Label (S1, P1) -> identity for one of `Library.inputs`, without samples and claims."""
        mine = (row for key in entry["results"].values() for row in self.rows.get(key, ()))
        return {row[0]: Identity(row[2], row[3], (), row[4]) for row in mine}


def who_is_who(layout: Layout, results: Collection[str]) -> WhoIsWho:
    """Who is who in some results, by the snapshot if it is of today's decisions, else by them all.

    Raises:
        LibraryError: a decision that cannot be read.
    """
    gallery = Gallery(layout)
    stamp = gallery.stamp()
    try:
        with closing(connected(layout.people, "ro")) as db:
            for form, of, words, edges in db.execute("SELECT * FROM said"):
                if (form, of) == (_FORMAT, stamp):
                    times = {key: (at[0], at[1]) for key, at in _pairs(edges)}
                    return WhoIsWho(dict(_rows(db, results)), dict(_pairs(words)), times)
    except (sqlite3.DatabaseError, ValueError):
        pass  # there is none, or somebody damaged it
    known = gallery.known()
    keep(layout, known, stamp)
    return _folded(known, set(results))


def keep(layout: Layout, known: Known, stamp: str) -> None:
    """Makes the snapshot of what is known after the decisions that `stamp` is of; a disk may refuse it."""
    if int(stamp.partition("-")[0]) < _WORTH:
        return
    part, all_ = layout.work / f"people-{uuid.uuid4().hex}", _folded(known, None)
    said = [json.dumps(list(each.items())) for each in (all_.words, all_.edges)]
    try:
        with closing(connected(part, "rwc")) as db:
            db.executescript(f"BEGIN; {_TABLES}")
            db.execute("INSERT INTO said VALUES (?, ?, ?, ?)", (_FORMAT, stamp, *said))
            rows = ((result, json.dumps(each)) for result, each in all_.rows.items())
            db.executemany("INSERT INTO who VALUES (?, ?)", rows)
            db.execute("COMMIT")
        os.replace(part, layout.people)
    except (sqlite3.OperationalError, OSError):  # read-only, full, or gone
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _folded(known: Known, results: Collection[str] | None) -> WhoIsWho:
    found: dict[str, list[Row]] = {}
    for who in known.identities.values():
        for each in who.samples:
            if results is None or result_of(each) in results:
                row = (each.label, each.kind, who.id, who.name, who.score, known.score[each.key])
                found.setdefault(result_of(each), []).append(row)
    for rows in found.values():
        rows.sort(key=_by_label)
    return WhoIsWho(found, known.words, known.edges)


def _rows(db: sqlite3.Connection, results: Collection[str]) -> Iterator[tuple[str, list[Row]]]:
    asked = set(results)
    if len(asked) > _MANY:
        found = db.execute("SELECT result, rows FROM who")
        yield from ((result, json.loads(rows)) for result, rows in found if result in asked)
        return
    for result in asked:
        for (rows,) in db.execute("SELECT rows FROM who WHERE result = ?", (result,)):
            yield result, json.loads(rows)


def _pairs(text: str) -> Iterator[tuple[Any, Any]]:
    return ((tuple(key), value) for key, value in json.loads(text))


def _by_label(row: Row) -> tuple[int, int, str]:
    label, kind = row[0], row[1]
    return ("voice", "face", "drawn").index(kind), len(label), label  # S2 before S10
