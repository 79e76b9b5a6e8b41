"""What is known of identities: the fold over all decisions."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError
from sensorium.core.people.evidence import Claim
from sensorium.core.people.identity import Identity, Sample
from sensorium.core.time import Span
from sensorium.ops.people.amend import TurnKey, WordKey, turn_key, word_key
from sensorium.ops.people.belief import decided, probabilities


@dataclass(frozen=True, slots=True)
class Known:
    """All identities after some decisions; `of` says whose a sample is, `score` how sure that was.

    `links` are the seconds in which a voice was seen to come from a face, by their keys; `parted` the
    pairs of identities that may not be joined (any more) without a person. `words` and `edges` are
    what a person said that words are, and where turns begin and end; `named` the names that people gave,
    None where they said that none of the names found is right.
    """

    identities: Mapping[str, Identity] = field(default_factory=dict)
    of: Mapping[str, str | None] = field(
        default_factory=dict
    )  # sample -> identity; None: forgotten
    score: Mapping[str, float | None] = field(default_factory=dict)
    links: Mapping[tuple[str, str], float] = field(default_factory=dict)
    parted: frozenset[frozenset[str]] = frozenset()
    cast: Mapping[str, Any] = field(default_factory=dict)  # the last decision of kind cast
    claimed: Mapping[tuple[str, str], list[Any]] = field(default_factory=dict)  # (media, source)
    words: Mapping[WordKey, str] = field(default_factory=dict)
    edges: Mapping[TurnKey, tuple[float, float]] = field(default_factory=dict)
    named: Mapping[str, str | None] = field(default_factory=dict)

    def find(self, text: str) -> Identity:
        """The identity of that id, or of that name where only one has it.

        Raises:
            UsageError: none or several; the message lists what there is.
        """
        if text in self.identities:
            return self.identities[text]
        named = [each for each in self.identities.values() if each.name == text]
        if len(named) == 1:
            return named[0]
        what = f"{len(named)} identities have" if named else "no identity has"
        known = ", ".join(f"{i.id}{f' ({i.name})' if i.name else ''}" for i in self.all()[:8])
        raise UsageError(f"{text!r}: {what} this id or name; there are: {known or 'none'}")

    def all(self) -> list[Identity]:
        """Every identity, the one heard longest first, then the one seen longest."""
        order = self.identities.values()
        return sorted(order, key=lambda each: (-each.seconds, -each.on_screen, each.id))


@dataclass(slots=True)
class _Fold:
    """The state that decisions change, one after the other."""

    samples: dict[str, Sample] = field(default_factory=dict)
    of: dict[str, str | None] = field(default_factory=dict)
    keys: dict[str | None, set[str]] = field(default_factory=dict)  # `of` the other way round
    score: dict[str, float | None] = field(default_factory=dict)
    names: dict[str, str | None] = field(default_factory=dict)
    links: dict[tuple[str, str], float] = field(default_factory=dict)
    claims: dict[tuple[str, str], list[Mapping[str, Any]]] = field(default_factory=dict)
    apart: set[frozenset[str]] = field(default_factory=set)
    cast: Mapping[str, Any] = field(default_factory=dict)
    words: dict[WordKey, str] = field(default_factory=dict)
    edges: dict[TurnKey, tuple[float, float]] = field(default_factory=dict)

    def step(self, decision: Mapping[str, Any]) -> None:
        """Takes in one decision."""
        kind, identity = decision["kind"], decision.get("identity")
        if kind == "seen":
            for row in decision["samples"]:
                self.samples[row["key"]] = _sample(row)
                self.score[row["key"]] = row["score"]
                self._give(row["key"], row["identity"])
        elif kind == "linked":
            self.links |= {(row["voice"], row["face"]): row["seconds"] for row in decision["links"]}
        elif kind == "claimed":
            for row in decision["entries"]:
                self.claims[row["media"], row["source"]] = row["claims"]
        elif kind == "cast":
            self.cast = decision
        elif kind == "named":
            self.names[identity] = decision["name"]  # type: ignore[index]
        elif kind == "apart":
            self.apart.add(frozenset((decision["identity"], decision["other"])))
        elif kind == "split":
            for key in decision["samples"]:
                if self.of.get(key) == identity:
                    self._give(key, decision["into"])
            self.apart.add(frozenset((identity, decision["into"])))  # type: ignore[arg-type]
        elif kind == "confirmed":
            if self.of.get(decision["sample"]) == identity:
                self.score[decision["sample"]] = 1.0
        elif kind == "word":
            self.words[word_key(decision)] = decision["to"]
        elif kind == "edge":
            self.edges[turn_key(decision)] = (decision["to"][0], decision["to"][1])
        elif kind in ("merged", "joined", "forgotten"):
            self._move(identity, decision.get("into"))  # type: ignore[arg-type]

    def _move(self, identity: str, into: str | None) -> None:
        for key in list(self.keys.get(identity, ())):
            self._give(key, into)
        if into is not None and self.names.get(into) is None and identity in self.names:
            self.names[into] = self.names[identity]

    def _give(self, key: str, identity: str | None) -> None:
        """A sample is somebody's now."""
        self.keys.get(self.of.get(key), set()).discard(key)
        self.keys.setdefault(identity, set()).add(key)
        self.of[key] = identity

    def identities(self) -> dict[str, Identity]:
        """Everyone, with the name that a person gave or that the evidence suffices for."""
        members: dict[str, list[Sample]] = {}
        for key, identity in self.of.items():
            if identity is not None:
                members.setdefault(identity, []).append(self.samples[key])
        claims: dict[str, list[Claim]] = {}
        for rows in self.claims.values():
            for row in rows:
                whose = self.of.get(row["sample"])
                if whose is not None:
                    claims.setdefault(whose, []).append(_claim(whose, row))
        return {i: self._identity(i, mine, claims.get(i, [])) for i, mine in members.items()}

    def _identity(self, id_: str, samples: list[Sample], claims: list[Claim]) -> Identity:
        names = probabilities(claims)
        by_hand = self.names.get(id_)
        best = (by_hand, 1.0) if by_hand else decided(names) if id_ not in self.names else None
        name, score = best or (None, None)
        return Identity(id_, name, tuple(samples), score, tuple(claims), names)


def replay(decisions: Sequence[Mapping[str, Any]]) -> Known:
    """The state after `decisions` in their order; those that a later one undoes count for nothing.

    Kinds: ``seen`` (samples with their identity), ``linked`` (voices and faces that go together),
    ``claimed`` (evidence of names), ``cast``, ``joined``, and by hand ``named``, ``merged``, ``split``,
    ``apart``, ``forgotten``, ``confirmed``, ``word``, ``edge``, ``undone``. Each is plain data,
    see docs/formats.md.
    """
    undone: set[int] = set()
    for each in reversed(decisions):  # an undoing that was itself undone undoes nothing
        if each["kind"] == "undone" and each["number"] not in undone:
            undone.add(each["target"])
    fold = _Fold()
    for each in decisions:
        if each["number"] not in undone:
            fold.step(each)
        elif each["kind"] in ("joined", "merged"):  # taken back: not to be done again by itself
            fold.apart.add(frozenset((each["identity"], each["into"])))
    return Known(
        fold.identities(),
        fold.of,
        fold.score,
        fold.links,
        frozenset(fold.apart),
        fold.cast,
        fold.claims,
        fold.words,
        fold.edges,
        fold.names,
    )


def _sample(row: Mapping[str, Any]) -> Sample:
    return Sample(
        row["key"],
        row["uri"],
        row["label"] if "label" in row else row["speaker"],  # as it was called before 0.1
        row["model"],
        row["seconds"],
        _unpacked(row["embedding"]),
        row.get("kind", "voice"),
        tuple(row.get("apart", ())),
    )


def packed(embedding: NDArray[np.float32]) -> str:
    """An embedding as text in a decision: little-endian float32 in base64, a fifth of its digits.

    >>> packed(np.array([1.0, 0.0], np.float32))
    'AACAPwAAAAA='
    """
    return b64encode(embedding.astype("<f4").tobytes()).decode("ascii")


def _unpacked(value: str | Sequence[float]) -> NDArray[np.float32]:
    """The other way round; decisions of earlier versions have numbers."""
    if isinstance(value, str):
        return np.frombuffer(b64decode(value), "<f4").astype(np.float32)
    return np.asarray(value, np.float32)


def _claim(identity: str, row: Mapping[str, Any]) -> Claim:
    span = Span(row["start"], row["end"]) if row.get("start") is not None else None
    return Claim(identity, row["name"], row["score"], row["source"], row["uri"], span, row["quote"])
