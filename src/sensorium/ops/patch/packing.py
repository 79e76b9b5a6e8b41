"""Images of different sizes as one run of patch tokens, as NaViT and SigLIP 2 NaFlex take them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError
from sensorium.core.media import read_only
from sensorium.core.patch.grid import PatchGrid
from sensorium.ops.patch import fast, numpy_patches


@dataclass(frozen=True, slots=True)
class Packed:
    """The patches of several images, one behind the other, with nothing between them.

    `tokens` (token, dim) holds each patch flattened in the axis order of its image; image i is
    ``tokens[cumulative[i]:cumulative[i + 1]]``. `coordinates` int64 (token, axis) is the place of the
    token in its image's grid, `valid` int64 (token, axis) how much of its patch is image, `image`
    int64 (token,) which image it is of. `grids` and `shapes` lead back to the images.

    Layout: "Patch n' Pack: NaViT" (Dehghani et al., 2023); padded form: SigLIP 2 NaFlex
    (Tschannen et al., 2025).
    """

    tokens: NDArray = field(repr=False)
    cumulative: NDArray[np.int32]
    coordinates: NDArray[np.int64] = field(repr=False)
    valid: NDArray[np.int64] = field(repr=False)
    image: NDArray[np.int64] = field(repr=False)
    grids: tuple[PatchGrid, ...] = field(repr=False)
    shapes: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        for name in ("tokens", "cumulative", "coordinates", "valid", "image"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def __len__(self) -> int:
        return len(self.grids)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each image, int64 (image,)."""
        return np.diff(self.cumulative).astype(np.int64)

    @property
    def spatial_shapes(self) -> NDArray[np.int64]:
        """Rows and columns of patches of each image, int64 (image, axis)."""
        return np.array([grid.shape for grid in self.grids], dtype=np.int64)

    def mask(self) -> NDArray[np.bool_]:
        """Which tokens may look at each other: those of one image, bool (token, token)."""
        return self.image[:, None] == self.image[None]

    def padded(
        self, length: int | None = None, fill: float = 0
    ) -> tuple[NDArray, NDArray[np.bool_]]:
        """Tokens (image, length, dim) filled up behind each image, and bool (image, length): real.

        Raises:
            UsageError: an image has more tokens than `length`.
        """
        most = int(self.lengths.max(initial=0))
        length = most if length is None else length
        if most > length:
            raise UsageError(f"padded: an image has {most} tokens, more than length={length}")
        mask = np.arange(length)[None] < self.lengths[:, None]
        tokens = np.full((len(self), length, self.tokens.shape[1]), fill, self.tokens.dtype)
        tokens[mask] = self.tokens
        return tokens, mask

    def unpack(self, tokens: NDArray | None = None) -> list[NDArray]:
        """The images again, exactly; `tokens` may be others of the same shape (a model's)."""
        tokens = self.tokens if tokens is None else tokens
        if tokens.shape != self.tokens.shape:
            raise UsageError(f"unpack: expected tokens {self.tokens.shape}, got {tokens.shape}")
        images = []
        for number, (grid, shape) in enumerate(zip(self.grids, self.shapes, strict=True)):
            part = tokens[self.cumulative[number] : self.cumulative[number + 1]]
            values = part.reshape(numpy_patches.values_shape(grid, shape))
            image = np.empty(shape, tokens.dtype)
            fast.merge_into(image, values, grid, "first")
            images.append(image)
        return images


def pack(
    images: Sequence[NDArray], grids: Sequence[PatchGrid], fill: numpy_patches.Fill = 0
) -> Packed:
    """Cuts every image by its grid (raster order, no overlap) and puts the tokens in one array."""
    dims = {
        math.prod(numpy_patches.values_shape(g, i.shape)[len(g.names) :])
        for i, g in zip(images, grids, strict=True)
    }
    kinds = {image.dtype for image in images}
    if len(dims) > 1 or len(kinds) > 1:
        told = ", ".join(f"{image.dtype} {image.shape}" for image in images[:4])
        raise UsageError(f"pack: expected images of one dtype and number of channels, got {told}")
    lengths = [grid.num_patches for grid in grids]
    cumulative = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    dim = dims.pop() if dims else 0
    tokens = np.empty((int(cumulative[-1]), dim), kinds.pop() if kinds else np.uint8)
    for number, (image, grid) in enumerate(zip(images, grids, strict=True)):
        part = tokens[cumulative[number] : cumulative[number + 1]]
        values = part.reshape(numpy_patches.values_shape(grid, image.shape))
        fast.copy_into(values, image, grid, fill)
    num_axes = len(grids[0].names) if grids else 2
    none = np.empty((0, num_axes), np.int64)
    return Packed(
        tokens,
        cumulative,
        np.concatenate([none, *(grid.indices() for grid in grids)]),
        np.concatenate([none, *(grid.valid for grid in grids)]),
        np.repeat(np.arange(len(lengths)), lengths).astype(np.int64),
        tuple(grids),
        tuple(tuple(image.shape) for image in images),
    )
