"""One client's sound through one listener; it outlives the connections over which it comes."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sensorium.adapters.media.arriving import RATE, Bytes, from_raw
from sensorium.core.errors import MediaError
from sensorium.core.events import NoteEvent
from sensorium.core.media import Audio
from sensorium.interfaces.server.entrance import Settings
from sensorium.interfaces.server.problems import problem_of
from sensorium.pipelines.live.listener import Listener
from sensorium.pipelines.live.pace import Inbox, Sound
from sensorium.run.listen import told

_NAME = "the websocket"
Told = tuple[int, dict[str, Any]]  # number, event
# (stream, sample rate, channels, name) -> its sound
Arriving = Callable[[Bytes, int, int, str], Iterator[Sound]]
_SILENCE = 10.0  # seconds of silence at once, for what was lost


class Pipe:
    """Bytes on their way from the event loop to a thread; who puts has to wait while it is full."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._data = bytearray()
        self._changed = threading.Condition()
        self._room = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self.cut = False  # the client is gone without saying that this was all

    async def put(self, data: bytes) -> None:
        """Takes the bytes, then waits until there is room for more."""
        with self._changed:
            if self._closed:
                return
            self._data += data
            full = len(self._data) > self._most
            if full:
                self._room.clear()
            self._changed.notify_all()
        if full:
            await self._room.wait()

    def read(self, size: int, /) -> bytes:
        """At most so many bytes, as soon as there are any; none at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._data or self._closed)
            taken = bytes(self._data[:size])
            del self._data[:size]
            if len(self._data) <= self._most:
                self._wake()
        return taken

    def close(self, cut: bool) -> None:
        """No more bytes come; what is there is still read. The first call counts."""
        with self._changed:
            if not self._closed:
                self._closed, self.cut = True, cut
            self._wake()
            self._changed.notify_all()

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._room.set)


@dataclass(frozen=True)
class Arrival:
    """A connection's bytes: `start` in seconds of the session; of raw samples rate and channels, else 0."""

    pipe: Pipe
    start: float
    rate: int
    channels: int

    def sound(self, arriving: Arriving) -> Iterator[Sound]:
        """Mono chunks at 16 kHz, from 0 seconds; what breaks because the client is gone just ends."""
        try:
            if self.rate:
                yield from from_raw(self.pipe, self.rate, self.channels, _NAME)
            else:
                yield from arriving(self.pipe, RATE, 1, _NAME)
        except MediaError:
            if not self.pipe.cut:
                raise


class Session:
    """Sound in, numbered events out; both go on over a connection that breaks.

    The last `unread` events are kept, so that a client can have again what it missed.
    """

    def __init__(self, listener: Listener, settings: Settings, arriving: Arriving) -> None:
        self._arriving = arriving
        self.name = secrets.token_urlsafe(16)
        self._taken = 0  # samples: sums of seconds would drift
        self.over = False
        self.tentative: Told | None = None  # the last one, and the number of the event before it
        self.woken = asyncio.Event()
        self._finished = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._settings = settings
        self._stop = threading.Event()
        self._arrivals: queue.Queue[Arrival | None] = queue.Queue()
        self._current: tuple[Arrival, asyncio.Event] | None = None
        self._events: deque[Told] = deque(maxlen=settings.unread)
        self._number = 0
        threading.Thread(target=self._run, name="listen", daemon=True).start()

    @property
    def at(self) -> float:
        """How many seconds have been taken in."""
        return self._taken / RATE

    @property
    def attached(self) -> bool:
        """Whether a client is connected."""
        return self._current is not None

    def attach(self, arrival: Arrival, loop: asyncio.AbstractEventLoop) -> asyncio.Event:
        """Goes on with a connection; the one before is given up. Gives what says that this one is, too."""
        if self._current is not None:
            before, taken = self._current
            before.pipe.close(cut=True)
            taken.set()
            self.woken.set()
        self.woken = asyncio.Event()
        mine = asyncio.Event()
        self._current = (arrival, mine)
        self._arrivals.put(arrival)
        return mine

    def detach(self, arrival: Arrival) -> None:
        """That connection is gone."""
        if self._current is not None and self._current[0] is arrival:
            self._current = None

    def end(self) -> None:
        """No more sound comes; what was heard is told."""
        if self._current is not None:
            self._current[0].pipe.close(cut=True)
        self._arrivals.put(None)

    def abandon(self) -> None:
        """What is not told by now is not told any more."""
        self._stop.set()
        self.end()

    async def gone(self) -> None:
        """Waits until all was heard, and told to the client if there is one."""
        await self._finished.wait()
        while self.attached:
            await asyncio.sleep(0.02)

    def told_before(self, start: float) -> int:
        """The number of the last event that settled before `start` seconds had been heard."""
        return max((number for number, each in self._events if each["at"] < start), default=0)

    def since(self, after: int, shown: Told | None) -> list[Told]:
        """Events with a higher number, and the last tentative words in their place unless `shown`.

        Raises:
            LookupError: some of them are not kept any more.
        """
        held = list(self._events)
        if held and held[0][0] > after + 1:
            raise LookupError("events that were not read are gone")
        found = [each for each in held if each[0] > after]
        if self.tentative is not None and self.tentative is not shown:
            found.insert(sum(each[0] <= self.tentative[0] for each in found), self.tentative)
        return found

    def _run(self) -> None:
        inbox = Inbox(self._sound(), self._stop.is_set, self._settings.ahead)
        try:
            for event in told(self._listener, inbox, inbox, self._stop):
                self._tell(event.plain())
        except Exception as error:
            self._tell({"event": "error", **problem_of(error).plain(), "at": round(self.at, 3)})
        self._post(self._end)

    def _end(self) -> None:
        self.over = True
        self._finished.set()
        self.woken.set()

    def _tell(self, event: dict[str, Any]) -> None:
        """From the thread that listens to the event loop, in order."""
        self._post(self._keep, event)

    def _keep(self, event: dict[str, Any]) -> None:
        if event["event"] == "tentative":
            self.tentative = (self._number, event)
        else:
            self._number += 1
            self._events.append((self._number, event))
        self.woken.set()

    def _post(self, *call: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(*call)

    def _sound(self) -> Iterator[Sound]:
        """The sound of one connection after the other; ends with it, or when nobody comes back."""
        while True:
            try:
                arrival = self._arrivals.get(timeout=self._settings.keep)
            except queue.Empty:
                return
            if arrival is None:
                return
            yield from self._lost(arrival.start - self.at)
            yield from self._new(arrival)
            if not arrival.pipe.cut:
                return

    def _lost(self, gap: float) -> Iterator[Sound]:
        """Silence in place of what the client could not send."""
        if gap < 0.5 / RATE:
            return
        yield NoteEvent("lost", f"{gap:.2f} s were not sent; they are taken as silence", self.at)
        left = round(gap * RATE)
        while left > 0:
            num = min(left, round(_SILENCE * RATE))
            yield self._placed(Audio(np.zeros((1, num), np.float32), RATE))
            left -= num

    def _new(self, arrival: Arrival) -> Iterator[Sound]:
        """What a connection brings beyond what was taken before."""
        known = round((self.at - arrival.start) * RATE)
        for item in arrival.sound(self._arriving):
            if isinstance(item, NoteEvent):
                yield replace(item, at=self.at)
                continue
            if known >= item.samples.shape[1]:
                known -= item.samples.shape[1]
                continue
            yield self._placed(Audio(item.samples[:, max(known, 0) :], RATE))
            known = 0

    def _placed(self, audio: Audio) -> Audio:
        placed = replace(audio, start=self.at)
        self._taken += audio.samples.shape[1]
        return placed
