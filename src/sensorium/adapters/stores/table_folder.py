"""A folder of Parquet files with a card, as Hugging Face ``datasets`` loads and streams it.

Every table has a folder of its own and is a config of the dataset; DuckDB, Polars and pandas read the same
files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

_GROUP_BYTES = 8 << 20  # of the rows that are read at once by who streams


class TableFolder:
    """Writes tables into the new folder `root`, about `shard_bytes` a file."""

    def __init__(self, root: Path, shard_bytes: int) -> None:
        self._root, self._shard_bytes = root, shard_bytes
        self._names: list[str] = []
        root.mkdir()

    def add(self, name: str, tables: Iterable[pa.Table]) -> int:
        """One table, given in parts of one schema; its number of rows. Without any row it is left out."""
        folder = self._root / name
        writer: pq.ParquetWriter | None = None
        number = rows = size = 0
        for table in tables:
            if not table.num_rows:
                continue
            if writer is None:
                folder.mkdir(exist_ok=True)
                writer = pq.ParquetWriter(folder / f"train-{number:05d}.parquet", table.schema)
            a_row = max(1, table.nbytes // table.num_rows)
            writer.write_table(table, row_group_size=max(1, _GROUP_BYTES // a_row))
            rows, size = rows + table.num_rows, size + table.nbytes
            if size >= self._shard_bytes:
                writer.close()
                writer, number, size = None, number + 1, 0
        if writer is not None:
            writer.close()
        if rows:
            self._names.append(name)
        return rows

    def finish(self, about: str) -> None:
        """Writes the card, which says what there is."""
        configs = [{"config_name": name, "data_files": f"{name}/*.parquet"} for name in self._names]
        if configs:
            configs[0]["default"] = True  # type: ignore[assignment]
        text = f"---\n{yaml.safe_dump({'configs': configs}, sort_keys=False)}---\n\n{about}\n"
        (self._root / "README.md").write_text(text, encoding="utf-8")


_FEATURES = pa.schema(
    [
        ("media", pa.string()),
        ("uri", pa.string()),
        ("start", pa.float64()),
        ("end", pa.float64()),
        ("model", pa.string()),
        ("shape", pa.list_(pa.int64())),
        ("axes", pa.string()),
        ("num_valid", pa.int64()),
        ("values", pa.list_(pa.float32())),
    ]
)


def feature_table(row: Mapping[str, Any], values: Any) -> pa.Table:
    """One row: the numbers flat in `values`, float32, and their `shape`."""
    told = {name: [row[name]] for name in _FEATURES.names if name != "values"}
    flat = pa.array(values.reshape(-1).astype("float32"))
    offsets = pa.array([0, len(flat)], pa.int32())
    return pa.table({**told, "values": pa.ListArray.from_arrays(offsets, flat)}, schema=_FEATURES)


def as_table(frame: Any) -> pa.Table:
    """A pandas DataFrame; what is missing there is null."""
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)


def rows_of(frame: Any) -> list[dict[str, Any]]:
    """The rows of a DataFrame as plain data."""
    return as_table(frame).to_pylist()
