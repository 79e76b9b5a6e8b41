"""What a library learned of its drawn characters from their tracks, kept in it from run to run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from sensorium.core.errors import LibraryError
from sensorium.core.people.identity import Identity, Sample, comparable
from sensorium.core.record import digest
from sensorium.library.layout import Layout, write_json
from sensorium.library.library import Library
from sensorium.ops.learning.title_metric import TitleMetric, learned

_MORE = 1.25  # times as many tracks as it was learned from: then it is learned anew
Tracks = dict[tuple[str, int], tuple[float, float, list[Any]]]  # (file, track) -> from, to, crops


def metrics(layout: Layout) -> dict[str, TitleMetric]:
    """The metric of each encoder of drawn heads, by the name that its samples carry.

    ``learned/drawn-<model>.json`` is read, or written where there is none or the library has grown by a
    quarter. A library is taken for one title; one with too little to learn from has none. The caller
    holds the library's lock.

    Raises:
        LibraryError: a file of `learned` that cannot be read.
    """
    found = {}
    for model, tracks in _tracks(layout).items():
        file = layout.root / "learned" / f"drawn-{digest(model)[:16]}.json"
        kept = _read(file)
        several = sum(len(crops) > 1 for _, _, crops in tracks.values())
        if kept is None or several > _MORE * kept["tracks"]:
            fresh = learned([np.array(crops) for _, _, crops in tracks.values()], _apart(tracks))
            if fresh is not None:
                version = kept["version"] + 1 if kept else 1
                kept = {"model": model, "version": version, **fresh.plain()}
                file.parent.mkdir(exist_ok=True)
                write_json(file, kept)
        if kept is not None:
            found[model] = TitleMetric.of(kept)
    return found


def as_seen(learned: Mapping[str, TitleMetric], sample: Sample) -> Sample:
    """A sample with the embedding that the metric of its encoder gives it, if there is one."""
    metric = learned.get(sample.model)
    return replace(sample, embedding=metric.seen(sample.embedding)) if metric else sample


def seen_by(
    learned: Mapping[str, TitleMetric], identities: Mapping[str, Identity]
) -> dict[str, Identity]:
    """Everybody with samples `as_seen`."""
    return {
        key: replace(who, samples=tuple(as_seen(learned, sample) for sample in who.samples))
        for key, who in identities.items()
    }


def _read(file: Path) -> dict[str, Any] | None:
    if not file.exists():
        return None
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except ValueError as error:
        raise LibraryError(
            f"{file}: expected what was learned of a title as JSON; {error}; delete it to learn anew"
        ) from None


def _tracks(layout: Layout) -> Mapping[str, Tracks]:
    """Encoder -> the tracks of drawn heads in all inputs of the library."""
    found: dict[str, Tracks] = {}
    library = Library(layout.root)
    for row in library.table("look").to_pylist() if library.files("look") else ():
        tracks = found.setdefault(comparable(row["model"], row["revision"]), {})
        key = (row["media"], row["track"])
        tracks.setdefault(key, (row["start"], row["end"], []))[2].append(row["embedding"])
    return found


def _apart(tracks: Tracks) -> list[tuple[int, int]]:
    """The places of tracks that are to be seen at one moment of one file."""
    of_file: dict[str, list[tuple[int, float, float]]] = {}
    for place, ((result, _), (start, end, _)) in enumerate(tracks.items()):
        of_file.setdefault(result, []).append((place, start, end))
    return [
        (a, b)
        for each in of_file.values()
        for (a, start, end), (b, first, last) in combinations(each, 2)
        if start <= last and first <= end
    ]
