"""Text in pictures by PP-OCRv6 small (Apache-2.0), weights of the package rapidocr."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidocr import RapidOCR

from sensorium.core.media import Frames
from sensorium.core.record import Provenance
from sensorium.core.vision import Regions
from sensorium.models.store import revision

_SIDE = 480  # longer side at which text is looked for; rapidocr's 736 costs eight times as much
_LEAST, _SHORTEST = 0.85, 2  # score and characters of a line that counts


class RapidTextReader:
    """Lines of text as regions whose label is what they say. Latin and Chinese script."""

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    @cached_property
    def provenance(self) -> Provenance:
        """The package, its weights and the thresholds."""
        params = {"side": _SIDE, "least_score": _LEAST}
        return Provenance("ppocr-v6-small", revision("ppocr-v6-small"), params)

    @cached_property
    def _engine(self) -> RapidOCR:
        return RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.use_cls": False,
                "Det.limit_type": "max",
                "Det.limit_side_len": _SIDE,
                "EngineConfig.onnxruntime.intra_op_num_threads": self._threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def detect(self, frames: Frames) -> list[Regions]:
        """One Regions per frame, from top to bottom."""
        times = frames.times.tolist()
        return [self._read(p, at) for p, at in zip(frames.pixels, times, strict=True)]

    def _read(self, pixels: NDArray[np.uint8], at: float) -> Regions:
        found: Any = self._engine(np.ascontiguousarray(pixels[:, :, ::-1]))
        texts = getattr(found, "txts", None) or ()
        scores, boxes = found.scores or (), found.boxes if texts else ()
        kept = [
            (text.strip(), float(score), np.asarray(box))
            for text, score, box in zip(texts, scores, boxes, strict=True)
            if score >= _LEAST and len(text.strip()) >= _SHORTEST
        ]
        corners = [[*box.min(axis=0), *box.max(axis=0)] for _, _, box in kept]
        return Regions(
            np.array(corners, np.float32).reshape(-1, 4),
            np.array([score for _, score, _ in kept], np.float32),
            tuple(text for text, _, _ in kept),
            np.full(len(kept), -1, np.int64),
            at,
        )
