"""A library as data for others: a folder of Parquet files, or WebDataset shards."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sensorium.adapters.remote.address import is_remote
from sensorium.adapters.remote.opening import fetched, opened_bytes
from sensorium.adapters.stores.feature_shards import read_features
from sensorium.core.errors import MediaError, SensoriumError, UsageError
from sensorium.core.record import KINDS
from sensorium.learn.staged import staged
from sensorium.library.library import Library, open_library
from sensorium.library.originals import changed

FORMS = ("parquet", "webdataset")
_JOINED = {"word": "words", "turn": "turns", "region": "regions", "person": "persons"}
TABLES = tuple(_JOINED.get(kind, kind) for kind in KINDS if kind != "feature")
_ABOUT = (
    "Tables of a Sensorium library; `media` is the sha256 of the file's bytes, times are seconds from its "
    "start. Every table is one config. The recordings belong to their owners, and show people: whoever uses "
    "or passes on these data needs their leave."
)


def export_library(
    library: str | os.PathLike[str] | Library,
    out: str | os.PathLike[str],
    form: str = "parquet",
    tables: Sequence[str] = TABLES,
    features: Sequence[str] | None = None,
    originals: bool = False,
    shard_bytes: int = 256_000_000,
) -> dict[str, Any]:
    """Writes tables and features of a library into the folder `out`, and says what is in it.

    `form` is ``"parquet"`` (a folder that ``datasets.load_dataset`` loads and streams, every table and every
    feature a config; DuckDB and Polars read it as well) or ``"webdataset"`` (tar files, a sample for each
    file of the library; `originals` puts the file itself in). `tables` as in `TABLES`; `features` are names
    such as ``"patches"`` (None: all, empty: none). The folder appears when all is written.

    Raises:
        UsageError: an unknown form, table or feature, or a folder that is not empty.

    >>> export_library("library", "data", "webdataset", ["words"], ["encoder"])  # doctest: +SKIP
    {'format': 'webdataset', 'files': 12, 'shards': 1, 'left_out': {}}
    """
    library = library if isinstance(library, Library) else open_library(library)
    if form not in FORMS:
        raise UsageError(f"form: expected one of {', '.join(FORMS)}; got {form!r}")
    if unknown := set(tables) - set(TABLES):
        raise UsageError(
            f"tables: expected some of {', '.join(TABLES)}; got {', '.join(sorted(unknown))}"
        )
    if originals and form != "webdataset":
        raise UsageError("originals: expected the form webdataset, which alone holds files")
    there = sorted(set(library.table("feature")["name"].to_pylist()))
    if unknown := set(features or ()) - set(there):
        raise UsageError(
            f"features: expected some of {', '.join(there) or 'none, the library has no features'}; "
            f"got {', '.join(sorted(unknown))}"
        )
    names = there if features is None else list(features)
    with staged(out) as stage:
        if form == "parquet":
            return _parquet(library, stage, tables, names, shard_bytes)
        return _webdataset(library, stage, tables, names, originals, shard_bytes)


def _frame(library: Library, table: str) -> Any:
    """One table, those of words and so on with who it was."""
    known = set(_JOINED.values())
    return getattr(library, table)() if table in known else library.records(table)


def _parquet(
    library: Library, stage: Path, tables: Sequence[str], names: Sequence[str], shard_bytes: int
) -> dict[str, Any]:
    from sensorium.adapters.stores.table_folder import TableFolder, as_table, feature_table

    folder = TableFolder(stage, shard_bytes)
    counts = {
        table: folder.add(table, iter([as_table(_frame(library, table))])) for table in tables
    }
    for name in names:
        rows = library.feature_rows(None, name)
        parts = (feature_table(row, read_features(place, row).values) for place, row in rows)
        counts[f"features-{name}"] = folder.add(f"features-{name}", parts)
    folder.finish(_ABOUT)
    return {"format": "parquet", "rows": {name: num for name, num in counts.items() if num}}


def _webdataset(
    library: Library, stage: Path, tables: Sequence[str], names: Sequence[str],
    originals: bool, shard_bytes: int,
) -> dict[str, Any]:  # fmt: skip
    from sensorium.adapters.stores.table_folder import rows_of
    from sensorium.adapters.stores.webdataset_shards import WebShards

    found: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for table in tables:
        for row in rows_of(_frame(library, table)):
            found[row["media"]][table].append(row)
    places: dict[str, list] = defaultdict(list)
    for place, row in library.feature_rows():
        if row["name"] in names:
            places[row["media"]].append((place, row))
    shards, done, left_out = WebShards(stage, shard_bytes), set[str](), dict[str, str]()
    for entry in library.inputs():
        if not entry["digest"] or not entry["ref"]:
            left_out[entry["uri"]] = "could not be read"
        elif entry["digest"] not in done:
            with ExitStack() as stack:
                try:
                    parts = _original(entry, stack) if originals else []
                except (SensoriumError, OSError) as error:
                    left_out[entry["uri"]] = str(error)
                    continue
                done.add(entry["digest"])
                told, mine = found[entry["digest"]], places[entry["digest"]]
                shards.add(entry["digest"][:32], [*parts, *_sample(entry, told, mine)])
    return {
        "format": "webdataset", "files": len(done), "shards": shards.close(), "left_out": left_out,
    }  # fmt: skip


def _sample(
    entry: Mapping[str, Any], told: Mapping[str, list], places: Sequence[tuple[Path, dict]]
) -> Iterator[tuple[str, Any]]:
    """The arrays of one file, then what is told of it and of them."""
    about = []
    for number, (place, row) in enumerate(places):
        ending = f"{row['name']}.{number:05d}.npy"
        columns = ("name", "model", "start", "end", "axes", "num_valid")
        about.append({"part": ending, **{name: row[name] for name in columns}})
        yield ending, read_features(place, row).values
    yield "json", {"uri": entry["uri"], "media": entry["digest"], **told, "features": about}


def _original(entry: Mapping[str, Any], stack: ExitStack) -> list[tuple[str, Any]]:
    """The file itself, if it still is the one that the results are of."""
    from sensorium.adapters.media.reader import MediaReader

    uri = entry["uri"]
    if why := changed(uri, entry["digest"], entry["stat"], MediaReader()):
        raise MediaError(why)
    ending = os.path.splitext(uri.partition("?")[0])[1].removeprefix(".").lower() or "bin"
    size = fetched(uri).num_bytes if is_remote(uri) else os.path.getsize(uri)
    return [(ending, (stack.enter_context(opened_bytes(uri)), size))]
