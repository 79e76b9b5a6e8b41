"""Claims: what the sources of evidence say of the voices and faces of one file, and portraits of a cast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from sensorium.core.people.evidence import Claim, Scene, Text
from sensorium.core.people.identity import Identity
from sensorium.core.speech import Cue
from sensorium.core.time import Span
from sensorium.library.gallery import sample_key
from sensorium.library.layout import Layout
from sensorium.library.store.shelf import Shelf
from sensorium.ops.people import sources as ours
from sensorium.ops.people.known import Known
from sensorium.ops.people.wording.credits import credits
from sensorium.ops.people.wording.heard import spoken
from sensorium.ops.people.wording.labels import subtitles
from sensorium.people.match import calibration_of
from sensorium.ports import EvidenceSource

_LIKELY = 0.5  # probability from which on a portrait is a claim


@lru_cache(maxsize=1)
def sources() -> dict[str, EvidenceSource]:
    """All sources of evidence by name: ours, then those of other packages."""
    known: dict[str, EvidenceSource] = {
        "subtitles": subtitles,
        "speech": spoken,
        "credits": credits,
        "screen": ours.screen,
        "file": ours.file_name,
        "detector": ours.detector,
    }
    for entry in entry_points(group="sensorium.evidence"):
        known.setdefault(entry.name, entry.load())
    return known


def plain_claim(claim: Claim, sample: str) -> dict[str, Any]:
    """A claim as the row of a decision."""
    span = claim.span
    return {
        "sample": sample,
        "name": claim.name,
        "score": round(claim.score, 4),
        "source": claim.source,
        "uri": claim.uri,
        "start": span.start if span else None,
        "end": span.end if span else None,
        "quote": claim.quote,
    }


def portraits(known: Known) -> list[dict[str, Any]]:
    """Claims of every face that is like a portrait of the cast: the best portrait of each name."""
    found = []
    for who in known.all():
        for member in known.cast.get("members", ()):
            best = max((_likeness(who, each) for each in member["portraits"]), default=None)
            if best is not None and best.score >= _LIKELY:
                claim = Claim(who.id, member["name"], best.score, "cast", "", None, best.quote)
                found.append(plain_claim(claim, best.sample))
    return found


@dataclass(frozen=True, slots=True, order=True)
class _Likeness:
    score: float
    sample: str = ""
    quote: str = ""


def _likeness(who: Identity, portrait: Mapping[str, Any]) -> _Likeness:
    """How like a portrait somebody's face is."""
    center = who.centroid(portrait["model"])
    calibration = calibration_of(portrait["model"], "face")
    if center is None or calibration is None:
        return _Likeness(0.0)
    similarity = float(center[0] @ portrait["embedding"])
    sample = next(s.key for s in who.samples if s.model == portrait["model"])
    quote = f"portrait {Path(portrait['file']).name}, similarity {similarity:.3f}"
    return _Likeness(calibration.probability(similarity, (1.0, 1.0)), sample, quote)


def read_scene(layout: Layout, entry: Mapping[str, Any]) -> Scene:
    """What one input holds that may name somebody."""
    rows = _Rows(layout, entry["results"])
    ref = entry.get("ref") or {}
    said = {_word(r): r["speaker"] for r in rows.of("who", "assignment")}
    words = [
        (_span(r), r["text"], rows.key("speakers", said.get(_word(r))))
        for r in rows.of("speech", "word")
    ]
    turns = [(_span(r), rows.key("speakers", r["speaker"])) for r in rows.of("speakers", "turn")]
    texts = [
        Text(_span(r), r["text"], r["score"], (r["x0"], r["y0"], r["x1"], r["y1"]))
        for r in rows.of("texts", "text")
        if r["start"] is not None
    ]
    cues = [Cue(_span(r), r["text"], r["name"]) for r in rows.of("media", "subtitle")]
    return Scene(
        entry["uri"],
        tuple((span, key) for span, key in turns if key),
        tuple(words),
        tuple(_stretches(rows)),
        tuple(cues),
        tuple(texts),
        _speaks_as(rows),
        ref.get("title", ""),
        tuple(
            (key, r["detected"], r["detected_score"])
            for r in rows.of("faces", "person")
            if r.get("detected") not in (None, r.get("detected_as"))  # a class that has a name
            and (key := rows.key("faces", r["person"]))
        ),
    )


class _Rows:
    """The records of one input, and the keys of its voices and faces."""

    def __init__(self, layout: Layout, results: Mapping[str, str]) -> None:
        self._shelf, self._results = Shelf(layout), results

    def of(self, step: str, kind: str) -> Sequence[dict[str, Any]]:
        """The rows that a pass made; none if it was not done."""
        return self._shelf.rows(kind, [self._results[step]]) if step in self._results else []

    def key(self, step: str, label: str | None) -> str | None:
        """The key of a voice or face by its label."""
        return sample_key(self._results[step], label) if label and step in self._results else None


def _span(row: Mapping[str, Any]) -> Span:
    return Span(row["start"], row["end"])


def _word(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["start"], row["end"], row["text"], row["channel"]


def _stretches(rows: _Rows) -> list[tuple[Span, str]]:
    """When each face was to be seen, track by track."""
    found: dict[tuple[str, int], list[float]] = {}
    for row in rows.of("faces", "region"):
        key = rows.key("faces", row["person"])
        if key and row["track"] is not None:
            found.setdefault((key, row["track"]), []).append(row["start"])
    return sorted((Span(min(times), max(times)), key) for (key, _), times in found.items())


def _speaks_as(rows: _Rows) -> dict[str, str]:
    """Voice -> the face that it was seen to come from for longest."""
    seconds: dict[tuple[str, str], float] = {}
    for row in rows.of("who", "link"):
        voice, face = rows.key("speakers", row["speaker"]), rows.key("faces", row["person"])
        if voice and face:
            seconds[voice, face] = seconds.get((voice, face), 0.0) + row["end"] - row["start"]
    ranked = sorted(seconds.items(), key=lambda each: each[1])
    return {voice: face for (voice, face), _ in ranked}
