"""Reading results where they lie: the catalogue says in which rows of which shards."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from sensorium.adapters.stores.parquet import in_order, read_ranges, read_table, records_of
from sensorium.core.errors import LibraryError
from sensorium.core.record import Record
from sensorium.library.layout import Layout
from sensorium.library.store.catalogue import Catalogue
from sensorium.library.store.rebuilding import rebuilt
from sensorium.library.store.shard import name_of

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")
_MANY = 1000  # results from which on the catalogue is read in one go
_TRIES = 5
_HERE = (
    threading.local()
)  # the catalogue that was asked last: opening it costs more than most questions


class Shelf:
    """The results of a library as its last compaction left them; of its files the catalogue alone stays open.

    A run that writes meanwhile may take the place of shards: what was asked is then asked again.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    @contextmanager
    def catalogue(self) -> Iterator[Catalogue]:
        """The catalogue, open for reading; made again from the shards if it is not there or not sound."""
        try:
            yield self._opened()
        except sqlite3.DatabaseError as error:
            raise LibraryError(
                f"{self._layout.catalogue}: expected the catalogue of the library; {error}; "
                "delete the file, it is made again"
            ) from None

    def _opened(self) -> Catalogue:
        """Opened once by each thread, as long as the file is the same; what a fork inherits is left alone."""
        place, last = self._layout.catalogue, getattr(_HERE, "last", None)
        try:
            stat = os.stat(place)
            what: tuple[int, str, int, int, int] | None = (
                os.getpid(),
                os.path.abspath(place),
                stat.st_ino,
                stat.st_size,
                stat.st_mtime_ns,
            )
        except OSError:
            what = None
        if last is not None and what is not None and last[0] == what:
            return last[1]
        try:
            found = Catalogue(place)
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                raise
            return Catalogue(rebuilt(self._layout))
        _HERE.last = what, found
        return found

    def entries(self) -> list[dict[str, Any]]:
        """Every input, sorted by uri."""
        with self.catalogue() as catalogue:
            return list(catalogue.entries())

    def entries_where(self, column: str, value: str, most: int = -1) -> list[dict[str, Any]]:
        """See `Catalogue.entries_where`."""
        with self.catalogue() as catalogue:
            return catalogue.entries_where(column, value, most)

    def entry(self, uri: str) -> dict[str, Any] | None:
        """What is known of an input."""
        found = self.entries_where("uri", uri)
        return found[0] if found else None

    def state(self, key: str) -> dict[str, Any] | None:
        """What is known of a finished result."""
        with self.catalogue() as catalogue:
            return catalogue.state(key)

    def recipe(self, key: str) -> dict[str, Any]:
        """What made a result: models, parameters, version."""
        with self.catalogue() as catalogue:
            return catalogue.recipe(key)

    def records(self, key: str, kind: str) -> list[Record]:
        """The records of one kind of a finished result."""
        return list(records_of(kind, self.table(kind, [key])))

    def table(self, kind: str, keys: Sequence[str]) -> pa.Table:
        """The rows of one kind of some results, in their order."""
        return self._again(lambda: self._table(kind, keys))

    def rows(self, kind: str, keys: Sequence[str]) -> list[dict[str, Any]]:
        """The same as plain data."""
        return list(self.table(kind, keys).to_pylist())

    def files(self, kind: str) -> list[Path]:
        """The Parquet files that hold the rows of a kind that count now, and no others."""
        with self.catalogue() as catalogue:
            shards = catalogue.shards()
        files = [self._layout.shard(number) / name_of(kind, False) for number in shards]
        return [file for file in files if file.exists()]

    def files_with(self, kind: str, keys: Sequence[str]) -> list[Path]:
        """The Parquet files in which rows of these results lie, with rows of others."""
        where = sorted(self._places(kind, keys))
        return [self._layout.shard(shard) / name_of(kind, cached) for shard, cached in where]

    def _table(self, kind: str, keys: Sequence[str]) -> pa.Table:
        tables, places = [], []
        for (shard, cached), (order, ranges) in self._places(kind, keys).items():
            file = self._layout.shard(shard) / name_of(kind, cached)
            tables.append(_read(kind, file, ranges))
            places.append(np.repeat(order, [num_rows for _, num_rows in ranges]))
        return in_order(tables, places) if tables else read_table(kind, [])

    def _places(
        self, kind: str, keys: Sequence[str]
    ) -> dict[tuple[int, bool], tuple[list[int], list[tuple[int, int]]]]:
        """(shard, cached) -> place of each result in `keys`, its rows."""
        found: dict[tuple[int, bool], tuple[list[int], list[tuple[int, int]]]] = {}
        order = {key: place for place, key in reversed(list(enumerate(keys)))}
        with self.catalogue() as catalogue:
            for key, shard, cached, ranges in catalogue.places(order, kind, len(order) > _MANY):
                mine = found.setdefault((shard, cached), ([], []))
                mine[0].append(order[key])
                mine[1].append((ranges[kind][0], ranges[kind][1]))
        return found

    def _again(self, ask: Callable[[], T]) -> T:
        for _ in range(_TRIES):
            try:
                return ask()
            except FileNotFoundError as error:  # a compaction took its place meanwhile
                missing = error
        raise LibraryError(
            f"{self._layout.root}: a file of the library is missing: {missing.filename or missing}; "
            "restore it, or extract again"
        )


def _read(kind: str, file: Path, ranges: Sequence[tuple[int, int]]) -> pa.Table:
    try:
        return read_ranges(kind, file, ranges)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:  # pyarrow's are ValueErrors
        raise LibraryError(
            f"{os.fspath(file)}: expected the records of a result; {error}; restore the file, or "
            "delete its folder and extract again"
        ) from None
