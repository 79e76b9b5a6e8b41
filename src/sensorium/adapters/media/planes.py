"""Samples of a decoded frame of sound, and pixels of one of pictures, whatever their format and layout."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import MediaError

_DTYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}


def mono_of(frame: Any, channel: int | None = None) -> NDArray[np.float32]:
    """All channels averaged, or the one asked for, in [-1, 1] for every sample format.

    A damaged file has frames of fewer channels than it says; what such a frame holds stands for all of them.
    """
    values, kind = _channels(frame), frame.format.name.removesuffix("p")
    if kind == "u8":
        scaled = (values.astype(np.float32) - 128.0) / 128.0
    elif values.dtype.kind == "i":
        scaled = values.astype(np.float32) / np.float32(-float(np.iinfo(values.dtype).min))
    else:
        scaled = values.astype(np.float32)
    if channel is None or channel >= len(scaled):
        return scaled.mean(axis=0, dtype=np.float32)
    return scaled[channel]


def _channels(frame: Any) -> NDArray:
    """The samples as they are stored, (channel, sample).

    Planes are read one by one: PyAV 18 finds a ninth plane in a frame of eight, and its `to_ndarray`
    reads where there is nothing, which ends the process; nor does it know 64-bit integers.
    """
    num, dtype = frame.layout.nb_channels, _DTYPES[frame.format.name.removesuffix("p")]
    if not frame.format.is_planar:
        return np.frombuffer(frame.planes[0], dtype, frame.samples * num).reshape(-1, num).T
    return np.stack([np.frombuffer(plane, dtype, frame.samples) for plane in frame.planes[:num]])


def finite(uri: str, samples: NDArray[np.float32], seconds: float) -> NDArray[np.float32]:
    """The samples, if all are numbers: one that is none would poison every model after it."""
    if not math.isfinite(float(samples.sum(dtype=np.float64))):
        raise MediaError(
            f"{uri}: expected finite samples, found NaN or infinity near {seconds:.1f} s"
        )
    return samples


def rgb(scaler: Any, frame: Any, width: int, max_side: int | None) -> NDArray[np.uint8]:
    """uint8 (height, width, 3), scaled by swscale and turned upright."""
    height = frame.height
    scale = min(1.0, max_side / max(width, height)) if max_side else 1.0
    size = {"width": max(1, round(width * scale)), "height": max(1, round(height * scale))}
    values = scaler.reformat(frame, format="rgb24", **size).to_ndarray()
    return np.ascontiguousarray(np.rot90(values, k=round(frame.rotation / 90) % 4))
