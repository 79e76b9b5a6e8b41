"""What a pass may build on: the records of the passes before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sensorium.adapters.stores.parquet import read_records
from sensorium.core.record import KINDS, Record


class EarlierRecords(Mapping[str, Sequence[Record]]):
    """The records of finished results by kind, read when they are asked for."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders

    def __getitem__(self, kind: str) -> list[Record]:
        if kind not in KINDS:
            raise KeyError(kind)
        files = [folder / f"{kind}.parquet" for folder in self._folders]
        return [record for file in files if file.exists() for record in read_records(kind, file)]

    def __iter__(self) -> Iterator[str]:
        return iter(KINDS)

    def __len__(self) -> int:
        return len(KINDS)
