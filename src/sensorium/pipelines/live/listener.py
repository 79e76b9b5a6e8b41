"""One stream of sound into events: words and turns as they settle, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from sensorium.core.events import Event, NoteEvent, TentativeEvent, TurnEvent, WordEvent
from sensorium.core.media import Audio
from sensorium.core.speech import Turn, Word
from sensorium.ops.speech.words import speakers_of
from sensorium.pipelines.live.live_turns import LiveTurns
from sensorium.pipelines.live.live_words import LiveWords

_FULL = 0.999  # amplitude that counts as full scale
_CLIPPED = 0.01  # share of samples at full scale that is worth a note
_SILENT = 10.0  # seconds of digital silence that are worth a note
_AGAIN = 10.0  # seconds without it after which something is told again

Given = TypeVar("Given")


class Listener:
    """Mono 16 kHz chunks of any length in; events out, in the order in which they settle.

    A file and a microphone go through the same two methods. Words wait for the turns that they lie
    in, so that they carry their speaker. Where a model fails, `failure` holds its error: `step` does
    nothing more, and `finish` gives out what was understood up to there.
    """

    def __init__(self, words: LiveWords | None, turns: LiveTurns | None) -> None:
        self._words = words
        self._turns = turns
        self._waiting: list[Word] = []
        self._tentative: tuple[Word, ...] = ()
        self._sound = SoundCheck()
        self._end = 0.0
        self.failure: Exception | None = None

    @property
    def started(self) -> bool:
        """Whether anything was heard."""
        return self._end > 0

    def step(self, chunk: Audio) -> list[Event]:
        """What settled with this chunk."""
        if self.failure is not None:
            return []
        sound, events = self._sound.step(chunk)
        self._end = sound.end
        if self._turns is not None:
            turns = self._turns
            events += self._told(self._trying(lambda: turns.step(sound)))
        if self._words is not None:
            words = self._words
            self._waiting += self._trying(lambda: words.step(sound))
            events += self._settled(self._turns.settled if self._turns else sound.end)
            if words.tentative != self._tentative:
                self._tentative = words.tentative
                events.append(TentativeEvent(self._tentative, sound.end))
        return events

    def finish(self) -> list[Event]:
        """All that was still open; nothing that was heard is lost."""
        events: list[Event] = []
        if self._turns is not None:
            turns = self._turns
            events += self._told(self._trying(turns.finish) if self.failure is None else [])
            events += self._told(turns.abandon() if self.failure is not None else [])
        if self._words is not None:
            words = self._words
            self._waiting += self._trying(words.finish) if self.failure is None else []
            self._waiting += words.abandon() if self.failure is not None else []
            events += self._settled(float("inf"))
        if self.failure is not None:
            message = f"{self.failure}; all that was understood before is given out"
            events.append(NoteEvent("failed", message, self._end))
        return [*events, NoteEvent("ended", f"heard {self._end:.1f} s", self._end)]

    def _trying(self, work: Callable[[], list[Given]]) -> list[Given]:
        """What a stage gives; its error is kept, whatever it is: others have heard things too."""
        try:
            return work()
        except Exception as error:
            self.failure = self.failure or error
            return []

    def _told(self, turns: Sequence[Turn]) -> list[Event]:
        return [TurnEvent(turn, self._end) for turn in turns]

    def _settled(self, stands: float) -> list[Event]:
        """Words whose speaker can be told by now, in their order."""
        ready = list(takewhile(lambda word: word.span.end <= stands, self._waiting))
        self._waiting = self._waiting[len(ready) :]
        speakers: Sequence[str | None] = [None] * len(ready)
        if self._turns is not None:
            speakers = speakers_of(ready, self._turns.alone)
        pairs = zip(ready, speakers, strict=True)
        return [WordEvent(word, speaker, self._end) for word, speaker in pairs]


class SoundCheck:
    """Repairs what would poison a model, and tells of sound that will be understood badly.

    What goes on is told once, and again when it comes back after 10 s without it.
    """

    def __init__(self) -> None:
        self._last: dict[str, float] = {}  # when something was seen last, by kind of note
        self._zero = 0.0  # seconds of zeros up to now

    def step(self, chunk: Audio) -> tuple[Audio, list[Event]]:
        """The chunk with broken samples silenced, and notes."""
        samples, notes = chunk.mono(), list[Event]()
        broken = ~np.isfinite(samples)
        if broken.any():
            first = chunk.start + int(np.argmax(broken)) / chunk.sample_rate
            message = (
                f"{int(broken.sum())} samples from {first:.3f} s on are no numbers (NaN or infinite); "
                "they are taken as silence"
            )
            notes += self._once("broken", message, chunk.end)
            samples = np.where(broken, np.float32(0), samples)
        if len(samples) and float((np.abs(samples) >= _FULL).mean()) > _CLIPPED:
            message = (
                f"the sound is clipped at {chunk.start:.1f} s: more than {_CLIPPED:.0%} of the samples are "
                "at full scale; turn the level down, words may be wrong"
            )
            notes += self._once("clipped", message, chunk.end)
        notes += self._silence(samples, chunk)
        clean = np.clip(samples, -1, 1).astype(np.float32)
        return Audio(clean[None], chunk.sample_rate, chunk.start), notes

    def _once(self, kind: Literal["broken", "clipped"], message: str, at: float) -> list[Event]:
        before, self._last[kind] = self._last.get(kind, -np.inf), at
        return [NoteEvent(kind, message, at)] if at - before > _AGAIN else []

    def _silence(self, samples: NDArray[np.float32], chunk: Audio) -> list[Event]:
        before = self._zero
        if samples.any():
            self._zero = 0.0
            message = f"sound is back after {before:.0f} s of nothing but zeros"
            return [NoteEvent("resumed", message, chunk.end)] if before >= _SILENT else []
        self._zero += chunk.duration
        if before >= _SILENT or self._zero < _SILENT:
            return []
        message = f"nothing but zeros for {self._zero:.0f} s; is the microphone muted or unplugged?"
        return [NoteEvent("silent", message, chunk.end)]
