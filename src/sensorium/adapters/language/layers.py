"""The networks of the adapters: features ``(batch, *grid, dim)`` to tokens ``(batch, *grid, hidden)``.

Each takes the features and a mask ``(batch, *grid)`` that is true where there is something, and gives
tokens and their mask. Cells that are absent never touch a result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sensorium.adapters.language.adapter_plan import Plan


class Dense(nn.Module):
    """A layer norm and a dense layer, or two with a GELU between (LLaVA 1.5): one token per cell."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(plan.dim)
        layers: list[nn.Module] = [nn.Linear(plan.dim, plan.hidden)]
        if plan.kind == "mlp":
            layers += [nn.GELU(), nn.Linear(plan.hidden, plan.hidden)]
        self.dense = nn.Sequential(*layers)

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """One token per cell."""
        return self.dense(self.norm(values)), mask


class Unshuffle(nn.Module):
    """The cells of a block side by side in one long vector, then a dense layer (InternVL, Idefics3)."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.factors = plan.factors
        self.norm = nn.LayerNorm(plan.dim)
        self.dense = nn.Linear(math.prod(self.factors) * plan.dim, plan.hidden)

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """One token per block; absent cells of a block count as zero."""
        cells, present = blocks(self.norm(values) * mask[..., None], mask, self.factors)
        return self.dense(cells.flatten(-2)), present.any(-1)


class Pool(nn.Module):
    """The mean of the cells of a block, then a layer norm and a dense layer."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.factors = plan.factors
        self.norm = nn.LayerNorm(plan.dim)
        self.dense = nn.Linear(plan.dim, plan.hidden)

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """One token per block: the mean of the cells that are there."""
        cells, present = blocks(values * mask[..., None], mask, self.factors)
        num = present.sum(-1, keepdim=True).clamp(min=1)
        return self.dense(self.norm(cells.sum(-2) / num)), present.any(-1)


class Resampler(nn.Module):
    """Learned queries that look at all cells by cross-attention: a fixed number of tokens.

    As in Flamingo and Qwen-VL. The place of a cell is added to it as sines and cosines, so any grid will do.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(plan.dim)
        self.dense = nn.Linear(plan.dim, plan.hidden)
        self.queries = nn.Parameter(torch.randn(plan.num_queries, plan.hidden) * 0.02)
        self.layers = nn.ModuleList(
            Look(plan.hidden, plan.num_heads) for _ in range(plan.num_layers)
        )
        self.out = nn.LayerNorm(plan.hidden)

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """`num_queries` tokens, all of them real."""
        cells = self.dense(self.norm(values))
        cells = (cells + places(values.shape[1:-1], cells.shape[-1]).to(cells)).flatten(1, -2)
        tokens = self.queries.expand(len(values), -1, -1)
        for layer in self.layers:
            tokens = layer(tokens, cells, ~mask.flatten(1))
        return self.out(tokens), mask.new_ones(tokens.shape[:-1])


class Look(nn.Module):
    """One layer of the resampler: cross-attention and a two-layer network, both added."""

    def __init__(self, hidden: int, num_heads: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(hidden)
        self.attention = nn.MultiheadAttention(hidden, num_heads, batch_first=True)
        self.dense = nn.Sequential(
            nn.LayerNorm(hidden),
            nn.Linear(hidden, 4 * hidden),
            nn.GELU(),
            nn.Linear(4 * hidden, hidden),
        )

    def forward(self, tokens: Tensor, cells: Tensor, absent: Tensor) -> Tensor:
        """The tokens after they looked at the cells."""
        seen, _ = self.attention(
            self.norm(tokens), cells, cells, key_padding_mask=absent, need_weights=False
        )
        tokens = tokens + seen
        return tokens + self.dense(tokens)


def blocks(values: Tensor, mask: Tensor, factors: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Cells gathered into blocks: ``(batch, *coarse grid, cell, dim)`` and ``(batch, *coarse grid, cell)``.

    A grid that does not divide is filled up with absent cells; none is dropped.
    """
    mask = _folded(mask[..., None], factors)[..., 0]
    return _folded(values, factors), mask


def _folded(values: Tensor, factors: Sequence[int]) -> Tensor:
    grid = values.shape[1:-1]
    missing = [-size % factor for size, factor in zip(grid, factors, strict=True)]
    pad = [n for add in reversed(missing) for n in (0, add)]
    values = nn.functional.pad(values, [0, 0, *pad])
    sizes = [(size + add) // f for size, add, f in zip(grid, missing, factors, strict=True)]
    split = [n for pair in zip(sizes, factors, strict=True) for n in pair]
    values = values.reshape(len(values), *split, values.shape[-1])
    num = len(factors)
    outer, inner = range(1, 2 * num, 2), range(2, 2 * num + 1, 2)
    values = values.permute(0, *outer, *inner, 2 * num + 1)
    return values.flatten(1 + num, 2 * num)


def places(grid: Sequence[int], width: int) -> Tensor:
    """Sines and cosines of the place of every cell, float32 ``(*grid, width)``; Vaswani et al. 2017.

    Each axis gets an equal part of the width; what is left over stays zero.
    """
    table = torch.zeros(*grid, width)
    part = width // (2 * len(grid))
    speed = torch.exp(-math.log(10_000.0) * torch.arange(part) / max(part, 1))
    for axis, size in enumerate(grid):
        angle = torch.arange(size)[:, None] * speed
        both = torch.cat([angle.sin(), angle.cos()], 1)
        shape = [1] * len(grid) + [2 * part]
        shape[axis] = size
        first = axis * 2 * part
        table[..., first : first + 2 * part] = both.reshape(shape)
    return table


NETWORKS = {
    "linear": Dense,
    "mlp": Dense,
    "unshuffle": Unshuffle,
    "pool": Pool,
    "resampler": Resampler,
}
