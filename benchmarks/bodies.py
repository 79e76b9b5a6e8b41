"""Bodies: are people found, is nothing else, and is who turns away still known?

    sh benchmarks/fetch_media.sh MEDIA
    python benchmarks/bodies.py MEDIA WORK

Nobody has drawn boxes of bodies in these pictures, so faces stand for them: a body that holds a face where a
head is counts as found. Made episodes (`benchmarks/episodes.py`, in WORK, of series 0 and 3) say whose it is:
there every face is hidden from the pass after the first second of its track, as if the head turned away,
and what the bodies say is held against the maker's truth. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import episodes
import numpy as np
from PIL import Image

import sensorium as sm
from sensorium.adapters.media.reader import MediaReader
from sensorium.adapters.models.vision.centerface import CenterFaceDetector
from sensorium.adapters.models.vision.person_ssd import PersonDetector
from sensorium.core.media import Frames
from sensorium.core.record import Provenance, Record
from sensorium.core.time import Span
from sensorium.ops.people.belonging import fit
from sensorium.ops.vision.boxes import iou
from sensorium.pipelines.people.bodies import Bodies

NOBODY = [
    "apple",
    "brick",
    "button",
    "cell",
    "chelsea",
    "clock_motion",
    "coffee",
    "coins",
    "color",
    "grass",
    "gravel",
    "hubble_deep_field",
    "ihc",
    "logo",
    "moon",
    "motorcycle_left",
    "motorcycle_right",
    "page",
    "retina",
    "rocket",
    "text",
    "free-mountain-vector-01",
]
SHOWN = 1.0  # seconds of a track's face that the pass may see


def pictures(media: Path) -> Iterator[tuple[str, Frames]]:
    """Every photo, and a picture a second of the videos."""
    for path in sorted(media.rglob("*")):
        if path.suffix in (".jpg", ".png") and min(Image.open(path).size) >= 100:
            pixels = np.asarray(Image.open(path).convert("RGB"))
            yield path.stem, Frames(pixels[None], np.zeros(1))
        elif path.suffix == ".mp4":
            reader = MediaReader()
            ref = reader.probe(str(path))
            for frame in reader.frames(ref, 640, list(np.arange(0.2, ref.duration or 0, 1.0))):
                yield path.name, frame


def found(media: Path) -> list[tuple[str, str]]:
    """Rows on single pictures."""
    bodies, faces = PersonDetector(), CenterFaceDetector(least_score=0.6)
    num_faces = held = wrong = empty = 0
    spent: list[float] = []
    for name, frame in pictures(media):
        started = time.process_time()
        people = bodies.detect(frame)[0]
        spent.append(time.process_time() - started)
        if name in NOBODY:
            empty += 1
            wrong += len(people)
            continue
        seen = faces.detect(frame)[0]
        boxes = seen.xyxy[seen.xyxy[:, 3] - seen.xyxy[:, 1] >= 24]
        num_faces += len(boxes)
        held += int((fit(boxes, people.xyxy).max(axis=1, initial=0.0) > 0).sum())
    return [
        ("faces of 24 pixels or more that sit on a body", _share(held, num_faces)),
        (f"bodies found in {empty} pictures without people", str(wrong)),
        ("seconds of processor per picture, median", f"{np.median(spent):.3f}"),
    ]


def turned_away(file: Path, library: sm.Library, count: Counter) -> None:
    """Counts what the bodies of an episode say while the faces on them are hidden."""
    truth = json.loads(file.with_suffix(".json").read_text())
    rows = library.regions(str(file))
    first = rows.groupby("track")["start"].min().to_dict()
    whose: dict[str, Counter] = {}
    shown = []
    for row in rows.itertuples():
        box = (row.x0, row.y0, row.x1, row.y1)
        actor = _actor(truth, row.start, np.array(box))
        if isinstance(row.person, str) and actor:
            whose.setdefault(row.person, Counter())[actor] += 1
        if row.track == row.track and row.start < first[row.track] + SHOWN:
            shown.append(_record(row))
    who = {person: actors.most_common(1)[0][0] for person, actors in whose.items()}
    reader = MediaReader()
    shots = [
        Record("shot", Span(row.start, row.end), {"index": row.index}, Provenance("shots"))
        for row in library.records("shot", str(file)).itertuples(index=False)
    ]
    stage = Bodies(reader, PersonDetector())
    earlier = {"shot": shots, "region": shown}
    told = [r for r in stage.run(reader.probe(str(file)), earlier, lambda at: None) if r.span]
    known = [(r.start, r.track, r.person) for r in rows.itertuples() if isinstance(r.person, str)]
    for at, track, person in known:
        if at < first[track] + SHOWN:
            continue
        now = [r for r in told if abs(r.span.start - at) < 0.05 and r.values["label"] == "body"]  # type: ignore[union-attr]
        count["hidden"] += 1
        said = {r.values["person"] for r in now if r.values["person"]}
        right = any(who.get(each) == who.get(person) for each in said)
        count["known"] += right
    for record in told:
        person, at = record.values["person"], record.span.start  # type: ignore[union-attr]
        if person and record.values["label"] == "body":
            count["said"] += 1
            box = [record.values[name] for name in ("x0", "y0", "x1", "y1")]
            seen = truth["faces"][min(round(at * truth["rate"]), len(truth["faces"]) - 1)]
            held = [
                e["actor"] for e in seen if fit(np.array([e["box"]]), np.array([box])).max() > 0
            ]
            count["right"] += who.get(person) in held


def _record(row) -> Record:  # type: ignore[no-untyped-def]
    values = {name: getattr(row, name) for name in ("label", "score", "x0", "y0", "x1", "y1")}
    values |= {"track": int(row.track), "shot": int(row.shot)}
    values["person"] = row.person if isinstance(row.person, str) else None
    return Record("region", Span(row.start, row.start), values, Provenance("faces"))


def _actor(truth: dict, at: float, box: np.ndarray) -> str | None:
    seen = truth["faces"][min(round(at * truth["rate"]), len(truth["faces"]) - 1)]
    for each in seen:
        if iou(box[None], np.array([each["box"]]))[0, 0] >= 0.3:
            return each["actor"]
    return None


def _share(part: int, whole: int) -> str:
    return f"{part / max(whole, 1):.1%} ({part} of {whole})"


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("media", type=Path)
    parser.add_argument("work", type=Path)
    choices = parser.parse_args()
    rows, count = found(choices.media), Counter()
    for series in (0, 3):
        folder = choices.work / f"series{series}"
        if len(list(folder.glob("episode*.json"))) < 3:
            episodes.main(choices.media, folder, series)
        files = sorted(folder.glob("episode*.mp4"))
        config = sm.Config(passes=("shots", "faces"))
        library = sm.extract(files, folder / "bodies", config=config, workers=0, progress=False)
        for file in files:
            turned_away(file, library, count)
    rows += [
        (
            "hidden faces whose person a body still says",
            _share(count["known"], count["hidden"]),
        ),
        (
            "right, of the bodies that are said to be somebody",
            _share(count["right"], count["said"]),
        ),
    ]
    print("| what | measured |\n|---|---|")
    print("\n".join(f"| {' | '.join(row)} |" for row in rows))


if __name__ == "__main__":
    main()
