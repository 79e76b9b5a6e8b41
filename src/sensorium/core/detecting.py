"""How a detector is trained, and what a trained one is."""

from __future__ import annotations

from dataclasses import dataclass

from sensorium.core.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorTraining:
    """The choices of a training.

    `model` is ``yolo9-t``, ``-s``, ``-m`` or ``-c`` (libreyolo, MIT), or ``ultralytics:<name>.yaml``
    (AGPL-3.0). `image_size`: pixels of the square that pictures are fitted into, a multiple of 32;
    `weights`: a file to start from, None starts from random ones; `device`: ``cpu``, ``cuda``, or
    ``auto`` for a GPU where there is one.
    """

    model: str = "yolo9-t"
    epochs: int = 60
    batch: int = 8
    image_size: int = 256
    learning_rate: float = 0.001
    weights: str | None = None
    device: str = "auto"
    threads: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "threads"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}: expected 1 or more, got {getattr(self, name)}")
        if self.image_size < 32 or self.image_size % 32:
            raise UsageError(f"image_size: expected a multiple of 32, got {self.image_size}")
        if self.device not in ("auto", "cpu") and not self.device.startswith("cuda"):
            raise UsageError(f"device: expected auto, cpu or cuda, got {self.device!r}")
