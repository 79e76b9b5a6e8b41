"""Samples in tar files as WebDataset reads them: what belongs to one key lies in a row."""

from __future__ import annotations

import io
import json
import math
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np


class WebShards:
    """Writes ``shard-000000.tar``, ... into the new folder `root`, about `shard_bytes` each."""

    def __init__(self, root: Path, shard_bytes: int) -> None:
        self._root, self._shard_bytes = root, shard_bytes
        self._tar: tarfile.TarFile | None = None
        self._number = 0
        root.mkdir()

    def add(self, key: str, parts: Iterable[tuple[str, Any]]) -> None:
        """One sample: (ending, value) of each part: an array, plain data, or (file object, its size)."""
        if self._tar is None:
            name = self._root / f"shard-{self._number:06d}.tar"
            self._tar = tarfile.open(name, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
        for ending, value in parts:
            file, size = _bytes(value)
            about = tarfile.TarInfo(f"{key}.{ending}")
            about.size, about.mode = size, 0o644
            self._tar.addfile(about, file)
        if self._tar.offset >= self._shard_bytes:
            self.close()

    def close(self) -> int:
        """Ends the file that is open; the number of files so far."""
        if self._tar is not None:
            self._tar.close()
            self._tar, self._number = None, self._number + 1
        return self._number


def _plain(value: Any) -> Any:
    """Data that JSON can say: what is no number is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def _bytes(value: Any) -> tuple[IO[bytes], int]:
    if isinstance(value, tuple):
        return value
    written = io.BytesIO()
    if isinstance(value, np.ndarray):
        np.save(written, value, allow_pickle=False)
    else:
        assert isinstance(value, Mapping)
        written.write(json.dumps(_plain(value), ensure_ascii=False).encode())
    size = written.tell()
    written.seek(0)
    return written, size
