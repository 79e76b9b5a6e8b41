"""The main job: many files in, one library out."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sensorium.core.config import Config
from sensorium.core.errors import UsageError
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.library.lock import held
from sensorium.models.installing import install, installed
from sensorium.models.store import is_offline, is_there
from sensorium.people.portraits import take_cast
from sensorium.people.recognise import recognise
from sensorium.ports import Executor
from sensorium.run.config_file import as_config
from sensorium.run.inputs import KIND_OF, Input, find
from sensorium.run.job import Job, Outcome
from sensorium.run.plan import check, weights_for
from sensorium.run.progress import Watcher, watcher
from sensorium.run.side_by_side import has_cores
from sensorium.run.work import died, work_on


@dataclass(frozen=True, slots=True)
class Options:
    """How to run, as opposed to what to compute: none of it changes a result.

    `threads` is how many each worker's models may use; the bundled ones are so small that they gain
    nothing from more than one.
    """

    num_workers: int = 1
    threads: int = 1
    retry_failed: bool = False
    executor: Executor | None = None  # None: processes on this machine; 0 workers: this process


def extract(
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    config: Config | str | os.PathLike[str] | None = None,
    workers: int = 1,
    threads: int = 1,
    retry_failed: bool = False,
    progress: bool = True,
) -> Library:
    """Turns images, audio and video into a library: who spoke when, what was said, who was seen.

    `inputs` are files, folders (with all that is in them) and patterns, in any mix. `out` is the
    library's folder: new, empty or a library, to which results are added. What is finished already
    is not computed again. `workers` is the number of processes, 0 works in this one; `threads` is how
    many the models of each may use. `config` is a `Config` or a YAML file of one. A file
    that fails never stops the others: it is warned of, and
    stands in ``library.errors()``.

    Raises:
        UsageError: nothing to do, or a choice that does not exist.
        LibraryError: `out` holds something else, or another run is writing to it.
        ModelError: a model that was chosen is not installed.

    Example::

        library = sm.extract(["talk.mp4", "photos/"], out="library")
        library.words()
    """
    watch = watcher() if progress else Watcher()
    options = Options(workers, threads, retry_failed)
    outcomes = run(inputs, out, as_config(config), options, watch)
    failed = [outcome for outcome in outcomes if outcome.failures]
    if failed:
        first = failed[0].failures[0].message
        warnings.warn(
            f"{len(failed)} of {len(outcomes)} inputs failed, see library.errors(); first: {first}",
            stacklevel=2,
        )
    return Library(out)


def run(
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    config: Config,
    options: Options,
    watch: Watcher,
) -> list[Outcome]:
    """Like `extract`, with the outcome of every input in the order of the inputs."""
    if options.num_workers < 0:
        raise UsageError(f"workers: expected 0 or more, got {options.num_workers}")
    if options.threads < 1:
        raise UsageError(f"threads: expected 1 or more, got {options.threads}")
    found = find(inputs, leave_out=Path(out))
    check(config)
    _fetch(config, found, watch)
    layout = Layout(out)
    layout.create()
    with _alone(layout):
        if config.people.cast is not None:
            watch.note(
                [
                    f"cast: {u.what}: {u.message}"
                    for u in take_cast(layout, config.people.cast, config)
                ]
            )
        jobs = _jobs(found, config, layout, options)
        outcomes: dict[int, Outcome] = {}
        watch.start(jobs)
        try:
            executor = options.executor or _executor(options, found)
            for index, result in executor.map(work_on, jobs):
                outcomes[index] = (
                    result if isinstance(result, Outcome) else died(jobs[index], result)
                )
                watch.done(index, outcomes[index])
        finally:
            watch.stop()
        uris = [outcomes[index].uri for index in range(len(jobs))]
        watch.note(recognise(layout, uris))
    return [outcomes[index] for index in range(len(jobs))]


def _fetch(config: Config, found: list[Input], watch: Watcher) -> None:
    """Weights that the inputs will need by their names, before any work: one clear error, and one bar.

    What a name does not tell is fetched when it is needed.
    """
    kinds = [KIND_OF.get(Path(each.uri).suffix.lower()) for each in found]
    wanted = weights_for(config, dict.fromkeys(kind for kind in kinds if kind))
    missing = [name for name in wanted if not is_there(name)]
    if missing and is_offline():
        installed(missing[0])  # says what to do
    if missing:
        install(missing, quiet=watch.silent)


def _executor(options: Options, found: list[Input]) -> Executor:
    """Processes on this machine; but one photo is done here before a process has begun, and the next one
    finds the models open."""
    from sensorium.adapters.engines.local import InProcess, LocalPool

    one = len(found) == 1 and KIND_OF.get(Path(found[0].uri).suffix.lower()) == "image"
    here = not options.num_workers or (one and options.num_workers == 1)
    return InProcess() if here else LocalPool(options.num_workers)


def _jobs(found: list[Input], config: Config, layout: Layout, options: Options) -> list[Job]:
    progress = layout.work / "progress"
    progress.mkdir(parents=True)
    root = str(layout.root.absolute())
    return [
        Job(
            each,
            config,
            root,
            options.threads,
            options.retry_failed,
            has_cores(options.num_workers),
            str(progress / f"{index}.json"),
        )
        for index, each in enumerate(found)
    ]


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """One run at a time writes to a library; what a killed run left in work/ is cleared."""
    with held(layout):
        shutil.rmtree(layout.work, ignore_errors=True)
        layout.work.mkdir()
        for part in layout.root.glob("*/*.part"):
            part.unlink()
        try:
            yield
        finally:
            shutil.rmtree(layout.work, ignore_errors=True)
            layout.work.mkdir(exist_ok=True)
