"""Models on their way to machines that lack them: a cluster's workers need no network for them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sensorium.models.archive import pack, unpack
from sensorium.models.store import is_there
from sensorium.models.weights import find


@dataclass(frozen=True, slots=True)
class Luggage:
    """The models of some names, as `ports.Equipment`: packed here, unpacked into the store over there."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, names: Iterable[str]) -> Luggage:
        """Of some weights, those that are in the store: others come with a package."""
        return cls(tuple(name for name in names if not find(name).carried))

    def lacks(self) -> bool:
        """Whether the store of this machine misses one of them."""
        return not all(is_there(name) for name in self.names)

    def packed(self) -> bytes:
        """All of them as a file of `pack`.

        Raises:
            UsageError: one is not installed here.
        """
        with tempfile.TemporaryDirectory() as folder:
            return pack(Path(folder) / "models.tar", self.names).read_bytes()

    def unpack(self, data: bytes) -> None:
        """Installs them here; processes of one machine wait for one another."""
        with tempfile.NamedTemporaryFile(suffix=".tar") as file:
            file.write(data)
            file.flush()
            unpack(file.name)
