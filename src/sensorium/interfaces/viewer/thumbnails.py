"""Which pictures of a file are shown, what was found in them, and how they get into a page."""

from __future__ import annotations

import base64
import io
import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import NDArray
from PIL import Image

from sensorium.core.errors import SensoriumError
from sensorium.core.media import MediaRef
from sensorium.interfaces.text.timeline import Timeline
from sensorium.library.originals import changed
from sensorium.ops.speech.utterance import Row
from sensorium.ports import Reader

AT_LEAST = 8  # pictures of a video, where it is long enough
AT_MOST = 60
SHORTEST, LONGEST = 0.5, 20.0  # seconds between two pictures of one shot
_CROP_SIDE = 1280  # pixels of the picture that a face is cut from: enough for a small face
_NEAR = 0.02  # seconds: a box belongs to the picture that it was found in, not to a neighbour


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a file: `pixels` uint8 (height, width, 3), or None with the reason in `missing`.

    `at` in seconds; `boxes` are the records of kind ``region`` at that time; `width` and `height`
    are those of the file as displayed, which the boxes refer to.
    """

    at: float
    width: int
    height: int
    boxes: tuple[Row, ...] = ()
    pixels: NDArray | None = field(default=None, repr=False)
    missing: str = ""

    def places(self) -> Iterator[tuple[Row, tuple[float, float, float, float]]]:
        """(record, (left, top, width, height) as shares 0..1 of the picture) of every box."""
        for row in self.boxes:
            x0, x1 = (min(max(row[x] / self.width, 0.0), 1.0) for x in ("x0", "x1"))
            y0, y1 = (min(max(row[y] / self.height, 0.0), 1.0) for y in ("y0", "y1"))
            yield row, (x0, y0, x1 - x0, y1 - y0)


def plan(timeline: Timeline) -> tuple[list[float], int]:
    """(times in seconds, how many there would be without the cap of 60).

    At least one per shot, more where a shot is long; moved a little where there is a face to see.
    """
    if timeline.kind == "image":
        return [0.0], 1
    if timeline.kind != "video" or timeline.duration <= 0:
        return [], 0
    step = min(max(timeline.duration / AT_LEAST, SHORTEST), LONGEST)
    shots = [(row["start"], row["end"]) for row in timeline.shots] or [(0.0, timeline.duration)]
    faces = sorted({row["start"] for row in timeline.regions if row["start"] is not None})
    times = []
    for start, end in shots:
        num_parts = max(1, math.floor((end - start) / step + 0.5))
        length = (end - start) / num_parts
        for part in range(num_parts):
            middle = start + (part + 0.5) * length
            times.append(_snapped(middle, faces, min(length / 2, 1.0)))
    num_all = len(times)
    if num_all > AT_MOST:
        times = [times[(2 * i + 1) * num_all // (2 * AT_MOST)] for i in range(AT_MOST)]
    return sorted(times), num_all


def _snapped(time: float, known: Sequence[float], reach: float) -> float:
    place = bisect_left(known, time)
    near = [t for t in known[max(place - 1, 0) : place + 1] if abs(t - time) < reach]
    return min(near, key=lambda t: abs(t - time)) if near else time


def pictures(
    timeline: Timeline, reader: Reader, max_side: int, times: Sequence[float]
) -> list[Picture]:
    """The pictures at `times` (ascending seconds), at most `max_side` pixels on the longer side."""
    about = timeline.about
    blank = [
        Picture(at, about.get("width") or 16, about.get("height") or 9, _boxes(timeline, at))
        for at in times
    ]
    return list(_filled(timeline, reader, max_side, blank)) if blank else []


def _filled(
    timeline: Timeline, reader: Reader, max_side: int, blank: Sequence[Picture]
) -> Iterator[Picture]:
    why = changed(timeline.uri, timeline.digest, timeline.stat, reader)
    done = 0
    if not why and timeline.ref:
        # a picture's time is that of the records; half a millisecond more finds it despite rounding
        times = None if timeline.kind == "image" else [each.at + 0.0005 for each in blank]
        try:
            for frames in reader.frames(MediaRef(**timeline.ref), max_side, times):
                yield replace(blank[done], pixels=frames.pixels[0])
                done += 1
                if done == len(blank):
                    return
        except (SensoriumError, OSError) as error:
            why = str(error)
    for each in blank[done:]:
        yield replace(each, missing=why or "no picture at this time")


def _boxes(timeline: Timeline, at: float) -> tuple[Row, ...]:
    if timeline.kind == "image":
        return tuple(timeline.regions)
    return tuple(row for row in timeline.regions if abs((row["start"] or 0.0) - at) < _NEAR)


def faces(timeline: Timeline, reader: Reader, at_most: int = 24) -> dict[str, NDArray | None]:
    """Person -> the best picture of the face with some room around it; None if it is gone."""
    chosen = sorted(timeline.persons[:at_most], key=lambda row: row["at"] or 0.0)
    still = timeline.kind == "image"
    times = sorted({row["at"] or 0.0 for row in chosen})
    shown = pictures(timeline, reader, _CROP_SIDE, [0.0] if still and times else times)
    at = {each.at: each for each in shown}
    return {row["person"]: _cut(at[0.0 if still else row["at"] or 0.0], row) for row in chosen}


def _cut(picture: Picture, row: Row) -> NDArray | None:
    """A square around a box, as large as the picture allows."""
    if picture.pixels is None:
        return None
    height, width = picture.pixels.shape[:2]
    scale = width / picture.width
    side = 1.5 * scale * max(row["x1"] - row["x0"], row["y1"] - row["y0"])
    side = max(1, min(round(side), width, height))
    left = round(scale * (row["x0"] + row["x1"]) / 2 - side / 2)
    top = round(scale * (row["y0"] + row["y1"]) / 2 - side / 2)
    left, top = min(max(left, 0), width - side), min(max(top, 0), height - side)
    return picture.pixels[top : top + side, left : left + side]


def jpeg(pixels: NDArray, max_side: int, quality: int = 80) -> bytes:
    """Pixels as a JPEG file of at most `max_side` pixels on the longer side."""
    image = Image.fromarray(pixels)
    image.thumbnail((max_side, max_side))
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality, optimize=True)
    return data.getvalue()


def jpeg_uri(pixels: NDArray, max_side: int, quality: int = 80) -> str:
    """Pixels as a ``data:`` address that a page can hold."""
    data = base64.b64encode(jpeg(pixels, max_side, quality)).decode("ascii")
    return f"data:image/jpeg;base64,{data}"


def colours(timeline: Timeline) -> dict[str, int]:
    """Label of a person or speaker -> number of its colour; a voice has the colour of its face."""
    told = {person: number for number, person in enumerate(timeline.seen)}
    seconds: dict[tuple[str, str], float] = {}
    for turn in timeline.turns:
        if turn["person"]:
            pair = (turn["speaker"], turn["person"])
            seconds[pair] = seconds.get(pair, 0.0) + turn["end"] - turn["start"]
    following, taken = len(told), set[str]()
    for speaker, person in sorted(seconds, key=lambda pair: -seconds[pair]):
        if speaker not in told and person in told and person not in taken:
            told[speaker] = told[person]
            taken.add(person)
    for speaker in timeline.speakers:
        if speaker not in told:
            told[speaker], following = following, following + 1
    return told


def titles(timeline: Timeline) -> dict[str, str]:
    """Label of a person or speaker -> the name, for those who have one."""
    told = [(row["person"], row["name"]) for row in timeline.persons]
    told += [(row["speaker"], row["name"]) for row in timeline.voices]
    return {label: name for label, name in told if name}


def in_order(entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Entries of `Library.chosen`: video and sound, then images, then what could not be read."""
    rank = {"video": 0, "audio": 0, "image": 1}
    return sorted(
        entries, key=lambda e: (rank.get((e.get("ref") or {}).get("kind", ""), 2), e["uri"])
    )
