"""RTTM, the lines in which the field writes who spoke when."""

from __future__ import annotations

import math
from collections.abc import Iterable

from sensorium.core.errors import UsageError
from sensorium.core.speech import Turn
from sensorium.core.time import Span


def parse(lines: Iterable[str], name: str) -> dict[str, list[Turn]]:
    """File id -> its turns. `name` is what errors call the text. NIST RT-09, appendix A.

    Raises:
        UsageError: a line that is no SPEAKER line with ten fields and finite times (comments with
            ;; and other types of line are passed over), or no turn at all.

    >>> parse(["SPEAKER talk 1 0.50 1.25 <NA> <NA> anna <NA> <NA>"], "x.rttm")["talk"][0].span
    Span(start=0.5, end=1.75)
    """
    found: dict[str, list[Turn]] = {}
    for number, line in enumerate(lines, start=1):
        fields = line.split()
        if not fields or fields[0].startswith(";;") or (fields[0] != "SPEAKER" and len(fields) > 3):
            continue
        try:
            start, duration = float(fields[3]), float(fields[4])
            if not (math.isfinite(start) and math.isfinite(duration) and duration >= 0):
                raise ValueError
            turn = Turn(Span(start, start + duration), fields[7])
        except (IndexError, ValueError):
            raise UsageError(
                f"{name}, line {number}: expected SPEAKER <file> <channel> <start s> <duration s> <NA> "
                f"<NA> <speaker> <NA> <NA>, got {line.strip()[:80]!r}"
            ) from None
        found.setdefault(fields[1], []).append(turn)
    if not found:
        raise UsageError(f"{name}: expected RTTM with at least one SPEAKER line, found none")
    return found
