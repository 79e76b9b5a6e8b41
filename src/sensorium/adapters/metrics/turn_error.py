"""How right turns are, through pyannote.metrics (MIT)."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate, JaccardErrorRate

from sensorium.core.speech import Turn

PARTS = ("missed detection", "false alarm", "confusion")


class TurnScore:
    """Diarization error rate and Jaccard error rate, file by file and over all.

    `collar` in seconds is left out on both sides of each reference boundary (0: nothing is);
    overlapping speech counts unless `skip_overlap`. NIST RT-09; Ryant et al. 2019 for JER.
    """

    def __init__(self, collar: float = 0.0, skip_overlap: bool = False) -> None:
        width = 2 * collar  # theirs is that of both sides together
        self._der = DiarizationErrorRate(collar=width, skip_overlap=skip_overlap)
        self._jer = JaccardErrorRate(collar=width, skip_overlap=skip_overlap)

    def add(
        self, reference: Iterable[Turn], found: Iterable[Turn], end: float
    ) -> Mapping[str, float]:
        """Scores one file of `end` seconds: der, jer, missed, false_alarm, confusion (shares of the
        reference), speech (its seconds)."""
        pair, scored = (_annotation(reference), _annotation(found)), Timeline([Segment(0, end)])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parts: Any = self._der(*pair, uem=scored, detailed=True)
            jer = self._jer(*pair, uem=scored)
        return {**_shares(parts), "jer": float(jer)}

    def total(self) -> Mapping[str, float]:
        """The same over all files so far."""
        parts: Any = self._der[:]  # type: ignore[index]  # their sums over all files
        return {**_shares(parts, abs(self._der)), "jer": float(abs(self._jer))}


def _shares(parts: Mapping[str, float], rate: float | None = None) -> dict[str, float]:
    speech = float(parts["total"])
    missed, false_alarm, confusion = (
        float(parts[name]) / speech if speech else 0.0 for name in PARTS
    )
    der = rate if rate is not None else parts["diarization error rate"]
    shares = {"der": float(der), "missed": missed, "false_alarm": false_alarm}
    return {**shares, "confusion": confusion, "speech": speech}


def _annotation(turns: Iterable[Turn]) -> Annotation:
    told = Annotation(uri="file")
    for number, turn in enumerate(turns):
        told[Segment(turn.span.start, turn.span.end), number] = turn.identity or turn.speaker
    return told
