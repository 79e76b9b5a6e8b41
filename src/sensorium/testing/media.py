"""Tiny synthetic media, written on the spot: tones, colours, moving squares."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray


def tone(
    seconds: float, sample_rate: int, num_channels: int = 1, hz: float = 440.0
) -> NDArray[np.float32]:
    """float32 ``(channel, sample)``: a sine of amplitude 0.5 in every channel."""
    times = np.arange(round(seconds * sample_rate)) / sample_rate
    wave = 0.5 * np.sin(2 * np.pi * hz * times)
    return np.repeat(wave[None].astype(np.float32), num_channels, axis=0)


def write_sound(path: Path, samples: NDArray[np.float32], sample_rate: int, codec: str) -> Path:
    """One sound file of the given codec; the container follows from the name."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=sample_rate)
        layouts = {1: "mono", 2: "stereo", 6: "5.1"}
        stream.layout = layouts[samples.shape[0]]
        encode_sound(container, stream, samples, sample_rate)
    return path


def encode_sound(container: Any, stream: Any, samples: NDArray, sample_rate: int) -> None:
    """Encodes and muxes float32 ``(channel, sample)`` into an open container."""
    for first in range(0, samples.shape[1], 1024):
        part = np.ascontiguousarray(samples[:, first : first + 1024])
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=stream.layout.name)
        frame.sample_rate, frame.pts = sample_rate, first
        frame.time_base = Fraction(1, sample_rate)
        for packet in stream.encode(frame):
            container.mux(packet)
    for packet in stream.encode(None):
        container.mux(packet)


def squares(num: int, height: int = 48, width: int = 64) -> list[NDArray[np.uint8]]:
    """`num` pictures: a red square that moves to the right over gray."""
    pictures = []
    for index in range(num):
        pixels = np.full((height, width, 3), 90, np.uint8)
        left = 2 + index % (width - 14)
        pixels[8:20, left : left + 12] = (220, 30, 30)
        pictures.append(pixels)
    return pictures


def write_video(
    path: Path,
    pictures: Sequence[NDArray[np.uint8]],
    times: Sequence[float] | None = None,
    sound: tuple[NDArray[np.float32], int] | None = None,
    codec: str = "mpeg4",
) -> Path:
    """A video of RGB pictures at 25 per second, or at the given times, with AAC sound if any."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        stream.options = {"qscale": "2", "flags": "+qscale"}
        voice = container.add_stream("aac", rate=sound[1], layout="mono") if sound else None
        for index, pixels in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            at = times[index] if times is not None else index / 25
            frame.pts, frame.time_base = round(at * 1000), Fraction(1, 1000)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
        if sound and voice is not None:
            encode_sound(container, voice, *sound)
    return path
