"""Pictures as a model takes them, read from its folder's config; Pillow resizes."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from sensorium.adapters.media.reader import MediaReader
from sensorium.adapters.media.values import picture
from sensorium.core.errors import ModelError, UsageError
from sensorium.ops.vision.preparation import (
    Preparation,
    naflex_patches,
    pair,
    preparation,
    qwen_patches,
)

Mode = Literal["exact", "fast"]
_FILES = ("preprocessor_config.json", "processor_config.json")


class ImageProcessor:
    """Pictures into the arrays of one model: ``processor([image, "b.jpg"])["pixel_values"]``.

    Mode ``"exact"`` equals the reference processor's Pillow path to 1e-6; ``"fast"`` resizes with torch's
    kernels for bytes where the model wants a bilinear filter (ViT, SigLIP 2), at most one level of 255
    off. A picture is a path, bytes, a PIL
    picture, or an array: uint8, uint16, floats 0..1, gray, with alpha. Batches use all threads.
    """

    def __init__(self, rule: Preparation, mode: Mode = "exact", threads: int | None = None) -> None:
        if mode not in ("exact", "fast"):
            raise UsageError(f"mode: expected exact or fast, got {mode!r}")
        self.rule = rule
        self._mode = mode
        self._fast = mode == "fast" and rule.resample == Image.Resampling.BILINEAR
        self._levels = rule.levels()
        self._threads = threads or os.cpu_count() or 1
        self._reader = MediaReader()

    def __repr__(self) -> str:
        return f"ImageProcessor({self.rule.name}, {self._mode})"

    def __call__(self, images: Sequence[Any] | Any) -> dict[str, NDArray]:
        """The model's inputs as numpy arrays, by the names that `transformers` uses."""
        many = list(images) if isinstance(images, (list, tuple)) else [images]
        if not many:
            raise UsageError("images: expected one picture or more, got none")
        if len(many) == 1 or self._threads == 1:
            made = [self._one(each) for each in many]
        else:
            with ThreadPoolExecutor(min(self._threads, len(many))) as pool:
                made = list(pool.map(self._one, many))
        if self.rule.family == "anyres":
            return self._anyres(made, [(o.height, o.width) for o in map(self._opened, many)])
        return getattr(self, f"_{self.rule.family}")(made)

    def _one(self, image: Any) -> NDArray[np.float32]:
        """float32 (3, height, width); for LLaVA-NeXT (tile, 3, height, width), the whole picture first."""
        if self._fast and _is_rgb(image):  # goes to torch as it is
            size = self.rule.target(*image.shape[:2])
            return self._leveled(image if size == image.shape[:2] else _by_torch(image, size))
        opened = self._opened(image)
        if self.rule.family == "anyres":
            return np.stack([self._finished(each) for each in self._tiles(opened)])
        return self._finished(opened)

    def _finished(self, opened: Image.Image) -> NDArray[np.float32]:
        """Resized, cropped and normalised, as planes."""
        return self._leveled(self._sized(opened, self.rule.target(opened.height, opened.width)))

    def _leveled(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Cropped and normalised, as planes."""
        if self.rule.crop:
            pixels = _centered(pixels, self.rule.crop)
        planes = np.empty((3, *pixels.shape[:2]), np.float32)
        if self._fast:  # levels lie on a line: quicker than to look them up
            first, step = self._levels[0], (self._levels[255] - self._levels[0]) / np.float32(255)
            np.multiply(pixels.transpose(2, 0, 1), step[:, None, None], out=planes)
            planes += first[:, None, None]
            return planes
        for channel in range(3):
            np.take(
                self._levels[:, channel], pixels[..., channel], out=planes[channel], mode="clip"
            )
        return planes

    def _sized(self, opened: Image.Image, size: tuple[int, int]) -> NDArray[np.uint8]:
        if size == (opened.height, opened.width):
            return np.asarray(opened)
        if self._fast:
            return _by_torch(opened, size)
        return np.asarray(opened.resize((size[1], size[0]), Image.Resampling(self.rule.resample)))

    def _tiles(self, opened: Image.Image) -> list[Image.Image]:
        """The picture squeezed into one tile, then the tiles of the canvas in raster order."""
        (high, wide), size = self.rule.canvas(opened.height, opened.width)
        canvas = np.zeros((high, wide, 3), np.uint8)
        top, left = (high - size[0]) // 2, (wide - size[1]) // 2
        canvas[top : top + size[0], left : left + size[1]] = self._sized(opened, size)
        side = self.rule.tile
        whole = Image.fromarray(self._sized(opened, pair(self.rule.values["size"])))
        places = [(y, x) for y in range(0, high, side) for x in range(0, wide, side)]
        return [whole, *(Image.fromarray(canvas[y : y + side, x : x + side]) for y, x in places)]

    def _anyres(self, made: list[NDArray], sizes: list[tuple[int, int]]) -> dict[str, NDArray]:
        most = max(map(len, made))
        whole = np.zeros((len(made), most, *made[0].shape[1:]), np.float32)
        for place, each in enumerate(made):
            whole[place, : len(each)] = each
        return {"pixel_values": whole, "image_sizes": np.array(sizes)}

    def _opened(self, image: Any) -> Image.Image:
        """An upright RGB picture; one that is that already is not copied."""
        is_plain = isinstance(image, Image.Image) and image.mode == "RGB"
        if is_plain and image.getexif().get(ExifTags.Base.Orientation, 1) == 1:
            return image
        return Image.fromarray(picture(image, self._reader, None).pixels[0])

    def _standard(self, made: list[NDArray]) -> dict[str, NDArray]:
        if len({each.shape for each in made}) > 1:
            raise UsageError(
                "images: this model's config resizes nothing; give pictures of one size"
            )
        return {"pixel_values": np.stack(made)}

    def _naflex(self, made: list[NDArray]) -> dict[str, NDArray]:
        most = int(self.rule.values["max_num_patches"])
        parts = [naflex_patches(each.transpose(1, 2, 0), self.rule.patch[0], most) for each in made]
        return {
            "pixel_values": np.stack([values for values, _, _ in parts]),
            "pixel_attention_mask": np.stack([mask for _, mask, _ in parts]),
            "spatial_shapes": np.array([grid for _, _, grid in parts]),
        }

    def _qwen(self, made: list[NDArray]) -> dict[str, NDArray]:
        merge, temporal = (int(self.rule.values[k]) for k in ("merge_size", "temporal_patch_size"))
        parts = [
            qwen_patches(each.transpose(1, 2, 0), self.rule.patch[0], merge, temporal)
            for each in made
        ]
        return {
            "pixel_values": np.concatenate([values for values, _ in parts]),
            "image_grid_thw": np.array([grid for _, grid in parts], np.int64),
        }

    def _pixtral(self, made: list[NDArray]) -> dict[str, NDArray]:
        sizes = np.array([each.shape[1:] for each in made])
        height, width = sizes.max(axis=0)
        whole = np.zeros((len(made), 3, height, width), np.float32)
        for place, each in enumerate(made):
            whole[place, :, : each.shape[1], : each.shape[2]] = each
        return {"pixel_values": whole, "image_sizes": sizes}


def load_processor(source: str | os.PathLike[str], mode: Mode = "exact") -> ImageProcessor:
    """The image processor of a model's folder.

    Raises:
        ModelError: no config in the folder, or a processor of a family that is not known here.
    """
    folder = Path(source).expanduser()
    for name in _FILES:
        if (folder / name).is_file():
            try:
                config = json.loads((folder / name).read_text(encoding="utf-8"))
            except ValueError as error:
                raise ModelError(f"{folder / name}: expected JSON; {error}") from None
            inner = config.get("image_processor", config)
            return ImageProcessor(preparation(inner, str(source)), mode)
    raise ModelError(
        f"{source}: expected a model's folder with {' or '.join(_FILES)}, found neither"
    )


def _is_rgb(image: Any) -> bool:
    is_array = isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.flags.writeable
    return is_array and image.ndim == 3 and image.shape[2] == 3 and image.size > 0


def _by_torch(image: Image.Image | NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Antialiased bilinear on bytes; torch's bicubic would be up to two levels off."""
    import torch

    made = torch.nn.functional.interpolate(
        torch.as_tensor(_bytes_of(image)).permute(2, 0, 1)[None],
        size=size,
        mode="bilinear",
        antialias=True,
    )
    return made[0, :3].permute(1, 2, 0).numpy()


def _bytes_of(image: Image.Image | NDArray[np.uint8]) -> Any:
    """(height, width, 3 or 4) bytes, Pillow's own where they lie in one block (to 16 MB): a copy takes as
    long as the resizing. The fourth channel is Pillow's padding. Arrow keeps the block alive."""
    if not isinstance(image, Image.Image):
        return image
    import pyarrow
    import torch

    try:
        values = pyarrow.array(image).flatten()
    except ValueError:  # more blocks than one
        return np.array(image)
    return torch.from_dlpack(values).view(image.height, image.width, 4)


def _centered(pixels: NDArray, crop: tuple[int, int]) -> NDArray:
    """The middle of a picture; what is smaller is filled up with black around it."""
    height, width = pixels.shape[:2]
    ch, cw = crop
    top, left = (height - ch) // 2, (width - cw) // 2
    if top >= 0 and left >= 0:
        return pixels[top : top + ch, left : left + cw]
    whole = np.zeros((max(ch, height), max(cw, width), 3), pixels.dtype)
    above, before = _half(len(whole) - height), _half(whole.shape[1] - width)
    whole[above : above + height, before : before + width] = pixels
    top, left = max(0, top + above), max(0, left + before)
    return whole[top : top + ch, left : left + cw]


def _half(number: int) -> int:
    """Half of a number, rounded up."""
    return -(-number // 2)
