"""Features as safetensors shards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from sensorium.core.features import Features
from sensorium.core.record import Provenance, Record
from sensorium.core.time import Axis, Span


def feature_record(features: Features, made_by: Provenance, number: int) -> Record:
    """The row of kind ``feature`` of a tensor that is yet to be put into a file."""
    values = {
        "name": features.name,
        "file": "",
        "tensor": f"{features.name}/{number:06d}",
        "shape": list(features.values.shape),
        "dtype": str(features.values.dtype),
        "axes": json.dumps([asdict(axis) for axis in features.axes]),
        "num_valid": features.num_valid,
    }
    return Record("feature", features.span, values, made_by)


class TensorFiles:
    """Writes tensors that lie elsewhere into safetensors files, without holding more than one of them.

    `add` says in which file a tensor will be; all are there after `close`. The format wants sizes first
    and numbers then, so the numbers are asked for at the end.
    """

    def __init__(self, folder: Path, stem: str, num_bytes: int) -> None:
        self._folder, self._stem, self._limit = folder, stem, num_bytes
        self._open: list[tuple[str, str, Sequence[int], int, Callable[[], bytes]]] = []
        self._size = 0
        self.written: list[str] = []

    def add(self, name: str, dtype: str, shape: Sequence[int], read: Callable[[], bytes]) -> str:
        """Adds one tensor; returns the name of its file. `read` gives its bytes in C order."""
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        if self._open and self._size + size > self._limit:
            self.close()
        self._open.append((name, dtype, shape, size, read))
        self._size += size
        return self._name()

    def _name(self) -> str:
        return f"{self._stem}-{len(self.written):03d}.safetensors"

    def close(self) -> None:
        """Writes the file that is open, if any."""
        if not self._open:
            return
        about, at = {}, 0
        for name, dtype, shape, size, _ in self._open:
            offsets = [at, at + size]
            about[name] = {"dtype": _DTYPES[dtype], "shape": list(shape), "data_offsets": offsets}
            at += size
        header = json.dumps(about, separators=(",", ":")).encode()
        header += b" " * (-len(header) % 8)
        with open(self._folder / self._name(), "wb") as file:
            file.write(len(header).to_bytes(8, "little") + header)
            for *_, read in self._open:
                file.write(read())
        self.written.append(self._name())
        self._open, self._size = [], 0


_DTYPES = {
    "bool": "BOOL", "uint8": "U8", "int8": "I8", "int16": "I16", "uint16": "U16", "float16": "F16",
    "int32": "I32", "uint32": "U32", "float32": "F32", "float64": "F64", "int64": "I64", "uint64": "U64",
}  # fmt: skip


class OpenTensors:
    """Reads tensors one by one; the file of the last stays open, for opening reads the names of all in it."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._file: Any = None

    def values(self, path: Path, tensor: str) -> NDArray:
        """The numbers of one tensor."""
        if path != self._path:
            self._path, self._file = None, None
            self._path, self._file = path, safe_open(path, framework="numpy")
        return self._file.get_tensor(tensor)


def read_features(folder: Path, row: dict[str, Any], opened: OpenTensors | None = None) -> Features:
    """The Features that a row of kind ``feature`` describes."""
    values = (opened or OpenTensors()).values(folder / row["file"], row["tensor"])
    span = None if row["start"] is None else Span(row["start"], row["end"])
    axes = tuple(Axis(**axis) for axis in json.loads(row["axes"]))
    return Features(values, axes, row["model"], row["name"], span, row["num_valid"])


def is_whole(path: Path) -> bool:
    """Whether a file is there and as long as it says; its numbers may be others than were written."""
    try:
        with safe_open(path, framework="numpy"):
            return True
    except (OSError, SafetensorError):
        return False


def read_values(folder: Path, rows: Sequence[dict[str, Any]]) -> Iterator[NDArray]:
    """The numbers alone of rows of kind ``feature``; a shard is opened once for those that follow."""
    for name, mine in groupby(rows, key=lambda row: row["file"]):
        with safe_open(folder / name, framework="numpy") as file:
            for row in mine:
                yield file.get_tensor(row["tensor"])
