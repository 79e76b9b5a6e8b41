"""Claims about a name -> how probable each name is, and which one suffices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sensorium.core.people.evidence import Claim


@dataclass(frozen=True, slots=True)
class NameRule:
    """`least`: probability at which somebody is named; `most`: log odds that one source can give."""

    least: float = 0.85
    most: float = 5.0


def probabilities(claims: Sequence[Claim], rule: NameRule | None = None) -> dict[str, float]:
    """Name -> probability, 0..1; what is left to 1 is that none of them is right.

    Every source gives each name log odds: its claims, the best first, count 1, 1/2, 1/4, ... since
    what one source says twice is not independent, times the share of the source's claims by which
    the name leads all others. Sources are added up; names exclude each other.

    >>> one = Claim("V1", "Ann", 0.8, "subtitles")
    >>> {n: round(p, 2) for n, p in probabilities([one]).items()}
    {'Ann': 0.8}
    >>> {n: round(p, 2) for n, p in probabilities([one, one]).items()}
    {'Ann': 0.89}
    >>> {n: round(p, 2) for n, p in probabilities([one, Claim("V1", "Bob", 0.8, "screen")]).items()}
    {'Ann': 0.44, 'Bob': 0.44}
    """
    rule = rule or NameRule()
    total: dict[str, float] = defaultdict(float)
    for source in sorted({claim.source for claim in claims}):
        odds: dict[str, list[float]] = defaultdict(list)
        for claim in claims:
            if claim.source == source:
                odds[claim.name].append(_log_odds(claim.score))
        votes = {name: sum(max(each, 0.0) for each in values) for name, values in odds.items()}
        everyone = sum(votes.values())
        for name, values in odds.items():
            ranked = sorted(values, key=lambda each: -abs(each))
            value = sum(each * 0.5**place for place, each in enumerate(ranked))
            lead = 2 * votes[name] / everyone - 1 if everyone > 0 and value > 0 else 1.0
            total[name] += float(np.clip(value * lead, -rule.most, rule.most))
    weights = {name: float(np.exp(value)) for name, value in total.items()}
    whole = 1 + sum(weights.values())
    return dict(sorted(((n, w / whole) for n, w in weights.items()), key=lambda e: (-e[1], e[0])))


def decided(names: Mapping[str, float], rule: NameRule | None = None) -> tuple[str, float] | None:
    """The name that suffices with its probability; None where no name does."""
    best = max(names.items(), key=lambda each: each[1], default=None)
    return best if best is not None and best[1] >= (rule or NameRule()).least else None


def _log_odds(score: float) -> float:
    inside = min(max(score, 0.001), 0.999)
    return float(np.log(inside / (1 - inside)))
