"""SigLIP 2 in its NaFlex form: pictures in their own shape, through Hugging Face transformers.

Weights are read from safetensors files only, code from the installed library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image

from sensorium.core.errors import ModelError
from sensorium.core.features import Features
from sensorium.core.media import Frames
from sensorium.core.record import Provenance
from sensorium.core.time import Axis
from sensorium.models.foreign import located
from sensorium.ops.vision.preparation import Preparation, naflex_patches, preparation


class NaflexEncoder:
    """Patch tokens and pooled output of a SigLIP 2 NaFlex picture tower.

    Each picture keeps its shape and gets at most `max_num_patches` patches (of its processor's config);
    pictures of different sizes go through in one batch with a mask. Values are float16.

    Raises:
        ModelError: no SigLIP 2 in the folder, or no safetensors weights. At the first `encode`.
    """

    def __init__(self, source: str, threads: int = 1) -> None:
        self._source = source
        self._threads = threads

    @cached_property
    def provenance(self) -> Provenance:
        """Model name, version of the library, and where the weights come from."""
        version = f"transformers {transformers.__version__}"
        name = f"transformers-naflex:{Path(self._source).name}"
        return Provenance(name, version, {"source": self._source})

    @cached_property
    def _loaded(self) -> tuple[Any, Preparation]:
        torch.set_num_threads(self._threads)
        try:
            config = transformers.AutoConfig.from_pretrained(
                located(self._source), trust_remote_code=False
            )
            if not config.model_type.startswith("siglip2"):
                raise ValueError(f"its config says {config.model_type!r}")
            model = transformers.Siglip2VisionModel.from_pretrained(
                located(self._source), use_safetensors=True, trust_remote_code=False
            )
            told, _ = transformers.ImageProcessingMixin.get_image_processor_dict(
                located(self._source)
            )
        except Exception as error:
            raise ModelError(
                f"transformers-naflex:{self._source}: expected a local folder or a hub name of a SigLIP 2 "
                f"with safetensors weights; {error}"
            ) from error
        return model.eval(), preparation(told, self._source)

    def encode(self, frames: Frames) -> list[tuple[Features, ...]]:
        """Per frame ``patches`` (height, width, dim) and ``pooled`` (dim,)."""
        one = [
            Frames(frames.pixels[i : i + 1], frames.times[i : i + 1]) for i in range(len(frames))
        ]
        return self.encode_many(one)

    def encode_many(self, pictures: Sequence[Frames]) -> list[tuple[Features, ...]]:
        """The same for pictures of any sizes, one frame each, in one batch."""
        model, rule = self._loaded
        patch, most = rule.patch[0], int(rule.values["max_num_patches"])
        parts = []
        for each in pictures:
            pixels = each.pixels[0]
            height, width = rule.target(*pixels.shape[:2])
            filter_ = Image.Resampling(rule.resample)
            levels = np.asarray(Image.fromarray(pixels).resize((width, height), filter_))
            image = np.stack([rule.levels()[:, c][levels[..., c]] for c in range(3)], axis=-1)
            parts.append(naflex_patches(image, patch, most))
        with torch.inference_mode():
            told = model(
                pixel_values=torch.from_numpy(np.stack([values for values, _, _ in parts])),
                pixel_attention_mask=torch.from_numpy(np.stack([mask for _, mask, _ in parts])),
                spatial_shapes=torch.tensor([grid for _, _, grid in parts]),
            )
        return [
            self._outputs(told, place, parts[place][2], each.pixels.shape[1:3])
            for place, each in enumerate(pictures)
        ]

    def _outputs(
        self, told: Any, place: int, grid: tuple[int, int], size: tuple[int, ...]
    ) -> tuple[Features, ...]:
        rows, columns = grid
        name = self.provenance.model
        axes = (
            Axis("height", 0.0, size[0] / rows, size[0] / rows, "px"),
            Axis("width", 0.0, size[1] / columns, size[1] / columns, "px"),
        )
        values = told.last_hidden_state[place, : rows * columns].to(torch.float16).numpy()
        pooled = told.pooler_output[place].to(torch.float16).numpy()
        return (
            Features(values.reshape(rows, columns, -1), axes, name, "patches"),
            Features(pooled, (), name, "pooled"),
        )
