"""Tiny synthetic media, written on the spot: tones, colours, moving squares."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray


@contextmanager
def usual_priority() -> Iterator[None]:
    """After it this thread is scheduled as before, whatever was encoded inside.

    SVT-AV1, run by root, makes the thread that opens it a real-time one for good (SCHED_FIFO, 99), and so all
    threads that this one starts: those that wait for each other by spinning then keep the cores for ever.
    """
    if not hasattr(os, "sched_getscheduler"):  # not Linux
        yield
        return
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        if os.sched_getscheduler(0) != before[0]:
            os.sched_setscheduler(0, *before)


def tone(
    seconds: float, sample_rate: int, num_channels: int = 1, hz: float = 440.0
) -> NDArray[np.float32]:
    """float32 ``(channel, sample)``: a sine of amplitude 0.5 in every channel."""
    times = np.arange(round(seconds * sample_rate)) / sample_rate
    wave = 0.5 * np.sin(2 * np.pi * hz * times)
    return np.repeat(wave[None].astype(np.float32), num_channels, axis=0)


def murmur(seconds: float, sample_rate: int, seed: int) -> NDArray[np.float32]:
    """float32 ``(sample,)``: no speech, but loud and quiet as speech is, in syllables, phrases and pauses.

    Another seed gives another one, which has nothing in common with the first.
    """
    rng, num = np.random.default_rng(seed), round(seconds * sample_rate)
    times = np.arange(num) / sample_rate
    syllables = 0.5 + 0.5 * np.sin(2 * np.pi * (3.5 + rng.random()) * times + 6 * rng.random())
    edges = np.cumsum(rng.uniform(0.5, 1.6, 2 + round(2 * seconds)))
    speaking = np.searchsorted(edges, times) % 2 == seed % 2
    noise = rng.standard_normal(num + 15)
    voice = np.convolve(noise, np.hanning(16), "valid")  # darker than white, as voices are
    wave = 0.06 * voice * (0.1 + 0.9 * syllables) * speaking
    return (wave + 1e-4 * rng.standard_normal(num)).astype(np.float32)


def write_tracks(
    path: Path, tracks: Sequence[tuple[NDArray[np.float32], dict[str, Any]]], sample_rate: int
) -> Path:
    """A file of several audio tracks (FLAC; the name says which container): sound ``(channel, sample)``
    and what is told of it: language, title, default."""
    with av.open(str(path), "w") as container:
        streams: list[Any] = []
        for samples, about in tracks:
            stream: Any = container.add_stream("flac", rate=sample_rate)
            stream.layout = _LAYOUTS[samples.shape[0]]
            stream.metadata.update({k: about[k] for k in ("language", "title") if k in about})
            stream.disposition = av.stream.Disposition.default if about.get("default") else 0
            streams.append(stream)
        for stream, (samples, _) in zip(streams, tracks, strict=True):
            encode_sound(container, stream, samples, sample_rate)
    return path


_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 6: "5.1"}


def write_sound(path: Path, samples: NDArray[np.float32], sample_rate: int, codec: str) -> Path:
    """One sound file of the given codec; the container follows from the name."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=sample_rate)
        stream.layout = _LAYOUTS[samples.shape[0]]
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


def drawn_face(
    size: int = 200,
    hair: tuple[int, int, int] = (90, 60, 140),
    eyes: tuple[int, int, int] = (60, 140, 90),
) -> NDArray[np.uint8]:
    """uint8 ``(size, size, 3)``: a face in the manner of Japanese drawings, of our own making."""
    from PIL import Image, ImageDraw

    unit, skin, line = 8.0, (252, 232, 220), (60, 40, 40)  # drawn on 100 units, then scaled down
    picture = Image.new("RGB", (800, 800), (200, 220, 240))
    draw = ImageDraw.Draw(picture)

    def at(*numbers: float) -> list[float]:
        return [number * unit for number in numbers]

    draw.ellipse(at(18, 10, 82, 80), hair)
    draw.polygon(at(18, 45, 82, 45, 86, 95, 14, 95), hair)
    draw.polygon(at(42, 70, 58, 70, 58, 90, 42, 90), skin)
    draw.polygon(at(30, 40, 70, 40, 70, 62, 62, 74, 50, 82, 38, 74, 30, 62), skin, line)
    draw.ellipse(at(29, 22, 71, 68), skin)
    for x in (40, 60):
        draw.ellipse(at(x - 6, 46, x + 6, 62), (255, 255, 255), line)
        draw.ellipse(at(x - 4.5, 47, x + 4.5, 62), eyes)
        draw.ellipse(at(x - 2.5, 51, x + 2.5, 59), (20, 20, 30))
        draw.ellipse(at(x - 3.5, 48, x - 0.5, 52), (255, 255, 255))
        draw.line(at(x - 7, 48, x - 3, 45, x + 3, 45, x + 7, 48), line, 13)
        draw.line(at(x - 6, 40, x, 38.5, x + 6, 40), line, 6)
    draw.line(at(50, 64, 49.3, 66), (200, 150, 140), 6)
    draw.arc(at(45, 66, 55, 73), 20, 160, (150, 60, 60), 8)
    fringe = (24, 40, 28, 16, 50, 10, 72, 16, 76, 40, 70, 36, 66, 44, 60, 32, 54, 42)
    draw.polygon(at(*fringe, 50, 30, 44, 42, 40, 32, 33, 44, 30, 36), hair, line)
    return np.asarray(picture.resize((size, size), Image.Resampling.LANCZOS))
