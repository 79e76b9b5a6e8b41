"""The passes of one file, those over its sound beside those over its pictures."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from sensorium.ports import Pass
from sensorium.run.plan import OVER_SOUND


class Stopped(BaseException):
    """Raised in one thread because the other one was interrupted; no failure of the file."""


class Lanes:
    """Calls one function for every pass, in order of need, and for two at a time where that may be.

    Two passes of one lane never run at once: those over sound share what they found out about its channels,
    and those over pictures build on one another.
    """

    def __init__(self, at_once: bool) -> None:
        self._at_once = at_once
        self._stop = threading.Event()

    def check(self) -> None:
        """To be called now and then by whatever takes long."""
        if self._stop.is_set():
            raise Stopped

    def run(self, passes: Sequence[Pass], do: Callable[[Pass], None]) -> None:
        """Returns when all are done. What one raises is raised when the other lane has stopped."""
        heard, seen, last = _lanes(passes) if self._at_once else ([], list(passes), [])
        if heard and seen:
            with ThreadPoolExecutor(1) as other:
                waiting = other.submit(self._all, heard, do)
                try:
                    self._all(seen, do)
                except Stopped:
                    waiting.result()  # raises what it was stopped for
                    raise
                waiting.result()
        else:
            self._all(heard + seen, do)
        self._all(last, do)

    def _all(self, passes: Sequence[Pass], do: Callable[[Pass], None]) -> None:
        try:
            for each in passes:
                self.check()
                do(each)
        except BaseException:
            self._stop.set()
            raise


def _lanes(passes: Sequence[Pass]) -> tuple[list[Pass], list[Pass], list[Pass]]:
    """(over sound, over pictures, what builds on both), each in the order given."""
    heard = [each for each in passes if each.name in OVER_SOUND]
    names, last = {each.name for each in heard}, list[Pass]()
    for each in passes:
        if each.name not in OVER_SOUND and names & set(each.needs):
            names.add(each.name)
            last.append(each)
    return heard, [each for each in passes if each.name not in names], last


def has_cores(num_workers: int) -> bool:
    """Whether so many workers leave a second core to each."""
    able = getattr(os, "sched_getaffinity", None)
    cores = len(able(0)) if able else os.cpu_count() or 1
    return 2 * max(num_workers, 1) <= cores
