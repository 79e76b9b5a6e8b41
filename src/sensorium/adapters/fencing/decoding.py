"""What a decoder does: a process of its own behind a fence, that makes numbers out of bytes of strangers.

One message there, one back, in turn. What comes back is JSON and bare numbers, never a pickle: whoever took
a decoder over through a broken file could else have the other side run what it likes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, Protocol

from numpy.typing import NDArray

from sensorium.adapters.fencing.fence import Enclosed, leave_with, memory_limit
from sensorium.core.errors import LimitError, MediaError, SensoriumError
from sensorium.core.limits import Limits
from sensorium.core.media import Audio, MediaRef
from sensorium.ports import Reader

MORE, STOP, DATA = b"more", b"stop", b"+"  # what is said while an answer goes on
Part = tuple[dict[str, Any], NDArray | None]


class Line(Protocol):
    """Whole messages to one other process; `multiprocessing.connection.Connection` is one."""

    def send_bytes(self, buf: Any, /) -> None:
        """Sends one message."""

    def recv_bytes(self) -> bytes:
        """Waits for the next one. Raises EOFError when the other side is gone."""


def decode(
    line: Line, fence: Enclosed, parent: int, opened: Callable[[Limits], Reader] | None
) -> None:
    """Answers questions behind the fence until nobody is there to ask; `opened` makes the reader."""
    stands = fence.enter()  # before anything that could start a thread is imported
    leave_with(parent)
    from sensorium.adapters.media import arriving  # noqa: F401
    from sensorium.adapters.media.reader import MediaReader

    _tell(line, {"is": "ready", "stands": stands})
    try:
        while True:
            _answer(line, json.loads(line.recv_bytes()), opened or MediaReader)
    except (EOFError, OSError):
        return


def _answer(line: Line, asked: Mapping[str, Any], opened: Callable[[Limits], Reader]) -> None:
    """Everything that one question brings, each part after the one before was taken."""
    from sensorium.adapters.media.notices import heard

    name, notices = asked["name"], list[str]()
    last: dict[str, Any] = {"is": "end"}
    try:
        with heard(name, notices):
            for header, values in _parts(line, asked, opened):
                _tell(line, header, values)
                if line.recv_bytes() != MORE:
                    break
    except (EOFError, BrokenPipeError):
        raise
    except SensoriumError as error:
        last = _error(type(error), str(error))
    except MemoryError:
        last = _error(
            LimitError, f"{name}: needs more memory than {memory_limit()}; scale or cut it"
        )
    except Exception as error:  # whatever a decoder raises, the file is to blame
        last = _error(MediaError, f"{name}: cannot be decoded ({type(error).__name__}: {error})")
    _tell(line, {**last, "notices": notices})


def _error(kind: type[Exception], message: str) -> dict[str, Any]:
    return {"is": "error", "error": kind.__name__, "message": message}


def _tell(line: Line, header: Mapping[str, Any], values: NDArray | None = None) -> None:
    if values is None:
        line.send_bytes(json.dumps(header).encode())
        return
    line.send_bytes(json.dumps({**header, "shape": values.shape}).encode())
    line.send_bytes(values.tobytes())


def _parts(
    line: Line, asked: Mapping[str, Any], opened: Callable[[Limits], Reader]
) -> Iterator[Part]:
    do, name = asked["do"], asked["name"]
    if do == "arriving":
        yield from _arriving(line, asked)
        return
    reader = opened(Limits(**asked["limits"]))
    if do == "probe":
        yield {"is": "ref", "ref": asdict(reader.probe(name))}, None
        return
    ref = MediaRef(**asked["ref"])
    if do == "audio":
        for audio in reader.audio(ref, asked["rate"], asked["channel"]):
            yield _sound(audio)
    if do == "frames":
        for frames in reader.frames(ref, asked["max_side"], asked["times"]):
            yield {"is": "frames", "times": frames.times.tolist()}, frames.pixels


def _sound(audio: Audio) -> Part:
    return {"is": "audio", "rate": audio.sample_rate, "start": audio.start}, audio.samples


def _arriving(line: Line, asked: Mapping[str, Any]) -> Iterator[Part]:
    from sensorium.adapters.media.arriving import from_stream

    for item in from_stream(_Asked(line), asked["rate"], asked["channels"], asked["name"]):
        if isinstance(item, Audio):
            yield _sound(item)
        else:
            yield {"is": "note", **asdict(item)}, None


class _Asked:
    """A stream whose bytes the other side has; they are asked for when they are needed."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        _tell(self._line, {"is": "want", "size": size})
        told = self._line.recv_bytes()
        return told[len(DATA) :] if told.startswith(DATA) else b""
