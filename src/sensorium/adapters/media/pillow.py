"""Still pictures through Pillow: any mode, upright, as RGB."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile, ImageOps, UnidentifiedImageError

from sensorium.adapters.media.notices import notice, python_warnings
from sensorium.adapters.remote.opening import size_of, source
from sensorium.core.errors import LimitError, MediaError
from sensorium.core.limits import Limits
from sensorium.ops.vision.boxes import widened

Image.init()  # so that every format of the list is known, not only the common five
Picture = Image.Image
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "AVIF", "JPEG2000")
BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    RuntimeError,  # of the AVIF decoder
    IndexError,  # of GIF
    struct.error,
)  # what Pillow raises of files that are no good
ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")
_STRIP = 16_000_000  # pixels
_EXIF_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)


@contextmanager
def opened(uri: str, limits: Limits) -> Iterator[Image.Image]:
    """The picture, its pixels not read yet. Pillow's own alarm about size becomes a LimitError."""
    try:
        with python_warnings(uri):
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(source(uri), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise LimitError(
            f"{uri}: {error}; expected at most {limits.max_pixels:,} pixels; scale it down"
        ) from None
    with picture:
        limits.check_size(uri, *picture.size)
        limits.check_filled(uri, size_of(uri), picture.width * picture.height)
        yield picture


def moves(picture: Image.Image) -> bool:
    """Whether an open picture is an animation: a GIF, WebP, PNG or AVIF of at least two frames."""
    if picture.format not in ANIMATED or not getattr(picture, "is_animated", False):
        return False
    return picture.format == "GIF" or getattr(picture, "n_frames", 1) - first_frame(picture) > 1


def first_frame(picture: Image.Image) -> int:
    """Of an APNG the picture for programs that show no animation is none of its frames."""
    return int(bool(getattr(picture, "default_image", False)))


def describe(uri: str, limits: Limits) -> tuple[str, int, int, bool] | None:
    """(format, width, height as displayed, whether it moves); None for what is no picture.

    Of a file with several pictures that are no animation (the pages of a TIFF) the first one counts.
    """
    try:
        with opened(uri, limits) as picture:
            width, height = picture.size
            if _exif(uri, picture).get(_EXIF_ORIENTATION) in _SIDEWAYS:
                width, height = height, width
            return str(picture.format), width, height, moves(picture)
    except UnidentifiedImageError:
        return None
    except BROKEN as error:
        raise MediaError(f"{uri}: the picture cannot be read ({error}); is it complete?") from error


def read(uri: str, limits: Limits) -> Image.Image:
    """The picture in a file: RGB, upright, transparency on white, in its own size.

    Raises:
        LimitError: too large.
        MediaError: no row of it can be decoded.
    """
    with opened(uri, limits) as picture:
        decoded = _decoded(uri, picture)
        _exif(uri, decoded)  # Pillow keeps it, and warns once: here
        return _upright(uri, decoded)


def _exif(uri: str, picture: Image.Image) -> Image.Exif:
    """What the picture says of itself; nothing where a PNG ends before it (it may lie at the end)."""
    try:
        with python_warnings(uri):
            return picture.getexif()
    except (*BROKEN, MemoryError):
        return Image.Exif()


def _decoded(uri: str, picture: Image.Image) -> Image.Image:
    """The picture with its pixels read: all of them, or what there is, with a notice.

    Downloads that stopped, cards that were rescued: what is to be seen in the upper part is really
    there, and many such files lack no more than their last bytes. How much is missing is said.

    Raises:
        MediaError: no row of it can be decoded.
    """
    try:
        picture.load()
        return picture
    except (*BROKEN, MemoryError) as error:
        if isinstance(error, MemoryError) and picture.width * picture.height > _STRIP:
            raise  # of a small one it is a length in the file that cannot be
        part, blank = _ended(picture) if picture.format == "JPEG" else (picture, 0)
        num = _num_rows(part, blank)
        if not num:
            raise MediaError(
                f"{uri}: the picture cannot be read ({_why(error)}); is it complete?"
            ) from error
        lost = 100 - 100 * num // picture.height
        what = f"about {lost} % of its rows are missing" if lost else "its last part is not sharp"
        notice(uri, f"the picture is cut short or broken: {what}; the rest is used")
        return part


def _why(error: BaseException) -> str:
    return str(error) or "a length in it cannot be"


def _ended(picture: Image.Image) -> tuple[Image.Image, int]:
    """A JPEG with an end put to it, so that every block that is there is shown, and the gray of the rest."""
    file: Any = getattr(picture, "fp", None)
    if file is None:
        return picture, 0
    file.seek(0)
    return Image.open(io.BytesIO(file.read() + b"\xff\xd9"), formats=("JPEG",)), 128


def _num_rows(picture: Image.Image, blank: int) -> int:
    """Rows until the last that is not blank; what cannot be decoded counts as read from then on."""
    try:
        picture.load()
    except (*BROKEN, MemoryError):
        if isinstance(picture, ImageFile.ImageFile):
            picture.tile = []  # what is left to decode
    try:
        values = np.asarray(picture).reshape(picture.height, -1)
    except BROKEN:
        return 0
    rows = np.flatnonzero((np.abs(values.astype(np.int16) - blank) > 2).any(axis=1))
    return int(rows[-1]) + 1 if len(rows) else 0


def as_pixels(name: str, picture: Image.Image, max_side: int | None = None) -> NDArray[np.uint8]:
    """uint8 ``(height, width, 3)`` RGB of a picture that is open, upright, transparency on white, at most
    `max_side` pixels; `name` is for messages.
    """
    return scaled(_upright(name, picture), max_side)


def _upright(name: str, picture: Image.Image) -> Image.Image:
    try:
        return _rgb(name, ImageOps.exif_transpose(picture))
    except BROKEN as error:
        raise MediaError(
            f"{name}: the picture cannot be read ({error}); is it complete?"
        ) from error


def shown_size(width: int, height: int, max_side: int | None) -> tuple[int, int]:
    """(width, height) after a picture was made smaller, if it is larger than `max_side`."""
    if max_side is None or max(width, height) <= max_side:
        return width, height
    scale = max_side / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def scaled(rgb: Image.Image, max_side: int | None) -> NDArray[np.uint8]:
    """The pixels of an RGB picture, uint8 ``(height, width, 3)``; larger ones are made smaller."""
    size = shown_size(*rgb.size, max_side)
    if size != rgb.size:
        rgb = rgb.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.array(rgb, dtype=np.uint8)


def _rgb(uri: str, picture: Image.Image) -> Image.Image:
    mode = picture.mode
    if mode.startswith("I") or mode == "F":
        return Image.fromarray(eight_bits(uri, np.asarray(picture))).convert("RGB")
    if picture.has_transparency_data:
        return _on_white(picture)
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


def _on_white(picture: Image.Image) -> Image.Image:
    """RGB of a picture with transparency; a large one strip by strip, for each copy of it counts."""
    whole = Image.new("RGB", picture.size)
    rows = max(1, _STRIP // picture.width)
    for top in range(0, picture.height, rows):
        box = (0, top, picture.width, min(top + rows, picture.height))
        strip = picture if box[3] - top == picture.height else picture.crop(box)
        strip = strip.convert("RGBA")
        white = Image.new("RGBA", strip.size, (255, 255, 255, 255))
        whole.paste(Image.alpha_composite(white, strip).convert("RGB"), box)
    return whole


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
