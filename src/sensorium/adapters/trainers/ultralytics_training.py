"""Training with ultralytics. Its code and all it trains are AGPL-3.0: an extra, never a default."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sensorium.core.errors import MissingDependencyError
from sensorium.core.learning import DetectorTraining

LICENCE = "AGPL-3.0"
Told = Callable[[dict[str, float]], None]


def train(data: Path, folder: Path, choices: DetectorTraining, resume: bool, told: Told) -> Path:
    """Trains in `folder`; the best weights. `told` hears epoch, loss and mAP.

    Raises:
        MissingDependencyError: ultralytics is not installed.
    """
    made = _ultralytics()
    last = folder / "weights" / "last.pt"
    model = made(str(last)) if resume and last.is_file() else made(choices.model.partition(":")[2])
    if choices.weights and not resume:
        model = model.load(choices.weights)

    def heard(trainer: Any) -> None:
        measured = trainer.metrics or {}
        row = {
            "epoch": trainer.epoch + 1,
            "epochs": trainer.epochs,
            "loss": float(trainer.loss.sum()),
        }
        for name in ("mAP50", "mAP50-95"):
            if f"metrics/{name}(B)" in measured:
                row[name] = float(measured[f"metrics/{name}(B)"])
        told(row)

    model.add_callback("on_fit_epoch_end", heard)
    chosen: dict[str, Any] = {
        "epochs": choices.epochs,
        "batch": choices.batch,
        "imgsz": choices.image_size,
        "device": None if choices.device == "auto" else choices.device,
        "seed": choices.seed,
        "workers": 0,
        "pretrained": bool(choices.weights),
        "plots": False,
        "verbose": False,
    }
    where = {"project": str(folder.parent), "name": folder.name, "exist_ok": True}
    again = {"resume": True} if resume and last.is_file() else {}
    model.train(data=str(data), **where, **(again or chosen))
    return folder / "weights" / "best.pt"


def export(weights: Path, file: Path, choices: DetectorTraining) -> None:
    """Writes the weights as an ONNX file of the size they were trained at."""
    made = _ultralytics()(str(weights)).export(format="onnx", imgsz=choices.image_size)
    shutil.move(made, file)


def _ultralytics() -> Any:
    try:
        from ultralytics import YOLO
    except ImportError as error:
        raise MissingDependencyError(
            f"ultralytics models need {error.name or error}, not installed; "
            "pip install 'sensorium[ultralytics]' (AGPL-3.0: your program falls under it too)"
        ) from None
    return YOLO
