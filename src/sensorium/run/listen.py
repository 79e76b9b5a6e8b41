"""Listening: words and turns of a stream as they settle."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from threading import Event as Flag

from sensorium.adapters.media.reader import MediaReader
from sensorium.core.config import Config
from sensorium.core.errors import MissingDependencyError, UnsupportedMediaError, UsageError
from sensorium.core.events import Event, NoteEvent
from sensorium.core.media import Audio
from sensorium.pipelines.live.listener import Listener
from sensorium.pipelines.live.pace import Inbox, Pace, Sound
from sensorium.run.config_file import as_config
from sensorium.run.plan import listener

_CHUNK = 0.5  # seconds that arrive at once where we choose


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
    source: str | os.PathLike[str] | Iterable[Audio],
    *,
    config: Config | str | os.PathLike[str] | None = None,
    hearing: Hearing | None = None,
    stop: Flag | None = None,
) -> Iterator[Event]:
    """Hears a stream: words and turns as they settle, tentative words, and notes.

    `source` is a file, ``"-"`` for standard input, ``"microphone"``, or chunks of `Audio` of any rate and
    length that a program makes; `config` a `Config` or a YAML file of one.
    Ends with the source, when `stop` is set, or with an interrupt; in each
    case everything that was heard is given out first, also where the source breaks or a model fails:
    the error is raised after that. Where computing falls behind a live source, more sound is taken at
    once, a note says so, and nothing is dropped.

    Raises:
        MediaError: the source cannot be read, or broke.
        ModelError: a model that was chosen is not installed, or failed.

    Example::

        for event in sm.listen("talk.wav"):
            print(event.plain())
    """
    hearing, stop = hearing or Hearing(), stop or Flag()
    heard = listener(as_config(config), hearing.words, hearing.turns, hearing.latency)
    sound = _sound(source, hearing, stop)
    live = Inbox(sound, stop.is_set) if _is_live(source, hearing) else None
    yield from told(heard, sound, live, stop)


def told(
    heard: Listener, sound: Iterable[Sound], live: Inbox | None, stop: Flag
) -> Iterator[Event]:
    """What a listener hears in a sound, or in that of an inbox; see `listen`."""
    failure: Exception | None = None
    try:
        for event_or_chunk in _noted(sound if live is None else live, live):
            if isinstance(event_or_chunk, NoteEvent):
                yield event_or_chunk
            else:
                yield from heard.step(event_or_chunk)
            if heard.failure is not None or (live is None and stop.is_set()):
                break
    except KeyboardInterrupt:
        pass
    except Exception as error:
        failure = error
    if heard.started:
        yield from heard.finish()
    failure = failure or heard.failure
    if failure is not None:
        raise failure


def _noted(sound: Iterable[Sound], live: Inbox | None) -> Iterator[Sound]:
    """The sound, and of a live one whether computing keeps up.

    Behind is what waits here although it arrived no faster than it was said: a file that is piped in
    as fast as it can be read is not live.
    """
    pace, started = Pace(), None
    for item in sound:
        if live is not None and isinstance(item, Audio):
            now = time.monotonic()
            started = now - item.end if started is None else started
            yield from pace.step(min(live.waiting, now - started - item.end), item.end)
        yield item


def _is_live(source: object, hearing: Hearing) -> bool:
    """Whether sound arrives at its own pace: it is read beside the computing."""
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source) in ("microphone", "-") or hearing.real_time
    return True


def _sound(
    source: str | os.PathLike[str] | Iterable[Audio], hearing: Hearing, stop: Flag
) -> Iterator[Sound]:
    """Sound from any source, as it comes."""
    from sensorium.adapters.media import arriving as live

    if not isinstance(source, (str, os.PathLike)):
        return live.from_chunks(source)
    name = os.fspath(source)
    if name == "microphone":
        return _microphone()(_CHUNK)
    if name == "-":
        rate, channels = hearing.sample_rate, hearing.channels
        stream = live.Interruptible(sys.stdin.buffer, stop.is_set)
        return live.from_stream(stream, rate, channels, "standard input")
    media = MediaReader()
    ref = media.probe(os.path.abspath(name))
    if not ref.has_sound:
        raise UnsupportedMediaError(f"{name}: expected sound, found none")
    pieces = live.rechunked(media.audio(ref, live.RATE), _CHUNK)
    return _paced(pieces) if hearing.real_time else pieces


def _microphone() -> Callable[[float], Iterator[Sound]]:
    try:
        from sensorium.adapters.media.microphone import from_microphone
    except (ImportError, OSError) as error:  # OSError: the package is there, its PortAudio is not
        raise MissingDependencyError(
            f'microphone: needs sounddevice with PortAudio ({error}); pip install "sensorium[microphone]"'
        ) from None
    return from_microphone


def _paced(chunks: Iterator[Audio]) -> Iterator[Audio]:
    """Every chunk when a microphone would have heard its end."""
    started = time.monotonic()
    for chunk in chunks:
        time.sleep(max(0.0, started + chunk.end - time.monotonic()))
        yield chunk
