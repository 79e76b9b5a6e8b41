"""Between sound that arrives at its own pace and computing that may not keep up with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from threading import Condition, Thread

from sensorium.core.events import NoteEvent
from sensorium.core.media import Audio

Sound = Audio | NoteEvent
_LEAST = 0.5  # seconds that are taken at once, if as much arrives
_MOST = 10.0
_HELD = 600.0  # seconds that wait in memory before the source has to
_BEHIND = 2.0  # seconds that wait when it is worth a note
_PATIENCE = 1.0  # seconds that a source has to end when it shall
_WAKE = 0.1  # seconds between two looks at whether to stop


class Inbox:
    """Sound that arrived and was not taken yet; read in a thread of its own, nothing is dropped.

    A source that can wait (a pipe) has to when so many seconds of sound are held.
    """

    def __init__(
        self, source: Iterable[Sound], stopped: Callable[[], bool], held: float = _HELD
    ) -> None:
        self._source = source
        self._held = held
        self._stopped = stopped
        self._items: deque[Sound] = deque()
        self._changed = Condition()
        self._done = False
        self._error: Exception | None = None
        self.waiting = 0.0  # seconds of sound that are held

    def __iter__(self) -> Iterator[Sound]:
        """Notes, and sound in pieces: half a second, or up to ten of what piled up."""
        reading = Thread(target=self._read, daemon=True)
        reading.start()
        try:
            while taken := self._taken():
                yield from taken
        finally:
            with self._changed:
                self._done = True
                self._changed.notify_all()
            reading.join(timeout=_PATIENCE)
        if self._error is not None and not self._stopped():
            raise self._error

    def _read(self) -> None:
        try:
            for item in self._source:
                with self._changed:
                    self._changed.wait_for(lambda: self._done or self.waiting < self._held)
                    if self._done:
                        break
                    self._items.append(item)
                    self.waiting += _seconds(item)
                    self._changed.notify_all()
        except Exception as error:
            self._error = error
        with self._changed:
            self._done = True
            self._changed.notify_all()

    def _taken(self) -> list[Sound]:
        """Notes and one piece of sound; nothing at the end."""
        with self._changed:
            while self.waiting < _LEAST and not self._done and not self._stopped():
                self._changed.wait(_WAKE)
            notes: list[Sound] = []
            sound: Audio | None = None
            while self._items and (sound is None or sound.duration < _MOST):
                item = self._items.popleft()
                self.waiting = max(self.waiting - _seconds(item), 0.0)
                if isinstance(item, NoteEvent):
                    notes.append(item)
                else:
                    sound = item if sound is None else sound.followed_by(item)
            self._changed.notify_all()
        return notes if sound is None else [*notes, sound]


def _seconds(item: Sound) -> float:
    return item.duration if isinstance(item, Audio) else 0.0


class Pace:
    """Tells when computing falls behind what arrives, and when it has caught up."""

    def __init__(self) -> None:
        self._told = 0.0  # seconds it was behind when that was told; 0: it keeps up

    def step(self, late: float, at: float) -> list[NoteEvent]:
        """Notes, for sound that was `late` seconds when it was taken."""
        if late > max(_BEHIND, 2 * self._told):
            self._told = late
            message = (
                f"computing is {late:.1f} s behind; taking more sound at once, nothing is dropped"
            )
            return [NoteEvent("behind", message, at)]
        if self._told and late < _BEHIND / 2:
            self._told = 0.0
            return [NoteEvent("resumed", "computing has caught up", at)]
        return []
