"""Where everything lies in a library folder, and what names it.

::

    library/
    ├── sensorium.json         format of the folder
    ├── shards/<number>/       results of many inputs: a Parquet file a kind, see `library.store.shard`
    ├── tensors/               their features, in safetensors
    ├── journals/              what a run has finished and is not in a shard yet
    ├── catalogue.sqlite       where the rows of each result lie, what each input has; derived data
    ├── decisions.jsonl        who is who: decision after decision, see `library.gallery`
    ├── people.sqlite          the same by result; derived data, see `library.snapshot`
    ├── learned/drawn-<model>.json  what tells the title's drawn characters apart; may be deleted
    ├── uploads/<job>/<name>   files that were sent to `sensorium serve`
    ├── search.sqlite, search.lock   index of `find`: derived data, may be deleted
    ├── lock                   held by the run that writes
    └── work/                  shards in the making, progress; may be deleted

A result is named ``<media>/<pass>-<recipe>``: `<media>` is the first half of the sha256 of the file's bytes,
`<recipe>` the digest of everything that decides the result. It is finished if and only if the last of its
frames is in a journal, or its rows are in a shard. The catalogue can be made again from the shards alone,
so there is no second ledger that could disagree.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sensorium.adapters.remote.address import is_remote, shown
from sensorium.core.errors import LibraryError
from sensorium.core.lazy import loaded
from sensorium.core.record import digest
from sensorium.ports import Pass

FORMAT = 2


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
        if is_remote(root):
            raise LibraryError(
                f"{shown(os.fspath(root))}: a library lies in a local folder; its inputs may be "
                "addresses, and the finished folder may be copied to a store and back (docs/remote.md)"
            )
        self.root = Path(root).expanduser()
        self.shards = self.root / "shards"
        self.tensors = self.root / "tensors"
        self.journals = self.root / "journals"
        self.catalogue = self.root / "catalogue.sqlite"
        self.decisions = self.root / "decisions.jsonl"
        self.people = self.root / "people.sqlite"
        self.work = self.root / "work"
        self.uploads = self.root / "uploads"

    def create(self) -> None:
        """Makes the folder, or checks that it is a library of a format that we write."""
        marker = self.root / "sensorium.json"
        if self.root.exists() and not self.root.is_dir():
            raise LibraryError(f"{self.root}: expected a folder for the library, found a file")
        ours = f"{marker.name}."  # left by a process that was killed while it began a library
        self.root.mkdir(parents=True, exist_ok=True)
        others = (each for each in self.root.iterdir() if not each.name.startswith(ours))
        if not marker.exists() and any(others):
            raise LibraryError(
                f"{self.root}: the folder is not empty and is no Sensorium library; "
                "choose an empty or a new folder"
            )
        if marker.exists():
            self.check()
        else:
            write_json(marker, {"format": FORMAT})
        self.make_folders()

    def make_folders(self) -> None:
        """Those that a writer needs."""
        for folder in (self.shards, self.tensors, self.journals, self.work):
            folder.mkdir(exist_ok=True)

    def check(self) -> None:
        """Raises LibraryError if this is not a library that this version can read.

        One of an older format is brought to today's, if nobody else is writing to it.
        """
        try:
            found = json.loads((self.root / "sensorium.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise LibraryError(
                f"{self.root}: no Sensorium library (no sensorium.json in it); "
                "make one with: sensorium extract FILES --out FOLDER"
            ) from None
        if found.get("format") == 1:
            loaded("library.store.migration:migrate")(self)
        elif found.get("format") != FORMAT:
            raise LibraryError(
                f"{self.root}: format {found.get('format')!r}, this version reads {FORMAT}; "
                "upgrade sensorium"
            )

    def shard(self, number: int) -> Path:
        """The folder of one shard, there or not."""
        return self.shards / f"{number:06d}"


def result_key(media: str, name: str, fingerprint: str) -> str:
    """What names one result: of a file by the sha256 of its bytes, of a pass by name and recipe.

    >>> result_key("ab" * 32, "speech", "0123456789abcdef")
    'abababababababababababababababab/speech-0123456789abcdef'
    """
    return f"{media[:32]}/{name}-{fingerprint}"
