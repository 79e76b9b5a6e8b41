"""Listening: words and turns of a stream as they settle."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from sensorium.core.config import Config
from sensorium.core.errors import UnsupportedMediaError, UsageError
from sensorium.core.events import Event, NoteEvent
from sensorium.core.media import Audio
from sensorium.recipes import listener, reader

_CHUNK = 0.5  # seconds that arrive at once where we choose
_MOST = 10.0  # seconds that are taken at once
_BEHIND = 2.0  # seconds by which computing falls back that are worth a note


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """How to listen. `latency`: seconds after which a turn does not change any more, 0.5 to 10.

    `words`, `turns`: what to listen for. `real_time` plays a file at its own pace. `sample_rate` and
    `channels` are those of raw 16-bit samples on standard input; containers know theirs.
    """

    latency: float = 1.0
    words: bool = True
    turns: bool = True
    real_time: bool = False
    sample_rate: int = 16_000
    channels: int = 1

    def __post_init__(self) -> None:
        if not (self.words or self.turns):
            raise UsageError("listen: expected words, turns or both, got neither")
        if self.sample_rate <= 0 or self.channels <= 0:
            raise UsageError(
                f"listen: expected a sample rate and channels above 0, got {self.sample_rate} Hz and "
                f"{self.channels}"
            )


def listen(
    source: str | os.PathLike[str], *, config: Config | None = None, hearing: Hearing | None = None
) -> Iterator[Event]:
    """Hears a stream: words and turns as they settle, tentative words, and notes.

    `source` is a file, ``"-"`` for standard input or ``"microphone"``. Ends with the source or with an
    interrupt (Ctrl-C); either way everything that was heard is given out first, also where the source
    breaks: its error is raised after that. Where computing falls behind a live source, more sound is
    taken at once, a note says so, and nothing is dropped.

    Raises:
        MediaError: the source cannot be read, or broke.
        ModelError: a model that was chosen is not installed.

    Example::

        for event in sm.listen("talk.wav"):
            print(event.plain())
    """
    hearing = hearing or Hearing()
    heard = listener(config or Config(), hearing.words, hearing.turns, hearing.latency)
    chunks = _chunks(os.fspath(source), hearing)
    failure: Exception | None = None
    started, told, any_sound = time.monotonic(), 0.0, False
    try:
        for chunk in chunks:
            if not any_sound:
                started, any_sound = time.monotonic() - chunk.duration, True
            late = time.monotonic() - started - chunk.end
            if late > told + _BEHIND:
                told = late
                message = f"computing is behind by {late:.1f} s; taking more sound at once"
                yield NoteEvent("behind", message, chunk.end)
            yield from heard.step(chunk)
    except KeyboardInterrupt:
        pass
    except Exception as error:
        failure = error
    if any_sound:
        yield from heard.finish()
    if failure is not None:
        raise failure


def _chunks(source: str, hearing: Hearing) -> Iterator[Audio]:
    """Sound from any source, as it comes."""
    from sensorium.adapters.media import live

    if source == "microphone":
        return _queued(live.from_microphone(_CHUNK))
    if source == "-":
        rate, channels = hearing.sample_rate, hearing.channels
        return _queued(live.from_stream(sys.stdin.buffer, rate, channels, "standard input"))
    media = reader()
    ref = media.probe(os.path.abspath(source))
    if not ref.has_sound:
        raise UnsupportedMediaError(f"{source}: expected sound, found none")
    pieces = live.rechunked(media.audio(ref, live.RATE), _CHUNK)
    return _queued(_paced(pieces)) if hearing.real_time else pieces


def _paced(chunks: Iterator[Audio]) -> Iterator[Audio]:
    """Every chunk when a microphone would have heard its end."""
    started = time.monotonic()
    for chunk in chunks:
        time.sleep(max(0.0, started + chunk.end - time.monotonic()))
        yield chunk


def _queued(chunks: Iterator[Audio]) -> Iterator[Audio]:
    """Reads in a thread of its own; all that arrived meanwhile is taken at once, up to 10 s."""
    arrived: queue.Queue[Audio | Exception | None] = queue.Queue(maxsize=4096)

    def read() -> None:
        try:
            for chunk in chunks:
                arrived.put(chunk)
            arrived.put(None)
        except Exception as error:
            arrived.put(error)

    threading.Thread(target=read, daemon=True).start()
    while True:
        item, taken = arrived.get(), None
        while isinstance(item, Audio):
            taken = item if taken is None else taken.followed_by(item)
            enough = taken.duration >= _CHUNK and arrived.empty()
            if enough or taken.duration >= _MOST:
                break
            item = arrived.get()
        if taken is not None:
            yield taken
        if item is None:
            return
        if isinstance(item, Exception):
            raise item
