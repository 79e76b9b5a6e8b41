"""Mending a damaged library: what is whole is kept, what is derived is made again, the rest is let go.

Like a compaction, every step is safe to be killed at: a shard that takes the place of a damaged one appears
by one rename. Whoever calls holds the library's lock.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import closing
from pathlib import Path

from sensorium.adapters.stores.feature_shards import is_whole
from sensorium.adapters.stores.parquet import groups, read_columns, read_ranges
from sensorium.library.health.damage import MARKER, Found, Shard, replaced_by
from sensorium.library.layout import FORMAT, Layout, write_json
from sensorium.library.store.catalogue import Catalogue, Entry, Result
from sensorium.library.store.keeper import Keeper
from sensorium.library.store.rebuilding import alive
from sensorium.library.store.shard import (
    ABOUT,
    INPUTS,
    RESULTS,
    ShardWriter,
    checksum,
    entries_in_shard,
    name_of,
    results_in_shard,
)


def mend(layout: Layout, found: Found) -> None:
    """Mends what `find_damage` found; then what is lost is what entries name and nobody has.

    The original of ``decisions.jsonl`` stays beside it.
    """
    layout.make_folders()
    if not found.marker:
        write_json(layout.root / MARKER, {"format": FORMAT})
    for number in found.replaced:
        aside = layout.work / f"old-{number}"
        shutil.rmtree(aside, ignore_errors=True)
        os.rename(layout.shard(number), aside)
        shutil.rmtree(aside)
    catalogue = Catalogue(layout.catalogue) if found.catalogue else None
    try:
        for shard in found.shards:
            restated = shard.said is None and layout.shard(shard.number).exists()
            if restated:
                _restate(layout, shard, catalogue)
            _anew(layout, shard, catalogue, restated)
    finally:
        if catalogue is not None:
            catalogue.close()
    if not found.catalogue:
        layout.catalogue.unlink(missing_ok=True)
    with closing(Keeper(layout)) as keeper:  # makes a catalogue, or tells it of the new shards
        keeper.compact(last=True)
    if found.lines:
        _decisions(layout.decisions, set(found.lines))


def _restate(layout: Layout, shard: Shard, catalogue: Catalogue | None) -> None:
    """Says again what a shard has: its files that can be read to the end."""
    folder = layout.shard(shard.number)
    known = catalogue.shards() if catalogue else None
    files = [each for each in sorted(folder.glob("*.parquet")) if _readable(each)]
    names = {row for each in files if _kind(each) == "feature" for row in _tensors_of(each)}
    tensors = [layout.tensors / name for name in sorted(names)]
    shard.said = {
        "replaces": replaced_by(layout, shard.number, known),
        "journals": catalogue.journals() if catalogue else {},
        "files": {each.name: checksum(each) for each in files},
        "tensors": {each.name: checksum(each) for each in tensors if is_whole(each)},
    }
    shard.whole = {*shard.said["files"], *shard.said["tensors"]}
    write_json(folder / ABOUT, shard.said)


def _kind(file: Path) -> str:
    return file.name.partition(".")[0]


def _readable(file: Path) -> bool:
    try:
        if file.name in (RESULTS, INPUTS):
            read_columns(file)
        else:
            for _ in groups(_kind(file), file):
                pass
    except (OSError, ValueError, KeyError):  # pyarrow's are ValueErrors
        return False
    return True


def _tensors_of(file: Path) -> list[str]:
    return [
        place.rpartition("/")[2]
        for _, table in groups("feature", file)
        for place in table["file"].to_pylist()
    ]


def _anew(layout: Layout, shard: Shard, catalogue: Catalogue | None, restated: bool) -> None:
    """A shard in the place of a damaged one, with the results that do not lie in its damaged files."""
    results = _results(layout, shard, catalogue)
    kept = [each for each in results if _is_whole(layout, shard, each)]
    entries = _entries(layout, shard, catalogue)
    if restated and {RESULTS, INPUTS} <= shard.whole and len(kept) == len(results):
        return  # only what it says of itself was lost
    number = max((int(f.name) for f in layout.shards.glob("[0-9]*")), default=0)
    writer = ShardWriter(layout, max(number, shard.number) + 1)
    if kept:
        writer.take(shard.number, [(each, each.cached) for each in kept])
    gone = {int(f.name) for f in layout.shards.glob("[0-9]*")} - set(alive(layout))
    journals = (shard.said or {}).get("journals", {})
    writer.publish(entries, sorted({shard.number, *gone}), journals)


def _results(layout: Layout, shard: Shard, catalogue: Catalogue | None) -> list[Result]:
    if RESULTS in shard.whole:
        return results_in_shard(layout.shard(shard.number))
    return catalogue.results_of(shard.number) if catalogue else []


def _entries(layout: Layout, shard: Shard, catalogue: Catalogue | None) -> list[Entry]:
    if INPUTS in shard.whole:
        return entries_in_shard(layout.shard(shard.number))
    return catalogue.entries_of(shard.number) if catalogue else []


def _is_whole(layout: Layout, shard: Shard, result: Result) -> bool:
    """Whether all rows of a result, and the tensors that they point to, can be had."""
    if not all(name_of(kind, result.cached) in shard.whole for kind in result.ranges):
        return False
    first, num_rows = result.ranges.get("feature", (0, 0))
    if not num_rows:
        return True
    file = layout.shard(shard.number) / name_of("feature", result.cached)
    places = read_ranges("feature", file, [(first, num_rows)])["file"].to_pylist()
    return {place.rpartition("/")[2] for place in places} <= shard.whole


def _decisions(file: Path, lines: set[int]) -> None:
    """A decision of no effect in place of each that cannot be read: the others keep their numbers."""
    beside = file.with_name(f"{file.name}.damaged")
    count = 1
    while beside.exists():
        count += 1
        beside = file.with_name(f"{file.name}.damaged{count}")
    shutil.copy2(file, beside)
    *old, last = file.read_bytes().split(b"\n")
    part, number = file.with_name(f"{file.name}.part"), 0
    with open(part, "wb") as out:
        for place, line in enumerate(old):
            number += 1
            if place in lines:
                line = json.dumps({"kind": "lost", "number": number}).encode()
            else:
                number = json.loads(line).get("number", number)
            out.write(line + b"\n")
        out.write(last)
        out.flush()
        os.fsync(out.fileno())
    os.replace(part, file)
