"""Matching: the samples of a file against the identities that a library knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sensorium.core.people.identity import Calibration, Identity, Kind, Sample
from sensorium.models.registry import models
from sensorium.ops.learning.title_metric import TitleMetric
from sensorium.ops.people.known import Known
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
    known: Known,
    rule: MatchRule | None = None,
    metrics: Mapping[str, TitleMetric] | None = None,
) -> Found:
    """The samples of one file that are somebody: an identity that is known, or a new one.

    `metrics` are what was learned of the title, by encoder; they say how alike drawn heads are.
    """
    found: Found = []
    for kind, model in dict.fromkeys((sample.kind, sample.model) for sample in new):
        calibration = calibration_of(model, kind)
        mine = [sample for sample in new if (sample.kind, sample.model) == (kind, model)]
        if kind == "drawn" and metrics and model in metrics:
            found += _by_title(mine, known, metrics[model], rule or RULES[kind])
            continue
        if calibration is None:
            continue  # nothing says what a similarity of this model means
        taken: Found = [
            (s, *s.detected) for s in mine if s.detected and _agrees(s, known, calibration)
        ]
        found += taken
        mine = [s for s in mine if s not in [sample for sample, _, _ in taken]]
        whose = match(mine, with_samples(known, taken).all(), calibration, rule or RULES[kind])
        found += [(s, i, score) for s, (i, score) in zip(mine, whose, strict=True) if i is not None]
    return found


def _by_title(mine: Sequence[Sample], known: Known, metric: TitleMetric, rule: MatchRule) -> Found:
    """Drawn heads one after the other, the longest seen first, as the title's own metric sees them."""
    model = mine[0].model
    seen = {
        who.id: replace(
            who, samples=tuple(_seen(s, metric) for s in who.of("drawn") if s.model == model)
        )
        for who in known.all()
    }
    now = replace(known, identities={key: who for key, who in seen.items() if who.samples})
    found: Found = []
    for sample in sorted(mine, key=lambda each: -each.seconds):
        look = _seen(sample, metric)
        ((whose, score),) = match([look], now.all(), metric.calibration, rule)
        if whose is not None:
            found.append((sample, whose, score))
            now = with_samples(now, [(look, whose, score)])
    return found


def _seen(sample: Sample, metric: TitleMetric) -> Sample:
    return replace(sample, embedding=metric.seen(sample.embedding))


def _agrees(sample: Sample, known: Known, calibration: Calibration) -> bool:
    """Whether what a trained detector says of a face is possible: somebody known, and not another face."""
    who = known.identities.get(sample.detected[0]) if sample.detected else None
    if who is None or any(sample.cannot_be(other) for other in who.samples):
        return False
    center = who.centroid(sample.model)
    if center is None:
        return True
    similarity = float(sample.embedding @ center[0])
    return calibration.probability(similarity, (sample.seconds, center[1])) >= _POSSIBLE


def calibration_of(model: str, kind: Kind = "voice") -> Calibration | None:
    """What the registry knows of an encoder, by the name its samples carry."""
    entry = models().get((_LIKE[kind], model.split()[0].partition(":")[0]))
    return entry.calibration if entry else None


def with_samples(known: Known, found: Found) -> Known:
    """What is known once these samples are counted in."""
    identities = dict(known.identities)
    for sample, whose, _ in found:
        before = identities.get(whose, Identity(whose, None, ()))
        identities[whose] = replace(before, samples=(*before.samples, sample))
    of = {**known.of, **{sample.key: whose for sample, whose, _ in found}}
    return replace(known, identities=identities, of=of)
