"""Still pictures through Pillow: any mode, upright, as RGB."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from sensorium.core.errors import LimitError, MediaError
from sensorium.core.limits import Limits
from sensorium.ops.vision.boxes import widened

Image.init()  # so that every format of the list is known, not only the common five
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "AVIF", "JPEG2000")
_EXIF_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)


@contextmanager
def _opened(uri: str, limits: Limits) -> Iterator[Image.Image]:
    """The picture, its pixels not read yet. Pillow's own alarm about size becomes a LimitError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(uri, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise LimitError(
            f"{uri}: {error}; expected at most {limits.max_pixels:,} pixels; scale it down"
        ) from None
    with picture:
        limits.check_size(uri, *picture.size)
        yield picture


def describe(uri: str, limits: Limits) -> tuple[str, int, int] | None:
    """(format, width, height) as displayed; None for what is no still picture.

    An animated GIF is left to FFmpeg, which reads it as a video; of other files with several
    pictures (TIFF pages, animated WebP or PNG) the first one counts.
    """
    try:
        with _opened(uri, limits) as picture:
            if picture.format == "GIF" and getattr(picture, "n_frames", 1) > 1:
                return None
            width, height = picture.size
            if picture.getexif().get(_EXIF_ORIENTATION) in _SIDEWAYS:
                width, height = height, width
            return str(picture.format), width, height
    except UnidentifiedImageError:
        return None
    except (OSError, SyntaxError, ValueError) as error:
        raise MediaError(f"{uri}: the picture cannot be read ({error}); is it complete?") from error


def pixels(uri: str, limits: Limits, max_side: int | None = None) -> NDArray[np.uint8]:
    """uint8 ``(height, width, 3)`` RGB, upright, transparency on white, at most `max_side` pixels."""
    with _opened(uri, limits) as picture:
        return as_pixels(uri, picture, max_side)


def as_pixels(name: str, picture: Image.Image, max_side: int | None = None) -> NDArray[np.uint8]:
    """Like `pixels`, of a picture that is open; `name` is for messages."""
    try:
        rgb = _rgb(name, ImageOps.exif_transpose(picture))
    except (OSError, SyntaxError, ValueError) as error:
        raise MediaError(
            f"{name}: the picture cannot be read ({error}); is it complete?"
        ) from error
    if max_side is not None and max(rgb.size) > max_side:
        scale = max_side / max(rgb.size)
        size = (max(1, round(rgb.width * scale)), max(1, round(rgb.height * scale)))
        rgb = rgb.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.array(rgb, dtype=np.uint8)


def _rgb(uri: str, picture: Image.Image) -> Image.Image:
    mode = picture.mode
    if mode.startswith("I") or mode == "F":
        return Image.fromarray(eight_bits(uri, np.asarray(picture))).convert("RGB")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, picture).convert("RGB")
    if mode in ("CMYK", "LAB") and (profile := picture.info.get("icc_profile")):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
            if converted is not None:
                return converted
        except ImageCms.PyCMSError:
            pass  # a broken profile: the colours without it are better than no picture
    return picture.convert("RGB")


def eight_bits(uri: str, values: NDArray) -> NDArray[np.uint8]:
    """Gray of more than 8 bits to 0..255: 16-bit integers by their full range, floats by 0..1."""
    if not np.isfinite(values).all():
        raise MediaError(f"{uri}: expected finite pixel values, found NaN or infinity")
    low, high = float(values.min()), float(values.max())
    top = 1.0 if values.dtype.kind == "f" and high <= 1.0 else 65535.0
    if values.dtype.kind == "f" and 1.0 < high <= 255.0:
        top = 255.0
    if low < 0 or high > top:
        raise MediaError(
            f"{uri}: expected gray values in 0..1, 0..255 or 0..65535, found {low:g}..{high:g}; "
            "rescale the picture first"
        )
    return np.round(values.astype(np.float64) * (255.0 / top)).astype(np.uint8)


def jpeg_bytes(pixels: NDArray[np.uint8], box: Sequence[float], max_side: int = 320) -> bytes:
    """What is around a box (left, top, right, bottom) of a picture, as JPEG, for who may look at it."""
    left, top, right, bottom = widened(np.asarray(box, np.float32), 2.0, *pixels.shape[:2])
    picture = Image.fromarray(np.ascontiguousarray(pixels[top:bottom, left:right]))
    picture.thumbnail((max_side, max_side))
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=90)
    return written.getvalue()
