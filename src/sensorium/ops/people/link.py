"""Which face was speaking in which turn: mouths that move while a voice is heard."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sensorium.core.time import Span
from sensorium.ops.assignment import assigned


@dataclass(frozen=True, slots=True)
class Mouth:
    """One track's mouth motion: `rate` values per second over `span`; `face` is its person or track."""

    span: Span
    track: int
    face: str
    rate: float
    motion: NDArray[np.float32]

    def during(self, span: Span) -> tuple[float, float]:
        """(mean motion, seconds) over what the track shares with `span`."""
        shared = self.span.overlap(span)
        if shared <= 0:
            return 0.0, 0.0
        first = int((max(span.start, self.span.start) - self.span.start) * self.rate)
        last = max(
            first + 1, int(np.ceil((min(span.end, self.span.end) - self.span.start) * self.rate))
        )
        values = self.motion[first:last]
        values = values[~np.isnan(values)]
        return (float(values.mean()), shared) if len(values) else (0.0, 0.0)


class Mouths:
    """Mouth motions in order of time; finds those near a span without looking at all of them."""

    def __init__(self, mouths: Sequence[Mouth]) -> None:
        self._mouths = sorted(mouths, key=lambda mouth: mouth.span)
        self._starts = [mouth.span.start for mouth in self._mouths]
        self._longest = max((mouth.span.duration for mouth in self._mouths), default=0.0)
        self.faces = sorted({mouth.face for mouth in mouths})

    def near(self, span: Span) -> Sequence[Mouth]:
        """All that may overlap with `span`, and few others."""
        first = bisect_left(self._starts, span.start - self._longest)
        return self._mouths[first : bisect_left(self._starts, span.end)]


@dataclass(frozen=True, slots=True)
class LinkRule:
    """When a link is clear.

    A mouth speaks from a mean motion of `least` on; a voice needs `evidence` (seconds times motion above
    that) over the file to own a face. In a turn its face must be seen for `share` of it, move by at
    least `part` of `least`, and no other face more than `margin` above it. Where its face is not in
    view, or it has none, the one mouth that moves by `alone` is taken, if it is nobody's who is heard.
    """

    least: float = 0.30
    evidence: float = 0.04
    share: float = 0.5
    part: float = 0.95
    margin: float = 0.15
    alone: float = 0.33


LEARNED = LinkRule(least=0.5, evidence=0.1, part=0.9, margin=0.3, alone=0.6)
"""For probabilities of an active-speaker model in place of motion."""


def voices(turns: Sequence[tuple[Span, str]], mouths: Mouths, rule: LinkRule) -> dict[str, str]:
    """Speaker -> the face that goes with that voice over the whole file, one face for one voice."""
    speakers = sorted({speaker for _, speaker in turns})
    faces = mouths.faces
    if not speakers or not faces:
        return {}
    total = np.zeros((len(speakers), len(faces)))
    for span, speaker in turns:
        for mouth in mouths.near(span):
            mean, seconds = mouth.during(span)
            total[speakers.index(speaker), faces.index(mouth.face)] += (mean - rule.least) * seconds
    pairs = assigned(np.maximum(total, 0))
    return {speakers[r]: faces[c] for r, c in pairs if total[r, c] >= rule.evidence}


def link(
    span: Span, face: str | None, mouths: Mouths, rule: LinkRule, taken: Container[str] = ()
) -> tuple[Mouth, float] | None:
    """The track that speaks in a turn of the voice of `face`, with a score 0..1; None where unclear.

    `taken` are the faces of other voices that are heard meanwhile. The score grows with the motion of
    the mouth; it is no probability.
    """
    seen = [(mouth, *mouth.during(span)) for mouth in mouths.near(span)]
    seen = [each for each in seen if each[2] >= rule.share * span.duration]
    mine = [each for each in seen if each[0].face == face]
    if not mine:
        mine = [e for e in seen if e[1] >= rule.alone and e[0].face not in taken]
        if len({mouth.face for mouth, _, _ in mine}) != 1:
            return None
    best, mean, _ = max(mine, key=lambda each: each[1])
    others = [value for mouth, value, _ in seen if mouth.face != best.face]
    if mean < rule.part * rule.least or any(value > mean + rule.margin for value in others):
        return None
    return best, mean / (mean + rule.least)
