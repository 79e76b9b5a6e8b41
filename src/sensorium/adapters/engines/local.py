"""Executors on this machine: in this process, or in worker processes through loky.

loky rather than `concurrent.futures`: it needs no ``if __name__ == "__main__"`` guard in the user's script,
and says which kind of death a worker died.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from loky.process_executor import ProcessPoolExecutor, TerminatedWorkerError

from sensorium.adapters.fencing.fence import ALONE, Enclosed, leave_with
from sensorium.core.errors import WorkerError

_LOOK = 0.2  # seconds between two looks at whether to stop


class Stopped(WorkerError):
    """Work that was given up because somebody asked for that."""


class InProcess:
    """Runs everything here, one item after the other; for tests and for debugging."""

    shares_disk = True

    def map(
        self, function: Callable[[Any], Any], items: Sequence[Any]
    ) -> Iterator[tuple[int, Any]]:
        """(index, result or the exception that came instead), in order."""
        for index, item in enumerate(items):
            try:
                yield index, function(item)
            except Exception as error:
                yield index, error


def _begin(parent: int, fence: Enclosed | None) -> None:
    if fence is not None:
        fence.enter()  # first, so that every thread is inside
    leave_with(parent)


Late = Callable[[Any, float], str]  # (item, seconds that it runs) -> what to say of it, or nothing


class LocalPool:
    """Runs items in `num_workers` processes; one that dies costs its own item only.

    At most one item per worker is under way. When a worker dies (out of memory, a crash in native
    code), every item under way is tried once more, alone in a fresh process: the one that kills that
    process too is answered with a WorkerError, the others with their results. When `stop` is set, what
    is under way is given up, its processes are ended, and `map` raises Stopped. With a `fence` the
    workers live inside it; an item that is `late` is answered with a WorkerError, and its process ended.
    """

    shares_disk = True

    def __init__(
        self,
        num_workers: int,
        stop: threading.Event | None = None,
        fence: Enclosed | None = None,
        late: Late | None = None,
    ) -> None:
        self._num_workers = num_workers
        self._stop = stop
        self._fence = fence
        self._lateness = late or (lambda item, seconds: "")
        self._looks = stop is not None or late is not None
        self._since: dict[Future, float] = {}

    def _pool(self, num_workers: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            max_workers=num_workers,
            initializer=_begin,
            initargs=(os.getpid(), self._fence),
            env=ALONE if self._fence else None,
        )

    def _submit(self, pool: ProcessPoolExecutor, function: Callable, item: Any) -> Future:
        future = pool.submit(function, item)
        self._since[future] = time.monotonic()
        return future

    def map(
        self, function: Callable[[Any], Any], items: Sequence[Any]
    ) -> Iterator[tuple[int, Any]]:
        """(index, result or the exception that came instead), as they are finished."""
        waiting = list(range(len(items)))[::-1]
        running: dict[Future, int] = {}
        pool = self._pool(self._num_workers)
        try:
            while waiting or running:
                while waiting and len(running) < self._num_workers:
                    index = waiting.pop()
                    running[self._submit(pool, function, items[index])] = index
                done = self._finished({future: items[index] for future, index in running.items()})
                if any(isinstance(why, (TerminatedWorkerError, _Late)) for why in done.values()):
                    pool.shutdown(kill_workers=True)
                    for future, why in done.items():
                        if isinstance(why, _Late):
                            yield running.pop(future), WorkerError(str(why))
                    yield from self._one_by_one(function, items, sorted(running.values()))
                    running, pool = {}, self._pool(self._num_workers)
                    self._since.clear()
                    continue
                for future, why in done.items():
                    yield running.pop(future), why or future.result()
        finally:
            # Work that is still under way was given up (Ctrl-C): it must not go on unseen.
            pool.shutdown(kill_workers=bool(running))

    def _one_by_one(
        self, function: Callable[[Any], Any], items: Sequence[Any], suspects: Sequence[int]
    ) -> Iterator[tuple[int, Any]]:
        for index in suspects:
            pool = self._pool(1)
            try:
                future = self._submit(pool, function, items[index])
                why = self._finished({future: items[index]})[future]
                if isinstance(why, TerminatedWorkerError):
                    why = WorkerError(self._death(items[index], why))
                elif isinstance(why, _Late):
                    why = WorkerError(str(why))
                yield index, why or future.result()
            finally:
                pool.shutdown(kill_workers=True)

    def _death(self, item: Any, error: Exception) -> str:
        fence = self._fence
        least = (
            f"more memory than the fence allows ({fence.limits.memory / 1e9:g} GB)" if fence else ""
        )
        return (
            f"{item}: the worker process died while it worked on this input, twice ({_reason(error)}); "
            f"{least or 'out of memory'}, or a crash in a native library"
        )

    def _finished(self, running: Mapping[Future, Any]) -> dict[Future, BaseException | None]:
        """Those that are finished or late, as soon as one is, each with what went wrong. Raises Stopped."""
        look = _LOOK if self._looks else None
        while not (self._stop and self._stop.is_set()):
            done, under_way = wait(running, look, return_when=FIRST_COMPLETED)
            over: dict[Future, BaseException | None] = {f: f.exception() for f in done}
            for future in under_way:
                if told := self._lateness(running[future], time.monotonic() - self._since[future]):
                    over[future] = _Late(told)
            if over:
                for future in over:
                    del self._since[future]
                return over
        raise Stopped("the work was given up, as it was asked to be")


class _Late(Exception):
    """An item that took longer than it may."""


def _reason(error: Exception) -> str:
    """The exit codes, without loky's paragraph around them."""
    lines = [line.strip() for line in str(error).splitlines() if "exit code" in line.lower()]
    return lines[-1] if lines else type(error).__name__
