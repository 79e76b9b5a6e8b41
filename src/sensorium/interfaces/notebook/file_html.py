"""The files of a library as markup: pictures, lanes along the time, what is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sensorium.adapters.media.reader import MediaReader
from sensorium.interfaces.notebook.elements import escape, head, note, picture, short, table
from sensorium.interfaces.text.screen import shots_told
from sensorium.interfaces.text.timeline import Timeline, timelines, to_timeline
from sensorium.interfaces.text.units import clock, describe
from sensorium.interfaces.viewer.style import PALETTE
from sensorium.interfaces.viewer.thumbnails import Picture, colours, pictures, plan, titles
from sensorium.library.library import Library
from sensorium.library.library_file import LibraryFile
from sensorium.ops.speech.utterance import Row, called

STRIP = 8  # pictures of a file
PREVIEWS = 8  # files of a library of which a picture is read
UTTERANCES = 12
LANES = 8
GAP = 0.01  # of the whole time: bars that are nearer are drawn as one
LETTERS = 300


def library_rows(library: Library, entries: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """A row per file: a picture, its name, what it is, who is in it, what is said first."""
    return [
        _row(timeline, with_picture=number < PREVIEWS)
        for number, timeline in enumerate(timelines(library, entries))
    ]


def _row(timeline: Timeline, with_picture: bool) -> tuple[str, ...]:
    times, _ = plan(timeline)
    middle = times[len(times) // 2 : len(times) // 2 + 1] if with_picture else []
    preview = "".join(_shown(each, 96) for each in pictures(timeline, MediaReader(), 192, middle))
    known = titles(timeline)
    labels = [*timeline.speakers, *timeline.seen]
    who = list(dict.fromkeys(known.get(label, label) for label in labels))
    told = escape(", ".join(who[:6]) + (f" and {len(who) - 6} more" if len(who) > 6 else ""))
    said = " ".join(row["text"] for row in timeline.utterances[:3])
    text = said if len(said) <= 160 else f"{said[:160]}…"
    return preview, short(timeline.uri), escape(describe(timeline.about)), told, escape(text)


def _shown(each: Picture, side: int, caption: str = "") -> str:
    if each.pixels is None:
        return note(each.missing)
    return picture(each.pixels, side, caption)


def file_parts(file: LibraryFile) -> Iterator[str]:
    """One file: what it is, pictures, lanes of who is heard and seen, the first things said."""
    timeline = to_timeline(file.library, file.uri)
    yield head(timeline.name, describe(timeline.about))
    times, _ = plan(timeline)
    few = (
        [times[(2 * i + 1) * len(times) // (2 * STRIP)] for i in range(STRIP)]
        if len(times) > STRIP
        else times
    )
    for each in pictures(timeline, MediaReader(), 480 if len(few) == 1 else 200, few):
        still = timeline.kind == "image"
        yield _shown(each, 480 if still else 160, "" if still else clock(each.at))
    yield _lanes(timeline)
    if timeline.shots:
        yield note(shots_told(timeline.shots))
    rows = [
        (clock(row["start"]), f"<b>{escape(called(row) or '')}</b>", escape(row["text"][:LETTERS]))
        for row in timeline.utterances[:UTTERANCES]
    ]
    yield table(("", "", ""), rows) if rows else ""
    more = len(timeline.utterances) - len(rows)
    yield note(f"and {more} more: .words(), .turns()" if more else "")
    yield from (note(f"failed: {row['step']}: {row['message']}") for row in timeline.errors[:5])
    yield from (note(f"warning: {message}") for message in timeline.warnings[:5])


def _lanes(timeline: Timeline) -> str:
    if not timeline.duration:
        return ""
    hues, known = colours(timeline), titles(timeline)
    lanes: list[tuple[str, list[Row]]] = [
        (label, [row for row in timeline.turns if row["speaker"] == label])
        for label in timeline.speakers
    ]
    lanes += [
        (label, [row for row in timeline.faces if row["person"] == label])
        for label in timeline.seen
    ]
    told = []
    for label, rows in [lane for lane in lanes if lane[1]][:LANES]:
        kind = "seen" if label in timeline.seen else "heard"
        hue = PALETTE[hues.get(label, 0) % len(PALETTE)][0]
        bars = "".join(
            _bar(row, timeline.duration, hue) for row in _joined(rows, timeline.duration)
        )
        told.append(
            '<div style="display:flex;align-items:center;margin:2px 0">'
            f'<div style="width:150px;overflow:hidden">{escape(known.get(label, label))} '
            f'<span style="opacity:.65">{kind}</span></div>'
            '<div style="position:relative;flex:1;height:14px;background:rgba(128,128,128,.18)">'
            f"{bars}</div></div>"
        )
    return "".join(told)


def _joined(rows: Sequence[Row], length: float) -> list[dict[str, float]]:
    """Stretches in order of time, those together that lie nearer than could be seen."""
    done: list[dict[str, float]] = []
    for row in rows:
        if done and row["start"] - done[-1]["end"] < GAP * length:
            done[-1]["end"] = max(done[-1]["end"], row["end"])
        else:
            done.append({"start": row["start"], "end": row["end"]})
    return done


def _bar(row: Mapping[str, float], length: float, hue: str) -> str:
    left, width = row["start"] / length, (row["end"] - row["start"]) / length
    return (
        f'<div title="{clock(row["start"])} to {clock(row["end"])}" style="position:absolute;'
        f'top:0;height:14px;background:{hue};left:{left:.2%};width:{max(width, 0.002):.2%}"></div>'
    )
