"""What is known of identities: the fold over all decisions, and how new voices are matched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import linear_sum_assignment

from sensorium.core.errors import UsageError
from sensorium.core.identity import Calibration, Identity, Sample
from sensorium.core.record import digest


@dataclass(frozen=True, slots=True)
class MatchRule:
    """When a voice is an identity: at a probability of `least`, which is high because a library knows
    many and each is a chance to be wrong. One that matches none becomes an identity of its own from
    `founding` seconds of speech on; with less it stays unknown.
    """

    least: float = 0.95
    founding: float = 3.0


@dataclass(frozen=True, slots=True)
class Known:
    """All identities after some decisions; `of` says whose a sample is, `score` how sure that was."""

    identities: Mapping[str, Identity] = field(default_factory=dict)
    of: Mapping[str, str | None] = field(
        default_factory=dict
    )  # sample -> identity; None: forgotten
    score: Mapping[str, float | None] = field(default_factory=dict)

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
        """Every identity, the one heard longest first."""
        return sorted(self.identities.values(), key=lambda each: (-each.seconds, each.id))


def replay(decisions: Sequence[Mapping[str, Any]]) -> Known:
    """The state after `decisions` in their order; those that a later one undoes count for nothing.

    Kinds: ``seen`` (samples with their identity), ``named``, ``merged``, ``split``, ``forgotten``,
    ``undone``. Each is plain data, see docs/formats.md.
    """
    undone: set[int] = set()
    for each in reversed(decisions):  # an undoing that was itself undone undoes nothing
        if each["kind"] == "undone" and each["number"] not in undone:
            undone.add(each["target"])
    samples: dict[str, Sample] = {}
    of: dict[str, str | None] = {}
    score: dict[str, float | None] = {}
    names: dict[str, str | None] = {}
    for each in decisions:
        if each["number"] in undone:
            continue
        if each["kind"] == "seen":
            for row in each["samples"]:
                samples[row["key"]] = Sample(
                    **{name: row[name] for name in ("key", "uri", "speaker", "model", "seconds")},
                    embedding=np.asarray(row["embedding"], np.float32),
                )
                of[row["key"]], score[row["key"]] = row["identity"], row["score"]
        else:
            _apply(each, of, names)
    members: dict[str, list[Sample]] = {}
    for key, identity in of.items():
        if identity is not None:
            members.setdefault(identity, []).append(samples[key])
    identities = {i: Identity(i, names.get(i), tuple(mine)) for i, mine in members.items()}
    return Known(identities, of, score)


def _apply(
    decision: Mapping[str, Any], of: dict[str, str | None], names: dict[str, str | None]
) -> None:
    """One decision by hand."""
    kind, identity = decision["kind"], decision.get("identity")
    if kind == "named":
        names[identity] = decision["name"]  # type: ignore[index]
    elif kind == "split":
        for key in decision["samples"]:
            if of.get(key) == identity:
                of[key] = decision["into"]
    elif kind in ("merged", "forgotten"):
        into = decision.get("into")
        for key in [key for key, whose in of.items() if whose == identity]:
            of[key] = into
        if into is not None and names.get(into) is None:
            names[into] = names.get(identity)  # type: ignore[arg-type]


def new_id(sample: Sample) -> str:
    """The id of an identity that a sample founds: the same wherever it is computed."""
    return f"V{digest(sample.key)[:8]}"


def match(
    samples: Sequence[Sample],
    known: Sequence[Identity],
    calibration: Calibration,
    rule: MatchRule,
) -> list[tuple[str | None, float | None]]:
    """(identity, probability) of each voice of one file; a new id with None for one that founds.

    Two voices of one file are never the same identity. (None, None): too short to tell.
    """
    probability = np.zeros((len(samples), len(known)))
    for row, sample in enumerate(samples):
        for column, identity in enumerate(known):
            center = identity.centroid(sample.model)
            if center is not None and not _beside(sample, identity):
                probability[row, column] = calibration.probability(
                    float(sample.embedding @ center[0]), (sample.seconds, center[1])
                )
    found: list[tuple[str | None, float | None]] = [
        (new_id(sample) if sample.seconds >= rule.founding else None, None) for sample in samples
    ]
    for row, column in zip(*linear_sum_assignment(-probability), strict=True):
        if probability[row, column] >= rule.least:
            found[row] = (known[column].id, float(probability[row, column]))
    return found


def _beside(sample: Sample, identity: Identity) -> bool:
    """Whether another voice of the same file is this identity already."""
    result = sample.key.rpartition("/")[0]
    return any(each.key.rpartition("/")[0] == result for each in identity.samples)


def halves(samples: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """The two groups of samples that lie farthest apart: how an identity is split.

    Raises:
        UsageError: fewer than two samples.
    """
    if len(samples) < 2:
        raise UsageError(f"split: expected at least 2 samples, the identity has {len(samples)}")
    values = np.stack([sample.embedding for sample in samples])
    groups = fcluster(linkage(values, "average", "cosine"), 2, "maxclust")
    first = [sample for sample, group in zip(samples, groups, strict=True) if group == groups[0]]
    return first, [sample for sample in samples if sample not in first]
