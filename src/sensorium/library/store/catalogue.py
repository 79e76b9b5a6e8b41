"""The catalogue of a library: which results there are, where their rows lie, and what each input has.

One SQLite file, derived from the tables that every shard carries: it may be deleted, and is made again.
It changes in one transaction, so a reader sees the shards of before or those of after. SQLite keeps its
rollback journal, not a write-ahead log: then there is one file, which a disk that is read-only can hold.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from sensorium.core.record import digest
from sensorium.library.store.database import connected

_FORMAT = "2"
_TABLES = """
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT);
    CREATE TABLE shard (number INTEGER PRIMARY KEY);
    CREATE TABLE taken (journal TEXT PRIMARY KEY, upto INTEGER);
    CREATE TABLE mark (uri TEXT PRIMARY KEY, text TEXT, open INTEGER) WITHOUT ROWID;
    CREATE TABLE recipe (id INTEGER PRIMARY KEY, text TEXT UNIQUE);
    CREATE TABLE result (key TEXT PRIMARY KEY, number INTEGER, shard INTEGER, cached INTEGER,
                         state TEXT, recipe INTEGER, ranges TEXT) WITHOUT ROWID;
    CREATE INDEX result_shard ON result (shard);
    CREATE TABLE input (uri TEXT PRIMARY KEY, number INTEGER, shard INTEGER, id TEXT, base TEXT,
                        media TEXT, entry TEXT) WITHOUT ROWID;
    CREATE INDEX input_shard ON input (shard);
    CREATE INDEX input_id ON input (id);
    CREATE INDEX input_base ON input (base);
    CREATE INDEX input_media ON input (media);
"""
Ranges = Mapping[str, Sequence[int]]  # kind -> [first row, number of rows]


@dataclass(slots=True)
class Result:
    """One result: `number` grows with every write, `cached` if no input has it now, `recipe` as JSON."""

    key: str
    number: int
    cached: bool
    state: str
    recipe: str
    ranges: Ranges


@dataclass(slots=True)
class Entry:
    """What is known of one input; `text` is JSON, or null for one that was forgotten."""

    uri: str
    number: int
    text: str


@dataclass(slots=True)
class Change:
    """What a new shard brings, and which ones it takes the place of."""

    shard: int | None
    results: Sequence[Result]
    entries: Sequence[Entry]
    replaces: Sequence[int]
    journals: Mapping[str, int]  # how far each is on the shelf


def media_of(result: str) -> str:
    """The first half of the digest of the file that a result is of; ``unread`` for one of none."""
    return result.partition("/")[0]


class Catalogue:
    """One catalogue, open; `new` makes an empty one.

    Raises:
        sqlite3.DatabaseError: there is none, or it is of another version.
    """

    def __init__(self, place: Path, new: bool = False) -> None:
        self._db = connected(place, "rwc" if new else "rw")
        try:
            if new:
                self._db.executescript(
                    f"BEGIN; {_TABLES} INSERT INTO meta VALUES ('format', '{_FORMAT}'); COMMIT;"
                )
            try:
                found = self._format()
            except sqlite3.OperationalError:
                # a folder that is read-only; not "ro" from the start: after a writer was killed, who opens
                # it next undoes what that one began
                self._db.close()
                self._db = connected(place, "ro")
                found = self._format()
            if found != _FORMAT:
                raise sqlite3.DatabaseError(f"format {found}, expected {_FORMAT}")
        except BaseException:
            self._db.close()
            raise

    def _format(self) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()
        return row[0] if row else None

    def close(self) -> None:
        """Lets the file go."""
        self._db.close()

    # what is asked

    def shards(self) -> list[int]:
        """The numbers of those that count, the oldest first."""
        return [n for (n,) in self._db.execute("SELECT number FROM shard ORDER BY number")]

    def journals(self) -> dict[str, int]:
        """Journal -> how far it is on the shelf."""
        return dict(self._db.execute("SELECT journal, upto FROM taken"))

    def last_number(self) -> int:
        """The highest number that a result or an entry has."""
        highest = "SELECT max((SELECT ifnull(max(number), 0) FROM result), "
        return int(
            self._db.execute(f"{highest}(SELECT ifnull(max(number), 0) FROM input))").fetchone()[0]
        )

    def num_inputs(self) -> int:
        """How many inputs there are."""
        return int(
            self._db.execute("SELECT count(*) FROM input WHERE entry != 'null'").fetchone()[0]
        )

    def entries(self) -> Iterator[dict[str, Any]]:
        """Every input, sorted by uri."""
        rows = self._db.execute("SELECT entry FROM input WHERE entry != 'null' ORDER BY uri")
        return (json.loads(text) for (text,) in rows)

    def entries_where(self, column: str, value: str, most: int = -1) -> list[dict[str, Any]]:
        """The inputs whose ``uri``, ``id``, ``base`` (last part of the path) or ``media`` is `value`.

        At most `most` of them, in any order then; else all, sorted by uri.
        """
        found = f"SELECT entry FROM input WHERE {column} = ? AND entry != 'null'"
        order = "ORDER BY uri" if most < 0 else "LIMIT ?2"
        rows = self._db.execute(f"{found} {order}", (value, most)[: 1 if most < 0 else 2])
        return [json.loads(text) for (text,) in rows]

    def states(self, media: str) -> dict[str, dict[str, Any]]:
        """The states of all results of one file by their keys; `media` as `media_of` gives it."""
        rows = self._db.execute(
            "SELECT key, state FROM result WHERE key >= ? AND key < ?", (f"{media}/", f"{media}0")
        )
        return {key: json.loads(state) for key, state in rows}

    def state(self, key: str) -> dict[str, Any] | None:
        """What is known of a finished result."""
        row = self._db.execute("SELECT state FROM result WHERE key = ?", (key,)).fetchone()
        return json.loads(row[0]) if row else None

    def recipe(self, key: str) -> dict[str, Any]:
        """The recipe of a result."""
        row = self._db.execute(
            "SELECT recipe.text FROM result JOIN recipe ON recipe.id = result.recipe WHERE key = ?",
            (key,),
        ).fetchone()
        return json.loads(row[0]) if row else {}

    def places(
        self, keys: Collection[str], kind: str, many: bool = False
    ) -> Iterator[tuple[str, int, bool, Ranges]]:
        """(key, shard, cached, ranges) of those of the results `keys` that have rows of `kind`.

        `many`: all results are gone through, which is faster for a large part of them.
        """
        columns, there = "SELECT key, shard, cached, ranges FROM result", f'%"{kind}":%'
        rows: Iterable[Any]
        if many:
            rows = self._db.execute(f"{columns} WHERE ranges LIKE ?", (there,))
        else:
            rows = chain.from_iterable(
                self._db.execute(f"{columns} WHERE key = ? AND ranges LIKE ?", (key, there))
                for key in keys
            )
        for key, shard, cached, ranges in rows:
            if key in keys:
                yield key, shard, bool(cached), json.loads(ranges)

    def results_of(self, shard: int) -> list[Result]:
        """The results that lie in one shard; those of one recipe share its text."""
        recipes = dict(self._db.execute("SELECT id, text FROM recipe"))
        rows = self._db.execute(
            "SELECT key, number, cached, state, recipe, ranges FROM result WHERE shard = ?",
            (shard,),
        )
        return [Result(k, n, bool(c), s, recipes[r], json.loads(at)) for k, n, c, s, r, at in rows]

    def num_results(self) -> dict[int, int]:
        """Shard -> how many results lie in it."""
        return dict(self._db.execute("SELECT shard, count(*) FROM result GROUP BY shard"))

    def entries_of(self, shard: int) -> list[Entry]:
        """The entries that one shard carries and no later one."""
        rows = self._db.execute("SELECT uri, number, entry FROM input WHERE shard = ?", (shard,))
        return [Entry(*row) for row in rows]

    def lying(self, keys: Iterable[str]) -> Iterator[tuple[int, bool, str]]:
        """(shard, cached, key) of those of the results that there are."""
        for key in keys:
            for shard, cached in self._db.execute(
                "SELECT shard, cached FROM result WHERE key = ?", (key,)
            ):
                yield shard, bool(cached), key

    def mark_of_all(self) -> str:
        """What `mark` said last of all inputs together; empty before."""
        row = self._db.execute("SELECT value FROM meta WHERE name = 'mark'").fetchone()
        return row[0] if row else ""

    def unmarked(self, text: str, again: bool) -> set[str]:
        """The inputs that changed since they were marked with `text`; with `again`, the open ones too."""
        rows = self._db.execute(
            "SELECT uri FROM input LEFT JOIN mark USING (uri) WHERE entry != 'null' "
            "AND (mark.text IS NOT input.number || ':' || ? OR (? AND mark.open))",
            (text, again),
        )
        return {uri for (uri,) in rows}

    # what changes

    def mark(self, inputs: Mapping[str, bool], text: str, of_all: str) -> None:
        """Notes that something was done with inputs as they are now: uri -> whether it stays open.

        Marks are lost with the catalogue; then it is done again.
        """
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(
            "INSERT OR REPLACE INTO mark SELECT uri, number || ':' || ?, ? FROM input WHERE uri = ?",
            [(text, left, uri) for uri, left in inputs.items()],
        )
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('mark', ?)", (of_all,))
        self._db.execute("COMMIT")

    def apply(self, change: Change) -> None:
        """Takes a new shard up and lets those go that it replaces, in one transaction."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for number in change.replaces:
                self._db.execute("DELETE FROM shard WHERE number = ?", (number,))
                self._db.execute("DELETE FROM result WHERE shard = ?", (number,))
                self._db.execute("DELETE FROM input WHERE shard = ?", (number,))
            if change.shard is not None:
                self._db.execute("INSERT OR IGNORE INTO shard VALUES (?)", (change.shard,))
            recipes = self._recipes({each.recipe for each in change.results})
            self._db.executemany(
                "INSERT OR REPLACE INTO result VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (r.key, r.number, change.shard, r.cached, r.state, recipes[r.recipe],
                     json.dumps(r.ranges, separators=(",", ":")))
                    for r in change.results
                ),
            )  # fmt: skip
            self._db.executemany(
                "INSERT INTO input VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (uri) DO UPDATE SET "
                "number = excluded.number, shard = excluded.shard, media = excluded.media, "
                "entry = excluded.entry WHERE excluded.number >= input.number",
                (_input(each, change.shard) for each in change.entries),
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO taken VALUES (?, ?)", change.journals.items()
            )
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def _recipes(self, texts: Iterable[str]) -> dict[str, int]:
        known = {}
        for text in texts:
            self._db.execute("INSERT OR IGNORE INTO recipe (text) VALUES (?)", (text,))
            row = self._db.execute("SELECT id FROM recipe WHERE text = ?", (text,)).fetchone()
            known[text] = row[0]
        return known

    def forget_journals(self, names: Iterable[str]) -> None:
        """Journals that are no more."""
        self._db.executemany("DELETE FROM taken WHERE journal = ?", [(name,) for name in names])


def _input(each: Entry, shard: int | None) -> tuple[Any, ...]:
    entry = json.loads(each.text) or {}
    base, media = each.uri.rpartition("/")[2], (entry.get("digest") or "unread")[:32]
    return each.uri, each.number, shard, digest(each.uri), base, media, each.text
