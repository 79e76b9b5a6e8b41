"""Invented results whose voices and faces are known: for what shows and corrects who is who."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sensorium.core.media import MediaRef
from sensorium.core.record import Record
from sensorium.library.gallery import Gallery, sample_key
from sensorium.library.layout import Layout, result_key
from sensorium.library.library import Library
from sensorium.testing.sample_library import add_synthetic, synthetic_ref, synthetic_talk

_PASSES = ("speakers", "faces")
_TALK = {"S1": "V1", "S2": "V2", "P1": "V1", "P2": "V2"}


def add_known(
    root: str | os.PathLike[str],
    ref: MediaRef,
    records: Iterable[Record],
    whose: Mapping[str, str],
    score: float | None = None,
) -> None:
    """Adds a file and says whose its labels are: label (``"S1"``, ``"P1"``) -> identity.

    `score` is the probability of each, None where they found the identities.
    """
    stat = None
    if os.path.exists(ref.uri):
        now = os.stat(ref.uri)
        stat = [now.st_size, now.st_mtime_ns]
    found = [_embedded(record, whose) for record in records]
    add_synthetic(root, ref, found, "all", _PASSES, stat)  # one result holds what passes make apart
    layout = Layout(root)
    result = result_key(ref.digest, "all", "0" * 16)
    rows = []
    for label, identity in whose.items():
        kind = "voice" if label.startswith("S") else "face"
        row: dict[str, Any] = {
            "key": sample_key(result, label),
            "uri": ref.uri,
            "label": label,
            "kind": kind,
        }
        row |= {"model": f"synthetic {kind}", "seconds": 5.0, "apart": []}
        row["embedding"] = _direction(identity)
        rows.append(row | {"identity": identity, "score": score})
    Gallery(layout).add("seen", samples=rows)


def _direction(identity: str) -> list[float]:
    return [float(number == int(identity[1:]) % 8) for number in range(8)]


def _embedded(record: Record, whose: Mapping[str, str]) -> Record:
    """The record of a voice or person with an embedding that tells identities apart."""
    label = record.values.get("speaker" if record.kind == "voice" else "person")
    if record.kind not in ("voice", "person") or label is None or label not in whose:
        return record
    return replace(record, values={**record.values, "embedding": _direction(whose[label])})


def known_library(
    root: str | os.PathLike[str], uris: Iterable[str] = ("/synthetic/one.mp4", "/synthetic/two.mp4")
) -> Library:
    """Files in which the same two people talk; in the first for sure, in the others probably."""
    score = None
    for uri in uris:
        ref = synthetic_ref(uri)
        add_known(root, ref, synthetic_talk(ref), _TALK, score)
        score = 0.8
    return Library(Path(root))
