"""A folder of thirty inputs of which eight are bad: what a real folder is like."""

from __future__ import annotations

import struct
import wave
import zlib
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from sensorium.testing.made_media import encode_sound, squares, tone, write_sound, write_video

GOOD, BAD = 22, 8


def make_folder(folder: Path) -> list[Path]:
    """Thirty inputs, the bad ones last: missing, empty, cut short, text, huge, without samples, ...

    Everything is synthetic. Among the good: a video without sound, and sound with cover art in an mp4.
    """
    folder.mkdir(parents=True)
    rng = np.random.default_rng(7)
    good = [_picture(folder / f"picture{i}.png", rng) for i in range(12)]
    for index, (rate, channels) in enumerate([(8000, 1), (22050, 2), (44100, 1), (48000, 6)] * 2):
        sound = tone(1.0 + index / 4, rate, channels, hz=200 + 50 * index)
        good.append(write_sound(folder / f"tone{index}.wav", sound, rate, "pcm_s16le"))
    good.append(write_video(folder / "silent.mp4", squares(40)))
    good.append(with_cover(folder / "album.mp4"))
    return [*good, *_bad(folder, rng)]


def _picture(path: Path, rng: np.random.Generator) -> Path:
    Image.fromarray(rng.integers(0, 255, (60, 80, 3), np.uint8)).save(path)
    return path


def _bad(folder: Path, rng: np.random.Generator) -> list[Path]:
    names = (
        "missing.mp4",
        "empty.mp4",
        "cut.mp4",
        "text.mp4",
        "huge.png",
        "nothing.wav",
        "cut.jpg",
    )
    bad = {name: folder / name for name in (*names, "poison.wav")}
    bad["empty.mp4"].write_bytes(b"")
    write_video(bad["cut.mp4"], squares(60), sound=(tone(2.4, 16000), 16000))
    bad["cut.mp4"].write_bytes(bad["cut.mp4"].read_bytes()[:-4000])
    bad["text.mp4"].write_text("this is no video\n" * 100)
    bad["huge.png"].write_bytes(huge_png())
    with wave.open(str(bad["nothing.wav"]), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
    Image.fromarray(rng.integers(0, 255, (90, 90, 3), np.uint8)).save(bad["cut.jpg"])
    bad["cut.jpg"].write_bytes(bad["cut.jpg"].read_bytes()[:200])
    sound = tone(1.0, 16000)
    sound[0, 9000] = np.nan
    write_sound(bad["poison.wav"], sound, 16000, "pcm_f32le")
    return list(bad.values())


def huge_png(side: int = 50_000) -> bytes:
    """A PNG whose header promises `side` x `side` pixels, in under a hundred bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def with_cover(path: Path) -> Path:
    """Sound with a cover picture, in an mp4."""
    with av.open(str(path), "w") as container:
        voice: Any = container.add_stream("aac", rate=16000, layout="mono")
        cover: Any = container.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        for packet in [*cover.encode(frame), *cover.encode(None)]:
            container.mux(packet)
        encode_sound(container, voice, tone(1.0, 16000), 16000)
    return path
