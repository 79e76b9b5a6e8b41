"""What was said, and who spoke when."""

from __future__ import annotations

from dataclasses import dataclass

from sensorium.core.record import Provenance
from sensorium.core.time import Span


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word; `score` is 0..1, or None where the model gives none."""

    text: str
    span: Span
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """Words in order of time; `language` is a BCP-47 tag; the first `stable` words are final.

    `language_score` is the probability 0..1 of the language that was heard, None where nobody asked.
    `made_by`: which model it was, of a recogniser that chooses among several.
    """

    words: tuple[Word, ...]
    language: str
    stable: int
    language_score: float | None = None
    made_by: Provenance | None = None

    @property
    def text(self) -> str:
        """The words joined by single spaces.

        >>> Transcript((Word("ask", Span(0, 1)), Word("not", Span(1, 2))), "en", 2).text
        'ask not'
        """
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Turn:
    """One stretch of one voice. `speaker` is a label inside one file, `identity` is global."""

    span: Span
    speaker: str
    identity: str | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Cue:
    """One entry of a subtitle file; `name` is its speaker as the file states it, or empty."""

    span: Span
    text: str
    name: str = ""
