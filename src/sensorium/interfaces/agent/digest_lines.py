"""What there is to tell of a file, line by line, and which lines are worth their place."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sensorium.adapters.stores.full_text import Unit
from sensorium.interfaces.text.timeline import Timeline
from sensorium.interfaces.text.units import clock, describe
from sensorium.interfaces.viewer.thumbnails import titles
from sensorium.ops.speech.utterance import Row, called
from sensorium.ops.text.tokens import indexed

SAID, WRITTEN, SHOWN = 0, 1, 2  # levels, in the order in which they get what others leave
CUT = "[...]"
_STAMP = 8  # words that the time and the speaker of a line weigh
_SENTENCE = re.compile(r"(?<=[.?!…])\s+|(?<=[。？！])")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened: `at` in seconds, `value` within its level: the least is cut first."""

    at: float
    level: int
    value: float
    text: str

    def shorter(self) -> Iterator[Line]:
        """The same with ever fewer of its sentences, what is missing told; never half a sentence."""
        parts = _SENTENCE.split(self.text)
        for num in range(len(parts) - 1, 0, -1):
            text = " ".join(parts[:num])
            yield Line(self.at, self.level, self.value, f"{text} {CUT}")


def head(timeline: Timeline) -> list[str]:
    """What the file is, who is heard and who is seen, for how long."""
    names, lines = titles(timeline), [f"{timeline.name} ({describe(timeline.about)})"]
    seconds: Counter[str] = Counter()
    for turn in timeline.turns:
        seconds[turn["speaker"]] += turn["end"] - turn["start"]
    heard = sorted(timeline.speakers, key=lambda each: -seconds[each])
    if heard:
        told = (f"{_who(each, names)} {seconds[each]:.0f} s" for each in heard)
        lines.append(f"heard: {', '.join(told)}")
    if timeline.seen:
        still = timeline.kind == "image"
        on = {row["person"]: row["duration"] or 0.0 for row in timeline.persons}
        told = (
            _who(p, names) + ("" if still else f" {on.get(p, 0.0):.0f} s") for p in timeline.seen
        )
        lines.append(f"seen: {', '.join(told)}")
    return lines


def lines(timeline: Timeline, written: Sequence[Unit]) -> list[Line]:
    """Everything that was said, written and shown, in order of time.

    An utterance is worth the more the more it says that others of the file do not: the sum over its
    different words of ``log((utterances + 1) / utterances with that word)``, over what it
    takes: all its words, and 8 for its time and speaker. Text on the screen is worth the time that it
    stays, a shot the faces in it, then its length.
    """
    found = [*_said(timeline), *_written(written), *_shown(timeline)]
    return sorted(found, key=lambda line: (line.at, line.level))


def _said(timeline: Timeline) -> Iterator[Line]:
    said = timeline.utterances or [
        {**row, "speaker": row["name"] or None, "name": None} for row in timeline.subtitles
    ]
    words = [indexed(row["text"]).split() for row in said]
    often = Counter(word for each in words for word in set(each))
    for row, mine in zip(said, words, strict=True):
        value = sum(math.log((len(said) + 1) / often[word]) for word in sorted(set(mine)))
        value /= len(mine) + _STAMP
        text = " ".join(row["text"].split())
        who = called(row)
        yield Line(
            row["start"], SAID, value, f"[{clock(row['start'])}] {f'{who}: ' if who else ''}{text}"
        )


def _written(written: Sequence[Unit]) -> Iterator[Line]:
    for unit in written:
        at = unit.start or 0.0
        stays = (unit.end or at) - at
        when = "" if unit.start is None else f"[{clock(at)}] "
        yield Line(at, WRITTEN, stays, f'{when}on the screen: "{" ".join(unit.text.split())}"')


def _shown(timeline: Timeline) -> Iterator[Line]:
    names = titles(timeline)
    for shot in timeline.shots:
        seen = faces(timeline.faces, shot["start"], shot["end"])
        who = f": {', '.join(_who(each, names) for each in seen)}" if seen else ""
        value = len(seen) + (shot["end"] - shot["start"]) / 1e6
        times = f"[{clock(shot['start'])}-{clock(shot['end'])}]"
        yield Line(shot["start"], SHOWN, value, f"{times} shot {shot['index']}{who}")


def faces(stretches: Sequence[Row], start: float, end: float) -> list[str]:
    """Who is seen in a stretch of time, in order of appearance."""
    seen = (row["person"] for row in stretches if row["start"] < end and row["end"] > start)
    return list(dict.fromkeys(each for each in seen if each))


def _who(label: str, names: dict[str, str]) -> str:
    """Name and label, as the lines below use either.

    >>> _who("S1", {"S1": "Ann Ray"}), _who("P1", {})
    ('Ann Ray (S1)', 'P1')
    """
    return f"{names[label]} ({label})" if label in names else label
