"""Which language is spoken when: what is told of short windows, made into few and long stretches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

_FLOOR = 1e-3  # a probability below it says no more than this against a language
_LEAST = 1e-5  # what a mean takes for nothing; a hundred languages of a floor each would add up


@dataclass(frozen=True, slots=True)
class Switching:
    """How easily the language changes inside a file.

    `window`: seconds of sound that are looked at together; `cost`: of one change, as the logarithm of
    the odds that outweigh it (two changes around a single window: 6, a probability of 0.95 against
    0.002); `whole`: seconds of speech with which a window counts fully, a shorter one counts less;
    `certain`: the probability below which the language of a file is called uncertain.
    """

    window: float = 10.0
    cost: float = 3.0
    whole: float = 4.0
    certain: float = 0.5


Told = Mapping[str, float]  # language -> probability


def together(told: Sequence[Told], seconds: Sequence[float]) -> dict[str, float]:
    """The probabilities of windows that are in one language, as one: the geometric mean by seconds of
    speech, made to sum to 1. What every window finds likely wins over what each finds likeliest.

    >>> both = together([{"es": 0.5, "ca": 0.4, "it": 0.1}, {"es": 0.5, "ca": 0.1, "it": 0.4}], [9.0, 9.0])
    >>> round(both["es"], 2)
    0.56
    """
    names = sorted({name for each in told for name in each})
    logs = np.log([[max(each.get(name, 0.0), _LEAST) for name in names] for each in told])
    means = np.exp(np.average(logs, axis=0, weights=np.maximum(seconds, 1e-6)))
    return dict(zip(names, (means / means.sum()).tolist(), strict=True))


def settled(told: Sequence[Told], seconds: Sequence[float], rule: Switching) -> list[str]:
    """The language of each window, given what was told of it and its seconds of speech: the likeliest
    sequence where a change costs (Viterbi 1967).

    A language needs several windows, or one that leaves no doubt.

    >>> german, unsure = {"de": 0.9, "en": 0.05}, {"de": 0.3, "en": 0.4}
    >>> settled([german, unsure, german], [9.0, 9.0, 9.0], Switching())
    ['de', 'de', 'de']
    """
    if not told:
        return []
    names = sorted({max(each, key=lambda name: each[name]) for each in told})
    scores = np.array([[max(each.get(n, 0.0), _FLOOR) for n in names] for each in told])
    weights = np.minimum(np.asarray(seconds) / rule.whole, 1.0)
    gains = np.log(scores) * weights[:, None]
    total, back = gains[0], []
    for gain in gains[1:]:
        moved = total[:, None] - rule.cost * (1 - np.eye(len(names)))  # (from, to)
        back.append(moved.argmax(axis=0))
        total = moved.max(axis=0) + gain
    state = int(total.argmax())
    path = [state]
    for came_from in reversed(back):
        state = int(came_from[state])
        path.append(state)
    return [names[each] for each in reversed(path)]
