"""A library as one picture, for people without a browser."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from sensorium.interfaces.text.timeline import Timeline, timelines
from sensorium.interfaces.text.units import clock, describe
from sensorium.interfaces.viewer.style import PALETTE
from sensorium.interfaces.viewer.thumbnails import (
    Picture,
    colours,
    in_order,
    pictures,
    plan,
    titles,
)
from sensorium.library.library import Library
from sensorium.ops.speech.utterance import Row, called
from sensorium.ports import Reader

FILES = 40  # in one sheet: a higher picture is no longer one to look at
_WIDTH, _MARGIN, _LABEL, _LANE, _PICTURE = 1280, 28, 130, 16, 132
_NAME = 17  # letters of a name that fit beside a label
_INK, _SOFT, _LINE, _PAPER, _GREY = "#1d1f21", "#6a6d70", "#e2e0db", "#ffffff", "#d9d7d1"
_BAD = "#b3261e"


def write_sheet(
    library: Library,
    path: str | os.PathLike[str],
    reader: Reader,
    media: str | os.PathLike[str] | None = None,
) -> Path:
    """Writes a contact sheet (PNG) of the library, or of the one input that `media` names.

    Per file eight pictures with faces and names, and the lanes of the page. A sheet holds 40
    files; how many are left out is written at its end.

    Raises:
        UsageError: no input of that name, or several.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    entries = library.chosen(media)
    parts = [
        file_picture(timeline, reader) for timeline in timelines(library, in_order(entries)[:FILES])
    ]
    title = library.path.resolve().name
    more = len(entries) - FILES
    told = f"{len(entries)} files" + (f"; {more} are not on this sheet" if more > 0 else "")
    sheet = Image.new("RGB", (_WIDTH, 76 + sum(p.height for p in parts) + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, 22), title, _INK, _font(22))
    draw.text((_MARGIN, 52), told, _SOFT, _font(13))
    top = 76
    for part in parts:
        sheet.paste(part, (0, top))
        top += part.height
    beside = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        sheet.save(beside, "PNG", optimize=True)
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)
    return target


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def file_picture(timeline: Timeline, reader: Reader) -> Image.Image:
    """One file: eight pictures with faces and names, the lanes, the first things said."""
    times, _ = plan(timeline)
    few = [times[(2 * i + 1) * len(times) // 16] for i in range(8)] if len(times) > 8 else times
    shown = pictures(timeline, reader, 400, few)
    told = colours(timeline)
    lanes = _lanes(timeline) if timeline.duration else []
    tall = max((size[1] for size in _sizes(shown)), default=-10) + 10
    image = Image.new("RGB", (_WIDTH, _height(timeline, tall, len(lanes))), _PAPER)
    draw = ImageDraw.Draw(image)
    draw.line((_MARGIN, 8, _WIDTH - _MARGIN, 8), _LINE)
    _line(draw, 20, timeline.name, _INK, 16)
    _line(draw, 42, describe(timeline.about), _SOFT, 12)
    _strip(image, shown, told)
    top = 64 + tall
    for label, rows in lanes:
        _lane(draw, top, label, rows, timeline.duration, _hue(told, label))
        if name := titles(timeline).get(label):
            draw.text((_MARGIN + 20, top + 1), name[:_NAME], _SOFT, _font(11))
        top += _LANE + 4
    for row in timeline.utterances[:6]:
        who = f"{called(row)}  " if row["speaker"] else ""
        _line(draw, top + 4, f"{clock(row['start'])}  {who}{row['text']}", _INK, 13)
        top += 20
    if len(timeline.utterances) > 6:
        _line(draw, top + 4, f"and {len(timeline.utterances) - 6} more", _SOFT, 12)
        top += 20
    for row in timeline.errors:
        _line(draw, top + 4, f"{row['step']} failed: {row['message']}", _BAD, 13)
        top += 20
    return image


def _height(timeline: Timeline, pictures_: int, num_lanes: int) -> int:
    num_lines = min(len(timeline.utterances), 7) + len(timeline.errors)
    return 64 + pictures_ + num_lanes * (_LANE + 4) + num_lines * 20 + 20


def _line(draw: ImageDraw.ImageDraw, top: int, text: str, colour: str, size: int) -> None:
    """One line, cut with dots where the sheet ends."""
    font, text = _font(size), " ".join(text.split())[:400]
    room = _WIDTH - 2 * _MARGIN
    if draw.textlength(text, font) > room:
        while text and draw.textlength(text + "...", font) > room:
            text = text[:-1]
        text += "..."
    draw.text((_MARGIN, top), text, colour, font)


def _strip(image: Image.Image, shown: Sequence[Picture], told: Mapping[str, int]) -> None:
    left = _MARGIN
    for each, size in zip(shown, _sizes(shown), strict=True):
        image.paste(_picture(each, size, told), (left, 64))
        left += size[0] + 6


def _sizes(shown: Sequence[Picture]) -> list[tuple[int, int]]:
    """Width and height of each picture, so that all of them fill a row at most."""
    wide = [each.width / each.height * _PICTURE for each in shown]
    fit = min(1.0, (_WIDTH - 2 * _MARGIN - 6 * (len(shown) - 1)) / max(sum(wide), 1.0))
    return [(max(1, round(full * fit)), max(1, round(_PICTURE * fit))) for full in wide]


def _picture(picture: Picture, size: tuple[int, int], told: Mapping[str, int]) -> Image.Image:
    if picture.pixels is None:
        image = Image.new("RGB", size, _GREY)
        words = picture.missing.split()
        half = (len(words) + 1) // 2
        text = " ".join(words[:half])[:40] + "\n" + " ".join(words[half:])[:40]
        ImageDraw.Draw(image).multiline_text((8, 8), text, _SOFT, _font(11))
    else:
        image = Image.fromarray(picture.pixels).resize(size, Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(image)
    for row, (x, y, width, height) in picture.places():
        hue = _hue(told, row["person"])
        box = [x * size[0], y * size[1], (x + width) * size[0], (y + height) * size[1]]
        draw.rectangle(box, outline=hue, width=2)
        if row["person"]:
            wide = draw.textlength(row["person"], _font(10)) + 6
            top = box[1] - 13 if box[1] >= 13 else box[3]
            draw.rectangle([box[0], top, box[0] + wide, top + 13], fill=hue)
            draw.text((box[0] + 3, top + 1), row["person"], _PAPER, _font(10))
    return image


def _hue(told: Mapping[str, int], label: str | None) -> str:
    return PALETTE[told[label] % len(PALETTE)][0] if label and label in told else "#8d9196"


def _lanes(timeline: Timeline) -> list[tuple[str, list[Row]]]:
    lanes = [("shots", timeline.shots), ("speech", timeline.speech), ("words", timeline.words)]
    for speaker in timeline.speakers:
        lanes.append((speaker, [row for row in timeline.turns if row["speaker"] == speaker]))
    for person in timeline.seen:
        lanes.append((person, [face for face in timeline.faces if face["person"] == person]))
    return [(label, rows) for label, rows in lanes if rows]


def _lane(
    draw: ImageDraw.ImageDraw, top: int, label: str, rows: Sequence[Row], length: float, hue: str
) -> None:
    left, right = _MARGIN + _LABEL, _WIDTH - _MARGIN
    draw.text((_MARGIN, top + 1), label, _SOFT, _font(11))
    draw.rectangle((left, top, right, top + _LANE), fill="#f3f2ee")
    for row in rows:
        x0, x1 = (left + (right - left) * row[end] / length for end in ("start", "end"))
        gap = 1 if label in ("shots", "words") and x1 - x0 > 3 else 0
        draw.rectangle((x0, top, max(x1 - gap - 1, x0), top + _LANE), fill=hue)
