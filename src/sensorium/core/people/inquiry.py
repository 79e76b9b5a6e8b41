"""What an agent that names people is asked, what it may spend, and what it answers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sensorium.core.errors import UsageError
from sensorium.core.people.evidence import Claim
from sensorium.core.record import digest


@dataclass(frozen=True, slots=True)
class Hit:
    """One result of a search engine: what it shows of a page, not the page."""

    title: str
    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was read: where redirects led to, what a reader would see of it, line by line, and how
    many bytes it was.
    """

    url: str
    text: str
    num_bytes: int


@dataclass(frozen=True, slots=True)
class Case:
    """Somebody without a sure name, and all that may be told about him.

    `candidates` are names in play; `lines` what was said or written near him, with times; `files`
    names without folders; `pictures` JPEG bytes; `similar` known identities that look or sound alike,
    (name or id, probability).
    """

    identity: str
    candidates: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    lines: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    pictures: tuple[bytes, ...] = ()
    similar: tuple[tuple[str, float], ...] = ()

    def digest(self) -> str:
        """A name for the question: equal questions need be asked once."""
        claims = [[c.name, round(c.score, 3), c.source, c.quote] for c in self.claims]
        pictures = [hashlib.sha256(each).hexdigest() for each in self.pictures]
        similar = [[name, round(score, 3)] for name, score in self.similar]
        lists = [list(self.candidates), list(self.lines), list(self.files)]
        return digest([self.identity, claims, pictures, similar, *lists])


@dataclass(frozen=True, slots=True)
class Quote:
    """What an answer rests on: words that were shown to the agent, and where they stand."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A name with its evidence, or None with the `reason`; and what it cost."""

    name: str | None
    score: float = 0.0
    evidence: tuple[Quote, ...] = ()
    reason: str = ""
    calls: int = 0
    searches: int = 0
    pages: int = 0
    cost: float = 0.0
    whole: bool = True  # not cut short by a budget, an error or a refusal: worth keeping


@dataclass(frozen=True, slots=True)
class Budget:
    """What one run may spend over all identities: calls of the model and tokens of them, searches, pages
    and bytes of them, money, seconds.
    """

    calls: int = 40
    searches: int = 20
    money: float = 0.5
    seconds: float = 300.0
    pages: int = 20
    page_bytes: int = 20_000_000
    tokens: int = 400_000

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) < 0:
                raise UsageError(f"budget: expected {name} of 0 or more, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class Price:
    """Money per million tokens; 0 for a model of your own."""

    input: float = 0.0
    output: float = 0.0
