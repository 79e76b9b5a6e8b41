"""Fuyu's way with pictures: no encoder, raw patches straight into the language model.

Source: the layout of Adept's Fuyu-8B as `transformers`' processor defines it: raster order, a newline
token after each row of patches, no position table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError

PATCH = 30  # pixels
LARGEST = (1080, 1920)  # pixels, height and width: what is larger is made smaller
IMAGE_TOKEN, NEWLINE_TOKEN = 71011, 71019  # |SPEAKER| and |NEWLINE| of the public vocabulary
_FILLING = 1  # of 0..255: what the reference pads with before it rescales


@dataclass(frozen=True, slots=True)
class FuyuLayout:
    """Where a picture of `size` (height, width) pixels comes to stand among the tokens.

    `count` and `ids` cost the same for every size: they are computed from numbers, no pixel is looked at.

    >>> layout = FuyuLayout((300, 310))
    >>> layout.rows, layout.columns, layout.count
    (10, 11, 120)
    >>> layout.ids.shape
    (10, 12)
    >>> FuyuLayout((2160, 1920)).scaled
    (1080, 960)
    """

    size: tuple[int, int]
    image_token: int = IMAGE_TOKEN
    newline_token: int = NEWLINE_TOKEN

    def __post_init__(self) -> None:
        if len(self.size) != 2 or min(self.size) < 1:
            raise UsageError(f"size: expected (height, width) of 1 pixel or more, got {self.size}")

    @property
    def scale(self) -> float:
        """Factor from the picture's pixels to those the model sees, at most 1."""
        return min(1.0, LARGEST[0] / self.size[0], LARGEST[1] / self.size[1])

    @property
    def scaled(self) -> tuple[int, int]:
        """Height and width that the model sees, before they are filled up to whole patches."""
        if self.scale == 1.0:
            return self.size
        return max(int(self.size[0] * self.scale), 1), max(int(self.size[1] * self.scale), 1)

    @property
    def rows(self) -> int:
        """Rows of patches."""
        return -(-self.scaled[0] // PATCH)

    @property
    def columns(self) -> int:
        """Patches in a row."""
        return -(-self.scaled[1] // PATCH)

    @property
    def num_patches(self) -> int:
        """How many patches go into the model."""
        return self.rows * self.columns

    @property
    def count(self) -> int:
        """How many tokens the picture takes, the newlines included."""
        return self.rows * (self.columns + 1)

    @property
    def ids(self) -> NDArray[np.int64]:
        """Token ids, int64 ``(row, column + newline)``, a view of one row."""
        row = np.full(self.columns + 1, self.image_token, np.int64)
        row[-1] = self.newline_token
        return np.broadcast_to(row, (self.rows, self.columns + 1))

    def to_model(self, *pixels: float) -> tuple[int, ...]:
        """Coordinates in the picture's pixels as the model reads and writes them: scaled and halved."""
        return tuple(round(each / 2 * self.scale) for each in pixels)

    def to_picture(self, *values: float) -> tuple[float, ...]:
        """The way back; exact to one of the model's steps (2 pixels of what it sees)."""
        return tuple(each * 2 / self.scale for each in values)


def fuyu_patches(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """float32 ``(patch, 2700)`` of uint8 ``(height, width, 3)`` pixels that are scaled already.

    Filled up to the right and below; each patch is flattened as (row, column, channel), in -1..1.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise UsageError(
            f"pixels: expected uint8 (height, width, 3), got {pixels.dtype} {pixels.shape}"
        )
    height, width = pixels.shape[:2]
    below, right = -height % PATCH, -width % PATCH
    whole = pixels
    if below or right:
        whole = np.full((height + below, width + right, 3), _FILLING, np.uint8)
        whole[:height, :width] = pixels
    rows, columns = whole.shape[0] // PATCH, whole.shape[1] // PATCH
    cut = whole.reshape(rows, PATCH, columns, PATCH, 3).transpose(0, 2, 1, 3, 4)
    values = np.empty(cut.shape, np.float32)
    np.multiply(cut, np.float32(2 / 255), out=values)  # (x / 255 - 0.5) / 0.5, in two passes
    values -= np.float32(1)
    return values.reshape(rows * columns, PATCH * PATCH * 3)
