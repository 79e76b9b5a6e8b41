"""Adapters: from features to embeddings of a language model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorium.adapters.language.adapter import Adapter
from sensorium.adapters.language.adapter_plan import KINDS
from sensorium.adapters.language.layers import blocks
from sensorium.core.errors import ModelError, UsageError
from sensorium.core.features import Features
from sensorium.core.time import Axis

DIM, HIDDEN = 12, 32


def picture(
    rng: np.random.Generator, rows: int = 5, columns: int = 7, **changes: object
) -> Features:
    axes = (Axis("height", 0, 14, 14, "px"), Axis("width", 0, 14, 14, "px"))
    values = rng.standard_normal((rows, columns, DIM)).astype(np.float16)
    named = {"model": "eye", "name": "patches", **changes}
    return Features(values, axes, **named)  # type: ignore[arg-type]


def sound(rng: np.random.Generator, rows: int = 11, num_valid: int | None = None) -> Features:
    values = rng.standard_normal((rows, DIM)).astype(np.float32)
    return Features(values, (Axis("time", 0, 0.02, 0.02, "s"),), "ear", "encoder", None, num_valid)


def test_linear_is_layer_norm_and_dense(rng: np.random.Generator) -> None:
    adapter, features = Adapter(DIM, HIDDEN), picture(rng)
    [tokens] = adapter.embed([features])
    norm, dense = adapter.network.norm, adapter.network.dense[0]
    values = torch.from_numpy(features.values.astype(np.float32)).reshape(35, DIM)
    norm_by_hand = (values - values.mean(1, keepdim=True)) / torch.sqrt(
        values.var(1, unbiased=False, keepdim=True) + norm.eps
    )
    torch.testing.assert_close(tokens, norm_by_hand @ dense.weight.T + dense.bias)


def test_unshuffle_is_torch_pixel_unshuffle_where_it_divides(rng: np.random.Generator) -> None:
    values = torch.from_numpy(rng.standard_normal((2, 6, 8, DIM)).astype(np.float32))
    cells, _ = blocks(values, torch.ones(2, 6, 8, dtype=torch.bool), (2, 2))
    reference = torch.nn.functional.pixel_unshuffle(values.permute(0, 3, 1, 2), 2)
    reference = reference.reshape(2, DIM, 4, 3, 4).permute(0, 3, 4, 2, 1)
    torch.testing.assert_close(cells, reference)


@given(
    grid=st.lists(st.integers(1, 9), min_size=1, max_size=3),
    factor=st.integers(1, 4),
)
@settings(max_examples=60, deadline=None)
def test_blocks_hold_every_cell_once(grid: list[int], factor: int) -> None:
    num = int(np.prod(grid))
    values = torch.arange(1, num + 1, dtype=torch.float32).reshape(1, *grid, 1)
    mask = torch.ones(1, *grid, dtype=torch.bool)
    cells, present = blocks(values, mask, [factor] * len(grid))
    assert sorted(cells[present].flatten().tolist()) == list(range(1, num + 1))
    assert not cells[~present].any()
    assert cells.shape[1 : 1 + len(grid)] == tuple(-(-size // factor) for size in grid)


@pytest.mark.parametrize(
    ("kind", "num"),
    [("linear", 35), ("mlp", 35), ("unshuffle", 12), ("pool", 12), ("resampler", 5)],
)
def test_number_of_tokens(kind: str, num: int, rng: np.random.Generator) -> None:
    adapter = Adapter(DIM, HIDDEN, kind, num_queries=5)
    [tokens] = adapter.embed([picture(rng)])
    assert tokens.shape == (num, HIDDEN)
    assert torch.isfinite(tokens).all()


@pytest.mark.parametrize("kind", KINDS)
def test_company_changes_nothing(kind: str, rng: np.random.Generator) -> None:
    """A picture gives the same tokens alone and beside larger ones: padding never leaks."""
    adapter = Adapter(DIM, HIDDEN, kind, num_queries=4).eval()
    pictures = [picture(rng, 5, 7), picture(rng, 9, 3), picture(rng, 1, 1), picture(rng, 8, 8)]
    together = adapter.embed(pictures)
    for each, tokens in zip(pictures, together, strict=True):
        [alone] = adapter.embed([each])
        torch.testing.assert_close(tokens, alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_padded_rows_of_sound_change_nothing(kind: str, rng: np.random.Generator) -> None:
    adapter = Adapter(DIM, HIDDEN, kind, num_axes=1, num_queries=4).eval()
    whole = sound(rng, 11, num_valid=6)
    cut = Features(whole.values[:6], whole.axes, whole.model, whole.name)
    [tokens], [expected] = adapter.embed([whole]), adapter.embed([cut])
    torch.testing.assert_close(tokens, expected, atol=1e-5, rtol=1e-4)
    assert len(tokens) == {"unshuffle": 3, "pool": 3, "resampler": 4}.get(kind, 6)


def test_pool_is_the_mean_of_what_is_there() -> None:
    adapter = Adapter(DIM, HIDDEN, "pool")
    corner = np.full((3, 3, DIM), 5.0, np.float32)
    corner[2, 2] = np.arange(DIM)  # alone in its block: the absent cells must not pull it to zero
    [tokens] = adapter.embed([corner])
    network = adapter.network
    expected = network.dense(network.norm(torch.arange(DIM, dtype=torch.float32)))
    torch.testing.assert_close(tokens[-1], expected)


def test_the_resampler_knows_places(rng: np.random.Generator) -> None:
    adapter = Adapter(DIM, HIDDEN, "resampler", num_queries=3).eval()
    values = rng.standard_normal((4, 4, DIM)).astype(np.float32)
    [one], [other] = adapter.embed([values]), adapter.embed([values[::-1].copy()])
    assert not torch.allclose(one, other, atol=1e-4)


def test_class_embedding_is_one_token(rng: np.random.Generator) -> None:
    embedding = Features(rng.standard_normal(DIM).astype(np.float32), (), "eye", "class")
    for kind in ("linear", "unshuffle", "pool"):
        [tokens] = Adapter(DIM, HIDDEN, kind).embed([embedding])
        assert tokens.shape == (1, HIDDEN)


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded_is_the_same(kind: str, tmp_path: Path, rng: np.random.Generator) -> None:
    adapter = Adapter(DIM, HIDDEN, kind, encoder="eye", output="patches", num_queries=4).eval()
    loaded = Adapter.load(adapter.save(tmp_path / "a"))
    assert loaded.plan == adapter.plan
    features = [picture(rng)]
    torch.testing.assert_close(loaded.embed(features), adapter.embed(features), atol=0, rtol=0)
    told = json.loads((tmp_path / "a/adapter.json").read_text())
    assert (told["kind"], told["dim"], told["hidden"], told["encoder"]) == (
        kind,
        DIM,
        HIDDEN,
        "eye",
    )
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "adapter.json",
        "adapter.safetensors",
    ]


def test_features_of_another_model_are_refused(rng: np.random.Generator) -> None:
    adapter = Adapter(DIM, HIDDEN, encoder="eye", output="patches")
    adapter.embed([picture(rng)])
    with pytest.raises(UsageError, match="made for features of 'eye', got those of 'other'"):
        adapter.embed([picture(rng, model="other")])
    with pytest.raises(UsageError, match="made for the output 'patches' of eye, got 'class'"):
        adapter.embed([picture(rng, name="class")])


def test_wrong_arrays_are_one_clear_error(rng: np.random.Generator) -> None:
    adapter = Adapter(DIM, HIDDEN, "pool")
    with pytest.raises(
        UsageError, match=r"expected features of width 12, got torch.float64 \(3, 4, 5\)"
    ):
        adapter.embed([np.zeros((3, 4, 5))])
    with pytest.raises(UsageError, match="expected 2 axes"):
        adapter.embed([np.zeros((3, DIM))])
    with pytest.raises(UsageError, match="found NaN"):
        adapter.embed([np.full((3, 4, DIM), np.nan)])
    with pytest.raises(UsageError, match="got none"):
        adapter.embed([np.zeros((0, 4, DIM))])
    with pytest.raises(UsageError, match="got none"):
        Adapter(DIM, HIDDEN, "resampler", num_axes=1).embed([sound(rng, num_valid=0)])
    with pytest.raises(UsageError, match="kind: expected one of linear"):
        Adapter(DIM, HIDDEN, "dense")
    with pytest.raises(UsageError, match="factor: expected a whole number above 0"):
        Adapter(DIM, HIDDEN, "pool", factor=0)
    with pytest.raises(UsageError, match="unexpected keyword argument 'factors'"):
        Adapter(DIM, HIDDEN, "pool", factors=2)


def test_broken_folders_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"expected a folder with adapter\.json"):
        Adapter.load(tmp_path)
    folder = Adapter(DIM, HIDDEN).save(tmp_path / "a")
    (folder / "adapter.safetensors").write_bytes(b"pickled?")
    with pytest.raises(ModelError, match="no safetensors file"):
        Adapter.load(folder)
    Adapter(DIM, HIDDEN + 1).save(folder)
    plan = json.loads((folder / "adapter.json").read_text())
    (folder / "adapter.json").write_text(json.dumps(plan | {"hidden": HIDDEN}))
    with pytest.raises(ModelError, match="weights of another shape"):
        Adapter.load(folder)
    (folder / "adapter.json").write_text(json.dumps(plan | {"format": 9}))
    with pytest.raises(ModelError, match="upgrade sensorium"):
        Adapter.load(folder)
    (folder / "adapter.json").write_text(json.dumps(plan | {"kind": "magic"}))
    with pytest.raises(ModelError, match=r"adapter\.json.*kind: expected one of"):
        Adapter.load(folder)


def test_export_for_vllm(rng: np.random.Generator) -> None:
    adapter = Adapter(DIM, HIDDEN, "unshuffle")
    same, others = [picture(rng), picture(rng)], [picture(rng), picture(rng, 4, 4)]
    assert adapter.export(same).shape == (2, 12, HIDDEN)
    with pytest.raises(UsageError, match="one number of tokens"):
        adapter.export(others)
    told = adapter.export(others, "qwen2-vl")
    assert told["image_grid_thw"].tolist() == [[1, 6, 8], [1, 4, 4]]
    # vLLM splits the tokens by rows * columns / 4
    assert len(told["image_embeds"]) == (6 * 8 + 4 * 4) // 4
    torch.testing.assert_close(told["image_embeds"], torch.cat(adapter.embed(others)))
