"""How like two voices or faces are: samples to the identities that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sensorium.core.errors import UsageError
from sensorium.core.people.identity import Calibration, Sample
from sensorium.core.record import digest
from sensorium.ops.assignment import assigned
from sensorium.ops.people.everybody import Everybody

_LETTER = {"voice": "V", "face": "F", "drawn": "D"}


@dataclass(frozen=True, slots=True)
class MatchRule:
    """When a sample is an identity: at a probability of `least`, which is high because a library knows
    many and each is a chance to be wrong. One that matches none becomes an identity of its own from
    `founding` seconds of speech on; with less it stays unknown. A face founds however short it is.
    """

    least: float = 0.95
    founding: float = 3.0


def new_id(sample: Sample) -> str:
    """The id of an identity that a sample founds: the same wherever it is computed."""
    return f"{_LETTER[sample.kind]}{digest(sample.key)[:8]}"


def match(
    samples: Sequence[Sample],
    everybody: Everybody,
    calibration: Calibration,
    rule: MatchRule,
) -> list[tuple[str | None, float | None]]:
    """(identity, probability) of each sample of one kind of one file; a new id with None for one that
    founds. (None, None): too short to tell.

    Those who cannot be one person (`Sample.cannot_be`) never get one identity; two faces of one file
    that are never seen together may. The everybody stays as it is.
    """
    # of so many samples the best assignment takes none but the likeliest so many of each
    near = [everybody.near(sample, calibration, len(samples), rule.least) for sample in samples]
    whose = sorted({identity for row in near for identity in row}, key=everybody.order)
    probability = np.array([[row.get(identity, 0.0) for identity in whose] for row in near])
    found: list[tuple[str | None, float | None]] = [(None, None)] * len(samples)
    held: dict[int, list[Sample]] = {}
    for row, column in _ordered(probability, rule.least):
        mine = held.setdefault(column, [])
        if found[row][0] is None and not any(samples[row].cannot_be(other) for other in mine):
            found[row] = (whose[column], float(probability[row, column]))
            mine.append(samples[row])
    for row, sample in enumerate(samples):
        if found[row][0] is None and (sample.seconds >= rule.founding or sample.kind != "voice"):
            found[row] = (new_id(sample), None)
    return found


def _ordered(probability: np.ndarray, least: float) -> list[tuple[int, int]]:
    """The pairs that are probable enough: those of the best assignment first, then by probability."""
    best = assigned(probability)
    rest = [(int(r), int(c)) for r, c in np.argwhere(probability >= least)]
    rest.sort(key=lambda pair: -probability[pair])
    return [pair for pair in [*best, *rest] if probability[pair] >= least]


def halves(samples: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """How an identity is split: voices from faces where it has both, else the two groups of samples
    that lie farthest apart.

    Raises:
        UsageError: fewer than two samples.
    """
    if len(samples) < 2:
        raise UsageError(f"split: expected at least 2 samples, the identity has {len(samples)}")
    if len({sample.model for sample in samples}) > 1:
        first = [sample for sample in samples if sample.model == samples[0].model]
    else:
        from scipy.cluster.hierarchy import fcluster, linkage

        values = np.stack([sample.embedding for sample in samples])
        groups = fcluster(linkage(values, "average", "cosine"), 2, "maxclust")
        first = [s for s, group in zip(samples, groups, strict=True) if group == groups[0]]
    return first, [sample for sample in samples if sample not in first]
