"""patches.unfold: the shape of torch's unfold, the inverse it lacks; parity with fold and einops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as functional
from hypothesis import given, settings
from hypothesis import strategies as st

import sensorium.patches as sm
from sensorium.core.errors import UsageError
from sensorium.patches.unfold import refold, unfold


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_as_chained_unfold_and_back(data: Any) -> None:
    shape = [data.draw(st.integers(4, 9)) for _ in range(4)]
    axes = data.draw(st.permutations(range(4)))[: data.draw(st.integers(1, 3))]
    size = [data.draw(st.integers(1, 4)) for _ in axes]
    step = [data.draw(st.integers(1, n)) for n in size]
    tensor = expected = torch.arange(int(np.prod(shape))).reshape(shape)
    for axis, n, s in zip(axes, size, step, strict=True):
        expected = expected.unfold(axis, n, s)
    found = unfold(tensor, axes, size, step)
    assert torch.equal(found, expected)
    np.testing.assert_array_equal(unfold(tensor.numpy(), axes, size, step), expected.numpy())
    kept = [slice(None)] * 4
    for axis, n, s in zip(axes, size, step, strict=True):
        kept[axis] = slice(0, (shape[axis] - n) // s * s + n)
    lengths = [shape[axis] for axis in axes]
    for patches in (found, found.numpy()):
        back = refold(patches, axes, lengths, step)
        assert back.shape == tensor.shape
        assert (back[tuple(kept)] == tensor[tuple(kept)]).all()


def test_the_mean_is_fold_over_counts(rng: np.random.Generator) -> None:
    image = torch.from_numpy(rng.normal(size=(2, 3, 17, 20)))
    columns = functional.unfold(image, (5, 6), stride=(3, 2))
    counts = functional.unfold(torch.ones_like(image), (5, 6), stride=(3, 2))
    fold = {"output_size": (17, 20), "kernel_size": (5, 6), "stride": (3, 2)}
    changed = columns * 2 + torch.from_numpy(rng.normal(size=columns.shape))
    expected = functional.fold(changed, **fold) / functional.fold(counts, **fold)
    grid = sm.PatchGrid.fit((17, 20), (5, 6), (3, 2), "drop", axes="b c h w")
    values = changed.reshape(2, 3, 5, 6, -1).permute(0, 4, 1, 2, 3)
    torch.testing.assert_close(sm.merge(values, grid, "mean"), expected)


def test_as_einops_where_it_divides(rng: np.random.Generator) -> None:
    einops = pytest.importorskip("einops")
    image = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    expected = einops.rearrange(image, "(i h) (j w) c -> i j h w c", h=16, w=16)
    patches = sm.split(image, 16, axes="h w c")
    np.testing.assert_array_equal(patches.values, expected)
    tokens = einops.rearrange(image, "(i h) (j w) c -> (i j) (h w c)", h=16, w=16)
    np.testing.assert_array_equal(sm.pack([image], 16).tokens, tokens)


def test_gradients_flow() -> None:
    image = torch.rand(3, 9, 9, dtype=torch.float64, requires_grad=True)
    refold(unfold(image, (1, 2), 3, 2), (1, 2), 9, 2).sum().backward()
    torch.testing.assert_close(image.grad, torch.ones_like(image))


def test_wrong_arguments_are_errors() -> None:
    with pytest.raises(UsageError, match="larger than axis 0 of 4"):
        unfold(np.zeros((4, 4)), 0, 5, 1)
    with pytest.raises(UsageError, match="dimension: expected"):
        unfold(np.zeros((4, 4)), 2, 2, 1)
    with pytest.raises(UsageError, match=r"has \(3,\) patches with step 1, got \(2,\)"):
        refold(np.zeros((2, 2)), 0, 4, 1)
