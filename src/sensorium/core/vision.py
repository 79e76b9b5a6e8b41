"""What was found in one picture."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError
from sensorium.core.media import read_only


@dataclass(frozen=True, slots=True)
class Regions:
    """Boxes of one frame as a struct of arrays, all of length ``region``.

    `xyxy` is float32 ``(region, 4)`` in pixels of the displayed picture; `score` float32 0..1; `label`
    the class of each (``"face"``); `track` int64, -1 where there is none; `landmarks` float32
    ``(region, point, 2)`` in pixels, with 0 points where the detector has none; `at` in seconds.
    """

    xyxy: NDArray[np.float32]
    score: NDArray[np.float32]
    label: tuple[str, ...]
    track: NDArray[np.int64]
    at: float
    landmarks: NDArray[np.float32] = field(
        default_factory=lambda: np.zeros((0, 0, 2), np.float32), repr=False
    )

    def __post_init__(self) -> None:
        n = len(self.label)
        if n and not self.landmarks.size:
            object.__setattr__(self, "landmarks", np.zeros((n, 0, 2), np.float32))
        shapes = {
            "xyxy": (self.xyxy.shape, (n, 4)),
            "score": (self.score.shape, (n,)),
            "track": (self.track.shape, (n,)),
            "landmarks": (self.landmarks.shape[:1], (n,)),
        }
        for name, (came, expected) in shapes.items():
            if came != expected:
                raise UsageError(f"Regions.{name}: expected shape {expected}, got {came}")
        for name in ("xyxy", "score", "track", "landmarks"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def __len__(self) -> int:
        return len(self.label)

    def __repr__(self) -> str:
        return f"Regions({len(self)} at {self.at:.3f} s, labels={sorted(set(self.label))})"
