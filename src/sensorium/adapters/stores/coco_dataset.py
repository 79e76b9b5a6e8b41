"""Datasets in the format of COCO: pictures in folders, and one JSON file of boxes per split."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sensorium.core.learning import LabelClass, Labelled, Split


class CocoDataset:
    """``images/train``, ``images/val``, ``annotations/instances_train.json`` and ``instances_val.json``.

    Categories are numbered from 1 in the order of the classes and carry their ``identity``; ``file_name`` is
    relative to the pictures of the split; ``bbox`` is left, top, width, height in pixels.
    """

    def __init__(self, root: Path, classes: Sequence[LabelClass]) -> None:
        self._root, self._classes = root, classes
        self._images: dict[str, list[dict[str, Any]]] = {"train": [], "val": []}
        self._boxes: dict[str, list[dict[str, Any]]] = {"train": [], "val": []}
        for split in self._images:
            (root / "images" / split).mkdir(parents=True)
        (root / "annotations").mkdir()

    def folder(self, split: Split) -> Path:
        """Where the pictures of a split lie."""
        return self._root / "images" / split

    def add(self, picture: Labelled) -> None:
        """Labels one picture."""
        images, boxes = self._images[picture.split], self._boxes[picture.split]
        size = {"width": picture.width, "height": picture.height}
        images.append({"id": len(images) + 1, "file_name": picture.name, **size})
        for number, (x0, y0, x1, y1) in picture.boxes:
            about = {"id": len(boxes) + 1, "image_id": len(images), "category_id": number + 1}
            bbox = [round(value, 2) for value in (x0, y0, x1 - x0, y1 - y0)]
            area = round((x1 - x0) * (y1 - y0), 2)
            boxes.append({**about, "bbox": bbox, "area": area, "iscrowd": 0, "segmentation": []})

    def finish(self) -> None:
        """Writes what holds for the whole dataset."""
        categories = [
            {"id": number, "name": each.name, "supercategory": "person", "identity": each.identity}
            for number, each in enumerate(self._classes, 1)
        ]
        info = {"description": "made by sensorium dataset; the pictures belong to their owners"}
        for split, images in self._images.items():
            told = {
                "info": info,
                "licenses": [],
                "images": images,
                "annotations": self._boxes[split],
                "categories": categories,
            }
            file = self._root / "annotations" / f"instances_{split}.json"
            file.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
