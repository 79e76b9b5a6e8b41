"""The work on one file: every pass that is not finished yet, each result written as it ends.

`work_on` is a pure function of the file's bytes and the config, apart from what it writes to the
library's journal; it runs in this process, in a worker or on another machine, and may run twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from sensorium.adapters.fencing.fence import memory_limit
from sensorium.adapters.media.notices import heard, without_warnings
from sensorium.adapters.remote.address import remember
from sensorium.core.config import Config
from sensorium.core.errors import (
    MediaError,
    MissingMediaError,
    SensoriumError,
    UnsupportedMediaError,
)
from sensorium.core.media import MediaRef
from sensorium.core.record import KINDS, Record, digest
from sensorium.library.layout import fingerprints, result_key, write_json
from sensorium.library.store.earlier import EarlierRecords
from sensorium.library.store.sink import Sink
from sensorium.library.store.writing import sink_of
from sensorium.ports import Pass, Report
from sensorium.run.job import PREPARED, Failure, Job, Outcome, error_record, warning_records
from sensorium.run.parts.keys import media_recipe, stat_of, unread_key
from sensorium.run.parts.side_by_side import Lanes
from sensorium.run.plan import Built, build


@lru_cache(maxsize=1)  # a worker loads its models once, not once per file
def _built(config: Config, threads: int) -> Built:
    return build(config, threads)


def work_on(job: Job) -> Outcome:
    """Does what is left to do for one input, and says what became of it."""
    remember(job.input.address, job.allow_private)
    started = time.monotonic()
    journal, sink = sink_of(job.library, job.run, job.known)
    try:
        outcome = _Work(job, _built(job.config, job.threads), sink).run()
        frames = b"" if job.library else journal.taken()
    finally:
        if job.progress:
            Path(job.progress).unlink(missing_ok=True)
    return replace(outcome, seconds=round(time.monotonic() - started, 3), frames=frames)


def died(job: Job, error: BaseException, sink: Sink) -> Outcome:
    """Keeps the error of a worker that could not answer for itself; to be tried again next time."""
    return _Work(job, None, sink).failed_outside(error)


@dataclass(frozen=True, slots=True)
class _Unread:
    """Stands for the file in the records of an error that came before it was read."""

    uri: str
    digest: str = ""


class _Work:
    """One file's way through the passes."""

    def __init__(self, job: Job, built: Built | None, sink: Sink) -> None:
        self._job = job
        self._maybe_built = built
        self._sink = sink
        self._uri = job.input.uri
        self._computed: list[str] = []
        self._found: list[str] = []
        self._failures: list[Failure] = []
        self._warnings: list[str] = []
        self._told: dict[str, list[str]] = {}  # warnings of each pass
        self._lanes = Lanes(self._job.side_by_side)
        self._noting = threading.Lock()
        self._results: dict[str, str] = {}

    @property
    def _built(self) -> Built:
        if self._maybe_built is None:
            raise RuntimeError("only `failed_outside` works without passes")
        return self._maybe_built

    def run(self) -> Outcome:
        """Every pass that is not finished, in order of need."""
        stat = stat_of(self._job.input)
        try:
            ref = self._known(stat) or self._probed()
        except UnsupportedMediaError as error:
            if not self._job.input.claimed:
                return Outcome(self._uri, passed_over=True)
            return self._unreadable(stat, error)
        except Exception as error:
            return self._unreadable(stat, error)
        entry: dict[str, Any] = {"uri": self._uri, "digest": ref.digest, "stat": stat}
        entry |= {"ref": asdict(ref), "warnings": list(self._warnings)}
        self._media(ref, entry)
        wanted = [each for each in self._built.passes if each.applies(ref)]
        prints = fingerprints(self._built.passes, wanted)
        self._lanes.run(wanted, lambda each: self._pass(each, ref, prints, entry))
        self._in_order(["media", "subtitles", *(each.name for each in wanted)])
        self._note(entry, whole=True)
        return self._outcome(ref.kind, ref.duration)

    def failed_outside(self, error: BaseException) -> Outcome:
        """The outcome of work that ended without one; what it had finished stays."""
        entry = self._entry() or {"uri": self._uri, "digest": "", "stat": None, "ref": None}
        key = f"unread/work-{digest(self._uri)}"
        source = _Unread(self._uri, entry["digest"])
        self._fail("work", key, source, {}, error)
        self._note(entry, whole=True)
        return self._outcome()

    def _in_order(self, steps: Sequence[str]) -> None:
        """What came of each step in the order of the steps, whichever ended first."""
        place = {step: index for index, step in enumerate(steps)}
        self._computed.sort(key=place.__getitem__)
        self._found.sort(key=place.__getitem__)
        self._failures.sort(key=lambda failure: place.get(failure.step, -1))
        for step in steps:
            self._warnings.extend(self._told.get(step, ()))

    def _outcome(self, kind: str = "", duration: float | None = None) -> Outcome:
        return Outcome(
            self._uri,
            kind,
            duration,
            tuple(self._computed),
            tuple(self._found),
            tuple(self._failures),
            tuple(dict.fromkeys(self._warnings)),
        )

    def _probed(self) -> MediaRef:
        """What the file is; a picture is decoded once, so that a broken one is a single failure."""
        with heard(self._uri, self._warnings):
            ref = self._built.reader.probe(self._uri)
            if ref.kind == "image":
                list(self._built.reader.frames(ref, 64))
        return ref

    def _known(self, stat: list[int] | None) -> MediaRef | None:
        """What an earlier run read from the same file, if size and time of change are the same."""
        entry = self._entry()
        if stat is None or not entry.get("digest") or entry["stat"] != stat:
            return None
        if "tracks" not in entry["ref"]:
            return None  # of a version that did not know them
        self._warnings.extend(entry.get("warnings", ()))
        return MediaRef(**entry["ref"])

    def _entry(self) -> dict[str, Any]:
        return self._sink.entry(self._uri) or {}

    def _note(self, entry: Mapping[str, Any], whole: bool = False) -> None:
        """Points the input at its results so far; those of passes not asked for now stay."""
        with self._noting:
            self._write_entry(entry, whole)

    def _write_entry(self, entry: Mapping[str, Any], whole: bool) -> None:
        before = self._entry()
        kept = before.get("results", {}) if before.get("digest") == entry["digest"] else {}
        stale = {"work"} | self._without_needs()
        kept = {name: key for name, key in kept.items() if name not in stale}
        self._sink.note({**entry, "results": {**kept, **dict(self._results)}}, whole)

    def _without_needs(self) -> set[str]:
        """Passes that cannot be right any more, because one that they build on failed."""
        failed = {failure.step for failure in list(self._failures)}
        passes = self._maybe_built.passes if self._maybe_built else ()
        return {each.name for each in passes if failed & set(each.needs)}

    def _unreadable(self, stat: list[int] | None, error: Exception) -> Outcome:
        self._warnings.clear()  # the error says it
        key, source = unread_key(self._uri, stat), _Unread(self._uri)
        state = self._sink.finished(key, self._job.retry_failed)
        if state is None:
            self._fail("media", key, source, {}, error)
        else:
            self._remembered("media", key, state)
        self._note({"uri": self._uri, "digest": "", "stat": stat, "ref": None}, whole=True)
        return self._outcome()

    def _media(self, ref: MediaRef, entry: Mapping[str, Any]) -> None:
        """The records of the file itself and of the subtitle files beside it."""
        beside = self._built.subtitles.beside(self._uri)
        recipe = media_recipe(beside)
        key = result_key(ref.digest, "media", digest(recipe))
        self._do("media", key, ref, recipe, lambda: self._media_records(ref, beside))
        self._note(entry)

    def _media_records(self, ref: MediaRef, beside: Sequence[str]) -> Iterator[Record]:
        values = {column.name: getattr(ref, column.name) for column in KINDS["media"]}
        yield Record("media", None, values, PREPARED)
        yield from warning_records("media", self._warnings)
        for path in beside:
            try:
                cues = self._built.subtitles.read(path)
            except SensoriumError as error:
                failure = Failure("subtitles", type(error).__name__, str(error))
                self._failures.append(failure)
                yield error_record(failure)
                continue
            for cue in cues:
                values = {"text": cue.text, "name": cue.name, "source": path}
                yield Record("subtitle", cue.span, values, PREPARED)

    def _pass(
        self, each: Pass, ref: MediaRef, prints: Mapping[str, str], entry: Mapping[str, Any]
    ) -> None:
        if each.name in self._without_needs():
            return  # the reason stands in the record of the pass that failed
        key = result_key(ref.digest, each.name, prints[each.name])
        needed = [self._results[name] for name in each.needs if name in self._results]
        earlier = EarlierRecords(needed, self._sink.records)
        report = self._reporter(each.name, ref.duration)
        report(0.0)
        self._do(each.name, key, ref, each.recipe(), lambda: each.run(ref, earlier, report))
        self._note(entry)

    def _do(self, step: str, key: str, ref: MediaRef, recipe: Mapping, run: Any) -> None:
        """One result: found, computed, or failed with a record that says why."""
        state = self._sink.finished(key, self._job.retry_failed)
        if state is not None:
            self._remembered(step, key, state)
            return
        told: list[str] = []

        def results() -> Iterator[Any]:
            with heard(self._uri, told):
                yield from without_warnings(run(), told)
            yield from warning_records(step, told)

        try:
            self._sink.write(key, ref, results(), recipe)
        except Exception as error:
            self._fail(step, key, ref, recipe, error)
            return
        finally:
            self._told.setdefault(step, []).extend(told)
        self._results[step] = key
        self._computed.append(step)

    def _remembered(self, step: str, key: str, state: Mapping[str, Any]) -> None:
        self._results[step] = key
        if state["status"] == "failed":
            self._failures.append(Failure(step, state["error"], state["message"]))
        else:
            self._found.append(step)
            self._told.setdefault(step, []).extend(state.get("warnings", ()))
            self._failures.extend(Failure(**each) for each in state.get("errors", ()))

    def _fail(
        self, step: str, key: str, source: Any, recipe: Mapping, error: BaseException
    ) -> None:
        message = str(error) if isinstance(error, SensoriumError) else _unexpected(self._uri, error)
        failure = Failure(step, type(error).__name__, message)
        self._failures.append(failure)
        self._results[step] = key
        # A bad file stays bad; anything else (memory, disk, a missing package) may be better next time.
        again = isinstance(error, MissingMediaError) or not isinstance(error, MediaError)
        marks = {"again": again, "error": failure.error, "message": failure.message}
        self._sink.write(key, source, [error_record(failure)], recipe, marks)

    def _reporter(self, step: str, duration: float | None) -> Report:
        path, last = self._job.progress, [0.0]

        def report(seconds: float) -> None:
            self._lanes.check()
            now = time.monotonic()
            if path and (now - last[0] > 0.25 or not seconds):
                last[0] = now
                with self._noting:
                    write_json(Path(path), {"step": step, "done": seconds, "total": duration})

        return report


def _unexpected(uri: str, error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return f"{uri}: needs more memory than {memory_limit()}; scale or cut it, or allow more"
    return f"{uri}: unexpected {type(error).__name__}: {error}"
