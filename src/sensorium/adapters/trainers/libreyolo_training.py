"""Training of YOLOv9 with libreyolo (MIT)."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from sensorium.core.errors import MissingDependencyError, UsageError
from sensorium.core.learning import DetectorTraining

LICENCE = "MIT"
_SIZES = ("t", "s", "m", "c")
Told = Callable[[dict[str, float]], None]


def train(data: Path, folder: Path, choices: DetectorTraining, resume: bool, told: Told) -> Path:
    """Trains in `folder`; the best weights. `told` hears epoch, loss and, where measured, mAP.

    Raises:
        MissingDependencyError: libreyolo is not installed, or its torchvision does not work.
        UsageError: a model that libreyolo does not have.
    """
    size = choices.model.removeprefix("yolo9-")
    if size not in _SIZES or choices.model == size:
        names = ", ".join(f"yolo9-{each}" for each in _SIZES)
        raise UsageError(
            f"model: expected one of {names}, or ultralytics:<name>; got {choices.model!r}"
        )
    made = _libreyolo()
    torch.set_num_threads(choices.threads)
    last = folder / "weights" / "last.pt"
    if resume and last.is_file():
        model, more = made(str(last), size=size, device=choices.device), {"resume": True}
    else:
        model, more = made(None, size=size, device=choices.device), _chosen(choices)

    def heard(event: Any) -> None:
        row = {"epoch": event.epoch, "epochs": event.total_epochs, "loss": float(event.train_loss)}
        measured = dict(event.val_metrics or {})
        for name in ("mAP50", "mAP50-95"):
            if f"metrics/{name}" in measured:
                row[name] = float(measured[f"metrics/{name}"])
        told(row)

    where = {"project": str(folder.parent), "name": folder.name, "exist_ok": True}
    with _quiet():
        done = model.train(data=str(data), callbacks=heard, **where, **more)
    return Path(done["best_checkpoint"] or last)


def export(weights: Path, file: Path, choices: DetectorTraining) -> None:
    """Writes the weights as an ONNX file of the size they were trained at."""
    with _quiet():
        model = _libreyolo()(str(weights), size=choices.model.removeprefix("yolo9-"), device="cpu")
        model.export("onnx", output_path=str(file), imgsz=choices.image_size)


def _chosen(choices: DetectorTraining) -> dict[str, Any]:
    return {
        "epochs": choices.epochs,
        "batch": choices.batch,
        "imgsz": choices.image_size,
        "lr0": choices.learning_rate,
        "optimizer": "AdamW",  # from random weights on few pictures it learns where SGD does not
        "device": choices.device,
        "workers": 0,  # a small set: processes cost more than they bring
        "seed": choices.seed,
        "amp": choices.device != "cpu",
        "patience": choices.epochs,
        "no_aug_epochs": max(1, choices.epochs // 4),
        "eval_interval": max(1, choices.epochs // 6),
        "pretrained": choices.weights,
    }


def _libreyolo() -> Any:
    try:
        from libreyolo import LibreYOLO9
    except ImportError as error:
        raise MissingDependencyError(
            f"training a detector needs {error.name or error}, not installed; "
            "pip install 'sensorium[detector]'"
        ) from None
    except RuntimeError as error:  # a torchvision that was built for another torch
        raise MissingDependencyError(
            f"training a detector needs a torchvision that fits the torch installed here ({error}); "
            "install both from one source"
        ) from None
    return LibreYOLO9


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """libreyolo prints a screen per epoch; what counts is told to `told`."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
