"""Matching: the samples of a file against the identities that a library knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sensorium.core.people.identity import Calibration, Kind, Sample
from sensorium.models.registry import models
from sensorium.ops.people.everybody import Everybody
from sensorium.ops.people.similarity import MatchRule, match

RULES: Mapping[Kind, MatchRule] = {
    "voice": MatchRule(least=0.98),
    "face": MatchRule(least=0.97),
    "drawn": MatchRule(least=0.97),
}
_POSSIBLE = 0.05  # probability by its face below which a detector's word does not count
_LIKE = {"voice": "speaker_encoder", "face": "face_encoder", "drawn": "drawn_encoder"}
Found = list[tuple[Sample, str, float | None]]


def matched(
    new: Sequence[Sample],
    everybody: Everybody,
    rule: MatchRule | None = None,
    learned: Mapping[str, Calibration] | None = None,
) -> Found:
    """The samples of one file that are somebody: an identity that is known, or a new one.

    Those that a trained detector knows are counted in already: others are compared with them; and so are
    drawn heads of an encoder in `learned`: what their similarity means was learned from the title.
    """
    found: Found = []
    for kind, model in dict.fromkeys((sample.kind, sample.model) for sample in new):
        mine = [sample for sample in new if (sample.kind, sample.model) == (kind, model)]
        if kind == "drawn" and learned and model in learned:
            found += _one_by_one(mine, everybody, learned[model], rule or RULES[kind])
            continue
        calibration = calibration_of(model, kind)
        if calibration is None:
            continue  # nothing says what a similarity of this model means
        taken: Found = [
            (s, *s.detected) for s in mine if s.detected and _agrees(s, everybody, calibration)
        ]
        count_in(everybody, taken)
        found += taken
        mine = [s for s in mine if s not in [sample for sample, _, _ in taken]]
        whose = match(mine, everybody, calibration, rule or RULES[kind])
        found += [(s, i, score) for s, (i, score) in zip(mine, whose, strict=True) if i is not None]
    return found


def _one_by_one(
    mine: Sequence[Sample], everybody: Everybody, calibration: Calibration, rule: MatchRule
) -> Found:
    """The longest seen first: each is compared with the ones before it as well."""
    found: Found = []
    for sample in sorted(mine, key=lambda each: -each.seconds):
        ((whose, score),) = match([sample], everybody, calibration, rule)
        if whose is not None:
            everybody.add(sample, whose)
            found.append((sample, whose, score))
    return found


def count_in(everybody: Everybody, found: Found) -> None:
    """Adds what was found to those who are known."""
    for sample, whose, _ in found:
        everybody.add(sample, whose)


def _agrees(sample: Sample, everybody: Everybody, calibration: Calibration) -> bool:
    """Whether what a trained detector says of a face is possible: somebody known, and not another face."""
    who = sample.detected[0] if sample.detected else ""
    if who not in everybody or who in everybody.not_to_be(sample):
        return False
    center = everybody.center(who, sample.model)
    if center is None:
        return True
    similarity = float(sample.embedding @ center[0])
    return calibration.probability(similarity, (sample.seconds, center[1])) >= _POSSIBLE


def calibration_of(model: str, kind: Kind = "voice") -> Calibration | None:
    """What the registry knows of an encoder, by the name its samples carry."""
    entry = models().get((_LIKE[kind], model.split()[0].partition(":")[0]))
    return entry.calibration if entry else None
