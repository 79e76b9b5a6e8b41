"""The parts of one file's section as HTML. Every text from outside goes through `escape`."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from sensorium.interfaces.text.timeline import Timeline
from sensorium.interfaces.text.units import clock
from sensorium.interfaces.viewer.style import PALETTE
from sensorium.interfaces.viewer.thumbnails import Picture, jpeg_uri, titles
from sensorium.ops.speech.languages import glue
from sensorium.ops.speech.utterance import Row, called

STRIP = 108  # pixels of height, as in page.css
MOST_WORDS = 20_000  # two hours of fast speech: more would make a page that browsers choke on


def escape(text: Any) -> str:
    """Text for HTML, for attributes as well."""
    return html.escape(str(text), quote=True)


def _colour(colours: Mapping[str, int], label: str | None) -> str:
    return f"c{colours[label] % len(PALETTE)}" if label and label in colours else ""


def figure(picture: Picture, colours: Mapping[str, int], side: int, style: str = "") -> str:
    """A picture with its boxes; a grey field with the reason where there is none any more."""
    boxes = []
    for row, (x, y, width, height) in picture.places():
        place = f"left:{x:.2%};top:{y:.2%};width:{width:.2%};height:{height:.2%}"
        name = row["person"] or ""
        label = f"<em>{escape(name)}</em>" if name else ""
        high = " high" if y < 0.14 else ""
        boxes.append(
            f'<s class="{_colour(colours, name)}{high}" style="{place}" '
            f'title="{escape(name or row["label"] or "")}">{label}</s>'
        )
    if picture.pixels is None:
        inner = f'<span class="gone">{escape(picture.missing)}</span>'
    else:
        inner = f'<img alt="" src="{jpeg_uri(picture.pixels, side)}">'
    ratio = picture.width / picture.height
    return (
        f'<figure data-r="{ratio:.4f}" data-at="{picture.at:.3f}" data-w="{STRIP * ratio:.0f}" '
        f'style="{style}">{inner}{"".join(boxes)}'
    )


def strip(shown: Sequence[Picture], colours: Mapping[str, int], length: float) -> str:
    """The pictures along the time."""
    parts = []
    for each in shown:
        wide = STRIP * each.width / each.height
        style = f"left:{each.at / length:.3%};width:{wide:.0f}px"
        parts.append(
            f'{figure(each, colours, 400, style)}<span class="t">{clock(each.at)}</span></figure>'
        )
    return f'<div class="lane strip">{"".join(parts)}</div>'


def _bar(row: Row, length: float, tip: str, text: str = "", more: str = "") -> str:
    left, width = row["start"] / length, (row["end"] - row["start"]) / length
    times = f"{clock(row['start'])}–{clock(row['end'])}"
    return (
        f'<i {more} data-t="{row["start"]:.3f}" style="left:{left:.4%};width:{width:.4%}" '
        f'title="{escape(tip)} {times}">{escape(text)}</i>'
    )


def _lane(name: str, label: str, bars: Iterable[str], colour: str = "") -> tuple[str, str]:
    return (
        f'<div class="{name}" title="{escape(label)}">{escape(label)}</div>',
        f'<div class="lane {name} {colour}">{"".join(bars)}</div>',
    )


def lanes(timeline: Timeline, colours: Mapping[str, int], length: float) -> list[tuple[str, str]]:
    """(label, lane) of everything that has a time; lanes without anything in them are left out."""
    told: list[tuple[str, str]] = []

    def add(name: str, label: str, bars: Iterable[str], colour: str = "") -> None:
        bars = list(bars)
        if bars:
            told.append(_lane(name, label, bars, colour))

    shots, titled = timeline.shots, titles(timeline)
    add("shots", "shots", (_bar(r, length, f"shot {r['index']}", r["index"]) for r in shots))
    add("speech", "speech", (_bar(r, length, "speech") for r in timeline.speech))
    add("words", "words", _word_bars(timeline, colours, length))
    for speaker in timeline.speakers:
        mine = [row for row in timeline.turns if row["speaker"] == speaker]
        bars = (_bar(r, length, f"{called(r)}{_as(r['person'])}") for r in mine)
        add(
            "turns", (called(mine[0]) if mine else None) or speaker, bars, _colour(colours, speaker)
        )
    for person in timeline.seen:
        seen = [row for row in timeline.faces if row["person"] == person]
        title = titled.get(person, person)
        bars = (_bar(r, length, f"{title} on screen") for r in seen)
        add("faces", f"{title} seen", bars, _colour(colours, person))
    unclear = [row for row in timeline.faces if not row["person"]]
    add("faces", "unclear", (_bar(r, length, "a face, unclear who") for r in unclear))
    add(
        "subtitles",
        "subtitles",
        (_bar(r, length, r["text"], r["text"]) for r in timeline.subtitles),
    )
    return told


def _as(person: str | None) -> str:
    return f" ({person})" if person else ""


def _word_bars(timeline: Timeline, colours: Mapping[str, int], length: float) -> Iterable[str]:
    for number, row in enumerate(timeline.words[:MOST_WORDS]):
        more = f'data-n="{number}" class="{_colour(colours, row["speaker"])}"'
        yield _bar(row, length, f"{row['text']} {row['speaker'] or ''}", row["text"], more)


def transcript(timeline: Timeline, colours: Mapping[str, int]) -> str:
    """What was said; every word knows its place in the lane of words."""
    parts = []
    for row in timeline.utterances:
        first, last = row["words"]
        if first >= MOST_WORDS:
            break
        said = [
            f'<u data-n="{n}" data-t="{word["start"]:.3f}" title="{clock(word["start"])}">'
            f"{escape(word['text'])}</u>"
            for n, word in enumerate(timeline.words[first:last], start=first)
        ]
        who = escape(f"{called(row)}{_as(row['person'])}") if row["speaker"] else ""
        between = glue(timeline.words[first]["language"])
        parts.append(
            f'<div><h4 class="{_colour(colours, row["speaker"])}">{who}'
            f"<span>{clock(row['start'])}</span></h4>{between.join(said)}</div>"
        )
    return f'<div class="talk">{"".join(parts)}</div>' if parts else ""


def player(timeline: Timeline, address: str) -> str:
    """What plays the original at an address; nothing without one."""
    if not address or timeline.kind not in ("audio", "video"):
        return ""
    label, at = escape(timeline.name), escape(f"./{address}")  # a name with a colon is no scheme
    return (
        f'<{timeline.kind} class="player" controls preload="metadata" aria-label="{label}" '
        f'src="{at}"></{timeline.kind}>'
    )


def people(
    timeline: Timeline, colours: Mapping[str, int], faces: Mapping[str, NDArray | None]
) -> str:
    """The persons as cut-out faces and the voices, with their times."""
    parts = []
    for row in timeline.persons:
        person, cut = row["person"], faces.get(row["person"])
        if cut is None:
            face = '<span class="face">?</span>'
        else:
            face = f'<img class="face" alt="" src="{jpeg_uri(cut, 128)}">'
        seen = f"{clock(row['duration'] or 0.0, padded=False)} on screen"
        seen = "" if timeline.kind == "image" else seen
        parts.append(_who(person, row["name"], face, (seen, colours)))
    for row in timeline.voices:
        heard = f"{clock(row['duration'] or 0.0, padded=False)} of speech"
        sign = '<span class="dot"></span>'
        parts.append(_who(row["speaker"], row["name"], sign, (heard, colours)))
    return f'<div class="people">{"".join(parts)}</div>' if parts else ""


def _who(label: str, name: str | None, sign: str, more: tuple[str, Mapping[str, int]]) -> str:
    told, colours = more
    called = f"{name} ({label})" if name else label
    return (
        f'<div class="who {_colour(colours, label)}">{sign}'
        f"<div><b>{escape(called)}</b><span>{escape(told)}</span></div></div>"
    )


def errors(timeline: Timeline) -> str:
    """What could not be done with this file, and what is wrong with it though it was used."""
    failed = (
        f'<p class="bad"><b>{escape(row["step"])} failed</b> {escape(row["message"])}</p>'
        for row in timeline.errors
    )
    warned = (f'<p class="soft">warning: {escape(each)}</p>' for each in timeline.warnings)
    return "".join([*failed, *warned])
