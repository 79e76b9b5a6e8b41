"""A sheet of pictures in rows, for people to look a dataset over."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sensorium.core.learning import LabelClass, Split
from sensorium.ops.learning.choice import Picture, spread_order

SIDE = 112  # pixels of a cell
COLUMNS = 10
CLASSES = 60  # on one sheet
_MARGIN, _GAP, _HEAD, _TITLE, _CAPTION = 24, 8, 30, 72, 30
_INK, _SOFT, _LINE, _PAPER, _MARK = "#1d1f21", "#6a6d70", "#e2e0db", "#ffffff", "#b3541e"


@dataclass(slots=True)
class Row:
    """A line of the sheet: `title`, `told` beside it, and its cells: (picture, captions, marked)."""

    title: str
    told: str
    cells: list[tuple[NDArray[np.uint8], tuple[str, ...], bool]] = field(default_factory=list)


def around(pixels: NDArray[np.uint8], box: Sequence[float], room: float = 1.6) -> NDArray[np.uint8]:
    """What is around a box of a picture, with the box drawn, 112 pixels on its longer side."""
    height, width = pixels.shape[:2]
    half = max(1.0, room * max(box[2] - box[0], box[3] - box[1]) / 2)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    left, right = max(0, round(x - half)), min(width, max(round(x + half), 1))
    top, bottom = max(0, round(y - half)), min(height, max(round(y + half), 1))
    image = Image.fromarray(np.ascontiguousarray(pixels[top:bottom, left:right]))
    scale = SIDE / max(image.size)
    image = image.resize(
        [max(1, round(scale * side)) for side in image.size], Image.Resampling.BICUBIC
    )
    corners = [scale * (value - first) for value, first in zip(box, (left, top) * 2, strict=True)]
    ImageDraw.Draw(image).rectangle(corners, None, _PAPER, 1)
    return np.asarray(image)


def small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture scaled down so that its longer side has at most 112 pixels."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(image)


def write_review(path: str | os.PathLike[str], title: str, told: str, rows: Sequence[Row]) -> Path:
    """Draws the sheet as PNG; marked cells have a frame."""
    deep = SIDE + _CAPTION + _GAP
    heights = [_HEAD + deep * -(-len(row.cells) // COLUMNS) for row in rows]
    width = 2 * _MARGIN + COLUMNS * (SIDE + _GAP)
    sheet = Image.new("RGB", (width, _TITLE + sum(heights) + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, 18), title, _INK, ImageFont.load_default(20))
    draw.text((_MARGIN, 46), told, _SOFT, ImageFont.load_default(12))
    top = _TITLE
    for row, height in zip(rows, heights, strict=True):
        draw.line((_MARGIN, top, width - _MARGIN, top), _LINE)
        draw.text((_MARGIN, top + 6), row.title, _INK, ImageFont.load_default(15))
        wide = draw.textlength(row.title, ImageFont.load_default(15))
        draw.text((_MARGIN + wide + 12, top + 9), row.told, _SOFT, ImageFont.load_default(12))
        for number, cell in enumerate(row.cells):
            left = _MARGIN + number % COLUMNS * (SIDE + _GAP)
            _cell(sheet, (left, top + _HEAD + number // COLUMNS * deep), *cell)
        top += height
    target = Path(path)
    beside = target.with_name(f"{target.name}.{os.getpid()}.part")
    sheet.save(beside, "PNG", optimize=True)
    os.replace(beside, target)
    return target


def _cell(
    sheet: Image.Image,
    place: tuple[int, int],
    pixels: NDArray[np.uint8],
    captions: Sequence[str],
    marked: bool,
) -> None:
    image, (left, top) = Image.fromarray(pixels), place
    sheet.paste(image, place)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(10)
    if marked:
        draw.rectangle((left, top, left + image.width - 1, top + image.height - 1), None, _MARK, 3)
    for number, caption in enumerate(captions):
        while caption and draw.textlength(caption, font) > SIDE:
            caption = caption[:-1]
        draw.text((left, top + image.height + 2 + 13 * number), caption, _SOFT, font)


def write_jpeg(path: Path, pixels: NDArray[np.uint8], quality: int = 95) -> None:
    """One picture, its colours at full resolution."""
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, "JPEG", quality=quality, subsampling=0)


class Sheet:
    """Collects what the review sheet shows: some faces of each class, spread over its pictures."""

    def __init__(self, labels: Sequence[LabelClass], sides: Mapping[Picture, Split]) -> None:
        self._labels, self._sides = labels, sides
        self._rows = [Row(each.name, "") for each in labels[:CLASSES]]
        self._negatives = Row("nobody", "")
        self._wanted: list[set[Picture]] = []
        for each in labels[:CLASSES]:
            mine = [picture for picture in sides if each.identity in picture.identities]
            self._wanted.append({mine[i] for i in spread_order(len(mine))[: 2 * COLUMNS]})
        empty = [picture for picture in sides if not picture.boxes]
        self._empty = {empty[i] for i in spread_order(len(empty))[: 2 * COLUMNS]}

    def add(self, picture: Picture, pixels: Any, boxes: Sequence[tuple[int, Any]]) -> None:
        """Keeps the crops of one picture that are shown."""
        at = "" if picture.at is None else f"{int(picture.at // 60)}:{picture.at % 60:04.1f}"
        side = self._sides[picture]
        told = (os.path.basename(picture.uri), f"{at} {side}".strip())
        if picture in self._empty:
            self._negatives.cells.append((small(pixels), told, side == "val"))
        for number, box in boxes:
            if number < len(self._rows) and picture in self._wanted[number]:
                self._rows[number].cells.append((around(pixels, box), told, side == "val"))

    def write(self, path: Path, told: Mapping[str, Any]) -> Path:
        """Draws the sheet with the counts of the dataset: `library`, `split`, `pictures`, `classes`, ..."""
        for row, each in zip(self._rows, told["classes"], strict=False):
            row.told = (
                f"{each['identity']}: {each['train']} for training, {each['val']} for validation"
            )
        negatives = told["negatives"]
        self._negatives.told = (
            f"{negatives['train']} for training, {negatives['val']} for validation"
        )
        more = len(self._labels) - len(self._rows)
        text = f"{told['pictures']['train']} pictures for training, {told['pictures']['val']} for validation"
        text += f" (framed), divided by {told['split']}"
        text += f"; {more} classes are not on this sheet" if more > 0 else ""
        rows = [*self._rows, self._negatives] if self._negatives.cells else self._rows
        return write_review(path, told["library"], text, rows)
