"""Files of every kind that we read, made small, and broken in every way that files break: seeded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import av
import numpy as np
from PIL import Image

from sensorium.testing.made_media import encode_sound, murmur, squares, usual_priority

_RATE, _SECONDS, _PICTURES = 16_000, 1.2, 30

# name -> (codec of the pictures, of the sound); empty: there is none
_VIDEO = MappingProxyType({
    "a.mp4": ("mpeg4", "aac"), "h264.mp4": ("libx264", "aac"), "hevc.mp4": ("libx265", ""),
    "av1.mp4": ("libsvtav1", "aac"), "a.mkv": ("ffv1", "flac"), "h264.mkv": ("libx264", "libopus"),
    "a.webm": ("libvpx-vp9", "libopus"), "a.avi": ("mpeg4", "libmp3lame"), "a.mov": ("mjpeg", "aac"),
    "prores.mov": ("prores_ks", "alac"), "a.ts": ("mpeg2video", "mp2"), "a.flv": ("flv", "libmp3lame"),
    "a.mpg": ("mpeg1video", "mp2"), "a.mxf": ("mpeg2video", "pcm_s16le"), "a.3gp": ("mpeg4", "aac"),
    "huffyuv.avi": ("huffyuv", "pcm_u8"),
})  # fmt: skip
_SOUND = MappingProxyType({
    "a.wav": "pcm_s16le", "float.wav": "pcm_f32le", "adpcm.wav": "adpcm_ima_wav", "a.flac": "flac",
    "a.mp3": "libmp3lame", "a.m4a": "aac", "alac.m4a": "alac", "a.opus": "libopus", "a.aiff": "pcm_s16be",
    "a.au": "pcm_mulaw", "a.w64": "pcm_s24le", "a.caf": "pcm_s16le", "a.wv": "wavpack", "a.tta": "tta",
    "a.aac": "aac", "a.mka": "flac", "a.mp2": "mp2", "a.amr": "libopencore_amrnb",
})  # fmt: skip
_STILL = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "AVIF", "JPEG2000")
_MOVING = ("GIF", "WEBP", "PNG", "AVIF")
_ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname
Style: Default,Arial

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.10,0:00:00.90,Default,Ann,0,0,0,,{\\b1}hello\\Nyou
"""
_SRT = (
    "1\n00:00:00,100 --> 00:00:00,900\nGrüße, <i>Welt</i>\n\n2\n00:00:00,950 --> 00:00:01,100\nja\n"
)
_VTT = "WEBVTT\n\n00:00.100 --> 00:00.900\n<v Ann>hello\n\n00:00.950 --> 00:01.100\nyes\n"
_SUBTITLES = MappingProxyType({"a.srt": _SRT, "a.vtt": _VTT, "a.ass": _ASS})


def originals(folder: Path) -> dict[str, bytes]:
    """Name -> content of a small whole file of each kind; those whose encoder this PyAV lacks are left out.

    Files are written into `folder` on the way. Sound is murmur, pictures are a red square that moves.
    """
    made: dict[str, bytes] = {}
    sound = murmur(_SECONDS, _RATE, 1)[None]
    for name, (codec, voice) in _VIDEO.items():
        _kept(made, folder / name, partial(_video, codec=codec, voice=voice, sound=sound))
    for name, codec in _SOUND.items():
        _kept(made, folder / name, partial(_sound, codec=codec, sound=sound))
    first, *rest = [Image.fromarray(each) for each in squares(6)]
    for form in _STILL:
        _kept(made, folder / f"still.{form.lower()}", partial(first.save, format=form))
    more: Any = {"save_all": True, "append_images": rest, "duration": 200}
    for form in _MOVING:
        _kept(made, folder / f"moving.{form.lower()}", partial(first.save, format=form, **more))
    return made | {name: text.encode() for name, text in _SUBTITLES.items()}


def _kept(made: dict[str, bytes], path: Path, write: Callable[[Path], Any]) -> None:
    try:
        write(path)
    except (av.FFmpegError, ValueError, OSError, KeyError):
        return
    made[path.name] = path.read_bytes()


def _sound(path: Path, codec: str, sound: Any) -> None:
    with av.open(str(path), "w") as container:
        rate = 8000 if "amr" in codec else _RATE
        stream: Any = container.add_stream(codec, rate=rate)
        stream.layout = "mono"
        container.metadata.update({"title": "Ein Titel", "artist": "Jemand"})
        encode_sound(container, stream, sound[:, :: _RATE // rate], rate)


@usual_priority()
def _video(path: Path, codec: str, voice: str, sound: Any) -> None:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.width, stream.height = 64, 48
        formats = [each.name for each in stream.codec_context.codec.video_formats or ()]
        plain = (not formats or "yuv420p" in formats) and codec != "mjpeg"
        stream.pix_fmt = "yuv420p" if plain else "yuvj420p" if codec == "mjpeg" else formats[0]
        heard: Any = container.add_stream(voice, rate=48_000) if voice else None
        if heard is not None:
            heard.layout = "mono"
        container.metadata["title"] = "Ein Titel"
        for pixels in squares(_PICTURES):
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
        if heard is not None:
            encode_sound(container, heard, np.repeat(sound, 3, axis=1), 48_000)


def mutant(data: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """(what was done, the file after it): one to three ways to break `data`."""
    names = list(WAYS)
    chosen = [names[i] for i in rng.integers(0, len(names), rng.integers(1, 4))]
    for name in chosen:
        data = WAYS[name](data, rng) if len(data) > 16 else data
    return "+".join(chosen), data


def _place(data: bytes, rng: np.random.Generator, room: int = 1) -> int:
    """Somewhere; every second time in the first 256 bytes, where headers are."""
    most = len(data) - room
    return int(rng.integers(0, max(1, min(most, 256) if rng.random() < 0.5 else most)))


def _flip(data: bytes, rng: np.random.Generator) -> bytes:
    out = bytearray(data)
    for _ in range(rng.integers(1, 9)):
        out[_place(data, rng)] ^= 1 << int(rng.integers(8))
    return bytes(out)


def _number(data: bytes, rng: np.random.Generator) -> bytes:
    """A field of 2, 4 or 8 bytes becomes one of the numbers at which programs stumble."""
    size = int(rng.choice([2, 4, 8]))
    value = [0, 1, 2 ** (8 * size) - 1, 2 ** (8 * size - 1) - 1, 2 ** (8 * size - 1), 255][
        rng.integers(6)
    ]
    at = _place(data, rng, size)
    order = "big" if rng.random() < 0.5 else "little"
    return data[:at] + value.to_bytes(size, order) + data[at + size :]


def _length(data: bytes, rng: np.random.Generator) -> bytes:
    """The number before or after the name of a chunk (four letters) becomes another one."""
    letters = np.frombuffer(data, np.uint8)
    is_letter = ((letters | 32) >= 97) & ((letters | 32) <= 122)
    runs = np.flatnonzero(np.convolve(is_letter, np.ones(4), "valid") == 4)
    runs = runs[(runs >= 4) & (runs < len(data) - 8)]
    if not len(runs):
        return _number(data, rng)
    at = int(rng.choice(runs)) + (-4 if rng.random() < 0.5 else 4)
    value = int(rng.choice([0, 1, 7, len(data), len(data) * 2, 2**31 - 1, 2**32 - 1]))
    return data[:at] + value.to_bytes(4, "big" if rng.random() < 0.6 else "little") + data[at + 4 :]


def _splice(data: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted(int(each) for each in rng.integers(0, len(data), 2))
    return data[:first] + data[last:]


def _doubled(data: bytes, rng: np.random.Generator) -> bytes:
    at = _place(data, rng)
    block = data[at : at + int(rng.integers(1, 2048))]
    return data[:at] + block * int(rng.integers(2, 5)) + data[at + len(block) :]


def _moved(data: bytes, rng: np.random.Generator) -> bytes:
    at, to = _place(data, rng), _place(data, rng)
    block = data[at : at + int(rng.integers(1, 1024))]
    return data[:to] + block + data[to + len(block) :]


WAYS: Mapping[str, Callable[[bytes, np.random.Generator], bytes]] = MappingProxyType({
    "flip": _flip,
    "number": _number,
    "length": _length,
    "cut": lambda data, rng: data[: int(rng.integers(1, len(data)))],
    "splice": _splice,
    "doubled": _doubled,
    "moved": _moved,
    "noise": lambda data, rng: data[: (at := _place(data, rng, 64))] + rng.bytes(64) + data[at + 64 :],
    "zeros": lambda data, rng: data[: (at := _place(data, rng, 64))] + bytes(64) + data[at + 64 :],
    "tail": lambda data, rng: data + rng.bytes(int(rng.integers(1, 4096))),
})  # fmt: skip
