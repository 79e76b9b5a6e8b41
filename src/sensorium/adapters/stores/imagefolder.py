"""Datasets as ``datasets.load_dataset("imagefolder", data_dir=...)`` of Hugging Face reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sensorium.core.learning import LabelClass, Labelled, Split

_FOLDER = {"train": "train", "val": "validation"}


class ImageFolder:
    """``train`` and ``validation`` with pictures and ``metadata.jsonl``, and ``classes.json``.

    A row has ``file_name``, ``objects`` with ``bbox`` (left, top, width, height in pixels) and
    ``categories`` (number of the class), and ``identities``; the lists are of one length, and empty in a
    negative. ``classes.json`` lists name and identity of each class in order.
    """

    def __init__(self, root: Path, classes: Sequence[LabelClass]) -> None:
        self._root, self._classes = root, classes
        self._rows: dict[str, list[dict[str, Any]]] = {"train": [], "val": []}
        (root / _FOLDER["train"]).mkdir(parents=True)

    def folder(self, split: Split) -> Path:
        """Where the pictures of a split lie. A split without pictures has no folder."""
        folder = self._root / _FOLDER[split]
        folder.mkdir(exist_ok=True)
        return folder

    def add(self, picture: Labelled) -> None:
        """Labels one picture."""
        numbers = [number for number, _ in picture.boxes]
        bbox = [
            [round(value, 2) for value in (x0, y0, x1 - x0, y1 - y0)]
            for _, (x0, y0, x1, y1) in picture.boxes
        ]
        row = {
            "file_name": picture.name,
            "objects": {"bbox": bbox, "categories": numbers},
            "identities": [self._classes[number].identity for number in numbers],
        }
        self._rows[picture.split].append(row)

    def finish(self) -> None:
        """Writes what holds for the whole dataset."""
        for split, rows in self._rows.items():
            if rows:
                # a row with boxes first: the types of the columns are read off the beginning
                rows = sorted(rows, key=lambda row: not row["identities"])
                lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
                file = self._root / _FOLDER[split] / "metadata.jsonl"
                file.write_text("".join(lines), encoding="utf-8")
        classes = [{"name": each.name, "identity": each.identity} for each in self._classes]
        text = json.dumps(classes, ensure_ascii=False, indent=1)
        (self._root / "classes.json").write_text(text, encoding="utf-8")
