"""A curve of numbers as a picture, for people without a plotting library."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_SIZE, _LEFT, _TOP, _RIGHT, _BOTTOM = (900, 480), 70, 50, 870, 430
_INK, _SOFT, _LINE, _COLOURS = "#1d1f21", "#6a6d70", "#e2e0db", ("#2f6fab", "#b3541e", "#3d8b4f")
Points = Sequence[tuple[float, float]]


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round numbers from `low` to `high`.

    >>> ticks(0.0, 3.2)
    [0.0, 1.0, 2.0, 3.0]
    """
    rough = max(high - low, 1e-9) / about
    size = 10.0 ** np.floor(np.log10(rough))
    step = next(size * n for n in (1, 2, 5, 10) if size * n >= rough * 0.999)
    first = np.ceil(low / step - 1e-9)
    num = int(np.floor(high / step + 1e-9) - first) + 1
    return [float(round((first + i) * step, 12)) for i in range(num)]


def write_curve(
    path: str | os.PathLike[str], lines: Mapping[str, Points], title: str, axis: str
) -> Path:
    """Draws `lines` (name -> points of x and y) into a PNG; `axis` names what x counts."""
    shown = {name: [p for p in points if np.isfinite(p).all()] for name, points in lines.items()}
    shown = {name: points for name, points in shown.items() if points}
    image = Image.new("RGB", _SIZE, "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(13)
    draw.text((_LEFT, 16), title, _INK, ImageFont.load_default(18))
    every = np.array([p for points in shown.values() for p in points] or [(0.0, 0.0)])
    low, high = every.min(0), every.max(0)
    low[1] = min(low[1], 0.0)
    wide = np.where(high > low, high - low, 1.0)

    def place(x: float, y: float) -> tuple[float, float]:
        part = (np.array([x, y]) - low) / wide
        return _LEFT + part[0] * (_RIGHT - _LEFT), _BOTTOM - part[1] * (_BOTTOM - _TOP)

    for value in ticks(low[1], low[1] + wide[1]):
        top = place(low[0], value)[1]
        draw.line((_LEFT, top, _RIGHT, top), _LINE)
        draw.text((_LEFT - 8, top), f"{value:g}", _SOFT, font, anchor="rm")
    for value in ticks(low[0], low[0] + wide[0]):
        left = place(value, low[1])[0]
        draw.text((left, _BOTTOM + 6), f"{value:g}", _SOFT, font, anchor="ma")
    draw.text((_RIGHT, _BOTTOM + 26), axis, _SOFT, font, anchor="ra")
    for index, (name, points) in enumerate(shown.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        where = [place(*point) for point in points]
        draw.line(where, colour, 2)
        x, y = where[-1]
        draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=colour)
        draw.text(
            (_RIGHT, 12 + 16 * index), f"{name} {points[-1][1]:.4g}", colour, font, anchor="ra"
        )
    target = Path(path)
    beside = target.with_name(f"{target.name}.{os.getpid()}.part")
    image.save(beside, "PNG")
    os.replace(beside, target)
    return target
