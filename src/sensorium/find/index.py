"""The index of a library: made when it is first needed, brought up to date when results changed.

It is derived data in one file, ``search.sqlite``, and may be deleted. Nobody changes it in place: who
finds it out of date writes another one beside it, alone under a lock, and puts it in its place by
one rename. So a reader has the old one or the new one, whole, and never waits.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sensorium.adapters.stores.full_text import FullText, Label, Unit
from sensorium.core.errors import LibraryError
from sensorium.core.record import digest
from sensorium.find.contents import contents
from sensorium.library.library import Library
from sensorium.ops.people.amend import WordKey

NAME = "search.sqlite"
_PATIENCE = 600.0  # seconds to wait for another process that makes the index
_Entries = Mapping[str, Mapping[str, Any]]  # path of the input -> its entry


def opened(library: Library) -> FullText:
    """The index of a library as it is now; the caller closes it.

    It lies in the library's folder, else (a disk that cannot be written to) in the user's cache
    folder, else in memory for this one search.

    Raises:
        LibraryError: SQLite without FTS5; another process makes the index, and does not end.
    """
    entries = {entry["uri"]: entry for entry in library.inputs()}
    fixed = library.known().words
    states = _states_now(entries, fixed)
    places = [library.path / NAME, _cache(library)]
    for place in places:
        found = _current(place, states)
        if found is not None:
            return found
    for place in places:
        try:
            _update(place, _Source(library, entries, states, fixed))
        except (OSError, sqlite3.OperationalError):
            continue  # read-only, full, or gone
        found = _current(place, None)
        if found is not None:
            return found
    index = FullText(None, write=True)
    index.change((), _Source(library, entries, states, fixed).contents(sorted(entries)))
    return index


@dataclass(frozen=True, slots=True)
class _Source:
    """What an index is made of."""

    library: Library
    entries: _Entries
    states: Mapping[str, str]
    fixed: Mapping[WordKey, str]

    def contents(self, uris: Iterable[str]) -> Iterator[tuple[str, str, Iterator[Unit | Label]]]:
        """(uri, state, contents) of some files."""
        for uri in uris:
            yield uri, self.states[uri], contents(self.library, self.entries[uri], self.fixed)


def _states_now(entries: _Entries, fixed: Mapping[WordKey, str]) -> dict[str, str]:
    """What decides what is indexed of each file: its results, and the words that people corrected."""
    words: dict[str, list[Any]] = {}
    for key, text in fixed.items():
        words.setdefault(key[0], []).append([*map(str, key), text])
    states = {}
    for uri, entry in entries.items():
        mine = {"words": sorted(words[entry["digest"]])} if entry["digest"] in words else {}
        states[uri] = digest({"results": entry["results"], **mine})
    return states


def _cache(library: Library) -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(root) / "sensorium" / f"{digest(str(library.path.absolute()))}.sqlite"


def _current(place: Path, states: Mapping[str, str] | None) -> FullText | None:
    """The index at a place, if it is there, sound, and (unless None) of these states."""
    if not place.exists():
        return None
    try:
        found = FullText(place)
    except sqlite3.DatabaseError:
        return None
    try:
        if states is None or found.states() == states:
            return found
    except sqlite3.DatabaseError:
        pass
    found.__exit__(None, None, None)
    return None


def _update(place: Path, source: _Source) -> None:
    """Writes the index anew beside the old one, from which it takes what has not changed."""
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(place.with_suffix(".lock"))
    try:
        lock.acquire(timeout=_PATIENCE)
    except Timeout:
        raise LibraryError(
            f"{place}: another process has been making the search index for {_PATIENCE:g} s; "
            "wait for it or end it"
        ) from None
    part = place.with_name(f"{place.name}.{os.getpid()}.part")
    try:
        if (current := _current(place, source.states)) is not None:  # made while we waited
            current.__exit__(None, None, None)
            return
        for left in place.parent.glob(f"{place.name}.*.part"):  # by a process that was killed
            left.unlink()
        _write(part, place, source)
        os.replace(part, place)
    finally:
        part.unlink(missing_ok=True)
        lock.release()


def _write(part: Path, old: Path, source: _Source) -> None:
    known, states = _states(old), source.states
    same = {uri for uri, state in known.items() if states.get(uri) == state}
    fresh = 2 * len(same) < len(states)  # little is left of the old one: begin anew
    if fresh:
        known, same = {}, set()
    else:
        shutil.copyfile(old, part)
    new = [uri for uri in sorted(states) if uri not in same]
    with FullText(part, write=True) as index:
        index.change([uri for uri in known if uri not in same], source.contents(new))
        if fresh:
            index.optimize()
    with open(part, "rb") as file:
        os.fsync(file.fileno())


def _states(place: Path) -> dict[str, str]:
    """What is indexed at a place; nothing where there is no sound index."""
    found = _current(place, None)
    if found is None:
        return {}
    with found:
        try:
            return found.states()
        except sqlite3.DatabaseError:
            return {}
