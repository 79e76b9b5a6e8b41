"""The gallery of a library: every decision about who is who, in a file that is only ever added to."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sensorium.core.errors import LibraryError
from sensorium.core.people.identity import Kind, Sample, comparable
from sensorium.library.layout import Layout
from sensorium.library.together import Together

if TYPE_CHECKING:
    from sensorium.ops.people.known import Known

_TAIL = 4096  # bytes


class Gallery:
    """``decisions.jsonl``: decision after decision, one a line; what is known is their fold.

    Nothing is changed or deleted: a correction is a new decision, and so is its undoing. Only a
    holder of the library's lock adds. A line without an end is one whose writer was killed: it never was.
    """

    def __init__(self, layout: Layout) -> None:
        self._file = layout.decisions
        self._last = (0, 0)  # size of the file, number of decisions in it

    def decisions(self) -> list[dict[str, Any]]:
        """All of them, in order.

        Raises:
            LibraryError: a line that cannot be read.
        """
        found = []
        for number, line in enumerate(self._lines(), 1):
            try:
                found.append(json.loads(line))
            except ValueError as error:
                raise LibraryError(
                    f"{self._file}, line {number}: expected a decision of the gallery as JSON; {error}; "
                    "restore the file, or forget this decision: sensorium check LIBRARY --repair"
                ) from None
        return found

    def _lines(self) -> Iterator[bytes]:
        """The lines that are whole."""
        try:
            with open(self._file, "rb") as file:
                yield from (line for line in file if line.endswith(b"\n"))
        except FileNotFoundError:
            return

    def size(self) -> int:
        """Bytes of all decisions: it grows with every one."""
        return self._file.stat().st_size if self._file.exists() else 0

    def stamp(self) -> str:
        """What tells these decisions from those of any other time, read from their end alone.

        Bytes and a checksum of the last: a decision has the number of its place in it.
        """
        size = self.size()
        if not size:
            return "0-0"
        with open(self._file, "rb") as file:
            file.seek(max(size - _TAIL, 0))
            return f"{size}-{zlib.crc32(file.read(_TAIL)):08x}"

    def known(self) -> Known:
        """Who is who after all decisions."""
        from sensorium.ops.people.known import replay  # with the rules of names, which few need

        return replay(self.decisions())

    def add(self, kind: str, **values: Any) -> dict[str, Any]:
        """Writes one decision; it counts from now on."""
        return self.add_all([{"kind": kind, **values}])[0]

    def add_all(self, new: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Writes decisions, each with its `kind`, and waits for the disk once."""
        with open(self._file, "ab") as file:
            size, number = self._last
            if file.tell() != size:  # of somebody else, or with a line that was cut
                size, line = 0, b"{}"
                for line in self._lines():
                    size += len(line)
                file.truncate(size)
                number = json.loads(line).get("number", 0)
            decisions = [{"number": number + place, **each} for place, each in enumerate(new, 1)]
            for each in decisions:
                line = json.dumps(each, sort_keys=True, separators=(",", ":")).encode() + b"\n"
                size += file.write(line)
            file.flush()
            os.fsync(file.fileno())
            self._last = size, number + len(decisions)
        return decisions


def sample_key(result: str, label: str) -> str:
    """What names a voice or face for ever: ``<media>/<pass>-<recipe>/<label>``."""
    return f"{result}/{label}"


def samples(
    layout: Layout, entry: Mapping[str, Any], held: Together | None = None
) -> Iterator[Sample]:
    """The voices and faces that the last run found in one input, one of those that `held` reads."""
    held = held or Together(layout, [entry])
    for name, table, column, kind in _WHERE:
        result = entry["results"].get(name)
        for row in held.rows(entry, name, table):
            yield _sample(
                entry["uri"], sample_key(str(result), row[column]), row[column], kind, row
            )


def _sample(uri: str, key: str, label: str, kind: Kind, row: Mapping[str, Any]) -> Sample:
    return Sample(
        key,
        uri,
        label,
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
