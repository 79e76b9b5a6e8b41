"""The few HTML elements of a notebook, with their styles in them: nothing is fetched, nothing runs."""

from __future__ import annotations

import base64
import html
import io
import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sensorium.core.media import Audio
from sensorium.interfaces.text.units import clock

SECONDS = 30.0  # of sound in a player: 160 kB
_RATE, _BITS = 24_000, 32_000
_SOFT = "opacity:.65"


def escape(text: Any) -> str:
    """Text for HTML, for attributes as well."""
    return html.escape(str(text), quote=True)


def box(*parts: str) -> str:
    """What one thing shows."""
    inner = "".join(part for part in parts if part)
    return f'<div style="max-width:960px;line-height:1.45">{inner}</div>'


def head(title: str, told: str = "") -> str:
    """The first line: what it is, and what there is to say of it."""
    more = f' <span style="{_SOFT}">{escape(told)}</span>' if told else ""
    return f"<div><b>{escape(title)}</b>{more}</div>"


def note(text: str) -> str:
    """A line that only explains."""
    return f'<div style="{_SOFT}">{escape(text)}</div>' if text else ""


def short(uri: str) -> str:
    """A path as its file name, with the path to be seen when the mouse rests on it."""
    return f'<span title="{escape(uri)}">{escape(os.path.basename(uri) or uri)}</span>'


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are markup already."""
    cell = "text-align:left;padding:1px 10px 1px 0;vertical-align:top"
    top = "".join(f'<th style="{cell}">{escape(title)}</th>' for title in titles)
    body = "".join(
        "<tr>" + "".join(f'<td style="{cell}">{each}</td>' for each in row) + "</tr>"
        for row in rows
    )
    return f'<table style="border-collapse:collapse"><tr>{top}</tr>{body}</table>'


def picture(pixels: NDArray[np.uint8], side: int, caption: str = "") -> str:
    """A picture of at most `side` pixels, as JPEG of a byte per four pixels at most, with a line below."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.thumbnail((side, side))
    for quality in (75, 50, 25, 5):
        image.save(data := io.BytesIO(), "JPEG", quality=quality, optimize=True)
        if 4 * len(data.getvalue()) <= max(image.width * image.height, 2000):
            break
    source = f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode('ascii')}"
    line = f'<div style="font-size:80%;{_SOFT}">{escape(caption)}</div>' if caption else ""
    style = "display:inline-block;margin:2px 4px 2px 0;vertical-align:top"
    return f'<div style="{style}"><img alt="{escape(caption)}" src="{source}">{line}</div>'


def player(audio: Audio) -> str:
    """A player of the first half minute, as MP3, which all browsers and VS Code play."""
    if not audio.samples.size:
        return ""
    part = audio.between(audio.start, audio.start + SECONDS)
    source = f"data:audio/mpeg;base64,{base64.b64encode(_mp3(part)).decode('ascii')}"
    cut = f"the first {SECONDS:g} s" if audio.duration > SECONDS else ""
    return f'<audio controls preload="metadata" src="{source}"></audio>{note(cut)}'


def _mp3(audio: Audio) -> bytes:
    import av

    clean = np.clip(np.nan_to_num(audio.mono()), -1.0, 1.0)[None].astype(np.float32)
    frame = av.AudioFrame.from_ndarray(clean, format="fltp", layout="mono")
    frame.sample_rate = audio.sample_rate
    resampler = av.AudioResampler("fltp", "mono", _RATE)
    data = io.BytesIO()
    with av.open(data, "w", format="mp3") as container:
        stream: Any = container.add_stream("libmp3lame", rate=_RATE)
        stream.bit_rate, stream.layout = _BITS, "mono"
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            part.pts = None
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return data.getvalue()


def wave(audio: Audio, width: int = 480, height: int = 48) -> str:
    """The loudest and the lowest sample along the time, drawn with lines."""
    samples = np.nan_to_num(audio.mono())
    if not len(samples):
        return ""
    parts = np.array_split(samples, min(width // 2, len(samples)))
    middle = height / 2
    lines = "".join(
        f"M{2 * x} {middle - middle * min(float(part.max()), 1.0):.0f}"
        f"V{middle - middle * max(float(part.min()), -1.0) + 1:.0f}"
        for x, part in enumerate(parts)
    )
    return (
        f'<svg width="{width}" height="{height + 1}" style="display:block" role="img">'
        f"<title>{clock(audio.start)} to {clock(audio.end)}</title>"
        f'<path d="{lines}" stroke="currentColor" fill="none"/></svg>'
    )
