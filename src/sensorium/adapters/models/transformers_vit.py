"""Vision transformers through Hugging Face transformers, from a local folder or a hub name.

Weights are read from safetensors files only, code from the installed library only.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import transformers
from numpy.typing import NDArray

from sensorium.core.errors import ModelError
from sensorium.core.features import Features
from sensorium.core.media import Frames
from sensorium.core.record import Provenance
from sensorium.core.time import Axis


class TransformersEncoder:
    """Patch tokens and class token of a ViT-like model (ViT, DINOv2, DeiT, BEiT, ...).

    The whole picture is resized to the model's input size, none of it is cut off; the axes of
    ``patches`` are in pixels of the picture as it came. Values are float16.

    Raises:
        ModelError: a folder without config or safetensors weights, or a model whose output is
            not a class token followed by a grid of patches. At the first `encode`, not before.
    """

    def __init__(self, source: str, threads: int = 1) -> None:
        self._source = source
        self._threads = threads

    @cached_property
    def provenance(self) -> Provenance:
        """Model name; the revision is the digest of a local folder's files, or the hub's name."""
        folder = Path(self._source).expanduser()
        if not folder.is_dir():
            return Provenance(
                f"transformers:{self._source}", f"transformers {transformers.__version__}"
            )
        return Provenance(f"transformers:{folder.name}", f"sha256:{_digest(folder)}")

    @cached_property
    def _loaded(self) -> tuple[Any, dict[str, Any]]:
        torch.set_num_threads(self._threads)
        try:
            model = transformers.AutoModel.from_pretrained(
                self._source, use_safetensors=True, trust_remote_code=False
            )
        except Exception as error:
            raise ModelError(
                f"transformers:{self._source}: expected a local folder or a hub name with config.json "
                f"and safetensors weights (pickled weights are refused); {error}"
            ) from error
        preparation, _ = transformers.ImageProcessingMixin.get_image_processor_dict(self._source)
        return model.eval(), preparation

    def encode(self, frames: Frames) -> list[tuple[Features, ...]]:
        """Per frame ``patches`` (height, width, dim) and ``class`` (dim,)."""
        model, preparation = self._loaded
        height, width = frames.pixels.shape[1:3]
        with torch.inference_mode():
            tokens = model(
                pixel_values=_prepare(frames.pixels, model, preparation)
            ).last_hidden_state
        rows, columns = self._grid(model, tokens.shape[1])
        axes = (
            Axis("height", 0.0, height / rows, height / rows, "px"),
            Axis("width", 0.0, width / columns, width / columns, "px"),
        )
        name = self.provenance.model
        values = tokens.to(torch.float16).numpy()
        num_prefix = values.shape[1] - rows * columns
        return [
            (
                Features(each[num_prefix:].reshape(rows, columns, -1), axes, name, "patches"),
                Features(each[0], (), name, "class"),
            )
            for each in values
        ]

    def _grid(self, model: Any, num_tokens: int) -> tuple[int, int]:
        size, patch = model.config.image_size, model.config.patch_size
        (h, w), (ph, pw) = (v if isinstance(v, (list, tuple)) else (v, v) for v in (size, patch))
        rows, columns = h // ph, w // pw
        if num_tokens <= rows * columns:
            raise ModelError(
                f"transformers:{self._source}: expected a class token and {rows} x {columns} patches, "
                f"the model gives {num_tokens} tokens"
            )
        return rows, columns


def _prepare(pixels: NDArray, model: Any, preparation: dict[str, Any]) -> torch.Tensor:
    """uint8 (frame, height, width, 3) -> normalised float32 (frame, 3, size, size)."""
    size = model.config.image_size
    target = tuple(size) if isinstance(size, (list, tuple)) else (size, size)
    values = torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2)
    resized = torch.nn.functional.interpolate(
        values.float(), size=target, mode="bicubic", antialias=True, align_corners=False
    ).clamp(0, 255)
    mean = torch.tensor(preparation.get("image_mean", [0.5] * 3)).view(1, 3, 1, 1)
    std = torch.tensor(preparation.get("image_std", [0.5] * 3)).view(1, 3, 1, 1)
    return (resized / 255.0 - mean) / std


def _digest(folder: Path) -> str:
    """Over the files that decide the result: configs and weights."""
    total = hashlib.sha256()
    for path in sorted([*folder.glob("*.json"), *folder.glob("*.safetensors")]):
        total.update(json.dumps([path.name, path.stat().st_size]).encode())
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
    return total.hexdigest()[:12]
