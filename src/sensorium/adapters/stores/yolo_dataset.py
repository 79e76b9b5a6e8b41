"""Datasets as Ultralytics YOLO reads them: a text file of boxes beside each picture, and ``data.yaml``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sensorium.core.learning import LabelClass, Labelled, Split


class YoloDataset:
    """``images/train``, ``images/val``, ``labels/train``, ``labels/val`` and ``data.yaml``.

    A line of a label file is class, centre x, centre y, width, height, as parts of the picture; the file
    of a negative is empty. ``path`` in ``data.yaml`` is empty, which stands for its own folder (Ultralytics,
    ``check_det_dataset``), so that the dataset can be moved.
    """

    def __init__(self, root: Path, classes: Sequence[LabelClass]) -> None:
        self._root, self._classes = root, classes
        for split in ("train", "val"):
            (root / "images" / split).mkdir(parents=True)
            (root / "labels" / split).mkdir(parents=True)

    def folder(self, split: Split) -> Path:
        """Where the pictures of a split lie."""
        return self._root / "images" / split

    def add(self, picture: Labelled) -> None:
        """Labels one picture."""
        lines = []
        for number, (x0, y0, x1, y1) in picture.boxes:
            across = (x0 + x1) / 2 / picture.width, (x1 - x0) / picture.width
            down = (y0 + y1) / 2 / picture.height, (y1 - y0) / picture.height
            values = (across[0], down[0], across[1], down[1])
            lines.append(" ".join([str(number), *(f"{value:.6f}" for value in values)]) + "\n")
        file = self._root / "labels" / picture.split / f"{Path(picture.name).stem}.txt"
        file.write_text("".join(lines), encoding="utf-8")

    def finish(self) -> None:
        """Writes what holds for the whole dataset."""
        named = list(enumerate(self._classes))
        lines = ['path: ""', "train: images/train", "val: images/val", "", "names:"]
        lines += [f"  {number}: {quoted(each.name)}" for number, each in named]
        lines += ["", "# class -> identity of the library", "identities:"]
        lines += [f"  {quoted(each.name)}: {quoted(each.identity)}" for _, each in named]
        (self._root / "data.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def quoted(text: str) -> str:
    r"""A text as YAML in double quotes, whatever is in it.

    >>> print(quoted('a "b": c'))
    "a \"b\": c"
    """

    def safe(each: str) -> str:
        if each in '"\\':
            return "\\" + each
        return each if each.isprintable() else f"\\U{ord(each):08x}"

    return '"' + "".join(safe(each) for each in text) + '"'
