"""What each noun shows in a notebook; `html` is what their ``_repr_html_`` calls."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import numpy as np
import pandas as pd

from sensorium.core.features import Features
from sensorium.core.media import Audio, Frames
from sensorium.core.people.identity import Identity
from sensorium.core.speech import Transcript, Turn
from sensorium.interfaces.notebook.elements import (
    box,
    escape,
    head,
    note,
    picture,
    player,
    short,
    table,
    wave,
)
from sensorium.interfaces.text.units import clock
from sensorium.library.library import Library
from sensorium.library.library_file import LibraryFile
from sensorium.library.readable import LAST, Table
from sensorium.people.cast import Cast

ROWS = 20  # of a table
PICTURES = 12
WORDS = 1500  # of a transcript


@singledispatch
def html(thing: Any) -> str:
    """Markup of one thing: without scripts, whole without a network, 200 kB at most."""
    return f"<pre>{escape(repr(thing))}</pre>"


@html.register
def _(audio: Audio) -> str:
    channels, samples = audio.samples.shape
    told = f"{clock(audio.start)} to {clock(audio.end)}, {audio.sample_rate / 1000:g} kHz, "
    told += f"{channels} channel{'s' * (channels != 1)}, {samples} samples"
    return box(head("Audio", told), wave(audio), player(audio))


@html.register
def _(frames: Frames) -> str:
    num, height, width = frames.pixels.shape[:3]
    shown = _spread(num, PICTURES)
    pictures = (picture(frames.pixels[i], 220, clock(frames.times[i])) for i in shown)
    left_out = f"{len(shown)} of {num} pictures" if len(shown) < num else ""
    told = f"{num} picture{'s' * (num != 1)}, {width}x{height}"
    return box(head("Frames", told), *pictures, note(left_out))


def _spread(num: int, at_most: int) -> Sequence[int]:
    return range(num) if num <= at_most else [i * num // at_most for i in range(at_most)]


@html.register
def _(features: Features) -> str:
    from sensorium.interfaces.notebook.plots import features as plotted

    axes = ", ".join(
        f"{axis.name} {size} × {axis.step:g} {axis.unit}"
        for axis, size in zip(features.axes, features.values.shape, strict=False)
    )
    told = f"{axes or 'embedding'}, {features.values.shape[-1]} numbers each, {features.model}"
    if features.span:
        told += f", {clock(features.span.start)} to {clock(features.span.end)}"
    image = picture(np.asarray(plotted(features)), 480) if features.values.size else ""
    return box(head(f"Features {features.name}".strip(), told), image)


@html.register
def _(transcript: Transcript) -> str:
    words = [
        f'<span title="{clock(word.span.start)}" style="{"" if i < transcript.stable else "opacity:.6"}">'
        f"{escape(word.text)}</span>"
        for i, word in enumerate(transcript.words[:WORDS])
    ]
    more = len(transcript.words) - len(words)
    told = (
        f"{len(transcript.words)} words, {transcript.stable} of them final, {transcript.language}"
    )
    rest = f"and {more} more words" if more else ""
    return box(head("Transcript", told), f"<div>{' '.join(words)}</div>", note(rest))


@html.register
def _(turn: Turn) -> str:
    who = f"{turn.speaker} ({turn.identity})" if turn.identity else turn.speaker
    return box(head(who, f"{clock(turn.span.start)} to {clock(turn.span.end)}"))


@html.register
def _(identity: Identity) -> str:
    rows = [
        (short(each.uri), escape(each.label), each.kind, f"{each.seconds:.1f} s")
        for each in identity.samples[:ROWS]
    ]
    more = len(identity.samples) - len(rows)
    return box(
        head(identity.name or "(unknown)", f"{identity.id}, {_sure(identity)}"),
        table(("file", "label", "kind", "length"), rows),
        note(f"and {more} more voices and faces" if more else ""),
    )


def _sure(identity: Identity) -> str:
    if identity.name is None or identity.score is None:
        return "no name yet"
    return "named by hand" if identity.score == 1.0 else f"name sure to {identity.score:.2f}"


@html.register
def _(cast: Cast) -> str:
    known = cast.all()
    rows = [
        (
            escape(who.name or "(unknown)"),
            f"<code>{escape(who.id)}</code>",
            escape(_sure(who)),
            clock(who.seconds) if who.seconds else "",
            clock(who.on_screen) if who.on_screen else "",
            ", ".join(short(uri) for uri in list(dict.fromkeys(s.uri for s in who.samples))[:3]),
        )
        for who in known[: 2 * ROWS]
    ]
    more = len(known) - len(rows)
    return box(
        head(type(cast).__name__, f"{len(known)} identities"),
        table(("name", "id", "", "heard", "seen", "files"), rows),
        note(f"and {more} more; all: .table()" if more else ""),
    )


@html.register
def _(frame: Table) -> str:
    away = [name for name in frame.columns if name in LAST]
    kept = [name for name in frame.columns if name not in away]
    rows = [
        [_cell(str(name), row[number]) for number, name in enumerate(kept)]
        for row in frame[kept].head(ROWS).itertuples(index=False, name=None)
    ]
    told = f"{len(frame)} rows, {len(frame.columns)} columns"
    told += f", of which not shown: {', '.join(away)}" if away else ""
    rest = f"the first {ROWS} rows; all of them as text: print(table.to_string())"
    return box(
        table([str(name) for name in kept], rows),
        note(rest if len(frame) > ROWS else ""),
        note(told),
    )


def _cell(name: str, value: Any) -> str:
    if isinstance(value, (list, tuple, np.ndarray)):
        return f"{len(value)} values"
    if pd.isna(value):
        return ""
    if name == "uri":
        return short(str(value))
    if name in ("start", "end", "at", "duration") and isinstance(value, (int, float)):
        return clock(value)
    if isinstance(value, float):
        return f"{value:.3g}" if math.isfinite(value) and abs(value) < 1000 else f"{value:.0f}"
    text = str(value)
    return escape(text if len(text) <= 120 else f"{text[:120]}…")


@html.register
def _(library: Library) -> str:
    from sensorium.interfaces.notebook.file_html import library_rows

    entries = library.inputs()
    rows = library_rows(library, entries[:ROWS])
    more = len(entries) - len(rows)
    where = os.path.basename(library.path.resolve())
    return box(
        head(f"Library {where}", f"{len(entries)} files in {library.path}"),
        table(("", "file", "what it is", "who", "what is said"), rows) if rows else "",
        note(f"and {more} more: list(library)" if more else ""),
        note('one file: library["NAME"]; tables: library.turns(), .words(), .people()'),
    )


@html.register
def _(file: LibraryFile) -> str:
    from sensorium.interfaces.notebook.file_html import file_parts

    return box(*file_parts(file))
