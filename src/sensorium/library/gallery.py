"""The gallery of a library: every decision about who is who, as files that are only ever added."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sensorium.adapters.stores.parquet import read_table
from sensorium.core.errors import LibraryError
from sensorium.core.people.identity import Kind, Sample, comparable
from sensorium.library.layout import Layout, write_json
from sensorium.ops.people.known import Known, replay


class Gallery:
    """``identities/<number>.json``: decision after decision; what is known is their fold.

    Nothing is changed or deleted: a correction is a new decision, and so is its undoing. Only a
    holder of the library's lock adds.
    """

    def __init__(self, layout: Layout) -> None:
        self._folder = layout.root / "identities"

    def decisions(self) -> list[dict[str, Any]]:
        """All of them, in order.

        Raises:
            LibraryError: a file that cannot be read.
        """
        found = []
        for file in sorted(self._folder.glob("[0-9]*.json")):
            try:
                found.append(json.loads(file.read_text(encoding="utf-8")))
            except (OSError, ValueError) as error:
                raise LibraryError(
                    f"{file}: expected a decision of the gallery as JSON; {error}; "
                    "restore the file, or delete it to forget this decision"
                ) from None
        return found

    def known(self) -> Known:
        """Who is who after all decisions."""
        return replay(self.decisions())

    def add(self, kind: str, **values: Any) -> dict[str, Any]:
        """Writes one decision; it counts from now on."""
        self._folder.mkdir(exist_ok=True)
        last = max((int(file.stem) for file in self._folder.glob("[0-9]*.json")), default=0)
        decision = {"number": last + 1, "kind": kind, **values}
        write_json(self._folder / f"{last + 1:08d}.json", decision)
        return decision


def sample_key(result: str | os.PathLike[str], label: str) -> str:
    """What names a voice or face for ever: ``<media>/<pass>-<recipe>/<label>``."""
    folder = Path(result)
    return f"{folder.parent.name}/{folder.name}/{label}"


def samples(layout: Layout, entry: Mapping[str, Any]) -> Iterator[Sample]:
    """The voices and faces that the last run found in one input."""
    for name, table, column, kind in _WHERE:
        result = entry["results"].get(name)
        file = layout.root / (result or "") / f"{table}.parquet"
        if result is None or not file.exists():
            continue
        for row in read_table(table, [file]).to_pylist():
            yield Sample(
                sample_key(result, row[column]),
                entry["uri"],
                row[column],
                comparable(row["model"], row["revision"]),
                row["duration"],
                row["embedding"],
                kind,
                tuple(row.get("apart") or ()),
                (row["detected_as"], row["detected_score"]) if row.get("detected_as") else None,
            )


_WHERE: tuple[tuple[str, str, str, Kind], ...] = (
    ("speakers", "voice", "speaker", "voice"),
    ("faces", "person", "person", "face"),
    ("drawn", "person", "person", "drawn"),
)
