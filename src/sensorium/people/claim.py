"""Claims: what the sources of evidence say of the voices and faces of one file, and portraits of a cast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorium.core.people.evidence import Claim, Scene, Text
from sensorium.core.people.identity import Identity
from sensorium.core.speech import Cue
from sensorium.core.time import Span
from sensorium.library.gallery import sample_key
from sensorium.library.together import Together
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
    members = known.cast.get("members", ())
    shown: dict[str, list[_Portrait]] = {}  # by model
    for member in members:
        for each in member["portraits"]:
            portrait = _Portrait(member["name"], each["file"], each["embedding"])
            shown.setdefault(each["model"], []).append(portrait)
    stacked = {m: np.array([p.embedding for p in rows], np.float32) for m, rows in shown.items()}
    found = []
    for who in known.all() if shown else ():
        best: dict[str, _Likeness] = {}
        for model, rows in shown.items():
            for name, each in _likenesses(who, model, rows, stacked[model]):
                best[name] = max(best.get(name, each), each)
        for name in [member["name"] for member in members if member["name"] in best]:
            claim = Claim(who.id, name, best[name].score, "cast", "", None, best[name].quote)
            found.append(plain_claim(claim, best[name].sample))
    return found


class _Portrait(NamedTuple):
    name: str
    file: str
    embedding: Sequence[float]


class _Likeness(NamedTuple):
    score: float
    sample: str
    quote: str


def _likenesses(
    who: Identity, model: str, shown: Sequence[_Portrait], stacked: NDArray[np.float32]
) -> Iterator[tuple[str, _Likeness]]:
    """The names by whose portraits of a model somebody's face may be meant, and how like it is."""
    center, calibration = who.centroid(model), calibration_of(model, "face")
    if center is None or calibration is None:
        return
    sample = next(s.key for s in who.samples if s.model == model)
    similar = stacked @ center[0]
    scores = calibration.probabilities(similar, 1.0, 1.0)
    for place in np.flatnonzero(scores >= _LIKELY).tolist():
        quote = f"portrait {Path(shown[place].file).name}, similarity {similar[place]:.3f}"
        yield shown[place].name, _Likeness(float(scores[place]), sample, quote)


def read_scene(held: Together, entry: Mapping[str, Any]) -> Scene:
    """What one input holds that may name somebody."""
    rows = _Rows(held, entry)
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

    def __init__(self, held: Together, entry: Mapping[str, Any]) -> None:
        self._held, self._entry, self._results = held, entry, entry["results"]

    def of(self, step: str, kind: str) -> Sequence[dict[str, Any]]:
        """The rows that a pass made; none if it was not done."""
        return self._held.rows(self._entry, step, kind)

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
