"""What a pass may build on: the records of the passes before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from sensorium.core.record import KINDS, Record


class EarlierRecords(Mapping[str, Sequence[Record]]):
    """The records of finished results by kind, read when they are asked for.

    `read` gives the records of (key of a result, kind).
    """

    def __init__(self, keys: Sequence[str], read: Callable[[str, str], list[Record]]) -> None:
        self._keys, self._read = keys, read

    def __getitem__(self, kind: str) -> list[Record]:
        if kind not in KINDS:
            raise KeyError(kind)
        return [record for key in self._keys for record in self._read(key, kind)]

    def __iter__(self) -> Iterator[str]:
        return iter(KINDS)

    def __len__(self) -> int:
        return len(KINDS)
