"""One stream of sound into events: words and turns as they settle, and what went wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sensorium.core.events import Event, NoteEvent, TentativeEvent, TurnEvent, WordEvent
from sensorium.core.media import Audio
from sensorium.core.speech import Turn, Word
from sensorium.ops.words import speakers_of
from sensorium.pipelines.live_turns import LiveTurns
from sensorium.pipelines.live_words import LiveWords

_CLIPPED = 0.01  # share of samples at full scale that is worth a note
_SILENT = 10.0  # seconds of digital silence that are worth a note


class Listener:
    """Mono 16 kHz chunks of any length in; events out, in the order in which they settle.

    A file and a microphone go through the same two methods. Words wait for the turns that they lie
    in, so that they carry their speaker.
    """

    def __init__(self, words: LiveWords | None, turns: LiveTurns | None) -> None:
        self._words = words
        self._turns = turns
        self._waiting: list[Word] = []
        self._tentative: tuple[Word, ...] = ()
        self._sound = SoundCheck()
        self._end = 0.0

    def step(self, chunk: Audio) -> list[Event]:
        """What settled with this chunk."""
        sound, events = self._sound.step(chunk)
        self._end = sound.end
        if self._turns is not None:
            events += self._told(self._turns.step(sound))
        if self._words is not None:
            self._waiting += self._words.step(sound)
            events += self._settled(self._turns.settled if self._turns else sound.end)
            if self._words.tentative != self._tentative:
                self._tentative = self._words.tentative
                events.append(TentativeEvent(self._tentative, sound.end))
        return events

    def finish(self) -> list[Event]:
        """All that was still open; nothing that was heard is lost."""
        events: list[Event] = []
        if self._turns is not None:
            events += self._told(self._turns.finish())
        if self._words is not None:
            self._waiting += self._words.finish()
            events += self._settled(float("inf"))
        return [*events, NoteEvent("ended", f"heard {self._end:.1f} s", self._end)]

    def _told(self, turns: Sequence[Turn]) -> list[Event]:
        return [TurnEvent(turn, self._end) for turn in turns]

    def _settled(self, stands: float) -> list[Event]:
        """Words whose speaker can be told by now."""
        ready = [word for word in self._waiting if word.span.end <= stands]
        ready = self._waiting[: len(ready)]  # in their order, whatever their times
        self._waiting = self._waiting[len(ready) :]
        speakers: Sequence[str | None] = [None] * len(ready)
        if self._turns is not None:
            speakers = speakers_of(ready, _apart(self._turns.alone))
        pairs = zip(ready, speakers, strict=True)
        return [WordEvent(word, speaker, self._end) for word, speaker in pairs]


def _apart(alone: Sequence) -> list:
    """In order of time."""
    return sorted(alone, key=lambda each: each[0])


class SoundCheck:
    """Repairs what would poison a model, and tells of sound that will be understood badly."""

    def __init__(self) -> None:
        self._clipped = False
        self._zero = 0.0
        self._told_silent = False

    def step(self, chunk: Audio) -> tuple[Audio, list[Event]]:
        """The chunk with broken samples silenced, and notes."""
        samples, notes = chunk.mono(), []
        broken = ~np.isfinite(samples)
        if broken.any():
            first = chunk.start + int(np.argmax(broken)) / chunk.sample_rate
            message = (
                f"{int(broken.sum())} samples from {first:.3f} s on are no numbers (NaN or infinite); "
                "they were taken as silence"
            )
            notes.append(NoteEvent("broken", message, chunk.end))
            samples = np.where(broken, np.float32(0), samples)
        loud = len(samples) and float((np.abs(samples) >= 0.999).mean()) > _CLIPPED
        if loud and not self._clipped:
            message = (
                f"the sound is clipped at {chunk.start:.1f} s: more than {_CLIPPED:.0%} of the samples are "
                "at full scale; turn the level down, words may be wrong"
            )
            notes.append(NoteEvent("clipped", message, chunk.end))
        self._clipped = bool(loud)
        notes += self._silence(samples, chunk)
        clean = np.clip(samples, -1, 1).astype(np.float32)
        return Audio(clean[None], chunk.sample_rate, chunk.start), [*notes]

    def _silence(self, samples: np.ndarray, chunk: Audio) -> list[NoteEvent]:
        if samples.any():
            self._zero, self._told_silent = 0.0, False
            return []
        self._zero += chunk.duration
        if self._zero < _SILENT or self._told_silent:
            return []
        self._told_silent = True
        message = f"nothing but zeros for {self._zero:.0f} s; is the microphone muted or unplugged?"
        return [NoteEvent("silent", message, chunk.end)]
