"""The pictures of a library with who is in them: regions joined with identities."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sensorium.core.learning import LabelClass
from sensorium.core.media import MediaRef
from sensorium.library.library import Library
from sensorium.ops.learning.choice import Box, Picture

_CLEAR = 1.0  # seconds to the next face of the shot: it may be there before it is found
_PER_SHOT = 2  # pictures without faces that one shot may give


class Who(NamedTuple):
    """Who a person of a file is, and how sure that is."""

    identity: str
    name: str | None
    score: float


def identified(library: Library) -> dict[tuple[str, str], Who]:
    """(file, person) -> who it is. Who founded an identity is it for certain."""
    known = {}
    for row in library.people().to_dict("records"):
        identity, name, score = row["identity"], row["name"], row["score"]
        if row["kind"] != "voice":
            sure = 1.0 if score is None or score != score else float(score)
            called = name if isinstance(name, str) else None
            known[row["media"], row["label"]] = Who(identity, called, sure)
    return known


def classes(known: Mapping[str, str | None]) -> list[LabelClass]:
    """The classes of identities with their names, in order of name.

    >>> [each.name for each in classes({"V12ab": "Ada", "V34cd": "Ada", "V56ef": None})]
    ['Ada (V12ab)', 'Ada (V34cd)', 'V56ef']
    """
    often = Counter(name or identity for identity, name in known.items())
    named = [
        LabelClass(identity, f"{name} ({identity})" if often[name] > 1 else name)
        for identity, name in ((identity, name or identity) for identity, name in known.items())
    ]
    return sorted(named, key=lambda each: (each.name, each.identity))


def found(library: Library, who: Mapping[tuple[str, str], Who]) -> list[Picture]:
    """Every picture of the library in which something was found, and moments without anybody."""
    refs = {entry["digest"]: MediaRef(**entry["ref"]) for entry in library.inputs() if entry["ref"]}
    grouped: dict[Any, list[Box]] = defaultdict(list)
    for batch in library.table("region").to_batches():
        for row in batch.to_pylist():
            if row["label"] in ("face", "drawn face") and row["media"] in refs:
                moment = (row["media"], row["start"], row["shot"])
                grouped[moment].append(_box(row, refs[row["media"]], who))
    pictures = [
        Picture(media, refs[media].uri, at, shot, tuple(boxes))
        for (media, at, shot), boxes in grouped.items()
    ]
    return [*pictures, *_empty(library, refs, pictures)]


def _box(row: Mapping[str, Any], ref: MediaRef, who: Mapping[tuple[str, str], Who]) -> Box:
    wide, high = ref.width or row["x1"], ref.height or row["y1"]
    x0, x1 = (min(max(row[name], 0.0), wide) for name in ("x0", "x1"))
    y0, y1 = (min(max(row[name], 0.0), high) for name in ("y0", "y1"))
    known = who.get((row["media"], row["person"])) if row["person"] else None
    found_ = 1.0 if row["score"] is None else row["score"]
    counts = row["track"] is not None or row["person"] is not None
    identity, score = (known.identity, known.score) if known else (None, 0.0)
    return Box(identity, (x0, y0, x1, y1), score, row["track"], found_, counts)


def _empty(
    library: Library, refs: Mapping[str, MediaRef], pictures: Sequence[Picture]
) -> Iterator[Picture]:
    """Moments of searched files without a face before or after them in their shot.

    A library keeps what was found, not when it was looked for; how often a file was searched says the recipe
    of its faces. A moment is taken if it is further from cuts and faces than the search's step.
    """
    faces: dict[tuple[str, int], list[float]] = defaultdict(list)
    for picture in pictures:
        faces[picture.place].append(picture.at or 0.0)
    steps = {e["digest"]: _step(library, e) for e in library.inputs() if "faces" in e["results"]}
    for media in sorted(steps.keys() & refs.keys()):
        if refs[media].kind == "image" and (media, -1) not in faces:
            yield Picture(media, refs[media].uri, None, None)
    for row in library.table("shot").to_pylist():
        media, start, end = row["media"], row["start"], row["end"]
        if media in steps and media in refs and start is not None:
            there = faces[media, row["index"]]
            for part in range(_PER_SHOT):
                at = start + (end - start) * (part + 0.5) / _PER_SHOT
                inside = min(at - start, end - at) > steps[media]
                if inside and all(abs(at - face) >= _CLEAR + steps[media] for face in there):
                    yield Picture(media, refs[media].uri, at, row["index"])


def _step(library: Library, entry: Mapping[str, Any]) -> float:
    """Seconds between two pictures of a file that were searched for faces."""
    recipe = library.shelf.recipe(entry["results"]["faces"])
    return 1.0 / recipe.get("params", {}).get("per_second", 5.0)
