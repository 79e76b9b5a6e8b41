"""Records as Arrow tables and Parquet files, one kind a file, through pyarrow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sensorium.core.record import COMMON, INSTANTS, KINDS, Column, Provenance, Record
from sensorium.core.time import Span

_TYPES = {
    "string": pa.string(),
    "bool": pa.bool_(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "list<float32>": pa.list_(pa.float32()),
    "list<int64>": pa.list_(pa.int64()),
    "list<string>": pa.list_(pa.string()),
}

_FEW = 64  # stretches of rows


def _field(column: Column) -> pa.Field:
    return pa.field(column.name, _TYPES[column.dtype], metadata={"doc": column.doc})


@cache
def schema(kind: str) -> pa.Schema:
    """The Arrow schema of one kind: the common columns, then its own; docs as field metadata."""
    return pa.schema([_field(column) for column in (*COMMON, *KINDS[kind])])


def row(media: str, uri: str, record: Record) -> dict[str, Any]:
    """One record as a row of its kind's schema."""
    made_by, span = record.provenance, record.span
    return {
        "media": media,
        "uri": uri,
        "start": span.start if span else None,
        "end": span.end if span else None,
        "model": made_by.model,
        "revision": made_by.revision,
        "params": json.dumps(dict(made_by.params), sort_keys=True),
        **record.values,
    }


def as_table(kind: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows of one kind, see `row`, as an Arrow table."""
    return pa.Table.from_pylist(list(rows), schema=schema(kind))


def packed(table: pa.Table) -> bytes:
    """A table as bytes (Arrow's stream format), for a journal."""
    sink = pa.BufferOutputStream()
    plain = table.replace_schema_metadata(None).cast(bare(table.schema))
    with pa.ipc.new_stream(sink, plain.schema) as stream:
        stream.write_table(plain)
    return sink.getvalue().to_pybytes()


def bare(wanted: pa.Schema) -> pa.Schema:
    """A schema without the documentation of its columns."""
    return pa.schema([pa.field(each.name, each.type) for each in wanted])


def unpacked(kind: str, data: bytes) -> pa.Table:
    """The table that `packed` made bytes of, in the columns of today."""
    with pa.ipc.open_stream(data) as stream:
        return _as(schema(kind), stream.read_all())


class KindFile:
    """One Parquet file that grows by tables of one kind, in groups of some thousand rows.

    Groups are so small that one input is read without the others, and so large that 100,000 inputs
    have a short footer. Memory is bounded by one group. A table of one row takes some ten kilobytes for its
    columns: such ones are joined before a group is full.
    """

    _ROWS, _BYTES, _TABLES = 4096, 8 << 20, 64

    def __init__(self, path: Path, kind: str) -> None:
        self._schema = schema(kind)
        self._writer = pq.ParquetWriter(path, self._schema)
        self._tables: list[pa.Table] = []
        self._rows = self._bytes = 0

    def add(self, table: pa.Table) -> None:
        """Appends rows."""
        self._tables.append(table)
        self._rows += table.num_rows
        self._bytes += table.nbytes
        if self._rows >= self._ROWS or self._bytes >= self._BYTES:
            self._flush()
        elif len(self._tables) >= self._TABLES:
            self._tables = [pa.concat_tables(self._tables).combine_chunks()]

    def _flush(self) -> None:
        if self._rows:
            whole = pa.concat_tables(self._tables)
            self._writer.write_table(whole, row_group_size=self._ROWS)
        self._tables, self._rows, self._bytes = [], 0, 0

    def close(self) -> None:
        """Writes what is buffered and the footer."""
        self._flush()
        self._writer.close()


def write_columns(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    """A small table of texts and numbers, column by column."""
    pq.write_table(pa.table({name: pa.array(values) for name, values in columns.items()}), path)


def read_columns(path: Path) -> dict[str, list[Any]]:
    """What `write_columns` wrote."""
    return pq.ParquetFile(path).read().to_pydict()


def groups(kind: str, file: Path) -> Iterator[tuple[int, pa.Table]]:
    """(first row, table) of each group of rows of a file, in the columns of today."""
    found, first = pq.ParquetFile(file), 0
    for number in range(found.num_row_groups):
        table = _as(schema(kind), found.read_row_group(number))
        yield first, table
        first += table.num_rows


def read_ranges(kind: str, file: Path, ranges: Sequence[tuple[int, int]]) -> pa.Table:
    """The rows of (first row, number of rows) of a file, in this order; only their groups are read."""
    found = pq.ParquetFile(file)
    meta = found.metadata
    sizes = [meta.row_group(number).num_rows for number in range(meta.num_row_groups)]
    begin = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    start = np.array([each[0] for each in ranges], np.int64)
    count = np.array([each[1] for each in ranges], np.int64)
    first = np.searchsorted(begin, start, "right") - 1
    last = np.searchsorted(begin, start + count, "left")
    if len(last) and last.max() > len(sizes):
        raise ValueError(f"{file}: expected {int((start + count).max())} rows, has {begin[-1]}")
    needed = np.zeros(len(sizes) + 1, np.int64)
    np.add.at(needed, first, 1)
    np.add.at(needed, last, -1)
    chosen = np.flatnonzero(np.cumsum(needed)[:-1])
    table = _as(schema(kind), found.read_row_groups([int(each) for each in chosen]))
    shift = np.concatenate([[0], np.cumsum([sizes[each] for each in chosen])])
    place = np.searchsorted(chosen, first)
    moved = start - begin[first] + shift[place]
    rows = np.repeat(moved - np.cumsum(count) + count, count) + np.arange(count.sum())
    return _taken(table, rows)


def in_order(tables: Sequence[pa.Table], places: Sequence[NDArray]) -> pa.Table:
    """Tables as one, its rows sorted by their places; rows of one place stay as they are."""
    whole, at = pa.concat_tables(tables), np.concatenate(places)
    if (at[1:] < at[:-1]).any():
        whole = _taken(whole, np.argsort(at, kind="stable"))
    return whole


def _taken(table: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    """Some rows of a table. Not by `take` where they are few stretches: it imports pandas, for 0.3 s."""
    cuts = np.flatnonzero(np.diff(rows) != 1) + 1
    if len(cuts) >= _FEW:
        return table.take(rows)
    parts = [table.slice(int(each[0]), len(each)) for each in np.split(rows, cuts) if len(each)]
    return pa.concat_tables(parts) if parts else table.slice(0, 0)


def with_columns(table: pa.Table, columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """The table with other values in some columns."""
    for name, values in columns.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(
            place, table.schema.field(place), pa.array(values, table.schema.field(place).type)
        )
    return table


def read_table(kind: str, files: Sequence[Path]) -> pa.Table:
    """All rows of `kind` in the given files, in their order; no files give an empty table."""
    tables = [_read(schema(kind), file) for file in files]
    return pa.concat_tables(tables) if tables else pa.Table.from_batches([], schema(kind))


def _read(wanted: pa.Schema, file: Path) -> pa.Table:
    """One file in the columns of today.

    Not by `pq.read_table`, whose import of pyarrow.dataset takes longer than most files do.
    """
    return _as(wanted, pq.ParquetFile(file).read())


def _as(wanted: pa.Schema, found: pa.Table) -> pa.Table:
    """A table in the columns of today; those that it was written without are null."""
    if found.schema.equals(wanted):
        return found
    names = set(found.column_names)
    columns = [
        found[each.name].cast(each.type)
        if each.name in names
        else pa.nulls(found.num_rows, each.type)
        for each in wanted
    ]
    return pa.table(columns, schema=wanted)


def records_of(kind: str, table: pa.Table) -> Iterator[Record]:
    """The records of a table, without the empty stretches of older versions."""
    names = [column.name for column in KINDS[kind]]
    for batch in table.to_batches(max_chunksize=10_000):
        for values in batch.to_pylist():
            span = None if values["start"] is None else Span(values["start"], values["end"])
            if span is not None and not span.duration and kind not in INSTANTS:
                continue
            made_by = Provenance(values["model"], values["revision"], json.loads(values["params"]))
            yield Record(kind, span, {name: values[name] for name in names}, made_by)
