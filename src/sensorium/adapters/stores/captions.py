"""Captions from JSON lines, CSV or Parquet."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from sensorium.core.errors import UsageError
from sensorium.core.time import Span


@dataclass(frozen=True, slots=True)
class Caption:
    """A text about a file, or about a stretch of it; `row` counts from 1, for messages."""

    media: str
    text: str
    span: Span | None
    row: int


def read_captions(path: str | os.PathLike[str]) -> list[Caption]:
    """The rows of a ``.jsonl``, ``.csv`` or ``.parquet`` file with the columns `media` and `text`.

    `media` is a path, the end of a path, or a digest; `start` and `end` (seconds) are optional.

    Raises:
        UsageError: no such file, another format, a column or a value that is missing.
    """
    file = Path(path).expanduser()
    readers = {".jsonl": _json_lines, ".csv": _csv, ".parquet": _parquet}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise UsageError(f"{file}: expected captions as .jsonl, .csv or .parquet")
    try:
        rows = reader(file)
    except OSError as error:
        raise UsageError(f"{file}: expected captions; {error.strerror or error}") from None
    except (ValueError, pa.ArrowException) as error:
        raise UsageError(f"{file}: cannot be read as {file.suffix[1:]}; {error}") from None
    if not rows:
        raise UsageError(f"{file}: expected captions, the file has no row")
    return [_caption(file, number, row) for number, row in enumerate(rows, 1)]


def _json_lines(file: Path) -> list[Any]:
    with open(file, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def _csv(file: Path) -> list[Any]:
    # texts stay texts: a caption "007" is not the number 7
    texts = pyarrow.csv.ConvertOptions(
        column_types={"media": pa.string(), "text": pa.string()}, strings_can_be_null=False
    )
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    return pyarrow.csv.read_csv(file, convert_options=texts, parse_options=parse).to_pylist()


def _parquet(file: Path) -> list[Any]:
    return pq.read_table(file).to_pylist()


def _caption(file: Path, number: int, row: Any) -> Caption:
    where = f"{file} row {number}"
    values = row if isinstance(row, dict) else {}
    for name in ("media", "text"):
        if not isinstance(values.get(name), str) or not values[name].strip():
            raise UsageError(
                f"{where}: expected a text in {name!r}, got {values.get(name)!r}; "
                "a row has media (path or digest) and text"
            )
    start, end = (_seconds(values.get(name), where, name) for name in ("start", "end"))
    if (start is None) != (end is None):
        raise UsageError(f"{where}: expected start and end, or neither")
    span = None if start is None or end is None else Span(start, end)
    return Caption(values["media"], values["text"], span, number)


def _seconds(value: Any, where: str, name: str) -> float | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UsageError(f"{where}: expected seconds in {name!r}, got {value!r}")
    return float(value)
