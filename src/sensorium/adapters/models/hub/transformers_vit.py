"""Vision transformers through Hugging Face transformers, from a local folder or a hub name.

Weights are read from safetensors files only, code from the installed library only.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from sensorium.adapters.models.from_transformers import FromTransformers
from sensorium.core.errors import ModelError
from sensorium.core.features import Features
from sensorium.core.media import Frames
from sensorium.core.record import Provenance
from sensorium.core.time import Axis
from sensorium.models.foreign import located, pinned

# Families that are two towers: only the one that sees is loaded.
_TOWERS = {"clip": "CLIPVisionModel", "siglip": "SiglipVisionModel"}


class TransformersEncoder(FromTransformers):
    """Patch tokens, class token and pooled output of a vision transformer, at the model's own size.

    ViT, DeiT, DINOv2, DINOv3, CLIP, SigLIP and their like. ViT 224/16 gives 197 tokens: the class and
    14 x 14 patches. The whole picture is resized to the model's input size, none of it is cut off;
    the axes of ``patches`` are in pixels of the picture as it came. Values are float16.

    Raises:
        ModelError: a folder without config or safetensors weights, or a model whose output is no
            grid of patches. At the first `encode`, not before.
    """

    @cached_property
    def provenance(self) -> Provenance:
        """Model name; the revision is the digest of a local folder's files, or the hub's name."""
        folder = Path(self._source).expanduser()
        if not folder.is_dir():
            version = f"transformers {transformers.__version__} {pinned(self._source)}".strip()
            return Provenance(f"{self.prefix}:{self._source}", version)
        return Provenance(f"{self.prefix}:{folder.name}", f"sha256:{_digest(folder)}")

    @cached_property
    def _loaded(self) -> tuple[Any, dict[str, Any]]:
        torch.set_num_threads(self._threads)
        options = {"use_safetensors": True, "trust_remote_code": False}
        try:
            config = transformers.AutoConfig.from_pretrained(
                located(self._source), trust_remote_code=False
            )
            kind = getattr(transformers, _TOWERS.get(config.model_type, "AutoModel"))
            loaded: Any = kind.from_pretrained(
                located(self._source), output_loading_info=True, **options
            )
        except Exception as error:
            raise ModelError(
                f"transformers:{self._source}: expected a local folder or a hub name with config.json "
                f"and safetensors weights (pickled weights are refused); {error}"
            ) from error
        model, told = loaded
        missing = [key for key in told["missing_keys"] if "pooler" not in key]
        if missing:
            raise ModelError(
                f"transformers:{self._source}: the weights lack {', '.join(sorted(missing)[:3])}; expected "
                "those of the model that config.json tells of"
            )
        self._has_pooler = not any("pooler" in key for key in told["missing_keys"])
        preparation, _ = transformers.ImageProcessingMixin.get_image_processor_dict(
            located(self._source)
        )
        return model.eval(), preparation

    def encode(self, frames: Frames) -> list[tuple[Features, ...]]:
        """Per frame ``patches`` (height, width, dim), and ``class`` and ``pooled`` (dim,) where there are."""
        if not len(frames):
            return []
        model, _ = self._loaded
        pixels, step = self._prepared(frames.pixels)
        options = self._options(pixels)
        with torch.inference_mode():
            told = model(pixel_values=pixels, **options)
        tokens = told.last_hidden_state
        (ph, pw), (height, width) = _pair(model.config.patch_size), pixels.shape[2:]
        rows, columns = height // ph, width // pw
        num_prefix = tokens.shape[1] - rows * columns
        if num_prefix < 0:
            raise ModelError(
                f"transformers:{self._source}: expected {rows} x {columns} patches and perhaps a class "
                f"token, the model gives {tokens.shape[1]} tokens"
            )
        pooled = getattr(told, "pooler_output", None) if self._has_pooler else None
        axes = (
            Axis("height", 0.0, step[0] * ph, step[0] * ph, "px"),
            Axis("width", 0.0, step[1] * pw, step[1] * pw, "px"),
        )
        return [
            self._outputs(tokens[i], None if pooled is None else pooled[i], (rows, columns), axes)
            for i in range(len(tokens))
        ]

    def _outputs(
        self, tokens: Any, pooled: Any, grid: tuple[int, int], axes: tuple[Axis, Axis]
    ) -> tuple[Features, ...]:
        name, num_prefix = self.provenance.model, len(tokens) - grid[0] * grid[1]
        values = tokens.to(torch.float16).numpy()
        patches = Features(values[num_prefix:].reshape(*grid, -1), axes, name, "patches")
        alone = {"class": values[0]} if num_prefix else {}
        if pooled is not None:
            alone["pooled"] = pooled.to(torch.float16).numpy()
        return (patches, *(Features(each, (), name, key) for key, each in alone.items()))

    def _prepared(self, pixels: NDArray) -> tuple[torch.Tensor, tuple[float, float]]:
        """(normalised input, picture's pixels per pixel of the input along both axes)."""
        model, preparation = self._loaded
        height, width = _pair(model.config.image_size)
        values = torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2).float()
        resized = torch.nn.functional.interpolate(
            values, size=(height, width), mode="bicubic", antialias=True, align_corners=False
        ).clamp(0, 255)
        step = (pixels.shape[1] / height, pixels.shape[2] / width)
        return _normalised(resized, preparation), step

    def _options(self, pixels: torch.Tensor) -> dict[str, Any]:
        return {}


class NativeEncoder(TransformersEncoder):
    """The same at the picture's own size and shape: nothing is squeezed into a square.

    The picture is filled up to whole patches by repeating its border (230 x 224 becomes 240 x 224 for
    patches of 16, not 224 x 224), and the table of positions is interpolated to that grid. Pictures with
    a side above four times the model's own are made smaller first, keeping their shape.
    """

    prefix = "transformers-native"

    def _prepared(self, pixels: NDArray) -> tuple[torch.Tensor, tuple[float, float]]:
        model, preparation = self._loaded
        ph, pw = _pair(model.config.patch_size)
        largest = 4 * max(_pair(model.config.image_size))
        height, width = pixels.shape[1:3]
        scale = min(1.0, largest / max(height, width))
        values = torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2).float()
        if scale < 1:
            size = max(round(height * scale), 1), max(round(width * scale), 1)
            values = torch.nn.functional.interpolate(
                values, size=size, mode="bicubic", antialias=True, align_corners=False
            ).clamp(0, 255)
        below, right = -values.shape[2] % ph, -values.shape[3] % pw
        whole = torch.from_numpy(
            np.pad(values.numpy(), ((0, 0), (0, 0), (0, below), (0, right)), mode="edge")
        )
        step = (height / values.shape[2], width / values.shape[3])
        return _normalised(whole, preparation), step

    def _options(self, pixels: torch.Tensor) -> dict[str, Any]:
        model, _ = self._loaded
        if model.config.model_type in ("dinov2", "dinov2_with_registers", "dinov3_vit"):
            return {}  # always interpolate
        own = _pair(model.config.image_size)
        return {"interpolate_pos_encoding": True} if tuple(pixels.shape[2:]) != own else {}


def _normalised(values: torch.Tensor, preparation: dict[str, Any]) -> torch.Tensor:
    mean = torch.tensor(preparation.get("image_mean") or [0.5] * 3).view(1, 3, 1, 1)
    std = torch.tensor(preparation.get("image_std") or [0.5] * 3).view(1, 3, 1, 1)
    return (values / 255.0 - mean) / std


def _pair(value: Any) -> tuple[int, int]:
    height, width = value if isinstance(value, (list, tuple)) else (value, value)
    return int(height), int(width)


def _digest(folder: Path) -> str:
    """Over the files that decide the result: configs and weights."""
    total = hashlib.sha256()
    for path in sorted([*folder.glob("*.json"), *folder.glob("*.safetensors")]):
        total.update(json.dumps([path.name, path.stat().st_size]).encode())
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
    return total.hexdigest()[:12]
