"""Who holds a library's lock keeps its shelf: journals become shards, small shards become large ones.

Every step is safe to be killed at: a shard appears by one rename and says itself which others it takes
the place of and how far each journal is in it; what the catalogue does not know yet, it is told at the
next opening; files go only when the catalogue speaks of them no more.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from heapq import merge
from pathlib import Path
from typing import Any

from sensorium.library.layout import Layout
from sensorium.library.store.catalogue import Catalogue, Entry, media_of
from sensorium.library.store.journal import SUFFIX, Frame, frames
from sensorium.library.store.rebuilding import alive, catch_up, rebuilt
from sensorium.library.store.shard import ShardWriter, about
from sensorium.library.store.sink import Found, results_in

_AT_ONCE = 20_000  # results that are taken up at once
_MOST_SHARDS = 6  # that are not full
_FULL = 100_000  # results: a shard with more is not joined with others, for one has to be held in memory
_REWRITTEN = 4  # bytes of shards that a compaction of a run writes anew for one byte of journals
_GRACE = 10.0  # seconds that replaced files stay, for who has just asked where they are


@dataclass(slots=True)
class _News:
    """What the journals hold that is not on the shelf yet."""

    results: dict[str, tuple[Found, Path]] = field(default_factory=dict)
    entries: dict[str, str] = field(default_factory=dict)  # uri -> JSON, null for one to forget
    upto: dict[str, int] = field(default_factory=dict)
    num_bytes: int = 0


class Keeper:
    """The shelf of one library, for the one who writes. Opening it finishes what a killed run left."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        try:
            self._catalogue = Catalogue(layout.catalogue)
        except sqlite3.DatabaseError:
            self._catalogue = Catalogue(rebuilt(layout))
        catch_up(layout, self._catalogue)
        self._patience = 0  # bytes in the journals below which nothing is moved

    def close(self) -> None:
        """Closes the catalogue."""
        self._catalogue.close()

    def compact(self, last: bool = False) -> None:
        """Moves what the journals hold onto the shelf; with `last` nobody writes to them any more.

        Where that would write much anew for little, as while a run works with other recipes on what there
        is, it stays in the journals until it is more: a run costs what it brings, not how often it is kept.
        """
        if not last and self._waiting() < self._patience:
            return
        self._patience, whole = 0, False
        while not whole:
            news, whole = self._news()
            if (news.results or news.entries) and not self._shelve(news, last):
                self._patience = 2 * self._waiting()
                return
        if last:
            for name in news.upto:
                (self._layout.journals / name).unlink()
            self._catalogue.forget_journals(self._catalogue.journals())
        self._sweep()

    def _waiting(self) -> int:
        """Bytes of journals that are not on the shelf."""
        known = self._catalogue.journals()
        journals = self._layout.journals.glob(f"*{SUFFIX}")
        return sum(each.stat().st_size - known.get(each.name, 0) for each in journals)

    def _news(self) -> tuple[_News, bool]:
        """The frames behind those that are on the shelf, in order of time, and whether these are all.

        A journal that a killed run left, or that many machines fill, may hold more than memory does.
        """
        news, known = _News(), self._catalogue.journals()
        streams = []
        for journal in sorted(self._layout.journals.glob(f"*{SUFFIX}")):
            news.upto[journal.name] = known.get(journal.name, 0)
            streams.append(_timed(journal, news.upto[journal.name]))
        recipes: dict[str, Any] = {}  # many results have few
        for _, journal, each, clear in merge(*streams, key=lambda item: item[0]):
            news.num_bytes += max(clear - news.upto[journal.name], 0)
            news.upto[journal.name] = clear
            if isinstance(each, Found):
                text = json.dumps(each.recipe, sort_keys=True)
                each = replace(each, recipe=recipes.setdefault(text, each.recipe))
                news.results[each.key] = each, journal
                continue
            entry = each.meta.get("entry")
            uri = entry["uri"] if entry else each.meta["gone"]
            news.entries[uri] = json.dumps(entry, sort_keys=True)
            if len(news.results) >= _AT_ONCE and clear == each.end:
                return news, False
        return news, True

    def _shelve(self, news: _News, last: bool) -> bool:
        """Makes a shard of it; False if that is not worth it yet."""
        stays = self._stays(news)
        moved = self._moved(news, stays)
        mine = news.num_bytes + sum(map(self._size, moved))
        if mine > (1 + _REWRITTEN) * news.num_bytes and not last:
            return False
        number = max((int(f.name) for f in self._layout.shards.glob("[0-9]*")), default=0) + 1
        sources = sorted({*moved, *self._small(moved, mine)})
        writer = ShardWriter(self._layout, number)
        for shard in sources:
            results = self._catalogue.results_of(shard)
            kept = [each for each in results if each.key not in news.results]
            writer.take(shard, [(r, stays.get(r.key, r.cached)) for r in kept])
        before = self._catalogue.last_number()
        for count, (found, journal) in enumerate(news.results.values(), before + 1):
            writer.add(found, journal, count, stays.get(found.key, True))
        before += len(news.results)
        entries = [
            each
            for shard in sources
            for each in self._catalogue.entries_of(shard)
            if each.uri not in news.entries
        ]
        fresh = enumerate(news.entries.items(), before + 1)
        entries += [Entry(uri, count, text) for count, (uri, text) in fresh]
        gone = set(self._there()) - set(alive(self._layout))
        upto = {**self._taken(), **news.upto}
        change = writer.publish(entries, sorted({*sources, *gone}), upto)
        self._catalogue.apply(change)
        return True

    def _taken(self) -> dict[str, int]:
        """How far the journals that are still there are in the catalogue."""
        there = {each.name for each in self._layout.journals.glob(f"*{SUFFIX}")}
        return {name: at for name, at in self._catalogue.journals().items() if name in there}

    def _there(self) -> list[int]:
        return [int(folder.name) for folder in self._layout.shards.glob("[0-9]*")]

    def _stays(self, news: _News) -> dict[str, bool]:
        """Result -> whether no input has it any more, for all whose answer may be another now."""
        touched = set(news.results)
        for uri, text in news.entries.items():
            for old in self._catalogue.entries_where("uri", uri):
                touched.update(old["results"].values())
            touched.update((json.loads(text) or {"results": {}})["results"].values())
        now: set[str] = set()
        asked: set[str] = set()
        for media in {media_of(key) for key in touched} - {"unread"}:
            for entry in self._catalogue.entries_where("media", media):
                if entry["uri"] not in news.entries and entry["uri"] not in asked:
                    asked.add(entry["uri"])
                    now.update(entry["results"].values())
        for text in news.entries.values():
            now.update((json.loads(text) or {"results": {}})["results"].values())
        return {key: key not in now for key in touched}

    def _moved(self, news: _News, stays: Mapping[str, bool]) -> set[int]:
        """The shards that have to be written anew, since some of their rows change places."""
        keys = {**stays, **dict.fromkeys(news.results)}
        return {
            shard
            for shard, cached, key in self._catalogue.lying(keys)
            if key in news.results or cached != stays[key]
        }

    def _small(self, moved: Collection[int], mine: int) -> Iterator[int]:
        """The small shards that are joined with `mine` bytes.

        A shard that stays is full, or larger than all younger ones together, and of these there are few:
        so every row is written again a few times in all, however many runs there are.
        """
        num_results = self._catalogue.num_results()
        left = (n for n in self._catalogue.shards() if n not in moved)
        others = sorted((self._size(n), n) for n in left if num_results.get(n, 0) < _FULL)
        while others and (others[0][0] < mine or len(others) >= _MOST_SHARDS):
            size, number = others.pop(0)
            mine += size
            yield number

    def _size(self, number: int) -> int:
        files = about(self._layout.shard(number))["files"]
        return sum(each["bytes"] for each in files.values())

    def _sweep(self) -> None:
        """Deletes shards and tensors of which the catalogue speaks no more, the oldest first."""
        count, now = set(self._catalogue.shards()), time.time()
        used: set[str] = set()
        for number in sorted(self._there()):
            folder = self._layout.shard(number)
            retired = folder / "retired"
            if number in count:
                used.update(about(folder)["tensors"])
            elif retired.exists() and now - retired.stat().st_mtime > _GRACE:
                aside = self._layout.work / f"old-{folder.name}"
                os.rename(folder, aside)  # no shard without a word of itself, if we are killed
                shutil.rmtree(aside)
            else:
                retired.touch(exist_ok=True)
                used.update(about(folder)["tensors"])
        for file in self._layout.tensors.iterdir():
            if file.name not in used:
                file.unlink()


def _timed(journal: Path, begin: int) -> Iterator[tuple[int, Path, Found | Frame, int]]:
    """(time, journal, result or entry, offset before which all is taken) of the frames from an offset on."""
    with open(journal, "rb") as file:
        for each, clear in results_in(frames(file, begin)):
            yield each.time if isinstance(each, Found) else each.meta["time"], journal, each, clear
