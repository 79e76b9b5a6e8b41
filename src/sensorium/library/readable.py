"""Tables that people can read: what they look for first, digests last, file names for paths."""

from __future__ import annotations

from typing import Any

import pandas as pd

from sensorium.core.lazy import loaded

FIRST = ("uri", "label", "kind", "start", "end", "speaker", "person", "name", "identity", "text")
LAST = ("embedding", "motion", "model", "revision", "params", "media")


class Table(pd.DataFrame):
    """A pandas DataFrame that a notebook shows with file names, times and short numbers."""

    @property
    def _constructor(self) -> Any:
        return Table

    def _repr_html_(self) -> str:
        return loaded("interfaces.notebook.shown:html")(self)


def readable(frame: pd.DataFrame) -> Table:
    """The same columns, those that people read first, those that tell only machines something last."""
    names = list(frame.columns)
    middle = [name for name in names if name not in FIRST and name not in LAST]
    order = [
        *(name for name in FIRST if name in names),
        *middle,
        *(name for name in LAST if name in names),
    ]
    return Table(frame[order])
