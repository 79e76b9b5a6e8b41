"""A small library of invented results, to try readers of libraries on. Nothing in it was measured."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sensorium.core.features import Features
from sensorium.core.media import MediaRef
from sensorium.core.record import KINDS, Provenance, Record
from sensorium.core.time import Span
from sensorium.library.layout import Layout, result_key
from sensorium.library.library import Library
from sensorium.library.store.writing import adding

_MADE_UP = Provenance("synthetic", "1")
_TALK = (
    ("S1", "P1", "Good evening. Tonight we talk about patches, spans and the people in pictures."),
    ("S2", "P2", "Thank you; it's good to be here. Is x < y & y > z?"),
    ("S1", "P1", "Let us begin."),
)


def synthetic_record(
    kind: str, start: float | None = None, end: float | None = None, /, **values: Any
) -> Record:
    """A record of `kind` with the given values; every other column is null."""
    span = None if start is None or end is None else Span(start, end)
    blank = {column.name: None for column in KINDS[kind]}
    return Record(kind, span, {**blank, **values}, _MADE_UP)


def add_synthetic(
    root: str | os.PathLike[str],
    ref: MediaRef,
    records: Iterable[Record | Features],
    name: str = "synthetic",
    also: Sequence[str] = (),
    stat: Sequence[int] | None = None,
) -> None:
    """Writes `records` and features as the result of one file into the library at `root`.

    The library is made if need be. `also` are passes that share the result; `stat` is what the file is
    recognised by, bytes and nanoseconds of its last change. The record of kind ``media`` is added from `ref`.
    """
    layout = Layout(root)
    layout.create()
    key = result_key(ref.digest, name, "0" * 16)
    known = {c.name: getattr(ref, c.name) for c in KINDS["media"]}
    results = [synthetic_record("media", **known), *records]
    models = {each.model for each in results if isinstance(each, Features)}
    recipe = {"models": [Provenance(model, "1").plain() for model in sorted(models)]}
    found = dict.fromkeys([name, *also], key)
    about = {"digest": ref.digest, "stat": stat, "ref": asdict(ref), "results": found}
    with adding(layout) as sink:
        sink.write(key, ref, results, recipe)
        sink.note({"uri": ref.uri, **about})


def add_synthetic_failure(root: str | os.PathLike[str], uri: str, message: str) -> None:
    """An input that could not be read."""
    layout = Layout(root)
    layout.create()
    ref = MediaRef(uri, "", "image")
    key = f"unread/media-{hashlib.sha256(uri.encode()).hexdigest()[:16]}"
    values = {"step": "media", "error": "MediaError", "message": message}
    about = {"digest": "", "stat": None, "ref": None, "results": {"media": key}}
    with adding(layout) as sink:
        sink.write(key, ref, [synthetic_record("error", **values)], {})
        sink.note({"uri": uri, **about})


def synthetic_ref(uri: str, kind: str = "video", **changes: Any) -> MediaRef:
    """A file that there is not: 30 s of video, or audio or an image of the like."""
    digest = hashlib.sha256(uri.encode()).hexdigest()
    values: dict[str, Any] = {"container": "synthetic", "num_bytes": 2_400_000}
    if kind != "audio":
        values |= {"width": 640, "height": 360}
    if kind != "image":
        values |= {"duration": 30.0, "has_sound": True, "sample_rate": 48000, "num_channels": 2}
    if kind == "video":
        values |= {"frame_rate": 25.0}
    return MediaRef(uri, digest, kind, **{**values, **changes})  # type: ignore[arg-type]


def synthetic_words(
    talk: Sequence[tuple[str | None, str | None, str]], start: float = 1.0, pace: float = 0.35
) -> list[Record]:
    """Words of `pace` seconds each, with assignments; `talk` holds (speaker, person, text)."""
    records = []
    for speaker, person, text in talk:
        for word in text.split():
            span = (round(start, 3), round(start + pace * 0.9, 3))
            who = {"text": word, "speaker": speaker, "person": person}
            records.append(synthetic_record("word", *span, text=word, score=0.9, language="en"))
            records.append(synthetic_record("assignment", *span, **who))
            start += pace
        start += pace
    return records


def synthetic_talk(ref: MediaRef) -> list[Record]:
    """Two people in two shots who talk to each other for half a minute."""
    half = (ref.duration or 30.0) / 2
    records = synthetic_words(_TALK)
    end_of_first = 1.0 + 0.35 * len(_TALK[0][2].split())
    turns = [("S1", "P1", 1.0, end_of_first), ("S2", "P2", end_of_first + 0.35, 10.5)]
    for speaker, person, start, end in turns:
        records.append(synthetic_record("turn", start, end, speaker=speaker, score=0.9))
        link = {"speaker": speaker, "person": person, "track": int(person[1]), "score": 0.8}
        records.append(synthetic_record("link", start, end, **link))
        records.append(synthetic_record("speech", start, end, score=0.95))
        voice = {"speaker": speaker, "duration": end - start, "embedding": [1.0, 0.0]}
        records.append(synthetic_record("voice", **voice))
    for index, person in enumerate(("P1", "P2")):
        start, x = index * half, 120.0 + 260.0 * index
        box = {"x0": x, "y0": 80.0, "x1": x + 120.0, "y1": 230.0}
        records.append(synthetic_record("shot", start, start + half, index=index))
        for step in range(int(half * 2)):
            at = start + step / 2
            who = {"label": "face", "score": 0.9, "track": index + 1, "person": person}
            records.append(synthetic_record("region", at, at, **who, **box, shot=index))
        seen = {"person": person, "num_tracks": 1, "duration": half, "at": start + half / 3}
        records.append(synthetic_record("person", **seen, **box, embedding=[0.5, float("nan")]))
    records.append(synthetic_record("subtitle", 1.0, 4.0, text="Good\nevening", name="", source=""))
    return records


def synthetic_library(root: str | os.PathLike[str], folder: str = "/synthetic") -> Library:
    """A video with two people, a song without words, a picture with a face, and a broken file."""
    video = synthetic_ref(f"{folder}/talk show.mp4")
    add_synthetic(root, video, synthetic_talk(video))
    add_synthetic(root, synthetic_ref(f"{folder}/song.wav", "audio", duration=4.0), [])
    face = {"label": "face", "score": 0.8, "x0": 10.0, "y0": 20.0, "x1": 110.0, "y1": 150.0}
    region = synthetic_record("region", **face, person="P1")
    add_synthetic(root, synthetic_ref(f"{folder}/portrait.jpg", "image"), [region])
    add_synthetic_failure(root, f"{folder}/broken.png", "broken.png: cut short; copy it again")
    return Library(Path(root))
