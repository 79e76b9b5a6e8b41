"""The passes of one file, those over its sound beside those over its pictures."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain

from sensorium.ports import Pass
from sensorium.run.plan import OVER_SOUND

FREE = frozenset({"pictures"})  # short, and nothing is built on them


class Stopped(BaseException):
    """Raised in one thread because the other one was interrupted; no failure of the file."""


class Lanes:
    """Calls one function for every pass, in order of need, and for two at a time where that may be.

    Those over sound never run beside one another: they share what they found out about its channels.
    Those over pictures have a lane as well, and `FREE` ones of them are left to the lane that ends first.
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
        free = deque(each for each in seen if self._at_once and each.name in FREE)
        if seen and (heard or free):
            ready = {need: threading.Event() for each in free for need in each.needs}
            for need in ready.keys() - {each.name for each in seen}:
                ready[need].set()  # not asked for

            def one(each: Pass) -> None:
                do(each)
                if each.name in ready:
                    ready[each.name].set()

            own = [each for each in seen if each.name not in FREE]
            with ThreadPoolExecutor(1) as other:
                waiting = other.submit(self._all, chain(heard, self._left(free, ready)), one)
                try:
                    self._all(chain(own, self._left(free, ready)), one)
                except Stopped:
                    waiting.result()  # raises what it was stopped for
                    raise
                waiting.result()
        else:
            self._all(heard + seen, do)
        self._all(last, do)

    def _left(self, free: deque[Pass], ready: Mapping[str, threading.Event]) -> Iterator[Pass]:
        """What neither lane has begun, one after the other, when what it needs is done."""
        with suppress(IndexError):
            while True:
                each = free.popleft()
                for need in each.needs:
                    while not ready[need].wait(0.1):
                        self.check()
                yield each

    def _all(self, passes: Iterable[Pass], do: Callable[[Pass], None]) -> None:
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
