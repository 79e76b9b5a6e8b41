"""Tensors: the same patches and merges as numpy, with gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import sensorium.patches as sm
from sensorium.ops.patch import torch_patches
from sensorium.ops.patch.blend import BLENDS, WINDOWED

CASES = [
    ((3, 37, 41), "c h w", 8, 5, "pad"),
    ((2, 23), "b x", 7, 3, "shift"),
    ((9, 8, 7), "d h w", (3, 2, 4), (2, 3, 1), "drop"),
    ((20, 22, 2), "h w c", 30, 9, "pad"),
]


@pytest.mark.parametrize("blend", BLENDS)
@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "float32", "float64", "bool"])
@pytest.mark.parametrize("case", CASES)
def test_a_tensor_gives_what_numpy_gives(
    case: Any, dtype: str, blend: Any, rng: np.random.Generator
) -> None:
    shape, axes, patch, stride, edge = case
    array = (rng.normal(size=shape) * 50).astype(dtype)
    for fill in (0, "reflect", "edge"):
        ours = sm.split(array, patch, stride, axes, edge, fill)
        tensor = sm.split(torch.from_numpy(array), patch, stride, axes, edge, fill)
        np.testing.assert_array_equal(tensor.values.numpy(), ours.values)
    mixed = np.roll(ours.contiguous(), 5)
    found = torch_patches.merge(torch.from_numpy(mixed), ours.grid, blend, fill=3).numpy()
    expected = sm.merge(mixed, ours.grid, blend, fill=3)
    assert found.dtype == expected.dtype
    if dtype == "bool" and blend in WINDOWED:
        return  # ties of a weighted mean may fall either way
    exact = np.dtype(dtype).kind != "f" and blend not in WINDOWED
    step = 0 if exact else (1 if np.dtype(dtype).kind in "iu" else float(np.finfo(dtype).eps))
    np.testing.assert_allclose(
        found.astype(np.float64), expected.astype(np.float64), rtol=4 * step, atol=200 * step
    )


@pytest.mark.parametrize("blend", BLENDS)
def test_gradients_are_those_of_the_weights(blend: Any) -> None:
    generator = torch.Generator().manual_seed(1)
    values = torch.rand(4, 3, 3, 4, dtype=torch.float64, generator=generator, requires_grad=True)
    grid = sm.PatchGrid.fit((8, 7), (3, 4), 2)
    assert torch.autograd.gradcheck(lambda v: sm.merge(v, grid, blend), values)


def test_what_is_split_is_merged_exactly_with_gradients() -> None:
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        image = torch.rand(2, 3, 37, 41).to(dtype).requires_grad_()
        patches = sm.split(image, 8, 5, axes="b c h w")
        merged = sm.merge(patches, blend="hann")
        assert torch.equal(merged, image)
        merged.float().sum().backward()
        torch.testing.assert_close(image.grad, torch.ones_like(image), rtol=1e-2, atol=1e-2)


def test_a_view_shares_memory_and_small_things_work() -> None:
    image = torch.arange(96).reshape(8, 12)
    patches = sm.split(image, 4, 2)
    assert patches.values.data_ptr() == image.data_ptr()
    assert torch.equal(sm.merge(patches), image)
    assert [tuple(p.shape) for p in sm.split(image, 5, edge="ragged")][-1] == (3, 2)
    assert torch.equal(sm.merge(sm.split(image, 5, edge="ragged")), image)
    assert len(list(patches)) == 15
    assert patches.contiguous().is_contiguous()
    assert sm.draw(patches).size == (12, 8)


def test_compiled_functions_give_the_same() -> None:
    def there_and_back(image: torch.Tensor) -> torch.Tensor:
        patches = sm.split(image, 8, 5, axes="c h w")
        return sm.merge(patches.values * 1, patches.grid, "hann")

    image = torch.rand(3, 20, 21)
    compiled = torch.compile(there_and_back, backend="aot_eager")
    assert torch.equal(compiled(image), image)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("blend", BLENDS)
def test_on_a_gpu(blend: Any) -> None:
    image = torch.rand(3, 65, 70)
    patches = sm.split(image.cuda(), 16, 7, axes="c h w")
    assert patches.values.is_cuda
    assert torch.equal(sm.merge(patches, blend=blend).cpu(), image)
