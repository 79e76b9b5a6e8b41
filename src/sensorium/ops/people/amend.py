"""What people say about words and turns, put in the place of what was found; that stays what it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

WordKey = tuple[str, float, float, str, int | None]  # media, start, end, text as heard, channel
TurnKey = tuple[str, float, float, str]  # media, start, end as found, speaker
Row = dict[str, Any]


def word_key(row: Mapping[str, Any]) -> WordKey:
    """What names a word of a file, from its record."""
    channel = row.get("channel")
    where = (row["media"], float(row["start"]), float(row["end"]), row["text"])
    return (*where, None if channel is None else int(channel))


def turn_key(row: Mapping[str, Any]) -> TurnKey:
    """What names a turn of a file, from its record."""
    return row["media"], float(row["start"]), float(row["end"]), row["speaker"]


def amend_words(rows: Iterable[Row], words: Mapping[WordKey, str]) -> None:
    """Gives words the text that a person said they have, and score 1; `heard` keeps the old text, else None.

    >>> row = {"media": "m", "start": 0.0, "end": 1.0, "text": "patchs", "score": 0.4}
    >>> amend_words([row], {("m", 0.0, 1.0, "patchs", None): "patches"})
    >>> row["text"], row["heard"], row["score"]
    ('patches', 'patchs', 1.0)
    """
    for row in rows:
        text = words.get(word_key(row)) if words else None
        row["heard"] = None
        if text is not None:
            row["heard"], row["text"], row["score"] = row["text"], text, 1.0
