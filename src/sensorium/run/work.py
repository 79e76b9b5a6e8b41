"""The work on one file: every pass that is not finished yet, each result written as it ends.

`work_on` is a pure function of the file's bytes and the config, apart from what it writes to the
library; it runs in this process, in a worker or on another machine, and may run twice.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from sensorium.adapters.media.notices import heard, without_warnings
from sensorium.adapters.stores.parquet import read_records
from sensorium.core.config import Config
from sensorium.core.errors import (
    MediaError,
    MissingMediaError,
    SensoriumError,
    UnsupportedMediaError,
)
from sensorium.core.media import MediaRef
from sensorium.core.record import KINDS, Record, digest
from sensorium.library.earlier import EarlierRecords
from sensorium.library.layout import Layout, fingerprints, write_json
from sensorium.library.sink import Sink
from sensorium.ports import Pass, Report
from sensorium.run.inputs import name_and_digest, state_of
from sensorium.run.job import PREPARED, Failure, Job, Outcome, error_record, warning_records
from sensorium.run.plan import Built, build
from sensorium.run.side_by_side import Lanes


@lru_cache(maxsize=1)  # a worker loads its models once, not once per file
def _built(config: Config, threads: int) -> Built:
    return build(config, threads)


def work_on(job: Job) -> Outcome:
    """Does what is left to do for one input, and says what became of it."""
    started = time.monotonic()
    outcome = _Work(job, _built(job.config, job.threads)).run()
    return replace(outcome, seconds=round(time.monotonic() - started, 3))


def died(job: Job, error: BaseException) -> Outcome:
    """Keeps the error of a worker that could not answer for itself; to be tried again next time."""
    return _Work(job, None).failed_outside(error)


@dataclass(frozen=True, slots=True)
class _Unread:
    """Stands for the file in the records of an error that came before it was read."""

    uri: str
    digest: str = ""


class _Work:
    """One file's way through the passes."""

    def __init__(self, job: Job, built: Built | None) -> None:
        self._job = job
        self._maybe_built = built
        self._layout = Layout(job.library)
        self._sink = Sink(self._layout)
        self._uri = job.input.uri
        self._computed: list[str] = []
        self._found: list[str] = []
        self._failures: list[Failure] = []
        self._warnings: list[str] = []
        self._told: dict[str, list[str]] = {}  # warnings of each pass
        self._lanes = Lanes(job.side_by_side)
        self._noting = threading.Lock()
        self._results: dict[str, Path] = {}

    @property
    def _built(self) -> Built:
        if self._maybe_built is None:
            raise RuntimeError("only `failed_outside` works without passes")
        return self._maybe_built

    def run(self) -> Outcome:
        """Every pass that is not finished, in order of need."""
        stat = state_of(self._uri)
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
        return self._outcome(ref.kind, ref.duration)

    def failed_outside(self, error: BaseException) -> Outcome:
        """The outcome of work that ended without one; what it had finished stays."""
        entry = self._entry() or {"uri": self._uri, "digest": "", "stat": None, "ref": None}
        target = self._layout.results / "unread" / f"work-{digest(self._uri)}"
        source = _Unread(self._uri, entry["digest"])
        self._fail("work", target, source, {}, error)
        self._note(entry)
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
        try:
            return json.loads(self._layout.input_file(self._uri).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}

    def _note(self, entry: Mapping[str, Any]) -> None:
        """Points the input at its results so far; those of passes not asked for now stay."""
        with self._noting:
            self._write_entry(entry)

    def _write_entry(self, entry: Mapping[str, Any]) -> None:
        before = self._entry()
        kept = before.get("results", {}) if before.get("digest") == entry["digest"] else {}
        root = self._layout.root
        now = {
            name: path.relative_to(root).as_posix() for name, path in list(self._results.items())
        }
        stale = {"work"} | self._without_needs()
        kept = {name: path for name, path in kept.items() if name not in stale}
        write_json(self._layout.input_file(self._uri), {**entry, "results": {**kept, **now}})

    def _without_needs(self) -> set[str]:
        """Passes that cannot be right any more, because one that they build on failed."""
        failed = {failure.step for failure in list(self._failures)}
        passes = self._maybe_built.passes if self._maybe_built else ()
        return {each.name for each in passes if failed & set(each.needs)}

    def _unreadable(self, stat: list[int] | None, error: Exception) -> Outcome:
        self._warnings.clear()  # the error says it
        target = self._layout.results / "unread" / f"media-{digest([self._uri, stat])}"
        source = _Unread(self._uri)
        state = self._sink.finished(target, self._job.retry_failed)
        if state is None:
            self._fail("media", target, source, {}, error)
        else:
            self._remembered("media", target, state)
        self._note({"uri": self._uri, "digest": "", "stat": stat, "ref": None})
        return self._outcome()

    def _media(self, ref: MediaRef, entry: Mapping[str, Any]) -> None:
        """The records of the file itself and of the subtitle files beside it."""
        beside = self._built.subtitles.beside(self._uri)
        recipe = {"name": "media", "version": 2, "subtitles": [name_and_digest(p) for p in beside]}
        target = self._layout.result(ref.digest, "media", digest(recipe))
        self._do("media", target, ref, recipe, lambda: self._media_records(ref, beside))
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
        target = self._layout.result(ref.digest, each.name, prints[each.name])
        earlier = EarlierRecords(
            [self._results[name] for name in each.needs if name in self._results]
        )
        report = self._reporter(each.name, ref.duration)
        report(0.0)
        self._do(each.name, target, ref, each.recipe(), lambda: each.run(ref, earlier, report))
        self._note(entry)

    def _do(self, step: str, target: Path, ref: MediaRef, recipe: Mapping, run: Any) -> None:
        """One result: found, computed, or failed with a record that says why."""
        state = self._sink.finished(target, self._job.retry_failed)
        if state is not None:
            self._remembered(step, target, state)
            return
        told: list[str] = []

        def results() -> Iterator[Any]:
            with heard(self._uri, told):
                yield from without_warnings(run(), told)
            yield from warning_records(step, told)

        try:
            self._sink.write(target, ref, results(), recipe)
        except Exception as error:
            self._fail(step, target, ref, recipe, error)
            return
        finally:
            self._told.setdefault(step, []).extend(told)
        self._results[step] = target
        self._computed.append(step)

    def _remembered(self, step: str, target: Path, state: Mapping[str, Any]) -> None:
        self._results[step] = target
        if state["status"] == "failed":
            self._failures.append(Failure(step, state["error"], state["message"]))
        else:
            self._found.append(step)
            if state["counts"].get("warning"):
                for record in read_records("warning", target / "warning.parquet"):
                    self._told.setdefault(step, []).append(record.values["message"])
            if state["counts"].get("error"):
                for record in read_records("error", target / "error.parquet"):
                    self._failures.append(Failure(**record.values))

    def _fail(
        self, step: str, target: Path, source: Any, recipe: Mapping, error: BaseException
    ) -> None:
        message = str(error) if isinstance(error, SensoriumError) else _unexpected(self._uri, error)
        failure = Failure(step, type(error).__name__, message)
        self._failures.append(failure)
        self._results[step] = target
        # A bad file stays bad; anything else (memory, disk, a missing package) may be better next time.
        again = isinstance(error, MissingMediaError) or not isinstance(error, MediaError)
        marks = {"again": again, "error": failure.error, "message": failure.message}
        self._sink.write(target, source, [error_record(failure)], recipe, marks)

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
    return f"{uri}: unexpected {type(error).__name__}: {error}"
