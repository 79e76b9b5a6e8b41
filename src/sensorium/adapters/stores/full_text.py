"""A full-text index in one file, through SQLite's FTS5."""

from __future__ import annotations

import os
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from sensorium.core.errors import LibraryError
from sensorium.ops.text.query import Phrase
from sensorium.ops.text.tokens import VERSION, indexed

_FORMAT = f"1.{VERSION}"
# The tokens are made by us (ops.text.tokens): SQLite's own tokenizers know no Chinese, Japanese or Thai, and
# its trigrams find nothing shorter than three characters. "ascii" takes them as they are, for every
# other character counts as a letter there. Only positions are kept (content=''): the text stands once.
_TABLES = """
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT);
    CREATE TABLE file (id INTEGER PRIMARY KEY, uri TEXT UNIQUE, state TEXT);
    CREATE TABLE unit (id INTEGER PRIMARY KEY, file INTEGER, kind TEXT, start REAL, end REAL,
                       speaker TEXT, person TEXT, text TEXT, places BLOB, times BLOB);
    CREATE INDEX unit_file ON unit (file);
    CREATE TABLE label (file INTEGER, label TEXT, kind TEXT, key TEXT, start REAL, end REAL, at REAL);
    CREATE INDEX label_file ON label (file);
    CREATE VIRTUAL TABLE words USING fts5 (tokens, content='', tokenize='ascii');
"""


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of text that is found as a whole: an utterance, a subtitle, a line on the screen.

    `words` are the characters at which its words begin, `times` the seconds at which each is said;
    empty where only the whole has a time.
    """

    kind: str
    start: float | None
    end: float | None
    speaker: str | None
    person: str | None
    text: str
    words: Sequence[int] = ()
    times: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Label:
    """Who is in a file: label (S1, P1) or name in its subtitles, key of the sample, and when best.

    `kind` is voice, face, drawn or subtitle; `key` is empty where there is no embedding.
    """

    label: str
    kind: str
    key: str
    start: float | None
    end: float | None
    at: float | None


@dataclass(frozen=True, slots=True)
class Filter:
    """What may be found: `uris` and `labels` (uri, label) if not None, `kinds`, a stretch of time."""

    uris: Sequence[str] | None = None
    labels: Sequence[tuple[str, str]] | None = None
    kinds: Sequence[str] = ()
    between: tuple[float, float] | None = None


class FullText:
    """The index in one file, or in memory for None.

    Opened for reading, the file is taken as it is and never locked: whoever changes it writes
    another one and puts it in its place. Opened for writing, it belongs to this process alone.

    Raises:
        LibraryError: this Python's SQLite has no FTS5.
        sqlite3.DatabaseError: the file is no index of this version.
    """

    def __init__(self, path: str | os.PathLike[str] | None, write: bool = False) -> None:
        self._path = path
        place = f"file:{quote(str(Path(path).absolute()))}" if path else ":memory:"
        mode = "" if path is None else "?mode=rwc" if write else "?mode=ro&immutable=1"
        self._db = sqlite3.connect(place + mode, uri=True, isolation_level=None)
        try:
            self._db.execute("PRAGMA temp_store = MEMORY")
            if write:  # a file of our own, which nobody sees before it is whole
                self._db.execute("PRAGMA journal_mode = OFF")
                self._db.execute("PRAGMA synchronous = OFF")
                self._db.execute("PRAGMA cache_size = -65536")  # 64 MiB
                self._create()
            found = self._db.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()
            if found != (_FORMAT,):
                raise sqlite3.DatabaseError(f"format {found}, expected {_FORMAT}")
        except BaseException:
            self._db.close()
            raise

    def _create(self) -> None:
        if self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
            return
        try:
            self._db.executescript(_TABLES)
        except sqlite3.OperationalError as error:
            if "fts5" not in str(error):
                raise
            raise LibraryError(
                f"search needs SQLite with FTS5; this Python's sqlite3 ({sqlite3.sqlite_version}) was "
                "built without it; use another build of Python (python.org, conda and all larger "
                "distributions have it)"
            ) from None
        self._db.execute("INSERT INTO meta VALUES ('format', ?)", (_FORMAT,))

    def __enter__(self) -> FullText:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._db.close()

    def states(self) -> dict[str, str]:
        """Path of each file that is indexed -> what it was indexed from."""
        return dict(self._db.execute("SELECT uri, state FROM file"))

    def change(self, gone: Iterable[str], new: Iterable[tuple[str, str, Iterable[Any]]]) -> None:
        """Takes out the files `gone`, and in those of `new`: (uri, state, units and labels)."""
        self._db.execute("BEGIN")
        for uri in gone:
            self._remove(uri)
        for uri, state, contents in new:
            self._add(uri, state, contents)
        self._db.execute("COMMIT")

    def optimize(self) -> None:
        """Merges the parts of the index: smaller, and faster to search."""
        self._db.execute("INSERT INTO words (words) VALUES ('optimize')")

    def _remove(self, uri: str) -> None:
        found = self._db.execute("SELECT id FROM file WHERE uri = ?", (uri,)).fetchone()
        if found is None:
            return
        rows = self._db.execute("SELECT id, text FROM unit WHERE file = ?", found).fetchall()
        self._db.executemany(
            "INSERT INTO words (words, rowid, tokens) VALUES ('delete', ?, ?)",
            ((number, indexed(text)) for number, text in rows),
        )
        for table, column in (("unit", "file"), ("label", "file"), ("file", "id")):
            self._db.execute(f"DELETE FROM {table} WHERE {column} = ?", found)

    def _add(self, uri: str, state: str, contents: Iterable[Any]) -> None:
        values = "INSERT INTO file (uri, state) VALUES (?, ?)"
        file = self._db.execute(values, (uri, state)).lastrowid
        last = self._db.execute("SELECT max(id) FROM unit").fetchone()[0] or 0
        units, tokens, labels = [], [], []
        for each in contents:
            if isinstance(each, Label):
                row = (each.label, each.kind, each.key, each.start, each.end, each.at)
                labels.append((file, *row))
                continue
            last += 1
            blobs = (array("I", each.words).tobytes(), array("d", each.times).tobytes())
            who = (each.speaker, each.person, each.text)
            units.append((last, file, each.kind, each.start, each.end, *who, *blobs))
            tokens.append((last, indexed(each.text)))
        self._db.executemany("INSERT INTO unit VALUES (?,?,?,?,?,?,?,?,?,?)", units)
        self._db.executemany("INSERT INTO words (rowid, tokens) VALUES (?, ?)", tokens)
        self._db.executemany("INSERT INTO label VALUES (?,?,?,?,?,?,?)", labels)

    def labels(self) -> Iterator[tuple[str, Label]]:
        """(uri, label) of everybody who is heard or seen."""
        columns = "uri, label, kind, key, start, end, at"
        rows = self._rows(f"SELECT {columns} FROM label JOIN file ON file.id = label.file")
        return ((row[0], Label(*row[1:])) for row in rows)

    def search(
        self, phrases: Sequence[Phrase], wanted: Filter, limit: int
    ) -> list[tuple[float, str, Unit]]:
        """(score, uri, unit) of the best units that hold all phrases; more is better (BM25)."""
        terms = " AND ".join(
            f'"{" ".join(each.tokens)}"{" *" if each.prefix else ""}' for each in phrases
        )  # tokens are letters and digits: nothing of a query can mean anything else here
        rule, values = self._rule(wanted)
        join = "JOIN unit ON unit.id = words.rowid" if rule else ""
        rows = self._rows(
            "SELECT score, uri, kind, start, end, speaker, person, text, places, times FROM ("
            f"SELECT words.rowid AS number, -bm25(words) AS score FROM words {join} "
            f"WHERE words MATCH :terms{rule} ORDER BY score DESC, number LIMIT :limit"
            ") JOIN unit ON unit.id = number JOIN file ON file.id = unit.file "
            "ORDER BY score DESC, uri, start, number",  # what is shown is fetched for these only
            {"terms": terms, "limit": limit, **values},
        )
        return [(row[0], row[1], _unit(row[2:])) for row in rows]

    def _rows(self, query: str, values: Any = ()) -> list[Any]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise LibraryError(
                f"{self._path or 'search index'}: the search index is damaged ({error}); delete the file, "
                "the next search makes it anew"
            ) from None

    def _rule(self, wanted: Filter) -> tuple[str, dict[str, Any]]:
        rule, values = "", dict[str, Any]()
        if wanted.uris is not None:
            self._wanted("uris", [(uri, "") for uri in wanted.uris])
            rule += " AND unit.file IN (SELECT file FROM temp.uris)"
        if wanted.labels is not None:
            self._wanted("labels", wanted.labels)
            pairs = "(SELECT file, label FROM temp.labels)"
            rule += f" AND ((unit.file, speaker) IN {pairs} OR (unit.file, person) IN {pairs})"
        if wanted.kinds:
            names = {f"kind{number}": kind for number, kind in enumerate(wanted.kinds)}
            rule += f" AND unit.kind IN ({', '.join(f':{name}' for name in names)})"
            values |= names
        if wanted.between is not None:
            rule += " AND unit.start < :until AND max(unit.end, unit.start) >= :since"
            values |= {"since": wanted.between[0], "until": wanted.between[1]}
        return rule, values

    def _wanted(self, table: str, pairs: Sequence[tuple[str, str]]) -> None:
        self._db.execute(f"DROP TABLE IF EXISTS temp.{table}")
        self._db.execute(
            f"CREATE TEMP TABLE {table} (file INTEGER, label TEXT, PRIMARY KEY (file, label)) "
            "WITHOUT ROWID"
        )
        self._db.executemany(
            f"INSERT OR IGNORE INTO temp.{table} SELECT id, ? FROM file WHERE uri = ?",
            [(label, uri) for uri, label in pairs],
        )


def _unit(row: Sequence[Any]) -> Unit:
    kind, start, end, speaker, person, text, *blobs = row
    words, times = array("I"), array("d")
    words.frombytes(blobs[0])
    times.frombytes(blobs[1])
    return Unit(kind, start, end, speaker, person, text, words, times)
