"""The other libraries, as the benchmark of patches calls them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Entry(NamedTuple):
    """One peer in one case: `run` is measured, `right` says whether the result is the image."""

    who: str
    run: Callable[[], Any]
    right: Callable[[Any], bool] | None = None


def peer(name: str) -> Any:
    """The installed module, or None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def with_tiler(image: np.ndarray, values: np.ndarray, blend: str) -> np.ndarray:
    """tiler's merge of the same patches (its windows: overlap-tile is the mean)."""
    from tiler import Merger, Tiler

    tiler = Tiler(image.shape, (256, 256, 3), overlap=0.5, channel_dimension=2)
    merger = Merger(tiler, window="boxcar" if blend == "mean" else blend)
    flat = values.reshape(-1, *values.shape[2:])
    for number, patch in enumerate(flat):
        merger.add(number, patch)
    return merger.merge(unpad=True, dtype=image.dtype)


def fold_entry(torch: Any, image: np.ndarray, values: np.ndarray, right: Any) -> Entry:
    """F.fold over the counts of F.fold; float32, as fold takes no integers."""
    columns = torch.from_numpy(values.reshape(-1, *values.shape[2:])).float()
    columns = columns.permute(3, 1, 2, 0).reshape(1, 3 * 256 * 256, -1)
    fold = torch.nn.functional.fold
    options = {"output_size": image.shape[:2], "kernel_size": 256, "stride": 128}

    def run() -> Any:
        counts = fold(torch.ones(1, 256 * 256, columns.shape[2]), **options)
        return (fold(columns, **options) / counts)[0].permute(1, 2, 0).numpy()

    return Entry("F.fold", run, right)


def blended_entry(image: np.ndarray, values: np.ndarray, right: Any) -> Entry:
    """blended-tiling's linear masks on the same patches."""
    import torch
    from blended_tiling import TilingModule

    tiles = torch.from_numpy(values.reshape(-1, *values.shape[2:])).permute(0, 3, 1, 2).float()

    def run() -> Any:
        module = TilingModule(
            tile_size=[256, 256], tile_overlap=[0.5, 0.5], base_size=image.shape[:2]
        )
        return module.rebuild_with_masks(tiles)[0].permute(1, 2, 0).numpy()

    return Entry("blended-tiling", run, right)
