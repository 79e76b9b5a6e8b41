"""Bringing a library of an older format to today's, so that a kill at any moment loses nothing.

Format 1 had a folder a result, a JSON file an input, and one a decision. Its files are read and left as they
are, while shards grow beside them; then one rename of ``sensorium.json`` says that the library is of format
2, and the old files go. Who is killed before that begins anew, who is killed after it deletes the rest.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sensorium.adapters.stores.feature_shards import read_values
from sensorium.adapters.stores.parquet import packed, read_table
from sensorium.core.errors import LibraryError
from sensorium.core.record import KINDS
from sensorium.library.layout import FORMAT, Layout, write_json
from sensorium.library.lock import held
from sensorium.library.store.journal import Journal
from sensorium.library.store.keeper import Keeper

OLD = ("inputs", "results", "identities")
_BYTES = 256 << 20  # of results in one shard


def migrate(layout: Layout) -> None:
    """Brings a library of format 1 to today's format; nothing if another process has done it.

    Raises:
        LibraryError: another run is writing to it; a file of it cannot be read; the folder is read-only.
    """
    try:
        with held(layout):
            if (
                json.loads((layout.root / "sensorium.json").read_text(encoding="utf-8"))["format"]
                == 1
            ):
                _begin_anew(layout)
                _shelve(layout)
                _decisions(layout)
                write_json(layout.root / "sensorium.json", {"format": FORMAT})
            clear(layout)
    except (OSError, ValueError, KeyError) as error:
        raise LibraryError(
            f"{layout.root}: a library of format 1, which cannot be brought to format {FORMAT}: {error}; "
            "its files are as they were"
        ) from None


def clear(layout: Layout) -> None:
    """Deletes what a library of format 2 has left of format 1."""
    for name in OLD:
        shutil.rmtree(layout.root / name, ignore_errors=True)


def _begin_anew(layout: Layout) -> None:
    for folder in (layout.shards, layout.tensors, layout.journals, layout.work):
        shutil.rmtree(folder, ignore_errors=True)
    layout.catalogue.unlink(missing_ok=True)
    layout.decisions.unlink(missing_ok=True)
    layout.make_folders()


def _shelve(layout: Layout) -> None:
    """All results, current or not, those of one input together, then the inputs."""
    entries = [
        json.loads(file.read_text(encoding="utf-8"))
        for file in sorted((layout.root / "inputs").glob("*.json"))
    ]
    entries.sort(key=lambda entry: entry["uri"])
    steps = deque([*_steps(layout, entries), *_others(layout)])
    keeper, done = Keeper(layout), set[Path]()
    while steps:
        journal, size = Journal.new(layout.journals, "format1"), 0
        while steps and size < _BYTES:
            step = steps.popleft()
            if isinstance(step, dict):
                journal.add({"what": "input", "entry": step})
            elif step not in done and (step / "result.json").exists():
                done.add(step)
                size += _result(journal, f"{step.parent.name}/{step.name}", step)
        journal.sync()
        journal.close()
        keeper.compact(last=True)
    keeper.close()


def _steps(layout: Layout, entries: list[dict[str, Any]]) -> Iterator[Path | dict[str, Any]]:
    """The folders of the results of each input, then what is known of it."""
    for entry in entries:
        for folder in entry["results"].values():
            yield layout.root / folder
        results = {n: folder.removeprefix("results/") for n, folder in entry["results"].items()}
        yield {**entry, "results": results}


def _others(layout: Layout) -> Iterator[Path]:
    """The results that no input has: of other recipes, of files that are others now."""
    return (file.parent for file in sorted((layout.root / "results").glob("*/*/result.json")))


def _result(journal: Journal, key: str, folder: Path) -> int:
    """Copies one result into a journal; returns its bytes."""
    said = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    recipe = said.pop("recipe", {})
    size = 0
    journal.add({"what": "begin"})
    for kind in KINDS:
        file = folder / f"{kind}.parquet"
        if not file.exists():
            continue
        table = read_table(kind, [file])
        size += _added(journal, {"what": "rows", "kind": kind}, packed(table))
        if kind == "feature":
            size += _tensors(journal, folder, table.to_pylist())
        told = {"warning": "warnings", "error": "errors"}.get(kind)
        if told:
            said[told] = [_told(kind, row) for row in table.to_pylist()]
    journal.add({"what": "result", "key": key, "state": said, "recipe": recipe})
    return size


def _tensors(journal: Journal, folder: Path, rows: list[dict[str, Any]]) -> int:
    size = 0
    for row, values in zip(rows, read_values(folder, rows), strict=True):
        about = {name: row[name] for name in ("tensor", "dtype", "shape")}
        size += _added(journal, {"what": "tensor", **about}, values.tobytes())
    return size


def _told(kind: str, row: Mapping[str, Any]) -> Any:
    """What the state of a result says of a warning or an error in it."""
    return row["message"] if kind == "warning" else {c.name: row[c.name] for c in KINDS["error"]}


def _decisions(layout: Layout) -> None:
    """The files of the decisions, line by line."""
    files = sorted((layout.root / "identities").glob("[0-9]*.json"))
    with open(layout.decisions, "wb") as out:
        for file in files:
            decision = json.loads(file.read_text(encoding="utf-8"))
            out.write(json.dumps(decision, sort_keys=True, separators=(",", ":")).encode() + b"\n")
        out.flush()
        os.fsync(out.fileno())


def _added(journal: Journal, meta: Mapping[str, Any], data: bytes) -> int:
    journal.add(meta, data)
    return len(data)
