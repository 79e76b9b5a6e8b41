"""Drawn heads by AnimeFace-2009 (Apache-2.0), network and weights of the package animeface.

The package hands a Pillow image's memory to C code that was built for the layout of Pillow 4.2; with
Pillow 12 and newer it finds nothing and says nothing. So the picture is laid out here as that code
wants it, and Pillow's own layout does not matter.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import ModelError
from sensorium.core.media import Frames
from sensorium.core.record import Provenance
from sensorium.core.vision import Regions
from sensorium.models.wheels import carried_revision
from sensorium.ops.vision.resize import pooled

_SIDE = 1280  # longer side above which a picture is averaged down by a whole factor first


class _Imaging(ctypes.Structure):
    """``struct ImagingMemoryInstance`` of Pillow 4.2.1, for a picture of four bytes a pixel."""

    _fields_ = (
        ("mode", ctypes.c_char * 7),
        *((name, ctypes.c_int) for name in ("type", "depth", "bands", "xsize", "ysize")),
        *((name, ctypes.c_void_p) for name in ("palette", "image8", "image32", "image", "block")),
        ("blocks", ctypes.c_void_p),
        *((name, ctypes.c_int) for name in ("pixelsize", "linesize")),
        ("destroy", ctypes.c_void_p),
    )


class AnimeFaceDetector:
    """Drawn heads with five landmarks: eyes, nose, mouth twice. Slow: 0.1 to 0.4 s a picture."""

    def __init__(self, threads: int = 1, least_score: float = 0.7) -> None:
        self._threads = threads  # the network itself uses one
        self._least_score = least_score

    @cached_property
    def provenance(self) -> Provenance:
        """The package, its weights (they are compiled in), and the threshold."""
        params = {"least_score": self._least_score, "side": _SIDE}
        return Provenance("animeface-2009", carried_revision("animeface", "__init__.py"), params)

    @cached_property
    def _network(self) -> Any:
        from animeface import _nvxs

        if float.__basicsize__ != 24 or sys.implementation.name != "cpython":
            raise ModelError(
                "animeface: expected the object layout of CPython with its lock; this Python lays "
                "objects out otherwise; use another detector of drawn faces"
            )
        return _nvxs

    def detect(self, frames: Frames) -> list[Regions]:
        """One Regions per frame, label ``drawn face``, best first."""
        times = frames.times.tolist()
        return [self._detect(p, at) for p, at in zip(frames.pixels, times, strict=True)]

    def _detect(self, pixels: NDArray[np.uint8], at: float) -> Regions:
        factor = max(1, -(-max(pixels.shape[:2]) // _SIDE))
        small = np.round(pooled(pixels, factor)).astype(np.uint8)
        found = [f for f in self._found(small) if f["likelihood"] >= self._least_score]
        found.sort(key=lambda each: -each["likelihood"])
        boxes = [_head(each["face_box"]) for each in found]
        points = np.array([_points(each) for each in found], np.float32).reshape(-1, 5, 2)
        limits = np.array(small.shape[1::-1] * 2, np.float32)
        xyxy = np.clip(np.array(boxes, np.float32).reshape(-1, 4), 0, limits) * factor
        scores = np.array([min(each["likelihood"], 1.0) for each in found], np.float32)
        none = np.full(len(found), -1, np.int64)
        return Regions(xyxy, scores, ("drawn face",) * len(found), none, at, points * factor)

    def _found(self, pixels: NDArray[np.uint8]) -> list[dict[str, Any]]:
        height, width = pixels.shape[:2]
        four = np.dstack([pixels, np.full((height, width, 1), 255, np.uint8)])
        first = four.ctypes.data
        rows = (ctypes.c_void_p * height)(*[first + y * width * 4 for y in range(height)])
        start = ctypes.addressof(rows)
        laid = _Imaging(b"RGB", 0, 0, 3, width, height, 0, 0, start, start, 0, 0, 4, 4 * width, 0)
        # The C code takes any object and reads the address that stands 16 bytes into it: where a
        # Pillow image of 4.2 has its picture, and where a float has its value.
        address = struct.unpack("d", struct.pack("Q", ctypes.addressof(laid)))[0]
        return self._network.detect(address)


def _head(box: tuple[int, int, int, int]) -> tuple[float, float, float, float]:
    """The face with the hair about it: what tells drawn characters apart."""
    x, y, width, height = box
    return x - 0.15 * width, y - 0.35 * height, x + 1.15 * width, y + 1.05 * height


def _points(face: dict[str, Any]) -> list[tuple[float, float]]:
    def middle(name: str) -> tuple[float, float]:
        x, y, width, height = face[name]
        return x + width / 2, y + height / 2

    eyes = sorted([middle("left_eye_box"), middle("right_eye_box")])
    x, y, width, height = face["mouth_box"]
    return [*eyes, face["nose_point"], (x, y + height / 2), (x + width, y + height / 2)]
