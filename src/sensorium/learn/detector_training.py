"""A YOLO model out of a labelled dataset: the detector that takes over."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from sensorium.adapters.drawing.curve import write_curve
from sensorium.core.errors import UsageError
from sensorium.core.learning import DetectorTraining
from sensorium.core.record import digest
from sensorium.run.progress import Steps


def train_detector(
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    resume: bool = False,
    progress: Steps | None = None,
    **choices: Any,
) -> Path:
    """Trains a YOLO model on a dataset in YOLO's form, and returns ``out/best.pt``.

    `data` is a folder with ``data.yaml``, ``images/`` and ``labels/``, such as ``sensorium dataset`` writes.
    `choices` are the fields of `sensorium.core.learning.DetectorTraining`: `model`, `epochs`,
    `image_size`, ... Beside the weights lie ``best.onnx``, which runs without the trainer,
    ``detector.json`` (classes, identities, licence, measures), ``metrics.jsonl`` and ``curves.png``. A
    training that was stopped goes on with `resume`, with the choices that it began with.

    Raises:
        UsageError: a dataset that cannot be trained on; a folder that holds another training.
        MissingDependencyError: the trainer is not installed.

    >>> train_detector("data", "runs", epochs=40)  # doctest: +SKIP
    PosixPath('runs/best.pt')
    """
    try:
        wanted = DetectorTraining(**choices)
    except TypeError as error:
        raise UsageError(f"train_detector: {error}") from None
    about = read_data(data)
    folder = Path(out).expanduser().absolute()
    wanted = _begun(folder, about, wanted, resume)
    progress = progress or Steps()
    trainer = _trainer(wanted.model)
    progress.start("training")
    rows = folder / "metrics.jsonl"

    def told(row: dict[str, float]) -> None:
        with open(rows, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        progress.step(int(row["epoch"]), int(row["epochs"]), row["loss"])

    try:
        best = trainer.train(_trained_on(folder, about), folder / "training", wanted, resume, told)
    finally:
        progress.stop()
        _draw(folder, rows)
    shutil.copyfile(best, folder / "best.pt")
    trainer.export(best, folder / "best.onnx", wanted)
    _describe(folder, about, wanted, trainer.LICENCE)
    return folder / "best.pt"


def read_data(data: str | os.PathLike[str]) -> dict[str, Any]:
    """What a dataset's data.yaml says, checked: `root`, `train`, `val`, `names`, `identities`.

    Raises:
        UsageError: no data.yaml, no pictures, or a label line that is none; it names file and line.
    """
    root = Path(data).expanduser().absolute()
    file = root / "data.yaml" if root.is_dir() else root
    try:
        about = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError:
        raise UsageError(
            f"{data}: expected a dataset with a data.yaml; make one with: sensorium dataset LIBRARY "
            f"--out {data}"
        ) from None
    except yaml.YAMLError as error:
        raise UsageError(f"{file}: cannot be read as YAML; {error}") from None
    if not isinstance(about, dict) or not {"train", "val", "names"} <= about.keys():
        raise UsageError(f"{file}: expected train, val and names in it")
    names = about["names"]
    names = list(names.values()) if isinstance(names, dict) else list(names)
    base = file.parent / (about.get("path") or "")
    found = {side: base / about[side] for side in ("train", "val")}
    for side, folder in found.items():
        if not folder.is_dir() or not any(folder.iterdir()):
            raise UsageError(f"{file}: expected pictures for {side} in {folder}, found none")
    labels = base / "labels"
    for text in sorted(labels.rglob("*.txt")):
        _check(text, len(names))
    return {"root": base, **found, "names": names, "identities": about.get("identities") or {}}


def _check(file: Path, num_classes: int) -> None:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        parts = line.split()
        try:
            known = len(parts) == 5 and 0 <= int(parts[0]) < num_classes
            inside = all(0 <= float(part) <= 1 for part in parts[1:])
        except ValueError:
            known = inside = False
        if parts and not (known and inside):
            raise UsageError(
                f"{file} line {number}: expected a class below {num_classes} and four shares 0..1, "
                f"got {line!r}"
            )


def _begun(
    folder: Path, about: dict[str, Any], wanted: DetectorTraining, resume: bool
) -> DetectorTraining:
    """Makes the folder, or checks that it holds this training; the choices that count."""
    begun = folder / "training.json"
    which = {"classes": about["names"], "data": _digest(about["root"])}
    if begun.exists() and resume:
        kept = json.loads(begun.read_text(encoding="utf-8"))
        if {name: kept[name] for name in which} != which:
            raise UsageError(
                f"{folder}: a training on another dataset was begun here; use another --out"
            )
        return DetectorTraining(**kept["choices"])
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder}: expected a new or an empty folder, or --resume")
    folder.mkdir(parents=True, exist_ok=True)
    if wanted.device == "auto":
        import torch

        wanted = DetectorTraining(
            **{**asdict(wanted), "device": "cuda" if torch.cuda.is_available() else "cpu"}
        )
    begun.write_text(json.dumps({"choices": asdict(wanted), **which}, indent=1), encoding="utf-8")
    return wanted


def _digest(root: Path) -> str:
    files = sorted(root.rglob("*.txt"))
    return digest([[file.name, file.read_text(encoding="utf-8")] for file in files])


def _trainer(model: str) -> Any:
    if model.startswith("ultralytics:"):
        from sensorium.adapters.trainers import ultralytics_training

        return ultralytics_training
    from sensorium.adapters.trainers import libreyolo_training

    return libreyolo_training


def _trained_on(folder: Path, about: dict[str, Any]) -> Path:
    """A data.yaml with whole paths: trainers differ in what a relative one is relative to."""
    file = folder / "data.yaml"
    names = dict(enumerate(about["names"]))
    whole = {
        "path": str(about["root"]),
        "train": str(about["train"]),
        "val": str(about["val"]),
        "names": names,
    }
    file.write_text(yaml.safe_dump(whole, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return file


def _read(rows: Path) -> list[dict[str, float]]:
    lines = rows.read_text(encoding="utf-8").splitlines() if rows.exists() else []
    return [json.loads(line) for line in lines]


def _draw(folder: Path, rows: Path) -> None:
    noted = _read(rows)
    if not noted:
        return
    loss = {"loss": [(row["epoch"], row["loss"]) for row in noted]}
    write_curve(folder / "curves.png", loss, f"{folder.name}: loss", "epoch")
    measured = {
        name: [(row["epoch"], row[name]) for row in noted if name in row]
        for name in ("mAP50", "mAP50-95")
    }
    if any(measured.values()):
        write_curve(
            folder / "map.png", measured, f"{folder.name}: on the validation pictures", "epoch"
        )


def _describe(folder: Path, about: dict[str, Any], choices: DetectorTraining, licence: str) -> None:
    measured = [row for row in _read(folder / "metrics.jsonl") if "mAP50" in row]
    best = max(measured, key=lambda row: row.get("mAP50-95", row["mAP50"]), default={})
    said = {
        "classes": about["names"],
        "identities": about["identities"],
        "model": choices.model,
        "licence of the trainer": licence,
        "image_size": choices.image_size,
        "data": _digest(about["root"]),
        "measured": {name: best[name] for name in ("epoch", "mAP50", "mAP50-95") if name in best},
    }
    text = json.dumps(said, indent=1, ensure_ascii=False)
    (folder / "detector.json").write_text(text, encoding="utf-8")


def summary(out: str | os.PathLike[str]) -> dict[str, Any]:
    """How a training ended: `detector` (its file), `classes`, and what was measured."""
    folder = Path(out).expanduser()
    said = json.loads((folder / "detector.json").read_text(encoding="utf-8"))
    return {
        "detector": str(folder / "best.pt"),
        "classes": len(said["classes"]),
        **said["measured"],
    }
