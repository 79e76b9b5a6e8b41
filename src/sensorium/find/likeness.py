"""What looks or sounds like a file, by the embeddings that are in the library: exact cosines."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorium.adapters.media.reader import MediaReader
from sensorium.adapters.stores.feature_shards import read_values
from sensorium.adapters.stores.full_text import Filter
from sensorium.core.config import Config
from sensorium.core.errors import SensoriumError, UsageError
from sensorium.core.media import Frames, MediaRef
from sensorium.core.people.identity import comparable
from sensorium.core.record import Provenance
from sensorium.find.whose import Whose, allowed, told, within
from sensorium.library.gallery import samples
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.models.registry import load_model, models
from sensorium.people.sample import heard
from sensorium.pipelines.vision.pictures import PicturesOptions

_BLOCK = 4096  # embeddings in memory at once
_SIDE = 1280  # pixels at which a picture is searched for faces
_Found = tuple[Any, NDArray]  # what is found, its embedding


class Likeness:
    """Compares a file with what a library holds; embeddings of one model only are compared."""

    def __init__(self, library: Library, whose: Whose, wanted: Filter) -> None:
        self._library, self._whose, self._wanted = library, whose, wanted
        self._reader = MediaReader()

    def hits(
        self, like: str | os.PathLike[str], kind: str | None, limit: int
    ) -> list[dict[str, Any]]:
        """Faces, then pictures, of a picture; voices of a sound. At most `limit` of each kind.

        Raises:
            UsageError: no face, no voice or several, a kind that the file has not.
            MediaError: a file that cannot be read.
        """
        ref = self._reader.probe(os.path.abspath(os.path.expanduser(os.fspath(like))))
        kinds = ("face", "picture") if ref.kind == "image" else ("voice",)
        if kind is not None and kind not in kinds:
            raise UsageError(
                f"{like}: it is {ref.kind} and can be like: {', '.join(kinds)}; not {kind}"
            )
        rows: list[dict[str, Any]] = []
        if ref.kind != "image":
            return self._people(*_voice(ref), "voice", limit)
        frame = next(iter(self._reader.frames(ref, _SIDE)))
        if kind in (None, "face"):
            model, faces = _faces(frame)
            if kind == "face" and not len(faces):
                raise UsageError(f"{like}: expected a picture with a face, found none")
            rows += self._people(model, faces, "face", limit) if len(faces) else []
        if kind in (None, "picture") and self._wanted.labels is None:
            rows += self._pictures(ref, limit)
        return rows

    def _entries(self) -> Iterator[dict[str, Any]]:
        for entry in self._library.inputs():
            if self._wanted.uris is None or entry["uri"] in self._wanted.uris:
                yield entry

    def _people(self, model: str, wanted: NDArray, kind: str, limit: int) -> list[dict[str, Any]]:
        """Voices or faces of all files, at their best moment."""
        layout = Layout(self._library.path)
        at = {(uri, label.label): label for uri, label in self._whose.labels if label.kind == kind}
        found = (
            ((entry["uri"], label), sample.embedding)
            for entry in self._entries()
            for sample in samples(layout, entry)
            if sample.kind == kind
            and sample.model == model
            and (label := at.get((entry["uri"], sample.label))) is not None
            and allowed(entry["uri"], label, self._wanted)
        )
        rows = []
        for score, (uri, label) in nearest(found, wanted, limit):
            who = self._whose.of_key(label.key)
            named = told(who)
            column = "speaker" if kind == "voice" else "person"
            place = {"start": label.start, "end": label.end, "at": label.at, column: label.label}
            text = _plain(named["name"] or label.label)
            rows.append({"uri": uri, "kind": kind, **place, **text, **named, "score": score})
        return rows

    def _pictures(self, ref: MediaRef, limit: int) -> list[dict[str, Any]]:
        by_model: dict[str, list[tuple[str, Any, dict[str, Any]]]] = {}
        made_by: dict[str, Provenance] = {}
        for entry in self._entries():
            for folder, row in self._library.feature_rows(entry["uri"], "class"):
                if within(row["start"], row["end"], self._wanted):
                    model = comparable(row["model"], row["revision"])
                    by_model.setdefault(model, []).append((entry["uri"], folder, row))
                    made_by[model] = Provenance(row["model"], row["revision"])
        rows: list[tuple[float, Any]] = []
        for model, places in by_model.items():
            encoder = _encoder(made_by[model], self._library.path)
            frame = next(iter(self._reader.frames(ref, PicturesOptions().max_side)))
            outputs = {each.name: each.values for each in encoder.encode(frame)[0]}
            rows += nearest(_read(places), outputs["class"][None], limit)
        rows.sort(key=lambda each: -each[0])
        return [_picture(uri, row, score) for score, (uri, row) in rows[:limit]]


def _plain(text: str) -> dict[str, Any]:
    return {"text": text, "marked": text, "marks": []}


def _picture(uri: str, row: dict[str, Any], score: float) -> dict[str, Any]:
    start, end = row["start"], row["end"]
    at = None if start is None else (start + end) / 2
    return {
        "uri": uri,
        "kind": "picture",
        "start": start,
        "end": end,
        "at": at,
        **_plain(""),
        "score": score,
    }


def _read(places: Sequence[tuple[str, Any, dict[str, Any]]]) -> Iterator[_Found]:
    begin = 0
    for end in range(1, len(places) + 1):
        if end == len(places) or places[end][:2] != places[begin][:2]:
            part = places[begin:end]
            values = read_values(part[0][1], [row for _, _, row in part])
            yield from (
                ((uri, row), each) for (uri, _, row), each in zip(part, values, strict=True)
            )
            begin = end


def nearest(found: Iterable[_Found], wanted: NDArray, limit: int) -> list[tuple[float, Any]]:
    """(cosine, what) of the `limit` embeddings that are most like any row of `wanted`, best first.

    Exact; `found` is gone through once, 4096 embeddings in memory at a time. Those of another length,
    of zeros or not finite are passed over.
    """
    unit = wanted / np.maximum(np.linalg.norm(wanted, axis=1, keepdims=True), 1e-12)
    best: list[tuple[float, int, Any]] = []
    block: list[_Found] = []
    seen = 0

    def compare() -> None:
        nonlocal seen
        values = np.stack([each[1] for each in block]).astype(np.float32)
        norm = np.linalg.norm(values, axis=1)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            score = (values @ unit.T.astype(np.float32)).max(axis=1) / norm
        order = np.argsort(-score, kind="stable")[:limit]
        for place in order:
            if np.isfinite(score[place]):
                entry = (float(score[place]), -seen - int(place), block[place][0])
                (heapq.heappushpop if len(best) == limit else heapq.heappush)(best, entry)
        seen += len(block)
        block.clear()

    for each in found:
        if each[1].shape == unit.shape[1:]:
            block.append(each)
        if len(block) == _BLOCK:
            compare()
    if block:
        compare()
    return [(score, what) for score, _, what in sorted(best, key=lambda b: (-b[0], -b[1]))]


def _voice(ref: MediaRef) -> tuple[str, NDArray]:
    sample = heard(ref.uri, Config())
    return sample.model, sample.embedding[None]


def _faces(frame: Frames) -> tuple[str, NDArray]:
    """(model, float32 (face, dim)) of all faces in a picture."""
    chosen = Config().people
    found = load_model("face_detector", chosen.face_detector, 1).detect(frame)[0]
    encoder = load_model("face_encoder", chosen.face_encoder, 1)
    made_by = encoder.provenance
    return comparable(made_by.model, made_by.revision), encoder.encode(frame, [found])[0]


def _encoder(made_by: Provenance, where: object) -> Any:
    """The image encoder that made the pictures of a library.

    Raises:
        UsageError: it is not registered, or of other weights.
    """
    wanted = comparable(made_by.model, made_by.revision)
    for (job, name), model in models().items():
        if job != "image_encoder" or model.argument or model.missing():
            continue
        encoder = load_model(job, name, 1)
        mine = encoder.provenance
        if comparable(mine.model, mine.revision) == wanted:
            return encoder
    try:  # the name of a hub's model says how to load it; that of a folder does not
        encoder = load_model("image_encoder", made_by.model, 1)
        if comparable(encoder.provenance.model, encoder.provenance.revision) == wanted:
            return encoder
    except (SensoriumError, OSError):
        pass
    raise UsageError(
        f"{where}: its pictures were embedded by {wanted}, which is not installed here under a name; "
        "extract them again with a model of `sensorium models`, or look for faces only (kind face)"
    )
