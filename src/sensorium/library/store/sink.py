"""The one place that writes results: frames into a journal, finished by the last of them."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

import numpy as np

from sensorium.adapters.stores.feature_shards import feature_record
from sensorium.adapters.stores.parquet import as_table, packed, records_of, row, unpacked
from sensorium.core.features import Features
from sensorium.core.record import Provenance, Record
from sensorium.library.store.journal import Frame, Journal, frames

Results = Iterable[Record | Features]
State = Mapping[str, Any]


class Source(Protocol):
    """What the rows of a result say of their file."""

    @property
    def uri(self) -> str: ...
    @property
    def digest(self) -> str: ...


class Finished(Protocol):
    """Results of earlier runs, wherever they lie: a library's shelf, or what came with a job."""

    def state(self, key: str) -> State | None:
        """What is known of a finished result; None if there is none."""
        ...

    def records(self, key: str, kind: str) -> list[Record]:
        """The records of one kind of a finished result."""
        ...

    def entry(self, uri: str) -> dict[str, Any] | None:
        """What is known of an input; None if nothing is."""
        ...


@dataclass(slots=True)
class _Written:
    """A result in a journal: what is known of it, and (kind, offset, size) of its rows."""

    state: State
    part: int = 0
    rows: list[tuple[str, int, int]] = field(default_factory=list)


class Carried:
    """The results in bytes of a journal, for who works far from the library's disk."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._results: dict[str, _Written] = {}
        self._entries: dict[str, dict[str, Any]] = {}
        for each, _ in results_in(frames(io.BytesIO(data))):
            if isinstance(each, Found):
                rows = [(part.meta["kind"], part.at, part.size) for part in each.rows]
                self._results[each.key] = _Written(each.state, rows=rows)
            elif "entry" in each.meta:
                self._entries[each.meta["entry"]["uri"]] = each.meta["entry"]

    def state(self, key: str) -> State | None:
        """See `Finished`."""
        return self._results[key].state if key in self._results else None

    def records(self, key: str, kind: str) -> list[Record]:
        """See `Finished`."""
        return [
            record
            for name, at, size in self._results[key].rows
            if name == kind
            for record in records_of(kind, unpacked(kind, self._data[at : at + size]))
        ]

    def entry(self, uri: str) -> dict[str, Any] | None:
        """See `Finished`."""
        return self._entries.get(uri)


class Sink:
    """Writes the results of passes over files into a journal, each whole or not at all.

    What it wrote lately is found again in the journal; all that is older, `before` knows.
    """

    _REMEMBERED = (
        2048  # results; older ones are on the shelf by then, or are computed twice at worst
    )
    _ROWS = 10_000  # rows in memory, so that a long recording does not grow it

    def __init__(self, journal: Journal, before: Finished) -> None:
        self._journal, self._before = journal, before
        self._recent: OrderedDict[str, _Written] = OrderedDict()
        self._entries: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._parts, self._turn = count(1), threading.Lock()  # passes may write side by side

    def finished(self, key: str, retry_failed: bool = False) -> State | None:
        """What is known of a finished result; None if it must be computed (again)."""
        mine = self._recent.get(key)
        state = mine.state if mine else self._before.state(key)
        return None if state is None or to_repeat(state, retry_failed) else state

    def records(self, key: str, kind: str) -> list[Record]:
        """The records of one kind of a finished result."""
        mine = self._recent.get(key)
        if mine is None:
            return self._before.records(key, kind)
        parts = (unpacked(kind, self._journal.read(at, n)) for k, at, n in mine.rows if k == kind)
        return [record for part in parts for record in records_of(kind, part)]

    def entry(self, uri: str) -> dict[str, Any] | None:
        """What is known of an input."""
        return self._entries.get(uri) or self._before.entry(uri)

    def note(self, entry: Mapping[str, Any], whole: bool = False) -> None:
        """Says what is known of an input now; `whole`: it is finished, and waits for the disk."""
        self._journal.add({"what": "input", "entry": entry})
        self._journal.sync(whole)
        self._remember(self._entries, entry["uri"], dict(entry))

    def _remember(self, known: OrderedDict[str, Any], key: str, value: Any) -> None:
        with self._turn:
            known[key] = value
            while len(known) > self._REMEMBERED:
                known.popitem(last=False)

    def forget(self, uri: str) -> None:
        """The library knows nothing of an input any more; its results stay, for another of its content."""
        self._journal.add({"what": "input", "gone": uri})
        self._journal.sync()
        self._entries.pop(uri, None)

    def write(
        self,
        key: str,
        source: Source,
        results: Results,
        recipe: Mapping[str, Any],
        error: Mapping[str, Any] | None = None,
    ) -> State:
        """Writes all `results`, then the frame that makes them count, as the result named `key`.

        `recipe` is kept beside them; the provenance of Features is looked up in its ``"models"``.
        `error` marks the result as a failed one: ``{"again": bool, ...}``. If `results` raises,
        nothing of it counts. What warnings and errors say is kept in the state.
        """
        written = _Written({}, next(self._parts))
        self._journal.add({"what": "begin", "part": written.part})
        try:
            told = self._fill(written, source, results, recipe)
        except BaseException:
            self._journal.add({"what": "void", "part": written.part})
            raise
        status = {"status": "failed", **error} if error else {"status": "done"}
        written.state = {**status, "media": source.digest, **told}
        said = {"what": "result", "part": written.part, "key": key, "state": written.state}
        self._journal.add({**said, "recipe": recipe})
        self._remember(self._recent, key, written)
        return written.state

    def _fill(
        self, written: _Written, source: Source, results: Results, recipe: Mapping[str, Any]
    ) -> dict[str, Any]:
        models = {each["model"]: Provenance(**each) for each in recipe.get("models", ())}
        rows: dict[str, list[dict[str, Any]]] = {}
        counts: dict[str, int] = {}
        told: dict[str, list[Any]] = {"warnings": [], "errors": []}
        number = 0
        for item in results:
            if isinstance(item, Features):
                record = feature_record(item, models[item.model], number)
                self._tensor(written, record, item)
                number += 1
            else:
                record = item
            if record.kind == "warning":
                told["warnings"].append(record.values["message"])
            elif record.kind == "error":
                told["errors"].append(dict(record.values))
            counts[record.kind] = counts.get(record.kind, 0) + 1
            buffered = rows.setdefault(record.kind, [])
            buffered.append(row(source.digest, source.uri, record))
            if len(buffered) >= self._ROWS:
                self._rows(written, record.kind, rows.pop(record.kind))
        for kind, left in rows.items():
            self._rows(written, kind, left)
        return {"counts": counts, **{name: said for name, said in told.items() if said}}

    def _rows(self, written: _Written, kind: str, rows: list[dict[str, Any]]) -> None:
        data = packed(as_table(kind, rows))
        at = self._journal.add({"what": "rows", "part": written.part, "kind": kind}, data)
        written.rows.append((kind, at, len(data)))

    def _tensor(self, written: _Written, record: Record, features: Features) -> None:
        about = {name: record.values[name] for name in ("tensor", "dtype", "shape")}
        data = np.ascontiguousarray(features.values).tobytes()
        self._journal.add({"what": "tensor", "part": written.part, **about}, data)


def to_repeat(state: State, retry_failed: bool) -> bool:
    """Whether a result is one of a failure that is to be tried again."""
    return bool(state["status"] == "failed" and (state["again"] or retry_failed))


@dataclass(frozen=True, slots=True)
class Found:
    """A result in a journal, as who moves it onto the shelf reads it."""

    key: str
    state: State
    recipe: Mapping[str, Any]
    rows: tuple[Frame, ...]
    tensors: tuple[Frame, ...]
    time: int


@dataclass(slots=True)
class _UnderWay:
    """A result whose last frame has not come yet."""

    begin: int
    rows: list[Frame] = field(default_factory=list)
    tensors: list[Frame] = field(default_factory=list)


def results_in(found: Iterable[Frame]) -> Iterator[tuple[Found | Frame, int]]:
    """The finished results in the frames of a journal, and the frames of inputs as they are.

    With each comes the offset before which no result begins that has not ended yet.
    """
    parts: dict[int, _UnderWay] = {}
    for each in found:
        what, meta = each.meta["what"], each.meta
        part = meta.get("part", 0)
        if what == "begin":
            parts[part] = _UnderWay(each.begin)
        elif what == "void":
            parts.pop(part, None)
        elif what in ("rows", "tensor"):
            (parts[part].rows if what == "rows" else parts[part].tensors).append(each)
        else:
            mine = parts.pop(part) if what == "result" else None
            clear = min([each.end, *(other.begin for other in parts.values())])
            yield each if mine is None else _whole(each, mine), clear


def _whole(last: Frame, mine: _UnderWay) -> Found:
    said = (last.meta["key"], last.meta["state"], last.meta["recipe"])
    return Found(*said, tuple(mine.rows), tuple(mine.tensors), last.meta["time"])
