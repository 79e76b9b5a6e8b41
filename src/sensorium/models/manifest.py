"""What lies in a folder of the store: a manifest with the checksum of every file, written last."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from sensorium.core.errors import ModelError

MANIFEST = "manifest.json"
_ABOUT = ("name", "licence", "purpose", "source")
_BLOCK = 1 << 20


def sha256_of(path: Path) -> str:
    """The sha256 of a file, read in blocks."""
    seen = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            seen.update(block)
    return seen.hexdigest()


def write_manifest(part: Path, about: Mapping[str, str]) -> None:
    """Says what the files of a model are; written last, so that a folder with it is whole."""
    files = {}
    for path in sorted(p for p in part.rglob("*") if p.is_file()):
        with open(path, "rb") as file:
            os.fsync(file.fileno())  # a name that outlives a power cut must not outlive its content
        files[path.relative_to(part).as_posix()] = {
            "sha256": sha256_of(path),
            "bytes": path.stat().st_size,
        }
    text = json.dumps({**about, "files": files}, indent=1)
    with open(part / MANIFEST, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a folder of the store.

    Raises:
        ModelError: none, or one that cannot be read or says something else.
    """
    try:
        about = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{folder}: expected {MANIFEST} of the model store; {error}") from None
    if not _is_manifest(about):
        raise ModelError(
            f"{folder / MANIFEST}: expected {', '.join(_ABOUT)} and the bytes and sha256 of its files"
        )
    return about


def _is_manifest(about: Any) -> bool:
    """Whether it has the form that `write_manifest` gives it: one may come from another machine."""
    if not isinstance(about, dict) or not isinstance(about.get("files"), dict):
        return False
    texts = [about.get(key) for key in _ABOUT]
    return all(isinstance(text, str) and text.isprintable() for text in texts) and all(
        isinstance(each, dict)
        and isinstance(each.get("sha256"), str)
        and isinstance(each.get("bytes"), int)
        and not PurePosixPath(name).is_absolute()
        and ".." not in PurePosixPath(name).parts
        for name, each in about["files"].items()
    )


def damage(place: Path) -> str:
    """The first file of a model's folder that is not what its manifest says; empty for none."""
    try:
        files = read_manifest(place)["files"]
    except ModelError as error:
        return str(error)
    for name, about in files.items():
        path = place / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != about["bytes"] or sha256_of(path) != about["sha256"]:
            return f"{name} is not the file that was installed"
    return ""
