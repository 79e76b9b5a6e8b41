"""Reading what many inputs hold without asking for each alone: some inputs at a time, each kind once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sensorium.library.layout import Layout
from sensorium.library.store.shelf import Shelf

Entry = Mapping[str, Any]
Rows = Sequence[dict[str, Any]]
_MOST = 1000  # inputs at a time
_LONGEST = 3600.0  # seconds of media at a time: an hour of faces is some ten thousand rows


class Together:
    """Some inputs of a library, no two of the same bytes; a kind is read when it is first asked for."""

    def __init__(self, layout: Layout, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self._shelf = Shelf(layout)
        self._read: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}

    def rows(self, entry: Entry, step: str, kind: str) -> Rows:
        """The records that a pass made of an input, as plain data; none if it was not done."""
        if step not in entry["results"]:
            return ()
        if (step, kind) not in self._read:
            keys = [each["results"][step] for each in self.entries if step in each["results"]]
            found: dict[str, list[dict[str, Any]]] = {}
            for row in self._shelf.rows(kind, keys):
                found.setdefault(row["media"], []).append(row)
            self._read[step, kind] = found
        return self._read[step, kind].get(entry["digest"], ())


def together(layout: Layout, entries: Iterable[Entry]) -> Iterator[Together]:
    """The same inputs in their order, as many at a time as memory bears."""
    waiting: dict[str, Entry] = {}
    seconds = 0.0
    for entry in entries:
        long = (entry.get("ref") or {}).get("duration") or 0.0
        full = len(waiting) == _MOST or seconds + long > _LONGEST or entry["digest"] in waiting
        if waiting and full:
            yield Together(layout, list(waiting.values()))
            waiting, seconds = {}, 0.0
        waiting[entry["digest"]] = entry
        seconds += long
    if waiting:
        yield Together(layout, list(waiting.values()))
