"""Why somebody is believed to go by a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sensorium.core.errors import UsageError
from sensorium.core.speech import Cue
from sensorium.core.time import Span


@dataclass(frozen=True, slots=True)
class Claim:
    """One piece of evidence that an identity goes by a name.

    `score` is the probability, 0..1, that the name is right if nothing else were known. `source` is
    where it comes from (``"subtitles"``, ``"speech"``, ``"screen"``, ``"file"``, ``"cast"``,
    ``"agent"``, ``"hand"``); `uri` and `span` say where it was seen or heard, `quote` holds the words
    or the link.
    """

    identity: str
    name: str
    score: float
    source: str
    uri: str = ""
    span: Span | None = None
    quote: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise UsageError(f"Claim.score: expected 0..1, got {self.score}")
        if not self.name.strip():
            raise UsageError(f"Claim of {self.source}: expected a name, got an empty one")


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text on the screen: what it says, how sure the reader is, and its box in pixels."""

    span: Span
    text: str
    score: float
    xyxy: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Scene:
    """What one file holds that may name somebody: the input of every source of evidence.

    Voices and faces are given by the keys of their samples, None where nobody is known. `turns`,
    `words` and `faces` (one entry per track) are in order of time; `speaks_as` says which face a
    voice was seen to come from, `detected` (face, name, score) what a trained detector says.
    """

    uri: str
    turns: tuple[tuple[Span, str], ...] = ()
    words: tuple[tuple[Span, str, str | None], ...] = ()
    faces: tuple[tuple[Span, str], ...] = ()
    cues: tuple[Cue, ...] = ()
    texts: tuple[Text, ...] = ()
    speaks_as: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    detected: tuple[tuple[str, str, float], ...] = ()
