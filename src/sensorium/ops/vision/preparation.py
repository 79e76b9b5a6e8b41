"""How models want their pictures: sizes, patches and levels, planned from a processor's config.

Every rule is that of the reference processor of its family in `transformers`; nothing here looks at pixels
but `levels` and the cutting of patches.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import ModelError

Family = Literal["standard", "naflex", "qwen", "pixtral", "anyres"]
FAMILIES: Mapping[str, Family] = {
    "ViTImageProcessor": "standard",
    "DeiTImageProcessor": "standard",
    "BitImageProcessor": "standard",  # DINOv2
    "CLIPImageProcessor": "standard",
    "SiglipImageProcessor": "standard",
    "Siglip2ImageProcessor": "naflex",
    "Qwen2VLImageProcessor": "qwen",
    "PixtralImageProcessor": "pixtral",
    "LlavaNextImageProcessor": "anyres",
}
_HALF = (0.5, 0.5, 0.5)
_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
_BICUBIC, _BILINEAR = 3, 2  # Pillow's numbers
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "ViTImageProcessor": {"size": 224},
    "DeiTImageProcessor": {"size": 256, "crop_size": 224, "do_center_crop": True, "resample": _BICUBIC},
    "BitImageProcessor": {"size": {"shortest_edge": 224}, "crop_size": 224, "do_center_crop": True,
                          "resample": _BICUBIC, "image_mean": _CLIP_MEAN, "image_std": _CLIP_STD},
    "CLIPImageProcessor": {"size": {"shortest_edge": 224}, "crop_size": 224, "do_center_crop": True,
                           "resample": _BICUBIC, "image_mean": _CLIP_MEAN, "image_std": _CLIP_STD},
    "SiglipImageProcessor": {"size": 224, "resample": _BICUBIC},
    "Siglip2ImageProcessor": {"patch_size": 16, "max_num_patches": 256},
    "Qwen2VLImageProcessor": {"patch_size": 14, "merge_size": 2, "temporal_patch_size": 2,
                              "resample": _BICUBIC, "image_mean": _CLIP_MEAN, "image_std": _CLIP_STD},
    "LlavaNextImageProcessor": {"size": {"shortest_edge": 224}, "crop_size": 224, "do_center_crop": True,
                                "resample": _BICUBIC, "image_mean": _CLIP_MEAN, "image_std": _CLIP_STD,
                                "image_grid_pinpoints": [[336, 672], [672, 336], [672, 672], [1008, 336],
                                                         [336, 1008]]},
    "PixtralImageProcessor": {"size": {"longest_edge": 1024}, "patch_size": 16, "resample": _BICUBIC,
                              "image_mean": _CLIP_MEAN, "image_std": _CLIP_STD},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preparation:
    """One processor's rule; `values` are its config with the defaults of its class."""

    name: str
    family: Family
    values: Mapping[str, Any]

    @property
    def resample(self) -> int:
        """Pillow's number of the filter."""
        return int(self.values.get("resample") or _BILINEAR)

    def target(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) that a picture is resized to."""
        if not self.values.get("do_resize", True):
            return height, width
        if self.family == "naflex":
            return _naflex(height, width, self.patch[0], self.values["max_num_patches"])
        if self.family == "qwen":
            return self._qwen(height, width)
        size = self.values["size"]
        if isinstance(size, int):
            return size, size
        if self.family == "pixtral":
            return self._pixtral(height, width, size)
        if short := size.get("shortest_edge"):
            small, large = sorted((height, width))
            long = int(short * large / small)
            return (short, long) if height <= width else (long, short)
        return size["height"], size["width"]

    @property
    def patch(self) -> tuple[int, int]:
        """(height, width) of a patch."""
        return pair(self.values["patch_size"])

    @property
    def crop(self) -> tuple[int, int] | None:
        """(height, width) cut out of the middle; None where nothing is cut off."""
        return pair(self.values["crop_size"]) if self.values.get("do_center_crop") else None

    def _qwen(self, height: int, width: int) -> tuple[int, int]:
        """Whole merged patches, with the number of pixels in bounds."""
        factor = self.patch[0] * int(self.values["merge_size"])
        size = self.values.get("size") or {}
        least = self.values.get("min_pixels") or size.get("shortest_edge") or 56 * 56
        most = self.values.get("max_pixels") or size.get("longest_edge") or 28 * 28 * 1280
        rows, columns = (round(each / factor) * factor for each in (height, width))
        if rows * columns > most:
            shrink = math.sqrt(height * width / most)
            return tuple(
                max(factor, math.floor(e / shrink / factor) * factor) for e in (height, width)
            )  # type: ignore[return-value]
        if rows * columns < least:
            grow = math.sqrt(least / (height * width))
            return tuple(math.ceil(e * grow / factor) * factor for e in (height, width))  # type: ignore[return-value]
        return rows, columns

    def _pixtral(self, height: int, width: int, size: Mapping[str, int]) -> tuple[int, int]:
        """At most so large, filled to whole patches by stretching."""
        longest = size.get("longest_edge")
        most = (longest, longest) if longest else (size["height"], size["width"])
        ratio = max(height / most[0], width / most[1])
        if ratio > 1:
            height, width = math.floor(height / ratio), math.floor(width / ratio)
        (ph, pw) = self.patch
        return ((height - 1) // ph + 1) * ph, ((width - 1) // pw + 1) * pw

    def canvas(self, height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """(canvas, size of the picture on it) of LLaVA-NeXT: the one of its canvases that shows most."""

        def worth(canvas: Sequence[int]) -> tuple[int, int]:
            scale = min(canvas[1] / width, canvas[0] / height)
            shown = min(int(width * scale) * int(height * scale), width * height)
            return shown, shown - canvas[0] * canvas[1]

        high, wide = max(self.values["image_grid_pinpoints"], key=worth)
        if wide / width < high / height:
            return (high, wide), (min(math.ceil(height * (wide / width)), high), wide)
        return (high, wide), (high, min(math.ceil(width * (high / height)), wide))

    @property
    def tile(self) -> int:
        """Side of the squares that LLaVA-NeXT's canvas is cut into, in pixels."""
        crop = self.crop
        return crop[0] if crop else pair(self.values["size"])[0]

    def levels(self) -> NDArray[np.float32]:
        """float32 (256, 3): what each level of each channel becomes."""
        table = np.repeat(np.arange(256, dtype=np.float64)[:, None], 3, axis=1)
        if self.values.get("do_rescale", True):
            table = table * self.values.get("rescale_factor", 1 / 255)
        table = table.astype(np.float32)
        if self.values.get("do_normalize", True):
            mean = np.asarray(self.values.get("image_mean") or _HALF, np.float32)
            std = np.asarray(self.values.get("image_std") or _HALF, np.float32)
            table = (table - mean) / std
        return table.astype(np.float32)


def preparation(config: Mapping[str, Any], source: str) -> Preparation:
    """The rule that a `preprocessor_config.json` tells of.

    Raises:
        ModelError: a processor of a family that is not known here.
    """
    stated = str(config.get("image_processor_type") or config.get("feature_extractor_type") or "")
    name = (
        stated.removesuffix("Fast")
        .removesuffix("Pil")
        .replace("FeatureExtractor", "ImageProcessor")
    )
    family = FAMILIES.get(name)
    if family is None:
        hint = "; for Fuyu use sensorium.FuyuPrompts" if stated.startswith("Fuyu") else ""
        raise ModelError(
            f"{source}: expected an image processor of {', '.join(FAMILIES)}; its config says "
            f"{stated or 'nothing of its type'}{hint}"
        )
    values = {**_DEFAULTS[name], **{k: v for k, v in config.items() if v is not None}}
    return Preparation(name, family, values)


def pair(value: Any) -> tuple[int, int]:
    """(height, width) of what configs write as a number or a mapping."""
    if isinstance(value, Mapping):
        side = value.get("shortest_edge")
        return int(value.get("height", side)), int(value.get("width", side))
    return int(value), int(value)


def _naflex(height: int, width: int, patch: int, most: int) -> tuple[int, int]:
    """The largest size of about this shape with at most so many whole patches (SigLIP 2)."""

    def size(scale: float) -> tuple[int, int]:
        rows, columns = (max(patch, math.ceil(e * scale / patch) * patch) for e in (height, width))
        return rows, columns

    low, high = 1e-6, 100.0
    while high - low >= 1e-5:
        middle = (low + high) / 2
        rows, columns = size(middle)
        if (rows // patch) * (columns // patch) <= most:
            low = middle
        else:
            high = middle
    return size(low)


def naflex_patches(
    image: NDArray[np.float32], patch: int, most: int
) -> tuple[NDArray[np.float32], NDArray[np.int32], tuple[int, int]]:
    """(patches (most, patch * patch * 3), mask (most,), grid) of ``(height, width, 3)``."""
    rows, columns = image.shape[0] // patch, image.shape[1] // patch
    cut = image.reshape(rows, patch, columns, patch, 3).transpose(0, 2, 1, 3, 4)
    values = np.zeros((most, patch * patch * 3), np.float32)
    values[: rows * columns] = cut.reshape(rows * columns, -1)
    mask = (np.arange(most) < rows * columns).astype(np.int32)
    return values, mask, (rows, columns)


def qwen_patches(
    image: NDArray[np.float32], patch: int, merge: int, temporal: int
) -> tuple[NDArray[np.float32], tuple[int, int, int]]:
    """(patches (patch, 3 * temporal * patch * patch), grid (1, rows, columns)).

    Patches that are merged later follow one another; a still picture fills all of `temporal`.
    """
    rows, columns = image.shape[0] // patch, image.shape[1] // patch
    cut = image.reshape(rows // merge, merge, patch, columns // merge, merge, patch, 3)
    order = cut.transpose(0, 3, 1, 4, 6, 2, 5).reshape(rows * columns, 3, 1, patch * patch)
    values = np.broadcast_to(order, (rows * columns, 3, temporal, patch * patch))
    return values.reshape(rows * columns, -1), (1, rows, columns)
