"""Features as safetensors shards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from sensorium.core.features import Features
from sensorium.core.record import Provenance, Record
from sensorium.core.time import Axis, Span


class TensorWriter:
    """Writes Features to ``features-00000.safetensors``, ... in `folder`, 64 MB a shard.

    `append` returns the record of kind ``feature`` that says where the tensor lies.
    """

    _SHARD_BYTES = 64 << 20

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tensors: dict[str, NDArray] = {}
        self._num_bytes = 0
        self._num_shards = 0
        self._num_tensors = 0

    def append(self, features: Features, made_by: Provenance) -> Record:
        """Adds one tensor; it is on disk after `close` at the latest."""
        name = f"{features.name}/{self._num_tensors:06d}"
        self._num_tensors += 1
        self._tensors[name] = np.ascontiguousarray(features.values)
        self._num_bytes += features.values.nbytes
        values = {
            "name": features.name,
            "file": self._shard_name(),
            "tensor": name,
            "shape": list(features.values.shape),
            "dtype": str(features.values.dtype),
            "axes": json.dumps([asdict(axis) for axis in features.axes]),
            "num_valid": features.num_valid,
        }
        if self._num_bytes >= self._SHARD_BYTES:
            self.close()
        return Record("feature", features.span, values, made_by)

    def _shard_name(self) -> str:
        return f"features-{self._num_shards:05d}.safetensors"

    def close(self) -> None:
        """Writes the shard that is open, if any."""
        if self._tensors:
            save_file(self._tensors, self._folder / self._shard_name())
            self._tensors, self._num_bytes = {}, 0
            self._num_shards += 1


def read_features(folder: Path, row: dict[str, Any]) -> Features:
    """The Features that a row of kind ``feature`` describes."""
    with safe_open(folder / row["file"], framework="numpy") as file:
        values = file.get_tensor(row["tensor"])
    span = None if row["start"] is None else Span(row["start"], row["end"])
    axes = tuple(Axis(**axis) for axis in json.loads(row["axes"]))
    return Features(values, axes, row["model"], row["name"], span, row["num_valid"])


def read_values(folder: Path, rows: Sequence[dict[str, Any]]) -> Iterator[NDArray]:
    """The numbers alone of rows of kind ``feature``; a shard is opened once for those that follow."""
    for name, mine in groupby(rows, key=lambda row: row["file"]):
        with safe_open(folder / name, framework="numpy") as file:
            for row in mine:
                yield file.get_tensor(row["tensor"])
