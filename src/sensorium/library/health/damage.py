"""Finding what is damaged in a library: what lies there, against what its shards say of themselves.

Nothing is written. What nobody else vouches for is only found where it cannot be read: ``decisions.jsonl``
has no checksum, so a line that still is a decision counts as one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sensorium.core.errors import LibraryError
from sensorium.library.layout import Layout
from sensorium.library.store.catalogue import Catalogue, Entry, Result
from sensorium.library.store.database import connected
from sensorium.library.store.journal import SUFFIX, frames
from sensorium.library.store.shard import (
    ABOUT,
    checksum,
    entries_in_shard,
    results_in_shard,
)

MARKER = "sensorium.json"


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with one file, by its path in the library; `harmless`: nothing is lost by it."""

    path: str
    message: str
    harmless: bool = False


@dataclass(slots=True)
class Shard:
    """One shard as it lies there: what it says of itself, None if nothing, and which files are as it says."""

    number: int
    said: Mapping[str, Any] | None
    whole: set[str] = field(default_factory=set)
    bad: dict[str, str] = field(default_factory=dict)  # path in the library -> message


@dataclass(slots=True)
class Found:
    """All that was found: what to tell, and what to mend it by."""

    damages: list[Damage] = field(default_factory=list)
    marker: bool = True
    catalogue: bool = True  # whether it is sound, and speaks of these shards
    shards: list[Shard] = field(default_factory=list)  # those that count and are damaged
    replaced: list[int] = field(default_factory=list)  # that count no more, and say nothing
    lines: list[int] = field(default_factory=list)  # of decisions that cannot be read, from 0

    def serious(self) -> list[Damage]:
        """Those by which something is lost, or cannot be read."""
        return [each for each in self.damages if not each.harmless]


def find_damage(layout: Layout) -> Found:
    """Everything that is damaged; every byte is read. Shards that a run replaces meanwhile are left out.

    Raises:
        LibraryError: the folder is no library, or of another format.
    """
    found = Found()
    _marker(layout, found)
    fault = _fault(layout)
    known = None if fault else _known(layout)
    there = _there(layout)
    count = counting(layout, there, known)
    for number in sorted({*count, *_missing(layout, there, known)}):
        shard = _examined(layout, number, there.get(number))
        if shard.bad and (number not in there or layout.shard(number).exists()):
            found.shards.append(shard)
            found.damages += [Damage(*each) for each in shard.bad.items()]
    found.replaced = [n for n, said in there.items() if said is None and n not in count]
    found.damages += [
        Damage(f"shards/{n:06d}/{ABOUT}", "cannot be read; another shard has taken its place")
        for n in found.replaced
    ]
    _catalogue(layout, found, fault, known, count)
    found.damages += _journals(layout)
    _decisions(layout, found)
    return found


def _marker(layout: Layout, found: Found) -> None:
    try:
        sound = isinstance(json.loads((layout.root / MARKER).read_text("utf-8")), dict)
    except (OSError, ValueError):
        sound = False
    if sound or not layout.shards.is_dir():
        layout.check()  # raises what is wrong: no library, or of another format
        return
    found.marker = False
    found.damages.append(Damage(MARKER, "expected the format of the library; it cannot be read"))


# shards


def _there(layout: Layout) -> dict[int, Mapping[str, Any] | None]:
    """The shards of which there is a folder, and what each says of itself."""
    folders = sorted(layout.shards.glob("[0-9]*"))
    return {int(each.name): _said(each) for each in folders if each.name.isdigit()}


def _said(folder: Path) -> Mapping[str, Any] | None:
    try:
        said = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        types = {"files": dict, "tensors": dict, "replaces": list, "journals": dict}
        well = all(isinstance(said[name], kind) for name, kind in types.items())
        sizes = [*said["files"].values(), *said["tensors"].values()]
        return said if well and all({"bytes", "crc32"} <= set(each) for each in sizes) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def counting(
    layout: Layout, there: Mapping[int, Mapping[str, Any] | None], known: list[int] | None
) -> list[int]:
    """The shards that no other one replaces."""
    gone = {
        each
        for number, said in there.items()
        for each in (replaced_by(layout, number, known) if said is None else said["replaces"])
    }
    return [number for number in there if number not in gone]


def replaced_by(layout: Layout, number: int, known: list[int] | None) -> list[int]:
    """Which older shards one has taken the place of that does not say it any more."""
    older = [int(each.name) for each in layout.shards.glob("[0-9]*") if int(each.name) < number]
    left_out = set(older) - set(known) if known and number in known else set()
    return [n for n in older if n in left_out or (layout.shard(n) / "retired").exists()]


def _missing(
    layout: Layout, there: Mapping[int, Mapping[str, Any] | None], known: list[int] | None
) -> list[int]:
    """Shards that the catalogue speaks of, and of which there is nothing: nobody replaced them."""
    gone = {each for said in there.values() if said for each in said["replaces"]}
    return [n for n in known or () if n not in there and n not in gone]


def _examined(layout: Layout, number: int, said: Mapping[str, Any] | None) -> Shard:
    folder, below = layout.shard(number), f"shards/{number:06d}"
    if not folder.exists():
        return Shard(number, None, set(), {below: "is missing"})
    if said is None:
        return Shard(number, None, set(), {f"{below}/{ABOUT}": "cannot be read"})
    shard = Shard(number, said)
    files = [(folder / name, f"{below}/{name}", size) for name, size in said["files"].items()]
    tensors = [(layout.tensors / n, f"tensors/{n}", size) for n, size in said["tensors"].items()]
    for path, name, size in [*files, *tensors]:
        wrong = _wrong(path, size)
        if wrong:
            shard.bad[name] = wrong
        else:
            shard.whole.add(path.name)
    if files and not any(path.name in shard.whole for path, *_ in files):
        message = "says of no file what it is: it is damaged, or of another shard"
        return Shard(number, None, set(), {f"{below}/{ABOUT}": message})
    return shard


def _wrong(path: Path, size: Mapping[str, int]) -> str:
    """What is wrong with a file of that size and checksum; empty if nothing is."""
    try:
        now = checksum(path)
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    if now["bytes"] != size["bytes"]:
        return f"expected {size['bytes']} bytes, has {now['bytes']}"
    return "" if now["crc32"] == size["crc32"] else "its content is not what was written"


# the catalogue


def _fault(layout: Layout) -> str:
    """What is wrong with the catalogue as a file; empty if nothing is."""
    if not layout.catalogue.exists():
        return "is missing"
    try:
        Catalogue(layout.catalogue).close()
        with closing(connected(layout.catalogue, "ro")) as opened:
            said = [text for (text,) in opened.execute("PRAGMA integrity_check(3)")]
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if said == ["ok"] else "; ".join(said)


def _known(layout: Layout) -> list[int]:
    with closing(Catalogue(layout.catalogue)) as opened:
        return opened.shards()


def _catalogue(
    layout: Layout, found: Found, fault: str, known: list[int] | None, count: list[int]
) -> None:
    name = layout.catalogue.name
    if known is None:
        found.catalogue = False
        if count:  # a run that was killed before its first result has none
            found.damages.append(Damage(name, f"{fault}; it can be made again from the shards"))
    elif set(count) != set(known):
        if all(layout.shard(number).exists() for number in known):
            told = "is behind the shards, as a run leaves it that was killed; the next run goes on"
            found.damages.append(Damage(name, told, harmless=True))
    elif not _agrees(layout, [n for n in count if n not in {s.number for s in found.shards}]):
        found.catalogue = False
        found.damages.append(Damage(name, "speaks of other results than the shards hold"))


def _agrees(layout: Layout, sound: list[int]) -> bool:
    """Whether the catalogue says of shards what they say of themselves, apart from older entries."""
    try:
        with closing(Catalogue(layout.catalogue)) as opened:
            uris: set[str] = set()
            for number in sound:
                folder = layout.shard(number)
                mine = {_told(each) for each in results_in_shard(folder)}
                if mine != {_told(each) for each in opened.results_of(number)}:
                    return False
                entries = {_line(each) for each in entries_in_shard(folder)}
                if not entries >= {_line(each) for each in opened.entries_of(number)}:
                    return False
                uris |= {uri for uri, *_ in entries}
            return uris <= {e.uri for n in opened.shards() for e in opened.entries_of(n)}
    except (sqlite3.DatabaseError, ValueError, KeyError, TypeError):
        return False


def _told(each: Result) -> int:
    ranges = json.dumps(each.ranges, sort_keys=True)
    return hash((each.key, each.number, each.cached, each.state, each.recipe, ranges))


def _line(each: Entry) -> tuple[str, int, str]:
    return each.uri, each.number, each.text


# journals and decisions


def _journals(layout: Layout) -> Iterator[Damage]:
    for file in sorted(layout.journals.glob(f"*{SUFFIX}")):
        with open(file, "rb") as data:
            end = max((each.end for each in frames(data)), default=0)
        left = file.stat().st_size - end
        told = f"{left} bytes behind the last whole frame: of a run that was killed, or goes on"
        if left:
            yield Damage(f"journals/{file.name}", told, harmless=True)


def _decisions(layout: Layout, found: Found) -> None:
    name = layout.decisions.name
    data = layout.decisions.read_bytes() if layout.decisions.exists() else b""
    *lines, last = data.split(b"\n")
    for place, line in enumerate(lines):
        try:
            if isinstance(json.loads(line), dict):
                continue
            told = "is no decision"
        except ValueError as error:
            told = f"cannot be read: {error}"
        found.lines.append(place)
        found.damages.append(Damage(name, f"line {place + 1} {told}"))
    if last:
        told = "the last line has no end: its writer was killed, and it never counted"
        found.damages.append(Damage(name, told, harmless=True))


def lost_results(layout: Layout) -> list[tuple[dict[str, Any], list[str]]]:
    """(entry, passes) of inputs whose results are nowhere, as the catalogue knows them.

    Raises:
        LibraryError: the catalogue cannot be read.
    """
    try:
        with closing(Catalogue(layout.catalogue)) as opened:
            return [
                (entry, names)
                for entry in opened.entries()
                for held in [{key for *_, key in opened.lying(entry["results"].values())}]
                if (names := [n for n, key in entry["results"].items() if key not in held])
            ]
    except sqlite3.DatabaseError as error:
        raise LibraryError(f"{layout.catalogue}: {error}") from None
