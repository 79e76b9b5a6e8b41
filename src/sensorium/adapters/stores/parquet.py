"""Records as Parquet files, one file per kind, through pyarrow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

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


def _field(column: Column) -> pa.Field:
    return pa.field(column.name, _TYPES[column.dtype], metadata={"doc": column.doc})


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


class ParquetWriter:
    """Appends records of every kind to one Parquet file per kind in `folder`.

    Rows are buffered and written in groups of 10,000, so a long recording does not grow memory.
    """

    _GROUP = 10_000

    def __init__(self, folder: Path, media: str, uri: str) -> None:
        self._folder = folder
        self._media = media
        self._uri = uri
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._files: dict[str, pq.ParquetWriter] = {}
        self.counts: dict[str, int] = {}

    def append(self, record: Record) -> None:
        """Adds one record to the file of its kind."""
        rows = self._rows.setdefault(record.kind, [])
        rows.append(row(self._media, self._uri, record))
        self.counts[record.kind] = self.counts.get(record.kind, 0) + 1
        if len(rows) >= self._GROUP:
            self._flush(record.kind)

    def _flush(self, kind: str) -> None:
        if kind not in self._files:
            self._files[kind] = pq.ParquetWriter(self._folder / f"{kind}.parquet", schema(kind))
        self._files[kind].write_table(pa.Table.from_pylist(self._rows[kind], schema=schema(kind)))
        self._rows[kind] = []

    def close(self) -> None:
        """Writes what is buffered and the footers."""
        for kind in self._rows:
            if self._rows[kind]:
                self._flush(kind)
        for file in self._files.values():
            file.close()


def read_table(kind: str, files: Sequence[Path]) -> pa.Table:
    """All rows of `kind` in the given files, in their order; no files give an empty table."""
    tables = [_read(schema(kind), file) for file in files]
    return pa.concat_tables(tables) if tables else schema(kind).empty_table()


def _read(wanted: pa.Schema, file: Path) -> pa.Table:
    """One file in the columns of today; those that it was written without are null.

    Not by `pq.read_table`, whose import of pyarrow.dataset takes longer than most files do.
    """
    found = pq.ParquetFile(file).read()
    names = set(found.column_names)
    columns = [
        found[each.name].cast(each.type)
        if each.name in names
        else pa.nulls(found.num_rows, each.type)
        for each in wanted
    ]
    return pa.table(columns, schema=wanted)


def read_records(kind: str, file: Path) -> Iterator[Record]:
    """The records that were written to one file, without the empty stretches of older versions."""
    names = [column.name for column in KINDS[kind]]
    for batch in pq.ParquetFile(file).iter_batches():
        for values in batch.to_pylist():
            span = None if values["start"] is None else Span(values["start"], values["end"])
            if span is not None and not span.duration and kind not in INSTANTS:
                continue
            made_by = Provenance(values["model"], values["revision"], json.loads(values["params"]))
            yield Record(kind, span, {name: values.get(name) for name in names}, made_by)
