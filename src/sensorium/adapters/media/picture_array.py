"""Pictures as the arrays they are stored as: no conversion of bits, for patches that go back exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from sensorium.core.errors import MissingMediaError, UnsupportedMediaError, UsageError
from sensorium.core.limits import Limits


def read(path: str, limits: Limits | None = None) -> Image.Image:
    """The picture in a file, upright as displayed, in the mode it is stored in.

    Raises:
        MediaError: no such file, no picture, a broken one, or one that is too large.
    """
    try:
        with Image.open(path) as opened:
            (limits or Limits()).check_size(path, *opened.size)
            return ImageOps.exif_transpose(opened)
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise MissingMediaError(f"{path}: expected a picture; {error.strerror}") from None
    except UnidentifiedImageError:
        raise UnsupportedMediaError(f"{path}: expected a picture; this is none we read") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnsupportedMediaError(f"{path}: this picture is broken ({error})") from None


def as_array(picture: Image.Image) -> tuple[NDArray, str]:
    """The pixels and the names of their axes; a palette is looked up, print colours become RGB."""
    if picture.mode in ("P", "PA"):
        clear = "A" in picture.mode or "transparency" in picture.info
        picture = picture.convert("RGBA" if clear else "RGB")
    elif picture.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        picture = picture.convert("RGB")
    array = np.asarray(picture)
    return array, "h w c" if array.ndim == 3 else "h w"


def write(path: str, array: NDArray) -> None:
    """Writes pixels as a picture of the format that the name ends with.

    Raises:
        UsageError: a format that does not hold such pixels, or is not known.
    """
    try:
        Image.fromarray(np.ascontiguousarray(array)).save(path)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise UsageError(
            f"{path}: cannot write {array.dtype} {array.shape} in this format ({error}); "
            "use .png or .tif"
        ) from None
