"""Words as they are read: in utterances, and one voice after the other where two speak at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sensorium.ops.speech.languages import glue

Row = dict[str, Any]

PAUSE = 1.0  # seconds of silence that end an utterance
LONG = 15.0  # seconds after which the end of a sentence ends an utterance as well
LONGEST = 30.0  # seconds after which any word does: recognised speech may hold no full stop
SENTENCE_END = (".", "?", "!", "…", "。", "？", "！")


def called(row: Row) -> str | None:
    """Who said it, as people say it: the name where it is known, else the label in this file."""
    return row.get("name") or row["speaker"]


def text_of(words: Sequence[Row]) -> str:
    """The words as one line."""
    if not words:
        return ""
    return glue(words[0]["language"]).join(" ".join(word["text"].split()) for word in words)


def utterances(words: Sequence[Row]) -> Iterator[Row]:
    """What one voice said in one go: broken where the speaker changes and where it pauses.

    A long speech is broken at the end of a sentence as well.
    """
    first = 0
    for index in range(1, len(words) + 1):
        if index < len(words) and not _broken(words[first], words[index - 1], words[index]):
            continue
        part = words[first:index]
        persons = Counter(word["person"] for word in part if word["person"])
        yield {
            "start": part[0]["start"],
            "end": max(word["end"] for word in part),
            "speaker": part[0]["speaker"],
            "name": part[0].get("name"),
            "person": persons.most_common(1)[0][0] if persons else None,
            "text": text_of(part),
            "words": (first, index),
        }
        first = index


def other_voice(one: Row, other: Row) -> bool:
    """Whether two words are of two speakers, or of two channels."""
    return (one["speaker"], one.get("channel")) != (other["speaker"], other.get("channel"))


def _broken(first: Row, last: Row, following: Row) -> bool:
    if other_voice(last, following) or following["start"] - last["end"] > PAUSE:
        return True
    length = last["end"] - first["start"]
    return length > LONGEST or (length > LONG and last["text"].endswith(SENTENCE_END))


def side_by_side(words: Sequence[Row]) -> list[Row]:
    """Words in order of time; where channels were heard apart, what one says in one go stays together.

    People who speak at once on two channels would else be told word by word in turns.
    """
    channels = list(dict.fromkeys(word.get("channel") for word in words))
    if len(channels) < 2:
        return list(words)
    parts: list[list[Row]] = []
    for channel in channels:
        mine = [word for word in words if word.get("channel") == channel]
        parts += [mine[slice(*each["words"])] for each in utterances(mine)]
    parts.sort(key=lambda part: part[0]["start"])
    return [word for part in parts for word in part]
