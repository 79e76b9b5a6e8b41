"""One file as text for people: in one screen, or everything."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from sensorium.interfaces.text.timeline import Timeline
from sensorium.interfaces.text.units import clock, describe
from sensorium.ops.speech.utterance import Row, called
from sensorium.ops.text.harmless import clean

MOST = 12  # lines of what happens, without `everything`
MOST_PEOPLE = 6  # of the voices, and of the persons
LETTERS = 300  # of one utterance

Paint = Callable[[str, str], str]


def plain(text: str, role: str) -> str:
    """The text as it is."""
    return text


@dataclass(frozen=True, slots=True)
class Look:
    """How a file is shown: `everything` or one screen; `paint` gives a text the look of its role.

    Roles: ``name`` (files and people), ``warning``, ``failure``, ``soft`` (what only explains).
    """

    everything: bool = False
    paint: Paint = plain


def screen(timeline: Timeline, library: str, look: Look) -> str:
    """What the file is, who is in it, what happens in order of time, what failed.

    What is left out is told in the last line, with the command that shows it.
    """
    lines = [f"{look.paint(clean(timeline.name), 'name')}  ({describe(timeline.about)})"]
    if timeline.name != timeline.uri:
        lines.append(f"  {clean(timeline.uri)}")
    who, more_people = _who(timeline, look)
    moments = sorted(_moments(timeline, look), key=lambda moment: moment[:2])
    shown = moments if look.everything else moments[:MOST]
    lines += [f"  {line}" for line in who]
    if timeline.shots and not look.everything:
        lines.append(f"  {shots_told(timeline.shots)}")
    lines += [f"  {line}" for _, _, line in shown]
    if timeline.kind == "image":
        lines += [f"  {line}" for line in _boxes(timeline, look)]
    elif timeline.about and not moments and not timeline.shots:
        lines.append("  nothing was found in it")
    cut = any(line.endswith('[...]"') for _, _, line in shown)
    boxes = timeline.kind == "image" and len(timeline.regions) > MOST and not look.everything
    if more_people or cut or boxes or len(shown) < len(moments):
        lines.append(f"  {look.paint(_rest(timeline, library, len(moments) - len(shown)), 'soft')}")
    failed = (f"failed: {row['step']}: {clean(row['message'])}" for row in timeline.errors)
    lines += [f"  {look.paint(line, 'failure')}" for line in failed]
    warned = (f"warning: {clean(message)}" for message in timeline.warnings)
    lines += [f"  {look.paint(line, 'warning')}" for line in warned]
    return "\n".join(lines) + "\n"


def shots_told(shots: Sequence[Row]) -> str:
    """How many shots there are, and how long they are.

    >>> shots_told([{"start": 0.0, "end": 2.0}, {"start": 2.0, "end": 6.0}])
    '2 shots, median 3.0 s'
    """
    if len(shots) == 1:
        return "1 shot"
    return f"{len(shots)} shots, median {median(row['end'] - row['start'] for row in shots):.1f} s"


def _rest(timeline: Timeline, library: str, lines: int) -> str:
    more = f"{lines} lines more" if lines > 1 else "more"
    words = ["sensorium", "show", library, "--media", clean(timeline.name), "--all"]
    return f"... {more}: {shlex.join(words)}"


def _who(timeline: Timeline, look: Look) -> tuple[list[str], bool]:
    """(a line per voice and person, whether some were left out)."""
    voices = [_voice_told(row, look) for row in timeline.voices]
    persons = [
        f"person {row['person']}: {clock(row['duration'] or 0.0)} on screen{_identity(row, look)}"
        for row in timeline.persons
        if timeline.kind != "image"
    ]
    if look.everything:
        return voices + persons, False
    lines = []
    for group, what in ((voices, "speakers"), (persons, "persons")):
        lines += group[:MOST_PEOPLE]
        if len(group) > MOST_PEOPLE:
            lines.append(f"and {len(group) - MOST_PEOPLE} more {what}")
    return lines, max(len(voices), len(persons)) > MOST_PEOPLE


def _voice_told(row: Row, look: Look) -> str:
    told = f"{clock(row['duration'] or 0.0)} of speech"
    where = "" if row["channel"] is None else f" on channel {row['channel']}"
    return f"speaker {row['speaker']}: {told}{where}{_identity(row, look)}"


def _identity(row: Row, look: Look) -> str:
    if row["name"]:
        return f", {look.paint(clean(row['name']), 'name')} ({row['identity']})"
    return f", identity {row['identity']}" if row["identity"] else ""


def _boxes(timeline: Timeline, look: Look) -> Iterator[str]:
    if not timeline.regions:
        yield "no faces"
    rows = timeline.regions if look.everything else timeline.regions[:MOST]
    for row in rows:
        where = f"{row['x0']:.0f},{row['y0']:.0f} to {row['x1']:.0f},{row['y1']:.0f}"
        yield f"{row['label']} {row['person'] or '(unclear who)'} at {where} pixels"
    if len(rows) < len(timeline.regions):
        yield f"and {len(timeline.regions) - len(rows)} more"


def _moments(timeline: Timeline, look: Look) -> Iterator[tuple[float, int, str]]:
    """(start, rank among what starts together, line)."""

    def moment(row: Row, rank: int, text: str) -> tuple[float, int, str]:
        return row["start"], rank, f"{clock(row['start'])}-{clock(row['end'])}  {text}"

    if look.everything:
        for row in timeline.shots:
            yield moment(row, 0, f"shot {row['index']}")
        for row in timeline.faces:
            if row["person"]:
                yield moment(row, 1, f"on screen: {row['person']}")
    for row in timeline.subtitles:
        name = f"{look.paint(clean(row['name']), 'name')}: " if row["name"] else ""
        yield moment(row, 2, f"subtitle  {name}{_said(row, look)}")
    for row in timeline.utterances:
        yield moment(row, 3, f"{_voice(row, bool(timeline.turns), look)}{_said(row, look)}")
    for row in _wordless(timeline):
        yield moment(row, 3, f"{_voice(row, True, look)}(no words)")


def _said(row: Row, look: Look) -> str:
    text = " ".join(clean(row["text"]).split())
    if len(text) > LETTERS and not look.everything:
        text = f"{text[:LETTERS].rsplit(' ', 1)[0]} [...]"
    return f'"{text}"'


def _voice(row: Row, diarized: bool, look: Look) -> str:
    """``S1 (P1)  ``; a question mark where voices are known, but not whose this is."""
    person = f" ({row['person']})" if row["person"] else ""
    voice = look.paint(clean(called(row) or ""), "name") or ("?" if diarized else "")
    return f"{voice}{person}  ".lstrip()


def _wordless(timeline: Timeline) -> Iterator[Row]:
    """Turns in which no word of their speaker was recognised."""
    said: dict[str | None, list[Row]] = {}
    for row in timeline.utterances:
        said.setdefault(row["speaker"], []).append(row)
    for turn in timeline.turns:
        near = said.get(turn["speaker"], ())
        if not any(row["start"] < turn["end"] and turn["start"] < row["end"] for row in near):
            yield turn
