"""Where everything lies in a library folder, and what names it.

::

    library/
    ├── sensorium.json                    format of the folder, version that made it
    ├── inputs/<digest of path>.json      one per input: its digest and its current results
    ├── results/<media>/<pass>-<recipe>/  one result: <kind>.parquet, features-*.safetensors,
    │                                     result.json; appears by one rename, never changes
    ├── learned/drawn-<model>.json        what tells the title's drawn characters apart; may be deleted
    ├── uploads/<job>/<name>              files that were sent to `sensorium serve`
    ├── search.sqlite, search.lock        index of `find`: derived data, may be deleted
    ├── lock                              held by the run that writes
    └── work/                             results in the making, progress; may be deleted

`<media>` is the first half of the sha256 of the file's bytes, `<recipe>` the digest of everything that
decides the result. A result is finished if its folder is there: there is no second ledger that
could disagree.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sensorium.core.errors import LibraryError
from sensorium.core.record import digest
from sensorium.ports import Pass

FORMAT = 1


def fingerprints(passes: Sequence[Pass], wanted: Sequence[Pass]) -> dict[str, str]:
    """Name of each `wanted` pass -> digest of its recipe and of the recipes that it builds on.

    Of the others only those that these need are asked: a recipe names models, and so loads runtimes.
    """
    by_name, known = {each.name: each for each in passes}, {}

    def of(each: Pass) -> str:
        if each.name not in known:
            below = {name: of(by_name[name]) for name in each.needs if name in by_name}
            known[each.name] = digest({"recipe": dict(each.recipe()), "needs": below})
        return known[each.name]

    return {each.name: of(each) for each in wanted}


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Replaces a small JSON file so that a reader sees the old text or the new, never a part."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with open(beside, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


class Layout:
    """The paths of one library folder."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root).expanduser()
        self.inputs = self.root / "inputs"
        self.results = self.root / "results"
        self.work = self.root / "work"
        self.uploads = self.root / "uploads"

    def create(self) -> None:
        """Makes the folder, or checks that it is a library of a format that we write."""
        marker = self.root / "sensorium.json"
        if self.root.exists() and not self.root.is_dir():
            raise LibraryError(f"{self.root}: expected a folder for the library, found a file")
        if self.root.is_dir() and not marker.exists() and any(self.root.iterdir()):
            raise LibraryError(
                f"{self.root}: the folder is not empty and is no Sensorium library; "
                "choose an empty or a new folder"
            )
        for folder in (self.inputs, self.results, self.work):
            folder.mkdir(parents=True, exist_ok=True)
        if marker.exists():
            self.check()
        else:
            write_json(marker, {"format": FORMAT})

    def check(self) -> None:
        """Raises LibraryError if this is not a library that this version can read."""
        try:
            found = json.loads((self.root / "sensorium.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise LibraryError(
                f"{self.root}: no Sensorium library (no sensorium.json in it); "
                "make one with: sensorium extract FILES --out FOLDER"
            ) from None
        if found.get("format") != FORMAT:
            raise LibraryError(
                f"{self.root}: format {found.get('format')!r}, this version reads {FORMAT}; "
                "upgrade sensorium"
            )

    def input_file(self, uri: str) -> Path:
        """Where what is known of one input lies."""
        return self.inputs / f"{digest(uri)}.json"

    def result(self, media: str, name: str, fingerprint: str) -> Path:
        """The folder of one result, there or not."""
        return self.results / media[:32] / f"{name}-{fingerprint}"
