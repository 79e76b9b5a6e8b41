"""What a place that files are fetched from answers, whichever it is."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sensorium.core.errors import FetchError

T = TypeVar("T")
TRIES = 5
PART_SECONDS = (
    60.0  # that one request may take before what came is kept, and the rest asked for anew
)
_LONGEST_PAUSE = 30.0


class Trouble(Exception):
    """Something that may be better in a moment; `after`: seconds that the server asks to wait."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a remote file without reading it.

    `num_bytes`: None where the server does not say; `version`: its ETag, generation or time of change,
    empty where it has none; `ranges`: whether parts of it can be fetched.
    """

    num_bytes: int | None
    version: str
    ranges: bool = True

    @property
    def stat(self) -> list[int] | None:
        """Size and version as two numbers, to be compared; None if they do not tell a change."""
        if self.num_bytes is None or not self.version:
            return None
        return [self.num_bytes, int(hashlib.sha256(self.version.encode()).hexdigest()[:13], 16)]


class Origin(Protocol):
    """Where one file lies. Both raise Trouble, or a SensoriumError where another try would not help."""

    def about(self) -> About:
        """What it is now."""

    def pieces(self, start: int, stop: int | None) -> Iterator[bytes]:
        """The bytes of a range as they arrive (None: to the end); it may end too early."""


class Patience:
    """How long one file may keep us waiting: `seconds` in all, and `TRIES` times in a row.

    Raises:
        FetchError: when it is over.
    """

    def __init__(self, uri: str, seconds: float) -> None:
        self._uri, self._most, self._left = uri, seconds, seconds
        self._failed = 0

    def spend(self, seconds: float) -> None:
        """Counts time that the network took."""
        self._left -= seconds
        if self._left <= 0:
            raise FetchError(
                f"{self._uri}: not fetched within {self._most:.0f} s; try again, or raise Limits.max_fetch"
            )

    def better(self) -> None:
        """Something arrived."""
        self._failed = 0

    def pause(self, trouble: Trouble) -> None:
        """Waits before the next try, longer each time."""
        self._failed += 1
        if self._failed >= TRIES:
            raise FetchError(
                f"{self._uri}: could not be fetched, {TRIES} times in a row ({trouble}); try again later"
            )
        seconds = min(0.25 * 2**self._failed * (0.5 + random.random()), _LONGEST_PAUSE)
        seconds = max(seconds, min(trouble.after, _LONGEST_PAUSE))
        _sleep(seconds)
        self.spend(seconds)

    def tried(self, function: Callable[[], T]) -> T:
        """What a function returns that may raise Trouble."""
        while True:
            began = time.monotonic()
            try:
                found = function()
            except Trouble as trouble:
                self.spend(time.monotonic() - began)
                self.pause(trouble)
            else:
                self.spend(time.monotonic() - began)
                self.better()
                return found


def within(seconds: float, function: Callable[[], T]) -> T:
    """What a function returns or raises, in our time; one that hangs is left behind.

    Raises:
        Trouble: it took longer.
    """
    box: list[Any] = []

    def call() -> None:
        try:
            box.extend((function(), None))
        except BaseException as error:
            box.extend((None, error))

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    if not box:
        raise Trouble(f"a part took more than {seconds:.0f} s")
    value, error = box
    if error is not None:
        raise error
    return value


_sleep = time.sleep
