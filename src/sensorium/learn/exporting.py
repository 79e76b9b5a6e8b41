"""A labelled dataset of the identities of a library, for training a detector on them."""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from sensorium.adapters.drawing.contact_sheet import Sheet, write_jpeg
from sensorium.core.errors import MediaError, SensoriumError, UsageError
from sensorium.core.learning import LabelClass, Labelled, Split
from sensorium.core.media import Frames, MediaRef
from sensorium.learn.labelled import classes, found, identified
from sensorium.learn.staged import staged
from sensorium.library.library import Library, open_library
from sensorium.library.originals import changed
from sensorium.ops.learning.choice import ChoiceRule, Picture, candidates, choose
from sensorium.ops.learning.holdout import hold_out, leaks
from sensorium.ops.vision.alike import difference_hash

FORMATS = ("yolo", "coco", "huggingface")
GONE = "its file or its moment can no longer be read"
LICENCE = (
    "The pictures belong to the owners of the files that they come from, and show people: whoever uses or "
    "passes on this dataset needs their leave."
)
_GLANCE = 288  # pixels of the longer side: enough for a hash
_NEAR = 0.02  # seconds: a box belongs to the picture that it was found in, not to a neighbour
Progress = Callable[[str, int, int], None]


class Writer(Protocol):
    """A format of datasets, written into a folder."""

    def folder(self, split: Split) -> Path:
        """Where the pictures of a split lie."""

    def add(self, picture: Labelled) -> None:
        """Labels one picture."""

    def finish(self) -> None:
        """Writes what holds for the whole dataset."""


def export_dataset(
    library: str | os.PathLike[str] | Library,
    out: str | os.PathLike[str],
    form: str = "yolo",
    rule: ChoiceRule | None = None,
    names_only: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Writes a dataset of a library's identities into the folder `out`, and says what is in it.

    `form` is ``"yolo"``, ``"coco"`` or ``"huggingface"``; `rule` decides which pictures are taken, and which
    are for validation; with `names_only` an identity without a name counts as not identified. `progress`
    is told (what is being done, pictures done, pictures in all). Beside the dataset lie ``sheet.png``, to
    look it over, and ``dataset.json`` with what is returned. The folder appears when all is written.

    Raises:
        UsageError: an unknown form, a folder that is not empty, a library without identified persons, or
            none of its pictures is fit.

    >>> export_dataset("library", "data", "coco")["pictures"]  # doctest: +SKIP
    {'train': 412, 'val': 96}
    """
    if form not in FORMATS:
        raise UsageError(f"form: expected one of {', '.join(FORMATS)}; got {form!r}")
    library = library if isinstance(library, Library) else open_library(library)
    with staged(out) as stage:
        return _Export(library, rule or ChoiceRule(), names_only, progress).run(form, stage)


class _Export:
    """One run: what was left out so far, and the files that could not be read."""

    def __init__(
        self, library: Library, rule: ChoiceRule, names_only: bool, progress: Progress | None
    ) -> None:
        from sensorium.adapters.media.reader import MediaReader

        self._library, self._rule, self._reader = library, rule, MediaReader()
        self._progress = progress or (lambda what, done, total: None)
        self._who = identified(library)
        if names_only:
            self._who = {key: who for key, who in self._who.items() if who.name}
        if not self._who:
            raise UsageError(_nobody(library, names_only))
        entries = [entry for entry in library.inputs() if entry["ref"]]
        entries.sort(
            key=lambda entry: os.path.exists(entry["uri"])
        )  # of two copies one may be gone
        self._entries = {entry["digest"]: entry for entry in entries}
        self._names_only = names_only
        self._left_out: Counter[str] = Counter()
        self._unreadable: dict[str, str] = {}

    def run(self, form: str, stage: Path) -> dict[str, Any]:
        """Writes everything into the new folder `stage`."""
        chosen = self._chosen()
        held, division = hold_out(chosen, self._rule)
        if shared := leaks(chosen, held):
            raise AssertionError(f"in training and in validation: {shared[:3]}")
        there = set().union(*(picture.identities for picture in chosen))
        named = {who.identity: who.name for who in self._who.values()}
        labels = classes({identity: named[identity] for identity in there})
        sides: dict[Picture, Split] = {
            each: "val" if kept else "train" for each, kept in zip(chosen, held, strict=True)
        }
        stage.mkdir()
        writer, sheet = _writer(form, stage, labels), Sheet(labels, sides)
        written = self._written(writer, sides, labels, sheet)
        writer.finish()
        told: dict[str, Any] = {
            "format": form,
            "library": self._library.path.resolve().name,
            "split": division,
        }
        told |= _counts(written, labels)
        told |= {
            "without_pictures": sorted(set(named) - there),
            "left_out": dict(self._left_out.most_common()),
            "unreadable": self._unreadable,
            "files": {each.media[:8]: os.path.basename(each.uri) for each in written},
            "rule": {**asdict(self._rule), "names_only": self._names_only},
            "licence": LICENCE,
        }
        sheet.write(stage / "sheet.png", told)
        kept = {**told, "unreadable": _without_folders(self._unreadable)}
        text = json.dumps(kept, ensure_ascii=False, indent=1)
        (stage / "dataset.json").write_text(text, encoding="utf-8")
        return told

    def _chosen(self) -> list[Picture]:
        """The pictures of the dataset; each candidate is looked at once, small, for its hash."""
        fit, self._left_out = candidates(found(self._library, self._who), self._rule)
        looked: list[Picture] = []
        hashes: list[int] = []
        for picture, frame in self._read(fit, _GLANCE, "looking"):
            looked.append(picture)
            hashes.append(difference_hash(frame.pixels[0]))
        chosen, more = choose(looked, hashes, self._rule)
        self._left_out += more
        if not any(picture.boxes for picture in chosen):
            why = "; ".join(f"{num}: {reason}" for reason, num in self._left_out.most_common())
            raise UsageError(
                f"{self._library.path}: expected pictures to learn from, none is fit ({why or 'no faces'}); "
                "identify more persons or ask for less"
            )
        return chosen

    def _written(
        self,
        writer: Writer,
        sides: Mapping[Picture, Split],
        labels: Sequence[LabelClass],
        sheet: Sheet,
    ) -> dict[Picture, Split]:
        """Writes the pictures in their full size; those that could be, with their side."""
        number = {each.identity: i for i, each in enumerate(labels)}
        done: dict[Picture, Split] = {}
        for picture, frame in self._read(list(sides), None, "writing"):
            pixels, side = frame.pixels[0], sides[picture]
            height, width = pixels.shape[:2]
            entry = self._entries[picture.media]["ref"]
            across, down = width / (entry["width"] or width), height / (entry["height"] or height)
            boxes = tuple(
                (number[box.identity], (x0 * across, y0 * down, x1 * across, y1 * down))
                for box, (x0, y0, x1, y1) in ((box, box.xyxy) for box in picture.boxes)
                if box.identity
            )
            name = _file_name(picture)
            write_jpeg(writer.folder(side) / name, pixels)
            writer.add(Labelled(side, name, width, height, boxes))
            sheet.add(picture, pixels, boxes)
            done[picture] = side
        return done

    def _read(
        self, pictures: Sequence[Picture], max_side: int | None, what: str
    ) -> Iterator[tuple[Picture, Frames]]:
        """The pictures with their pixels, one at a time; what cannot be read is counted and noted."""
        done = 0
        for media, group in groupby(pictures, key=lambda each: each.media):
            mine = list(group)
            there = 0
            try:
                for picture, frame in self._frames(media, mine, max_side):
                    self._progress(what, done := done + 1, len(pictures))
                    late = (picture.at or 0.0) - float(frame.times[0])
                    if not picture.boxes or abs(late) < _NEAR:
                        there += 1
                        yield picture, frame
            except (SensoriumError, OSError) as error:
                self._unreadable[mine[0].uri] = str(error)
            if there < len(mine):
                self._left_out[GONE] += len(mine) - there

    def _frames(
        self, media: str, pictures: Sequence[Picture], max_side: int | None
    ) -> Iterator[tuple[Picture, Frames]]:
        entry = self._entries[media]
        if why := changed(entry["uri"], media, entry["stat"], self._reader):
            raise MediaError(why)
        # a picture's time is that of the records; half a millisecond more finds it despite rounding
        times = [picture.at + 0.0005 for picture in pictures if picture.at is not None]
        frames = self._reader.frames(MediaRef(**entry["ref"]), max_side, times or None)
        yield from zip(pictures, frames, strict=False)  # a video may end before its header says


def _nobody(library: Library, names_only: bool) -> str:
    persons = len(library.table("person"))
    if names_only and persons:
        return (
            f"{library.path}: expected identities with a name, found none; give names, or leave out "
            "--named-only (names_only); sensorium cast names them"
        )
    return (
        f"{library.path}: expected identified persons, found none among {persons} persons; extract the faces "
        "with: sensorium extract; then see who is who with: sensorium cast list"
    )


def _writer(form: str, root: Path, labels: Sequence[LabelClass]) -> Writer:
    if form == "yolo":
        from sensorium.adapters.stores.yolo_dataset import YoloDataset

        return YoloDataset(root, labels)
    if form == "coco":
        from sensorium.adapters.stores.coco_dataset import CocoDataset

        return CocoDataset(root, labels)
    from sensorium.adapters.stores.imagefolder import ImageFolder

    return ImageFolder(root, labels)


def _without_folders(unreadable: Mapping[str, str]) -> dict[str, str]:
    """File -> why it cannot be read, as may be passed on."""
    name = os.path.basename
    return {name(uri): why.replace(uri, name(uri)) for uri, why in unreadable.items()}


def _file_name(picture: Picture) -> str:
    """The name of the file that it comes from, the digest of that, and milliseconds."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", Path(picture.uri).stem)[:60]
    at = "" if picture.at is None else f"-{round(picture.at * 1000):09d}"
    return f"{stem}-{picture.media[:8]}{at}.jpg"


def _counts(written: Mapping[Picture, Split], labels: Sequence[LabelClass]) -> dict[str, Any]:
    pictures, negatives = Counter(written.values()), Counter[Split]()
    boxes: dict[str, Counter[Split]] = defaultdict(Counter)
    for picture, side in written.items():
        negatives[side] += not picture.boxes
        for who in picture.identities:
            boxes[who][side] += 1
    splits: tuple[Split, Split] = ("train", "val")
    return {
        "pictures": {side: pictures[side] for side in splits},
        "negatives": {side: negatives[side] for side in splits},
        "classes": [
            {"name": each.name, "identity": each.identity}
            | {side: boxes[each.identity][side] for side in splits}
            for each in labels
        ],
    }
