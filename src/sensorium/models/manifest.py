"""What lies in a folder of the store: a manifest with the checksum of every file, written last."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sensorium.core.errors import ModelError

MANIFEST = "manifest.json"
_BLOCK = 1 << 20


def sha256_of(path: Path) -> str:
    """The sha256 of a file, read in blocks."""
    seen = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            seen.update(block)
    return seen.hexdigest()


def write_manifest(part: Path, about: Mapping[str, Any]) -> None:
    """Says what the files of a model are; written last, so that a folder with it is whole."""
    files = {
        path.relative_to(part).as_posix(): {
            "sha256": sha256_of(path),
            "bytes": path.stat().st_size,
        }
        for path in sorted(part.rglob("*"))
        if path.is_file()
    }
    text = json.dumps({**about, "files": files}, indent=1)
    with open(part / MANIFEST, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a folder of the store.

    Raises:
        ModelError: none, or one that cannot be read.
    """
    try:
        return json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder}: expected {MANIFEST} of the model store; {error}") from None


def damage(place: Path) -> str:
    """The first file of a model's folder that is not what its manifest says; empty for none."""
    try:
        files = read_manifest(place)["files"]
    except (ModelError, KeyError) as error:
        return str(error)
    for name, about in files.items():
        path = place / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != about["bytes"] or sha256_of(path) != about["sha256"]:
            return f"{name} is not the file that was installed"
    return ""
