"""What is heard live, as it settles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sensorium.core.speech import Turn, Word
from sensorium.core.time import Span


@dataclass(frozen=True, slots=True)
class WordEvent:
    """A word that will not change any more; `speaker` where diarization runs and somebody speaks.

    `at` is how many seconds of the source had been heard when it settled.
    """

    word: Word
    speaker: str | None
    at: float

    def plain(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        values = {**_word(self.word), "speaker": self.speaker}
        return {"event": "word", **values, "stable": True, "at": round(self.at, 3)}


@dataclass(frozen=True, slots=True)
class TentativeEvent:
    """The words at the end that may still change; replaces the one before."""

    words: tuple[Word, ...]
    at: float

    def plain(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        words = [_word(each) for each in self.words]
        return {"event": "tentative", "words": words, "stable": False, "at": round(self.at, 3)}


@dataclass(frozen=True, slots=True)
class TurnEvent:
    """A turn, or a part of a long one, that will not change any more."""

    turn: Turn
    at: float

    def plain(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        values = {**_times(self.turn.span), "speaker": self.turn.speaker, "score": self.turn.score}
        return {"event": "turn", **values, "at": round(self.at, 3)}


@dataclass(frozen=True, slots=True)
class NoteEvent:
    """Something about the sound or the pace that the listener should know; says what was done.

    `behind`: computing cannot keep up; `resumed`: it can again, or sound is back after silence;
    `broken`: samples that are no numbers; `clipped`; `silent`: nothing but zeros; `rate`: the sample
    rate changed; `lost`: the microphone dropped sound; `failed`: a model failed; `ended`.
    """

    kind: Literal[
        "behind", "resumed", "broken", "clipped", "silent", "rate", "lost", "failed", "ended"
    ]
    message: str
    at: float

    def plain(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {
            "event": "note",
            "kind": self.kind,
            "message": self.message,
            "at": round(self.at, 3),
        }


def _word(word: Word) -> dict[str, Any]:
    score = None if word.score is None else round(word.score, 3)
    return {"text": word.text, **_times(word.span), "score": score}


def _times(span: Span) -> dict[str, float]:
    """To the millisecond: no model is more exact."""
    return {"start": round(span.start, 3), "end": round(span.end, 3)}


Event = WordEvent | TentativeEvent | TurnEvent | NoteEvent
