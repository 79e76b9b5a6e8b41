"""Files and streams of strangers decoded behind a fence, for programs that work on them at once.

A few processes that are started once answer one question after the other (`decoding`), so that a file
costs no more than the way of its samples through a pipe. A decoder that dies, or takes too long, costs
its file; the next one gets a fresh one.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from math import prod
from typing import Any

import numpy as np
from loky.backend import get_context
from numpy.typing import NDArray

from sensorium.adapters.fencing.decoding import DATA, MORE, STOP, Part, decode
from sensorium.adapters.fencing.fence import ALONE, Enclosed
from sensorium.adapters.fencing.fenced_reader import FencedReader
from sensorium.adapters.media.arriving import Bytes, Sound, from_stream
from sensorium.adapters.media.notices import notice
from sensorium.adapters.media.reader import MediaReader
from sensorium.core import errors
from sensorium.core.errors import LimitError, MediaError, SensoriumError
from sensorium.core.events import NoteEvent
from sensorium.core.limits import Fence, Limits
from sensorium.core.media import Audio
from sensorium.ports import Reader

# Of one decoder: a step is a header, ten seconds of sound, one picture. It writes no files.
FENCE = Fence(memory=2e9, seconds=60.0, file_bytes=1e6)
_QUESTIONS = 300  # after which a decoder makes room for a fresh one
_MOST_SECONDS = 60.0  # of sound in one answer
_START = 60.0  # seconds


class Unfenced:
    """What `Decoders` does, in this process."""

    arriving = staticmethod(from_stream)

    def reader(self, limits: Limits) -> Reader:
        """The door for files."""
        return MediaReader(limits)


class Decoders:
    """Processes behind a fence; `keep` of them wait when there is nothing to do, for any number at once.

    `opened` makes the reader inside; in tests one that breaks.
    """

    def __init__(
        self,
        fence: Fence = FENCE,
        keep: int = 2,
        opened: Callable[[Limits], Reader] | None = None,
    ) -> None:
        self._fence, self._keep, self._opened = fence, keep, opened
        self._idle: list[_Decoder] = []
        self._lock = threading.Lock()

    def reader(self, limits: Limits) -> Reader:
        """The door for files."""
        return FencedReader(self.parts, limits)

    def arriving(
        self, stream: Bytes, sample_rate: int, channels: int, name: str
    ) -> Iterator[Sound]:
        """As `media.arriving.from_stream`, which see; while bytes are waited for, no time is counted."""
        asked = {"do": "arriving", "rate": sample_rate, "channels": channels}
        for header, values in self.parts(name, asked, stream.read):
            if values is None:
                yield NoteEvent(header["kind"], header["message"], header["at"])
            else:
                yield Audio(values, header["rate"], header["start"])

    def warm(self) -> None:
        """Starts one, so that the first file need not wait for that."""
        with self._one("a decoder"):
            pass

    def close(self) -> None:
        """Ends those that wait; one that is at work ends with its work."""
        with self._lock:
            self._keep, idle, self._idle = 0, self._idle, []
        for each in idle:
            each.end()

    def parts(
        self, name: str, asked: Mapping[str, Any], feed: Callable[[int], bytes] | None = None
    ) -> Iterator[Part]:
        """What one question brings, from a decoder that is taken for it. Raises MediaError."""
        with self._one(name) as decoder:
            yield from decoder.parts({**asked, "name": name}, feed)

    @contextmanager
    def _one(self, name: str) -> Iterator[_Decoder]:
        with self._lock:
            decoder = self._idle.pop() if self._idle else None
        if decoder is None or not decoder.fit:
            decoder = _Decoder(self._fence, self._opened, name)
        try:
            yield decoder
        finally:
            with self._lock:
                kept = decoder.fit and len(self._idle) < self._keep
                if kept:
                    self._idle.append(decoder)
            if not kept:
                decoder.end()


class _Decoder:
    """One process, and the line to it."""

    def __init__(self, fence: Fence, opened: Callable[[Limits], Reader] | None, name: str) -> None:
        context = get_context("loky")
        self._line, theirs = context.Pipe()
        self._process = context.Process(
            target=decode,
            args=(theirs, Enclosed(fence), os.getpid(), opened),
            daemon=True,
            env=ALONE,
        )
        self._fence, self._late, self._asked, self._over = fence, False, 0, False
        self._process.start()
        theirs.close()
        with self._watched(_START):
            told, _ = self._heard(name)
        self.stands: tuple[str, ...] = tuple(told["stands"])

    @property
    def fit(self) -> bool:
        """Whether it can be asked again."""
        return not self._over and self._asked < _QUESTIONS and self._process.is_alive()

    def end(self) -> None:
        """Ends the process, whatever it does."""
        self._over = True
        _kill(self._process)
        self._process.join()
        self._line.close()

    def parts(
        self, question: Mapping[str, Any], feed: Callable[[int], bytes] | None
    ) -> Iterator[Part]:
        """Every part of the answer; bytes that it wants come from `feed`."""
        name, message, going = question["name"], json.dumps(question).encode(), True
        self._asked += 1
        try:
            while True:
                header, values = self._said(name, message)
                if header["is"] in ("end", "error"):
                    going = False
                    _passed_on(name, header)
                    return
                if header["is"] == "want" and feed is not None:
                    message = DATA + feed(header["size"])
                    continue
                yield header, values
                message = MORE
        finally:
            if going and not self._over:
                self._stopped(name)

    def _stopped(self, name: str) -> None:
        """Nobody wants the rest of the answer."""
        with suppress(SensoriumError):
            if self._said(name, STOP)[0]["is"] == "end":
                return
        if not self._over:
            self.end()

    def _said(self, name: str, message: bytes) -> Part:
        """The answer to one message. Raises MediaError, then the process is over."""
        with self._watched(self._fence.seconds), suppress(BrokenPipeError, ConnectionError):
            self._line.send_bytes(message)
        with self._watched(self._fence.seconds):
            return self._heard(name)

    @contextmanager
    def _watched(self, seconds: float) -> Iterator[None]:
        """Whoever is not done in time is killed, which ends every wait for it."""
        timer = threading.Timer(seconds, self._is_late)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _is_late(self) -> None:
        self._late = True
        _kill(self._process)

    def _heard(self, name: str) -> Part:
        try:
            header = json.loads(self._line.recv_bytes(1 << 22))
            values = self._numbers(header) if "shape" in header else None
            return _checked(header), values
        except (EOFError, ConnectionError):
            why = self._death(name)
        except Exception:  # it was taken over, or is in disorder: nothing that it says counts
            why = MediaError(
                f"{name}: its decoder gave no answer that could be meant; is it damaged?"
            )
        self.end()
        raise why

    def _numbers(self, header: Mapping[str, Any]) -> NDArray:
        """The array that follows, of a size that was checked before there is memory for it."""
        shape = tuple(header["shape"])
        if header["is"] == "audio":
            dtype: Any = np.float32
            most = round(_MOST_SECONDS * header["rate"])
        else:
            dtype, most = np.uint8, 3 * Limits().max_pixels
        if not all(isinstance(each, int) and each > 0 for each in shape) or prod(shape) > most:
            raise ValueError(shape)
        values = np.empty(shape, dtype)
        if self._line.recv_bytes_into(values.reshape(-1).view(np.uint8).data) != values.nbytes:
            raise ValueError(shape)
        return values

    def _death(self, name: str) -> MediaError:
        self._process.join(5)
        code = self._process.exitcode or 0
        if self._late:
            return LimitError(
                f"{name}: a step of its decoding was not done within {self._fence.seconds:g} s, the time "
                "that the fence leaves to it; cut or scale it"
            )
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return MediaError(
            f"{name}: its decoder died ({how}): damaged, made to break decoders, or more memory than the "
            f"{self._fence.memory / 1e9:g} GB of the fence"
        )


def _kill(process: Any) -> None:
    """Ends a process that may not want to; loky's have no `kill`."""
    if not process.is_alive():
        return
    if os.name == "posix":
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    else:
        process.terminate()


def _checked(header: dict[str, Any]) -> dict[str, Any]:
    """What a decoder says, if it has the form of an answer. Raises whatever is wrong with it."""
    forms: dict[str, Sequence[tuple[str, type | tuple[type, ...]]]] = {
        "ready": [("stands", list)], "end": [("notices", list)],
        "error": [("error", str), ("message", str), ("notices", list)], "want": [("size", int)],
        "ref": [("ref", dict)], "note": [("kind", str), ("message", str), ("at", (int, float))],
        "audio": [("rate", int), ("start", (int, float)), ("shape", list)],
        "frames": [("times", list), ("shape", list)],
    }  # fmt: skip
    for key, kind in forms[header["is"]]:
        if not isinstance(header[key], kind):
            raise TypeError(key)
    return header


def _passed_on(name: str, header: Mapping[str, Any]) -> None:
    """Notices and the error at the end of an answer, as if they had come about here."""
    for message in header["notices"]:
        notice(name, str(message).removeprefix(f"{name}: "))
    if header["is"] == "error":
        kind = getattr(errors, header["error"], None)
        known = isinstance(kind, type) and issubclass(kind, SensoriumError)
        raise (kind if known and kind is not None else MediaError)(header["message"])
