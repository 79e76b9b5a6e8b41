"""Executors on this machine: in this process, or in worker processes through loky.

loky rather than `concurrent.futures`: it needs no ``if __name__ == "__main__"`` guard in the user's script,
and says which kind of death a worker died.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from loky.process_executor import ProcessPoolExecutor, TerminatedWorkerError

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


def _leave_with(parent: int) -> None:
    """Ends this worker when the run that started it is gone, whatever it is computing."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class LocalPool:
    """Runs items in `num_workers` processes; one that dies costs its own item only.

    At most one item per worker is under way. When a worker dies (out of memory, a crash in native
    code), every item under way is tried once more, alone in a fresh process: the one that kills that
    process too is answered with a WorkerError, the others with their results. When `stop` is set, what
    is under way is given up, its processes are ended, and `map` raises Stopped.
    """

    shares_disk = True

    def __init__(self, num_workers: int, stop: threading.Event | None = None) -> None:
        self._num_workers = num_workers
        self._stop = stop

    def _pool(self, num_workers: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            max_workers=num_workers, initializer=_leave_with, initargs=(os.getpid(),)
        )

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
                    running[pool.submit(function, items[index])] = index
                done = self._finished(running)
                if any(isinstance(f.exception(), TerminatedWorkerError) for f in done):
                    pool.shutdown(kill_workers=True)
                    yield from self._one_by_one(function, items, sorted(running.values()))
                    running, pool = {}, self._pool(self._num_workers)
                    continue
                for future in done:
                    yield running.pop(future), future.exception() or future.result()
        finally:
            # Work that is still under way was given up (Ctrl-C): it must not go on unseen.
            pool.shutdown(kill_workers=bool(running))

    def _one_by_one(
        self, function: Callable[[Any], Any], items: Sequence[Any], suspects: Sequence[int]
    ) -> Iterator[tuple[int, Any]]:
        for index in suspects:
            pool = self._pool(1)
            try:
                future = pool.submit(function, items[index])
                self._finished([future])
                yield index, future.result()
            except TerminatedWorkerError as error:
                yield (
                    index,
                    WorkerError(
                        f"{items[index]}: the worker process died while it worked on this input, "
                        f"twice ({_reason(error)}); out of memory, or a crash in a native library"
                    ),
                )
            except Stopped:
                raise
            except Exception as error:
                yield index, error
            finally:
                pool.shutdown(kill_workers=True)

    def _finished(self, running: Iterable[Future]) -> set[Future]:
        """Those that are finished, as soon as one is. Raises Stopped."""
        while not (self._stop and self._stop.is_set()):
            done, _ = wait(running, _LOOK if self._stop else None, return_when=FIRST_COMPLETED)
            if done:
                return done
        raise Stopped("the work was given up, as it was asked to be")


def _reason(error: Exception) -> str:
    """The exit codes, without loky's paragraph around them."""
    lines = [line.strip() for line in str(error).splitlines() if "exit code" in line.lower()]
    return lines[-1] if lines else type(error).__name__
