"""What stands in a row of a dataset (paths, bytes, pictures, arrays) as pictures and sound."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray
from PIL import Image

from sensorium.adapters.media import pillow
from sensorium.core.errors import MediaError, SensoriumError, UnsupportedMediaError, UsageError
from sensorium.core.media import Audio, Frames
from sensorium.ports import Reader

_CHANNELS = (1, 2, 3, 4)


def picture(value: Any, reader: Reader, max_side: int | None) -> Frames:
    """One picture, RGB and upright: of a path, bytes, ``{"path", "bytes"}``, a PIL picture or an array.

    Arrays and tensors are ``(height, width)``, ``(height, width, channel)`` or ``(channel, height,
    width)``; 8 or 16 bits, floats in 0..1 or 0..255. Of an animation the first frame.

    Raises:
        MediaError: what cannot be read as a picture.
        UsageError: a value of another kind.
    """
    if isinstance(value, Frames):
        return value
    if isinstance(value, Image.Image):
        return _still(pillow.as_pixels("picture", value, max_side))
    if _is_array(value):
        return _still(pillow.as_pixels("array", _from_array(np.asarray(value)), max_side))
    with _as_file(value) as path:
        ref = reader.probe(path)
        if ref.kind != "image" and ref.container not in pillow.ANIMATED:
            raise UnsupportedMediaError(f"{path}: expected a still picture, found {ref.kind}")
        return next(iter(reader.frames(ref, max_side)))


@contextmanager
def sound(
    value: Any, reader: Reader, sample_rate: int, channel: int | None = None
) -> Iterator[tuple[float, Iterator[Audio]]]:
    """(duration in seconds, mono chunks at `sample_rate`) of whatever holds sound.

    A path, bytes, ``{"path", "bytes"}``, ``{"array", "sampling_rate"}``, a decoder of torchcodec, or `Audio`;
    arrays are ``(sample,)`` or ``(channel, sample)``. Channels are averaged unless `channel` chooses one.

    Raises:
        MediaError: what cannot be read as sound.
        UsageError: a value of another kind; NaN or infinite samples.
    """
    if hasattr(value, "get_all_samples"):
        heard = value.get_all_samples()
        value = {"array": heard.data, "sampling_rate": heard.sample_rate}
    if isinstance(value, Mapping) and value.get("array") is not None:
        value = _audio(np.asarray(value["array"]), value.get("sampling_rate"))
    if _is_array(value):
        raise UsageError(
            'a plain array does not tell its rate: give {"array": ..., "sampling_rate": 16000}'
        )
    if isinstance(value, Audio):
        mono = value.mono() if channel is None else _channel(value, channel)
        if value.sample_rate != sample_rate:
            mono = soxr.resample(mono, value.sample_rate, sample_rate, quality="HQ")
        yield value.duration, iter([Audio(np.asarray(mono, np.float32)[None], sample_rate)])
        return
    with _as_file(value) as path:
        ref = reader.probe(path)
        if not ref.has_sound:
            raise UnsupportedMediaError(f"{path}: expected sound, found {ref.kind} without any")
        yield ref.duration or 0.0, iter(reader.audio(ref, sample_rate, channel))


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or hasattr(value, "__array__")


def _still(pixels: NDArray[np.uint8]) -> Frames:
    return Frames(pixels[None], np.zeros(1))


def _from_array(values: NDArray) -> Image.Image:
    last = values.ndim == 3 and values.shape[2] in _CHANNELS
    if values.ndim == 3 and not last and values.shape[0] in _CHANNELS:
        values, last = values.transpose(1, 2, 0), True
    if not (values.ndim == 2 or last) or 0 in values.shape:
        raise UsageError(
            f"expected a picture (height, width) or with 1 to 4 channels, got an array {values.shape}"
        )
    if values.dtype == bool:
        values = values * np.uint8(255)
    if values.dtype.kind not in "uif":
        raise UsageError(f"expected numbers as pixels, got {values.dtype}")
    if values.dtype != np.uint8:
        values = pillow.eight_bits("array", values)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    return Image.fromarray(np.ascontiguousarray(values))


def _audio(values: NDArray, sample_rate: Any) -> Audio:
    if not sample_rate:
        raise UsageError("expected the rate of an array of sound beside it as sampling_rate")
    if values.ndim not in (1, 2) or not values.size:
        raise UsageError(f"expected sound (sample,) or (channel, sample), got {values.shape}")
    if values.dtype.kind == "i":
        values = values / -float(np.iinfo(values.dtype).min)
    samples = np.atleast_2d(values).astype(np.float32)
    finite = np.isfinite(samples).all(axis=0)
    if not finite.all():
        first = int(np.argmin(finite))
        raise UsageError(
            f"expected finite samples, sample {first} ({first / sample_rate:.3f} s) is NaN or infinite"
        )
    return Audio(samples, int(sample_rate))


def _channel(audio: Audio, channel: int) -> NDArray[np.float32]:
    num = len(audio.samples)
    if not 0 <= channel < num:
        raise UsageError(f"channel: expected 0 to {num - 1}, got {channel}")
    return audio.samples[channel]


@contextmanager
def _as_file(value: Any) -> Iterator[str]:
    """A path to read from; bytes lie in a file for as long as that takes, so that one door reads all."""
    data, name = value, "bytes"
    if isinstance(value, Mapping):
        data, name = value.get("bytes"), str(value.get("path") or "bytes")
        data = value.get("path") if data is None else data
    if isinstance(data, (str, os.PathLike)):
        yield os.fspath(data)
        return
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise UsageError(
            'expected a path, bytes, {"path", "bytes"}, a picture or an array, '
            f"got {type(value).__name__}"
        )
    if not len(data):
        raise MediaError(f"{name}: expected a picture or sound, the bytes are empty")
    with tempfile.NamedTemporaryFile(prefix="sensorium-") as file:
        file.write(data)
        file.flush()
        try:
            yield file.name
        except SensoriumError as error:
            raise type(error)(str(error).replace(file.name, name)) from None
