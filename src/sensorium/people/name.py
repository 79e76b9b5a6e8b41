"""Names: which ones are in play, who goes by which, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensorium.core.people.identity import Identity
from sensorium.core.time import Span
from sensorium.ops.people.known import Known
from sensorium.ops.people.person_names import Names

if TYPE_CHECKING:
    import pandas as pd


def in_play(known: Known) -> Names:
    """The names of the cast with their aliases, and of everybody who was named by hand."""
    members = known.cast.get("members", ())
    names = {each["name"]: tuple(each["aliases"]) for each in members}
    by_hand = {who.name: () for who in known.identities.values() if who.name and who.score == 1.0}
    return Names({**by_hand, **names})


def named(known: Known) -> pd.DataFrame:
    """One row per voice or face of a file, with the name it goes by; the columns of `Cast.table`."""
    import pandas as pd

    columns = [
        "identity",
        "name",
        "name_score",
        "kind",
        "uri",
        "label",
        "seconds",
        "score",
        "sample",
    ]
    rows = [
        (who.id, who.name, who.score, s.kind, s.uri, s.label, s.seconds, known.score[s.key], s.key)
        for who in known.all()
        for s in who.samples
    ]
    return pd.DataFrame(rows, columns=columns)


def explained(who: Identity) -> pd.DataFrame:
    """Why an identity has its name, or none; the columns of `Cast.explain`."""
    import pandas as pd

    columns = ["name", "probability", "source", "score", "uri", "start", "end", "quote"]
    rows = [
        (c.name, who.names[c.name], c.source, c.score, c.uri, *_times(c.span), c.quote)
        for c in sorted(who.claims, key=lambda c: (-who.names[c.name], c.name, -c.score))
    ]
    return pd.DataFrame(rows, columns=columns)


def _times(span: Span | None) -> tuple[float | None, float | None]:
    return (span.start, span.end) if span else (None, None)
