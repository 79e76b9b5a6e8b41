"""One row of a result, what made it, and the columns of every kind of row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sensorium.core.errors import UsageError
from sensorium.core.time import Span


def digest(value: Any) -> str:
    """A name for plain data (what JSON can hold), equal wherever and whenever it is computed.

    >>> digest({"b": 1, "a": [2.5, None]}) == digest({"a": [2.5, None], "b": 1})
    True
    >>> len(digest("x"))
    16
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made a record: the model, the revision of its weights, and every parameter."""

    model: str
    revision: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        digest(dict(self.params))  # refuses what JSON cannot hold, here rather than in the store
        object.__setattr__(self, "params", MappingProxyType(dict(self.params)))

    def __reduce__(self) -> tuple:  # a MappingProxyType does not pickle; records cross processes
        return (Provenance, (self.model, self.revision, dict(self.params)))

    def plain(self) -> dict[str, Any]:
        """As plain data, for digests and JSON."""
        return {"model": self.model, "revision": self.revision, "params": dict(self.params)}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a kind of record: `dtype` as Arrow names it, and what it holds."""

    name: str
    dtype: str
    doc: str


COMMON = (
    Column("media", "string", "sha256 of the file's bytes; empty in an error of a missing file"),
    Column("uri", "string", "path of the file as it was given"),
    Column("start", "float64", "seconds from the start of the file; null for an image"),
    Column("end", "float64", "seconds, exclusive; null for an image"),
    Column("model", "string", "name of the model or method that made this record"),
    Column("revision", "string", "its revision: package version and digest of the weights"),
    Column("params", "string", "its parameters, JSON"),
)

_CHANNEL = Column(
    "channel", "int64", "channel from 0 that was heard alone; null: all channels as one"
)

KINDS: Mapping[str, tuple[Column, ...]] = MappingProxyType(
    {
        "media": (
            Column("kind", "string", "image, audio or video, by content"),
            Column("container", "string", "container or image format"),
            Column("num_bytes", "int64", "size of the file"),
            Column("duration", "float64", "seconds; null for an image"),
            Column("width", "int64", "pixels as displayed; null without pictures"),
            Column("height", "int64", "pixels as displayed; null without pictures"),
            Column("frame_rate", "float64", "average pictures per second; null without video"),
            Column("sample_rate", "int64", "Hz of the sound as stored; null without sound"),
            Column("num_channels", "int64", "channels of the sound as stored; null without sound"),
            Column("has_sound", "bool", "whether there is a sound track"),
            Column("title", "string", "title as the file states it; empty if none"),
        ),
        "subtitle": (
            Column("text", "string", "text without markup"),
            Column(
                "name", "string", "speaker as the file states it (.ass Name field); empty if none"
            ),
            Column("source", "string", "path of the subtitle file"),
        ),
        "speech": (Column("score", "float64", "mean speech probability, 0..1"), _CHANNEL),
        "transcript": (
            Column("text", "string", "one utterance"),
            Column(
                "language", "string", "BCP-47 tag of the text; a translation from German is en-t-de"
            ),
            Column(
                "language_score", "float64", "probability of the language heard; null: it was given"
            ),
            Column("score", "float64", "mean word score, 0..1"),
            _CHANNEL,
        ),
        "word": (
            Column("text", "string", "the word with its punctuation"),
            Column("score", "float64", "0..1; null where the model gives none"),
            Column("language", "string", "BCP-47 tag"),
            _CHANNEL,
        ),
        "turn": (
            Column("speaker", "string", "label inside this file"),
            Column("score", "float64", "mean activity, 0..1"),
            _CHANNEL,
        ),
        "exclusive_turn": (Column("speaker", "string", "label inside this file"), _CHANNEL),
        "voice": (
            Column("speaker", "string", "label inside this file"),
            Column("duration", "float64", "seconds of speech of this speaker"),
            Column("embedding", "list<float32>", "speaker embedding, unit norm"),
            _CHANNEL,
        ),
        "shot": (Column("index", "int64", "number of the shot, from 0"),),
        "region": (
            Column(
                "label",
                "string",
                "face, head or body of a person, drawn face, or a class of the detector",
            ),
            Column("score", "float64", "0..1"),
            Column("x0", "float64", "left, pixels as displayed"),
            Column("y0", "float64", "top"),
            Column("x1", "float64", "right"),
            Column("y1", "float64", "bottom"),
            Column("track", "int64", "the same face through one shot; null in an image"),
            Column("person", "string", "label inside this file; null where it is not clear who"),
            Column("shot", "int64", "index of the shot; null in an image"),
        ),
        "text": (
            Column("text", "string", "one line of text on the screen"),
            Column("score", "float64", "0..1"),
            Column("x0", "float64", "left, pixels as displayed"),
            Column("y0", "float64", "top"),
            Column("x1", "float64", "right"),
            Column("y1", "float64", "bottom"),
        ),
        "person": (
            Column("person", "string", "label inside this file"),
            Column("num_tracks", "int64", "tracks that were grouped"),
            Column("duration", "float64", "seconds on screen"),
            Column("at", "float64", "time of the best picture; null in an image"),
            Column("x0", "float64", "box of the best picture, pixels"),
            Column("y0", "float64", "top"),
            Column("x1", "float64", "right"),
            Column("y1", "float64", "bottom"),
            Column("apart", "list<string>", "persons who are in one picture with this one"),
            Column("detected", "string", "class of a trained detector; null without"),
            Column("detected_as", "string", "identity that the class was trained on; null without"),
            Column("detected_score", "float64", "0..1; null without"),
            Column("embedding", "list<float32>", "face embedding, mean over the tracks"),
        ),
        "look": (
            Column("track", "int64", "the drawn face, through one shot"),
            Column("person", "string", "label inside this file; null where it is not clear who"),
            Column("embedding", "list<float32>", "of one picture of it"),
        ),
        "mouth": (
            Column("track", "int64", "the face"),
            Column("person", "string", "label inside this file; null where it is not clear who"),
            Column("rate", "float64", "values per second"),
            Column(
                "motion",
                "list<float32>",
                "change of the mouth over 0.2 s, per value; NaN where none was seen",
            ),
        ),
        "speaking": (
            Column("track", "int64", "the face"),
            Column("person", "string", "label inside this file; null where it is not clear who"),
            Column("rate", "float64", "values per second"),
            Column("score", "list<float32>", "probability that it speaks, per value"),
        ),
        "link": (
            Column("speaker", "string", "the voice of the turn"),
            Column("person", "string", "the face that was speaking; null where it is not clear"),
            Column("track", "int64", "its track in this turn; null where it is not clear"),
            Column("score", "float64", "0..1"),
            Column("whole_start", "float64", "start of the turn, moved so that it cuts no word"),
            Column("whole_end", "float64", "end of the turn, moved so that it cuts no word"),
        ),
        "assignment": (
            Column("text", "string", "the word"),
            Column("speaker", "string", "who said it; null where no turn covers it"),
            Column("person", "string", "the face that said it; null where it is not clear"),
            _CHANNEL,
        ),
        "feature": (
            Column("name", "string", "which output: patches, class, encoder"),
            Column(
                "file", "string", "safetensors file, relative to the folder of the Parquet file"
            ),
            Column("tensor", "string", "name of the tensor in that file"),
            Column("shape", "list<int64>", "shape of the tensor"),
            Column("dtype", "string", "dtype of the tensor"),
            Column("axes", "string", "axes, JSON: name, start, step, width, unit of each"),
            Column(
                "num_valid", "int64", "places along the time axis that cover real input; null: all"
            ),
        ),
        "warning": (
            Column("step", "string", "the pass that met it: media, speech, faces, ..."),
            Column("message", "string", "what is wrong with the file, and what was done about it"),
        ),
        "error": (
            Column("step", "string", "the pass that failed: media, subtitles, speech, faces, ..."),
            Column("error", "string", "class of the error"),
            Column("message", "string", "what was expected, what came, what to do"),
        ),
    }
)


# What may lie at one instant: what is seen in one picture, and words, which aligners and subtitle
# files do put on one instant. Everything else is a stretch, and an empty one is a mistake.
INSTANTS = frozenset({"region", "text", "person", "subtitle", "transcript", "word", "assignment"})


@dataclass(frozen=True, slots=True)
class Record:
    """One row: what was found (`values`, the columns of `kind`), where (`span`), and by what.

    >>> Record("shot", Span(0.0, 2.5), {"index": 0}, Provenance("pyscenedetect"))
    Record(shot [0.00, 2.50) index=0)

    Raises:
        UsageError: an unknown kind, values that are not exactly the columns of the kind, or an empty
            span of a kind that is no instant.
    """

    kind: str
    span: Span | None
    values: Mapping[str, Any]
    provenance: Provenance

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"Record.kind: expected one of {', '.join(KINDS)}; got {self.kind!r}")
        expected = {column.name for column in KINDS[self.kind]}
        if set(self.values) != expected:
            raise UsageError(
                f"Record {self.kind!r}: expected the columns {sorted(expected)}, "
                f"got {sorted(self.values)}"
            )
        if self.span is not None and not self.span.duration and self.kind not in INSTANTS:
            raise UsageError(
                f"Record {self.kind!r}: expected a span of some length, got none at {self.span.start} s"
            )

    def __repr__(self) -> str:
        where = f" [{self.span.start:.2f}, {self.span.end:.2f})" if self.span else ""
        what = " ".join(
            f"{k}={v!r}" for k, v in self.values.items() if not isinstance(v, (list, tuple))
        )
        return f"Record({self.kind}{where} {what})"
