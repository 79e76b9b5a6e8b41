"""Pictures of a timeline, of sound, of features over a picture; why with Pillow: docs/notebook.md."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sensorium.core.errors import UsageError
from sensorium.core.features import Features
from sensorium.core.media import Audio

if TYPE_CHECKING:
    from sensorium.library.library_file import LibraryFile

_LEFT, _BOTTOM, _SIDE = 64, 22, 640
_INK, _PAPER = "#1d1f21", "#ffffff"
_FLOOR = 8.0  # of log10 below the loudest, as Whisper cuts it
# Nine steps of matplotlib's viridis (CC0), which stays readable in grey and for the colour blind.
_STEPS = np.array(
    [
        (68, 1, 84), (71, 44, 122), (59, 81, 139), (44, 113, 142), (33, 144, 141),
        (39, 173, 129), (92, 200, 99), (170, 220, 50), (253, 231, 37),
    ],
    np.float64,
)  # fmt: skip


def coloured(values: NDArray) -> NDArray[np.uint8]:
    """Numbers as colours, the smallest dark blue, the largest yellow; uint8 ``(*shape, 3)``."""
    finite = np.nan_to_num(np.asarray(values, np.float64))
    low, high = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    if finite.size:
        low, high = float(finite.min()), float(finite.max())
    scaled = (finite - low) / ((high - low) or 1.0) * (len(_STEPS) - 1)
    at = np.arange(len(_STEPS))
    return np.stack([np.interp(scaled, at, _STEPS[:, i]) for i in range(3)], -1).astype(np.uint8)


def log_mel(audio: Audio) -> Image.Image:
    """The log-mel rows of a sound, time from left to right, low below, with seconds and Hz."""
    import soxr

    from sensorium.ops.sound.mel import RATE, rows, whisper

    samples = np.nan_to_num(audio.mono())
    if audio.sample_rate != RATE:
        samples = soxr.resample(samples, audio.sample_rate, RATE)
    if len(samples) < RATE // 20:
        raise UsageError(f"plot: expected sound of 0.05 s or more, got {audio.duration:.3f} s")
    found = rows(samples, whisper())
    loud = np.maximum(found, found.max() - _FLOOR).T[::-1]
    width = min(max(found.shape[0], 320), 1200)
    image = Image.fromarray(coloured(loud)).resize((width, 240), Image.Resampling.BILINEAR)
    return _framed(image, (audio.start, audio.end), "80 mel bins, to 8 kHz")


def _framed(image: Image.Image, span: tuple[float, float], label: str) -> Image.Image:
    """The picture with times below and what its height is on the left."""
    sheet = Image.new("RGB", (image.width + _LEFT, image.height + _BOTTOM), _PAPER)
    sheet.paste(image, (_LEFT, 0))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for number, part in enumerate(label.split(", ")):
        draw.text((4, 4 + 14 * number), part, _INK, font)
    seconds = span[1] - span[0]
    step = 10.0 ** math.floor(math.log10(max(seconds, 0.01)))
    step = step / 5 if seconds / step < 3 else step
    for tick in range(math.ceil(span[0] / step), math.floor(span[1] / step) + 1):
        x = _LEFT + (tick * step - span[0]) / seconds * image.width
        draw.line((x, image.height, x, image.height + 4), _INK)
        wide = draw.textlength(text := f"{tick * step:g} s", font)
        draw.text((min(x - wide / 2, sheet.width - wide), image.height + 6), text, _INK, font)
    return sheet


def features(
    given: Features, picture: Any = None, at: tuple[float, float] | None = None
) -> Image.Image:
    """See `sensorium.Features.plot`."""
    names = [axis.name for axis in given.axes]
    if names == ["height", "width"]:
        return _patches(given, picture, at)
    if picture is not None or at is not None:
        raise UsageError(f"plot: picture and at are for patches of a picture, got axes {names}")
    values = np.asarray(given.values, np.float32)
    if names:
        values = values.reshape(-1, values.shape[-1])
        values = values[: given.num_valid] if given.num_valid and len(names) == 1 else values
        strongest = np.sort(np.argsort(-np.nan_to_num(values).std(axis=0), kind="stable")[:96])
        values = values[:, strongest] - values[:, strongest].mean(axis=0)
        image = Image.fromarray(coloured(values.T))
        image = image.resize((_SIDE, 192), Image.Resampling.BOX)
        span = given.span
        times = (span.start, span.end) if span else (0.0, given.axes[0].step * len(values))
        return _framed(image, times, "strongest, features")
    return Image.fromarray(coloured(values[None])).resize((_SIDE, 32), Image.Resampling.NEAREST)


def _patches(given: Features, picture: Any, at: tuple[float, float] | None) -> Image.Image:
    values = np.nan_to_num(np.asarray(given.values, np.float32))
    rows, columns = values.shape[:2]
    if at is None:
        colours = _main_directions(values.reshape(rows * columns, -1)).reshape(rows, columns, 3)
    else:
        places = [given.axes[i].index(at[1 - i]) for i in (0, 1)]
        for place, size, axis in zip(places, (rows, columns), given.axes, strict=True):
            if not 0 <= place < size:
                end = axis.span(size - 1).end
                raise UsageError(
                    f"plot: at={at} (x, y) lies outside; {axis.name} goes from {axis.start:g} to {end:g}"
                )
        unit = values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-12)
        colours = coloured(unit @ unit[places[0], places[1]])
    map_ = Image.fromarray(colours)
    if picture is None:
        scale = _SIDE / max(rows, columns)
        size = (round(columns * scale), round(rows * scale))
        return map_.resize(size, Image.Resampling.NEAREST)
    return _laid_over(_opened(picture), map_, given, at)


def _laid_over(
    image: Image.Image, map_: Image.Image, given: Features, at: tuple[float, float] | None
) -> Image.Image:
    """The map where its patches lie in the picture, half of each; the place `at` as a ring."""
    (top, bottom), (left, right) = (
        (axis.start, axis.span(size - 1).end)
        for axis, size in zip(given.axes, given.values.shape, strict=False)
    )
    size = (max(1, round(right - left)), max(1, round(bottom - top)))
    over = image.copy()
    over.paste(map_.resize(size, Image.Resampling.BILINEAR), (round(left), round(top)))
    mixed = Image.blend(image, over, 0.55)
    if at is not None:
        radius = max(4, max(image.size) // 80)
        ring = (at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius)
        ImageDraw.Draw(mixed).ellipse(ring, outline="#ffffff", width=max(2, radius // 4))
    return mixed


def _main_directions(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(row, dim) to colours: the three directions of the largest variance, each from 0 to 255."""
    centred = values - values.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    found = centred @ directions[:3].T
    found = np.pad(found, ((0, 0), (0, 3 - found.shape[1])))
    low, high = np.percentile(found, (1, 99), axis=0)
    return (np.clip((found - low) / np.maximum(high - low, 1e-12), 0, 1) * 255).astype(np.uint8)


def _opened(picture: Any) -> Image.Image:
    """A path, an array (height, width, 3), or a PIL picture, upright and in RGB."""
    if isinstance(picture, Image.Image):
        return picture.convert("RGB")
    if isinstance(picture, (str, os.PathLike)):
        from sensorium.adapters.media.reader import MediaReader

        reader, path = MediaReader(), os.fspath(picture)
        return Image.fromarray(next(iter(reader.frames(reader.probe(path), None))).pixels[0])
    return Image.fromarray(np.ascontiguousarray(picture)).convert("RGB")


def timeline(file: LibraryFile) -> Image.Image:
    """See `sensorium.library.library_file.LibraryFile.plot`: the part of a sheet that is of this file."""
    from sensorium.adapters.media.reader import MediaReader
    from sensorium.interfaces.text.timeline import to_timeline
    from sensorium.interfaces.viewer.sheet import file_picture

    return file_picture(to_timeline(file.library, file.uri), MediaReader())
