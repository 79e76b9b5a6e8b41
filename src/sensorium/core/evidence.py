"""Why somebody is believed to go by a name."""

from __future__ import annotations

from dataclasses import dataclass

from sensorium.core.errors import UsageError
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
