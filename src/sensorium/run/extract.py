"""The main job: many files in, one library out."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sensorium.core.config import Config
from sensorium.core.limits import Fence
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.library.lock import held
from sensorium.library.store.shelf import Shelf
from sensorium.library.store.writing import Writing, carried
from sensorium.models.installing import install, installed
from sensorium.models.store import is_offline, is_there
from sensorium.people.portraits import take_cast
from sensorium.people.recognise import recognise
from sensorium.ports import Executor
from sensorium.run.config_file import as_config
from sensorium.run.executors import Options, executor_for, weights_of
from sensorium.run.inputs import KIND_OF, Input, find
from sensorium.run.job import Job, Jobs, Outcome
from sensorium.run.parts.finished import already
from sensorium.run.parts.keys import stat_of
from sensorium.run.parts.side_by_side import has_cores
from sensorium.run.plan import check, weights_for
from sensorium.run.progress import Watcher, watcher
from sensorium.run.work import died, work_on


def extract(
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    config: Config | str | os.PathLike[str] | None = None,
    workers: int | Options = 1,
    threads: int = 1,
    retry_failed: bool = False,
    progress: bool = True,
) -> Library:
    """Turns images, audio and video into a library: who spoke when, what was said, who was seen.

    `inputs` are files, folders (with all that is in them), patterns and addresses of these (``s3://``,
    ``gs://``, ``https://``), in any mix. `out` is the
    library's folder: new, empty or a library, to which results are added. What is finished already
    is not computed again. `workers` is the number of processes, 0 works in this one; `threads` is how
    many the models of each may use; `Options` in place of a number say these and more, such as a fence
    around work on files of strangers. `config` is a `Config` or a YAML file of one. A file
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
    options = workers if isinstance(workers, Options) else Options(workers, threads, retry_failed)
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
    found = find(inputs, leave_out=Path(out))
    fence = options.limits(found)
    check(config)
    fetch(config, found, watch, fence)
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
        executor = executor_for(options, config, found, layout)
        outcomes = _worked(_jobs(found, config, layout, options), executor, layout, watch)
        watch.note(recognise(layout, [outcome.uri for outcome in outcomes]))
    return outcomes


def _worked(jobs: Jobs, executor: Executor, layout: Layout, watch: Watcher) -> list[Outcome]:
    """What became of each input: those that are finished, then those that the executor works on."""
    writing = Writing(layout)
    jobs = jobs.of(writing.run)
    outcomes: list[Any] = [None] * len(jobs)
    watch.start(jobs)
    try:
        left = []
        for index, outcome in enumerate(already(jobs, layout)):
            outcomes[index] = outcome
            if outcome is None:
                left.append(index)
            else:
                watch.done(index, outcome)
        work = (
            jobs if executor.shares_disk else jobs.of(writing.run, partial(carried, Shelf(layout)))
        )
        if not executor.shares_disk:
            left.sort(key=lambda index: -_size(jobs[index]))  # no machine is left with the longest
        with closing(_answers(executor, work.only(left))) as answers:
            for place, result in answers:
                job, index = jobs[left[place]], left[place]
                if isinstance(result, Outcome):
                    writing.add(result.frames)
                else:
                    result = died(job, result, writing.sink())
                outcomes[index] = replace(result, frames=b"")
                watch.done(index, outcomes[index])
                writing.poke()
    finally:
        watch.stop()
        writing.finish()
    return outcomes


def _size(job: Job) -> int:
    stat = stat_of(job.input)
    return stat[0] if stat else 0


def _answers(executor: Executor, jobs: Jobs) -> Generator[tuple[int, Any], None, None]:
    if len(jobs):
        yield from executor.map(work_on, jobs)


def fetch(config: Config, found: list[Input], watch: Watcher, fence: Fence | None) -> None:
    """Weights that the inputs will need by their names, before any work: one clear error, and one bar.

    What a name does not tell is fetched when it is needed; inside a fence nothing can be, so all is now.
    """
    wanted = weights_for(config, set(KIND_OF.values())) if fence else weights_of(config, found)
    missing = [name for name in wanted if not is_there(name)]
    if missing and is_offline():
        installed(missing[0])  # says what to do
    if missing:
        install(missing, quiet=watch.silent)


def _jobs(found: list[Input], config: Config, layout: Layout, options: Options) -> Jobs:
    progress = layout.work / "progress"
    progress.mkdir(parents=True)
    root = str(layout.root.absolute())
    like = Job(found[0], config, root, options.threads, options.retry_failed)
    far = options.engine != "local"  # there every core has a worker of its own
    beside = not far and has_cores(1 if options.num_workers is None else options.num_workers)
    like = replace(like, allow_private=options.allow_private, side_by_side=beside)
    return Jobs(found, like, progress)


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """One run at a time writes to a library; what a killed run left in work/ is cleared."""
    with held(layout):
        shutil.rmtree(layout.work, ignore_errors=True)
        layout.make_folders()
        for part in layout.root.glob("*.part"):
            part.unlink()
        try:
            yield
        finally:
            shutil.rmtree(layout.work, ignore_errors=True)
            layout.work.mkdir(exist_ok=True)
