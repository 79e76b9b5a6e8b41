"""From features to embeddings of a language model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sensorium.adapters.language.adapter_plan import Plan
from sensorium.adapters.language.layers import NETWORKS
from sensorium.core.errors import ModelError, UsageError
from sensorium.core.features import Features

Item = Features | NDArray | Tensor
_PLAN, _WEIGHTS = "adapter.json", "adapter.safetensors"


class Adapter(nn.Module):
    """Turns features of an encoder into tokens of the width of a language model.

    ======================  =====================================================================
    ``kind="linear"``       layer norm and one dense layer, one token per cell
    ``"mlp"``               the same with two dense layers and a GELU between (LLaVA 1.5)
    ``"unshuffle"``         `factor` x `factor` cells side by side become one token (InternVL)
    ``"pool"``              the mean of `factor` x `factor` cells becomes one token
    ``"resampler"``         `num_queries` learned queries look at all cells (Flamingo, Qwen-VL)
    ======================  =====================================================================

    `dim` is the width of the features, `hidden` that of the language model; `sizes` are the other
    fields of `plan`: `encoder`, `output`, `factor`, `num_axes`, `num_queries`, `num_layers`. A new
    adapter has random weights. A grid that does not divide by `factor` is filled up and the filling
    masked; nothing is dropped.

    >>> import numpy as np
    >>> adapter = Adapter(384, 64, kind="unshuffle")
    >>> [tokens] = adapter.embed([np.zeros((17, 16, 384), np.float32)])
    >>> tuple(tokens.shape)  # 9 x 8 tokens
    (72, 64)

    Raises:
        UsageError: an unknown kind, a size that is no whole number above 0.
    """

    def __init__(self, dim: int, hidden: int, kind: str = "linear", **sizes: Any) -> None:
        super().__init__()
        try:
            self.plan = Plan(dim, hidden, kind, **sizes)
        except TypeError as error:
            raise UsageError(f"Adapter: {error}") from None
        self.network = NETWORKS[kind](self.plan)

    @classmethod
    def between(
        cls, features: Features, model: nn.Module, kind: str = "linear", **sizes: Any
    ) -> Adapter:
        """A new adapter from such features into a Hugging Face causal model."""
        sizes = {"num_axes": max(len(features.axes), 1), **sizes}
        named = {"encoder": features.model, "output": features.name}
        return cls(features.values.shape[-1], hidden_size(model), kind, **{**named, **sizes})

    def forward(self, values: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Tokens ``(batch, token, hidden)`` and their mask of features ``(batch, *grid, dim)``.

        `mask` is bool ``(batch, *grid)``, true where there is something (None: everywhere).
        """
        if values.ndim < 3 or values.shape[-1] != self.plan.dim:
            raise UsageError(
                f"adapter: expected features (batch, *grid, {self.plan.dim}), got {tuple(values.shape)}"
            )
        weight = next(self.parameters())
        values = values.to(weight)
        if mask is None:
            mask = torch.ones(values.shape[:-1], dtype=torch.bool)
        tokens, mask = self.network(values, mask.to(weight.device))
        return tokens.flatten(1, -2), mask.flatten(1)

    def embed(self, items: Sequence[Item]) -> list[Tensor]:
        """The tokens ``(token, hidden)`` of each item; the grids may differ in size.

        An item is `Features`, or an array or a tensor ``(*grid, dim)``; of `Features` the rows that cover
        padding (`num_valid`) give nothing.

        Raises:
            UsageError: features of another model, another output, another width or rank; NaN.
        """
        if not items:
            return []
        read = [self._read(item) for item in items]
        values, mask = _padded(read)
        tokens, present = self(values, mask)
        return [each[real] for each, real in zip(tokens, present, strict=True)]

    def _read(self, item: Item) -> tuple[Tensor, int | None]:
        """Values ``(*grid, dim)`` and the number of rows that are real."""
        plan, num_valid = self.plan, None
        if isinstance(item, Features):
            self._check(item)
            num_valid, item = item.num_valid, item.values
        # a copy: arrays of Features are read-only, and torch warns of them
        values = item if isinstance(item, Tensor) else torch.from_numpy(np.array(item))
        if values.ndim == 0 or values.shape[-1] != plan.dim or not values.is_floating_point():
            raise UsageError(
                f"adapter: expected features of width {plan.dim}, got {values.dtype} {tuple(values.shape)}"
            )
        if 0 in values.shape or num_valid == 0:
            raise UsageError(
                f"adapter: expected features, got none: {tuple(values.shape)}, {num_valid} valid"
            )
        if not torch.isfinite(values).all():
            raise UsageError("adapter: expected finite features, found NaN or infinity")
        if values.ndim == 1:
            values = values.reshape(*(1,) * plan.num_axes, plan.dim)
        elif not plan.keeps_grid:
            inner = values[0].numel() // plan.dim
            num_valid = None if num_valid is None else num_valid * inner
            values = values.flatten(0, -2)
        elif values.ndim != plan.num_axes + 1:
            raise UsageError(
                f"adapter: expected {plan.num_axes} axes and {plan.dim} values, got {tuple(values.shape)}"
            )
        return values, num_valid

    def _check(self, features: Features) -> None:
        plan = self.plan
        if plan.encoder and features.model != plan.encoder:
            raise UsageError(
                f"adapter: made for features of {plan.encoder!r}, got those of {features.model!r}; "
                "use the adapter of that model, or train one: sensorium train adapter"
            )
        if plan.output and features.name != plan.output:
            raise UsageError(
                f"adapter: made for the output {plan.output!r} of {plan.encoder or 'the encoder'}, "
                f"got {features.name!r}"
            )

    def export(self, items: Sequence[Item], form: str = "tensor") -> Any:
        """What vLLM takes as precomputed embeddings of images.

        ``"tensor"``: one tensor (images, tokens, hidden), as LLaVA and most models want it.
        ``"qwen2-vl"``: a dict of `image_embeds` (all tokens, hidden) and `image_grid_thw` (images, 3), whose
        rows and columns count 2 x 2 patches per token, as Qwen2-VL and Qwen2.5-VL do.

        Raises:
            UsageError: an unknown form; pictures of different sizes as one tensor.
        """
        with torch.inference_mode():
            tokens = self.embed(items)
        if form == "qwen2-vl":
            grids = [_rows_and_columns(self.plan, item) for item in items]
            thw = torch.tensor([(t, 2 * h, 2 * w) for t, h, w in grids], dtype=torch.int64)
            return {"image_embeds": torch.cat(tokens), "image_grid_thw": thw}
        if form != "tensor":
            raise UsageError(f"form: expected tensor or qwen2-vl, got {form!r}")
        counts = sorted({len(each) for each in tokens})
        if len(counts) != 1:
            raise UsageError(
                f"export: expected pictures with one number of tokens, got {counts or 'no picture'}; "
                "export them one by one, or use a resampler"
            )
        return torch.stack(tokens)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Writes ``adapter.safetensors`` and ``adapter.json`` into `folder`, made if need be."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        weights = {
            name: value.detach().cpu().contiguous() for name, value in self.state_dict().items()
        }
        # the plan comes last: without it the folder is no adapter
        beside = target / f"{_WEIGHTS}.{os.getpid()}.part"
        save_file(weights, beside)
        os.replace(beside, target / _WEIGHTS)
        beside = target / f"{_PLAN}.{os.getpid()}.part"
        beside.write_text(self.plan.to_json(), encoding="utf-8")
        os.replace(beside, target / _PLAN)
        return target

    def restore(self, folder: str | os.PathLike[str]) -> None:
        """Takes over the weights of an adapter of the same shape that `save` wrote."""
        self.load_state_dict(Adapter.load(folder).state_dict())

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Adapter:
        """The adapter that `save` wrote.

        Raises:
            ModelError: no adapter there, one of a newer format, weights of the wrong shape.
        """
        source = Path(folder).expanduser()
        try:
            plan = Plan.from_json((source / _PLAN).read_text(encoding="utf-8"), str(source / _PLAN))
            weights = load_file(source / _WEIGHTS)
        except OSError as error:
            raise ModelError(
                f"{source}: expected a folder with {_PLAN} and {_WEIGHTS} ({error.strerror}); "
                "make one with Adapter.save or sensorium train adapter"
            ) from None
        except Exception as error:
            if isinstance(error, ModelError):
                raise
            raise ModelError(f"{source / _WEIGHTS}: no safetensors file ({error})") from None
        sizes = {k: getattr(plan, k) for k in Plan.__slots__ if k not in ("dim", "hidden", "kind")}
        adapter = cls(plan.dim, plan.hidden, plan.kind, **sizes)
        try:
            adapter.load_state_dict(weights)
        except RuntimeError as error:
            raise ModelError(
                f"{source / _WEIGHTS}: weights of another shape than {_PLAN} says; {error}"
            ) from None
        return adapter.eval()


def hidden_size(model: nn.Module) -> int:
    """The width of a causal model's embeddings."""
    return int(model.get_input_embeddings().weight.shape[1])  # type: ignore[operator]


def _padded(items: Sequence[tuple[Tensor, int | None]]) -> tuple[Tensor, Tensor]:
    """Values ``(batch, *grid, dim)`` of grids of different sizes, and where there is something."""
    grid = [max(sizes) for sizes in zip(*(v.shape[:-1] for v, _ in items), strict=True)]
    values = items[0][0].new_zeros(len(items), *grid, items[0][0].shape[-1], dtype=torch.float32)
    mask = torch.zeros(values.shape[:-1], dtype=torch.bool)
    for index, (each, num_valid) in enumerate(items):
        where = tuple(slice(size) for size in each.shape[:-1])
        values[index][where] = each.to(values)
        mask[index][where][:num_valid] = True
    return values, mask


def _rows_and_columns(plan: Plan, item: Item) -> tuple[int, int, int]:
    """(times, rows, columns) of the tokens of an item."""
    values = item.values if isinstance(item, Features) else item
    grid = plan.grid(tuple(values.shape[:-1]))
    time, rows, columns = (1,) * (3 - len(grid)) + grid
    return time, rows, columns
