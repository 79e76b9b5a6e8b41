"""Shards: the results of many inputs in one Parquet file a kind, that never change.

::

    shards/000012/
    ├── <kind>.parquet           rows of results that some input has now, those of one result together
    ├── <kind>.cached.parquet    rows of results that no input has now: of other recipes, of changed files
    ├── results.parquet          which results these are, and which rows are whose
    ├── inputs.parquet           what is known of inputs
    └── shard.json               written last: sizes and checksums, which shards it takes the place of

Tensors lie in ``tensors/<shard>-<number>.safetensors``, of which a later shard may make use.
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sensorium.adapters.stores.feature_shards import OpenTensors, TensorFiles
from sensorium.adapters.stores.parquet import (
    KindFile,
    groups,
    read_columns,
    unpacked,
    with_columns,
    write_columns,
)
from sensorium.core.errors import LibraryError
from sensorium.library.layout import Layout, write_json
from sensorium.library.store.catalogue import Change, Entry, Result
from sensorium.library.store.sink import Found

TENSOR_BYTES = 1 << 30  # of one file of tensors; smaller ones are joined with others
ABOUT, RESULTS, INPUTS = "shard.json", "results.parquet", "inputs.parquet"
Move = tuple[Result, bool]  # a result, and whether it is to be a cached one


def name_of(kind: str, cached: bool) -> str:
    """The file of one kind in a shard."""
    return f"{kind}.cached.parquet" if cached else f"{kind}.parquet"


def checksum(file: Path) -> dict[str, int]:
    """Size and crc32 of a file."""
    crc, size = 0, 0
    with open(file, "rb") as data:
        while part := data.read(1 << 20):
            crc, size = zlib.crc32(part, crc), size + len(part)
    return {"bytes": size, "crc32": crc}


def about(folder: Path) -> dict[str, Any]:
    """What a shard says of itself: ``replaces``, ``journals``, ``files`` and ``tensors`` with checksums.

    Raises:
        LibraryError: it says nothing; shards appear whole, so somebody else has damaged it.
    """
    try:
        return dict(json.loads((folder / ABOUT).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise LibraryError(
            f"{folder / ABOUT}: expected what the shard says of itself; {error}; restore the file, or "
            "delete the folder and extract again"
        ) from None


def read_change(folder: Path) -> Change:
    """What a shard brings, from its own tables."""
    said = about(folder)
    results, entries = results_in_shard(folder), entries_in_shard(folder)
    return Change(int(folder.name), results, entries, said["replaces"], said["journals"])


def results_in_shard(folder: Path) -> list[Result]:
    """Which results a shard says it has."""
    columns = read_columns(folder / RESULTS)
    ranges = (json.loads(text) for text in columns["ranges"])
    names = ("key", "number", "cached", "state", "recipe")
    return [Result(*row) for row in zip(*(columns[n] for n in names), ranges, strict=True)]


def entries_in_shard(folder: Path) -> list[Entry]:
    """What a shard says of inputs."""
    columns = read_columns(folder / INPUTS)
    return [
        Entry(*row) for row in zip(*(columns[n] for n in ("uri", "number", "text")), strict=True)
    ]


class ShardWriter:
    """Writes one shard aside; `publish` makes it appear whole."""

    def __init__(self, layout: Layout, number: int) -> None:
        self._layout, self._number = layout, number
        self._stage = layout.work / f"shard-{number:06d}"
        shutil.rmtree(self._stage, ignore_errors=True)
        (self._stage / "tensors").mkdir(parents=True)
        self._files: dict[tuple[str, bool], KindFile] = {}
        self._count: dict[tuple[str, bool], int] = {}
        self._tensors = TensorFiles(self._stage / "tensors", f"{number:06d}", TENSOR_BYTES)
        self._used: dict[str, dict[str, int]] = {}  # files of tensors of other shards
        self._before = OpenTensors()
        self.results: list[Result] = []

    def add(self, found: Found, journal: Path, number: int, cached: bool) -> None:
        """A result from a journal."""
        ranges: dict[str, list[int]] = {}
        tensors = list(found.tensors)[::-1]
        with open(journal, "rb") as file:
            for each in found.rows:
                kind = each.meta["kind"]
                file.seek(each.at)
                table = unpacked(kind, file.read(each.size))
                if kind == "feature":
                    mine = [tensors.pop() for _ in range(table.num_rows)]
                    names = [f"{found.key}/{each.meta['tensor']}" for each in mine]
                    places = [
                        self._tensor(name, t.meta, partial(_bytes, journal, t.at, t.size))
                        for name, t in zip(names, mine, strict=True)
                    ]
                    table = with_columns(table, {"file": places, "tensor": names})
                start = self._append(kind, cached, table)
                ranges.setdefault(kind, [start, 0])[1] += table.num_rows
        state, recipe = (json.dumps(each, sort_keys=True) for each in (found.state, found.recipe))
        self.results.append(Result(found.key, number, cached, state, recipe, ranges))

    def take(self, shard: int, moves: Sequence[Move]) -> None:
        """Results of another shard; those that are not named are left behind."""
        folder = self._layout.shard(shard)
        fresh: dict[str, dict[str, list[int]]] = {each.key: {} for each, _ in moves}
        said = about(folder)
        kinds = sorted({(k, each.cached) for each, _ in moves for k in each.ranges})
        for kind, old in kinds:
            mine = [(r, to) for r, to in moves if r.cached == old and kind in r.ranges]
            mine.sort(key=lambda each: each[0].ranges[kind][0])
            self._rows_of(folder / name_of(kind, old), kind, mine, fresh, said["tensors"])
        self.results += [
            Result(r.key, r.number, to, r.state, r.recipe, fresh[r.key]) for r, to in moves
        ]

    def _rows_of(
        self,
        file: Path,
        kind: str,
        moves: Sequence[Move],
        fresh: Mapping[str, dict[str, list[int]]],
        tensors: Mapping[str, Mapping[str, int]],
    ) -> None:
        """Copies the rows of some results, and says where they are now."""
        at = {cached: self._count.get((kind, cached), 0) for cached in (False, True)}
        for result, to in moves:
            num_rows = result.ranges[kind][1]
            fresh[result.key][kind] = [at[to], num_rows]
            at[to] += num_rows
        stretches = _stretches(kind, moves)
        for first, table in groups(kind, file):
            last = first + table.num_rows
            while stretches and stretches[0][0] < last:
                begin, end, to = stretches[0]
                part = table.slice(begin - first, min(end, last) - begin)
                if kind == "feature":
                    part = self._moved(part, file.parent, tensors)
                self._append(kind, to, part)
                if end > last:
                    stretches[0] = (last, end, to)
                    break
                stretches.pop(0)

    def _moved(self, table: Any, folder: Path, sizes: Mapping[str, Mapping[str, int]]) -> Any:
        """Rows of features with the files in which their tensors will be: small files are joined."""
        rows = table.select(["file", "tensor", "dtype", "shape"]).to_pylist()
        places = []
        for row in rows:
            file = row["file"].rpartition("/")[2]
            if sizes[file]["bytes"] >= TENSOR_BYTES // 2:
                self._used[file] = dict(sizes[file])
                places.append(row["file"])
            else:
                read = partial(_numbers, self._before, folder / row["file"], row["tensor"])
                places.append(self._tensor(row["tensor"], row, read))
        return with_columns(table, {"file": places})

    def _tensor(self, name: str, row: Mapping[str, Any], read: Any) -> str:
        return f"../../tensors/{self._tensors.add(name, row['dtype'], row['shape'], read)}"

    def _append(self, kind: str, cached: bool, table: Any) -> int:
        key = kind, cached
        if key not in self._files:
            self._files[key] = KindFile(self._stage / name_of(kind, cached), kind)
        start = self._count.get(key, 0)
        self._count[key] = start + table.num_rows
        self._files[key].add(table)
        return start

    def publish(
        self, entries: Sequence[Entry], replaces: Sequence[int], journals: Mapping[str, int]
    ) -> Change:
        """Writes what is left, then one rename; the shard counts from now on."""
        for file in self._files.values():
            file.close()
        self._tensors.close()
        _tables(self._stage, self.results, entries)
        tensors = self._publish_tensors()
        files = {each.name: checksum(each) for each in self._stage.iterdir() if each.is_file()}
        said = {"replaces": list(replaces), "journals": dict(journals)}
        write_json(self._stage / ABOUT, {**said, "files": files, "tensors": tensors})
        _sync(self._stage)
        os.rename(self._stage, self._layout.shard(self._number))
        _sync_folder(self._layout.shards)
        return Change(self._number, self.results, entries, replaces, journals)

    def _publish_tensors(self) -> dict[str, dict[str, int]]:
        """Before the shard that speaks of them: what no shard speaks of is swept away."""
        folder = self._stage / "tensors"
        _sync(folder)
        fresh = {name: checksum(folder / name) for name in self._tensors.written}
        for name in fresh:
            os.rename(folder / name, self._layout.tensors / name)
        folder.rmdir()
        if fresh:
            _sync_folder(self._layout.tensors)
        return {**self._used, **fresh}


def _tables(folder: Path, results: Sequence[Result], entries: Sequence[Entry]) -> None:
    """What the catalogue can be made from again."""
    columns: dict[str, list[Any]] = {
        name: [getattr(each, name) for each in results]
        for name in ("key", "number", "cached", "state", "recipe")
    }
    columns["ranges"] = [json.dumps(each.ranges, separators=(",", ":")) for each in results]
    write_columns(folder / RESULTS, columns)
    names = ("uri", "number", "text")
    write_columns(folder / INPUTS, {name: [getattr(e, name) for e in entries] for name in names})


def _stretches(kind: str, moves: Sequence[Move]) -> list[tuple[int, int, bool]]:
    """(first row, row behind the last, cached) of what is copied, neighbours as one."""
    found: list[tuple[int, int, bool]] = []
    for result, to in moves:
        begin, num_rows = result.ranges[kind]
        if found and found[-1][1:] == (begin, to):
            found[-1] = (found[-1][0], begin + num_rows, to)
        elif num_rows:
            found.append((begin, begin + num_rows, to))
    return found


def _bytes(file: Path, at: int, size: int) -> bytes:
    with open(file, "rb") as data:
        data.seek(at)
        return data.read(size)


def _numbers(opened: OpenTensors, file: Path, tensor: str) -> bytes:
    return opened.values(file, tensor).tobytes()


def _files(folder: Path) -> Iterator[Path]:
    return (each for each in folder.iterdir() if each.is_file())


def _sync(folder: Path) -> None:
    """Flushes the files of a folder to the disk, so that a rename never outlives its content."""
    for path in _files(folder):
        _sync_folder(path)
    _sync_folder(folder)


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
