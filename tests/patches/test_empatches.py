"""patches.empatches: the same lists and boxes; true means, kept dtypes, upright batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorium.core.errors import UsageError
from sensorium.patches.empatches import BatchPatching, EMPatches, patch_via_indices

SHAPES = [((23,), False), ((11, 14), False), ((9, 13, 3), False), ((6, 7, 8), True)]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(SHAPES),
    st.integers(1, 20),
    st.one_of(st.none(), st.integers(1, 9)),
    st.sampled_from([None, 0, 0.25, 0.5, 0.9]),
)
def test_as_the_original(shape: Any, patch: int, stride: int | None, overlap: float | None) -> None:
    original = pytest.importorskip("empatches", reason="pip install --no-deps empatches")
    (size, vox), data = shape, np.random.default_rng(3).random(shape[0]).astype(np.float32)
    arguments = (data, patch, overlap, stride, vox)
    patches, boxes = EMPatches().extract_patches(*arguments)
    theirs, their_boxes = original.EMPatches().extract_patches(*arguments)
    assert boxes == their_boxes
    assert all((a == b).all() for a, b in zip(patches, theirs, strict=True))
    changed = [p + np.float32(i) for i, p in enumerate(patches)]
    for mode in ("overwrite", "max", "min"):
        found = EMPatches().merge_patches(changed, boxes, mode)
        if mode == "min" and (stride or 1) > patch:
            continue  # between patches the original has infinities, ours 0
        np.testing.assert_array_equal(
            found, original.EMPatches().merge_patches(changed, boxes, mode)
        )
    again = EMPatches().merge_patches(patches, boxes, "avg")
    assert (again == data).all() or (stride or 1) > patch
    assert found.shape == size


def test_the_mean_is_the_mean() -> None:
    ones = [np.full(3, i, np.float32) for i in (1, 2, 3, 4)]
    boxes = [(0, 3)] * 4
    assert EMPatches().merge_patches(ones, boxes, "avg").tolist() == [2.5, 2.5, 2.5]
    patches, boxes = EMPatches().extract_patches(np.zeros(6), 3, stride=1)
    changed = [p + i + 1 for i, p in enumerate(patches)]
    assert EMPatches().merge_patches(changed, boxes, "avg").tolist() == [1, 1.5, 2, 3, 3.5, 4]


@pytest.mark.parametrize("mode", ["overwrite", "max", "min", "avg"])
@pytest.mark.parametrize("dtype", ["u1", "i8", "f8", "?"])
def test_dtypes_and_values_are_kept(mode: str, dtype: str, rng: np.random.Generator) -> None:
    data = (rng.normal(size=(9, 8, 2)) * 2.0**55).astype(dtype)
    patches, boxes = EMPatches().extract_patches(data, 4, overlap=0.5)
    for kept in (range(len(boxes)), [*range(len(boxes)), 0]):  # the second is no grid any more
        merged = EMPatches().merge_patches(
            [patches[i] for i in kept], [boxes[i] for i in kept], mode
        )
        assert merged.dtype == data.dtype
        if mode != "avg" or len(kept) == len(boxes):
            assert (merged == data).all()


def test_negative_numbers_have_a_maximum() -> None:
    data = -np.arange(1.0, 7.0)
    patches, boxes = EMPatches().extract_patches(data, 3, stride=1)
    assert EMPatches().merge_patches(patches, boxes, "max").tolist() == data.tolist()


def test_batches_come_back_upright(rng: np.random.Generator) -> None:
    for typ, shape in (("torch", (2, 3, 9, 14)), ("tf", (2, 9, 14, 3)), ("torch", (2, 14))):
        batch = rng.normal(size=shape)
        for given_batch in (batch, torch.from_numpy(batch)):
            door = BatchPatching(4, overlap=0.25, typ=typ)
            merged = door.merge_batch(*door.patch_batch(given_batch), mode="avg")
            np.testing.assert_array_equal(merged, batch)


def test_volumes_with_channels_and_their_boxes(rng: np.random.Generator) -> None:
    volume = rng.integers(0, 99, (6, 7, 8, 2))
    patches, boxes = EMPatches().extract_patches(volume, 3, stride=2, vox=True)
    assert (EMPatches().merge_patches(patches, boxes) == volume).all()
    for one, other in zip(patch_via_indices(volume, boxes), patches, strict=True):
        assert (one == other).all()


def test_wrong_arguments_are_errors() -> None:
    with pytest.raises(UsageError, match="mode has to be"):
        EMPatches().merge_patches([np.zeros(2)], [(0, 2)], "mean")
    with pytest.raises(UsageError, match="a box for each patch"):
        EMPatches().merge_patches([np.zeros(2)], [(0, 2), (2, 4)])
    with pytest.raises(UsageError, match="overlap: expected 0 <= overlap < 1"):
        EMPatches().extract_patches(np.zeros(9), 3, overlap=1.0)
    with pytest.raises(UsageError, match="at least 1"):
        EMPatches().extract_patches(np.zeros(9), 3, stride=0)
    with pytest.raises(UsageError, match="expected 1 to 3 axes"):
        EMPatches().extract_patches(np.zeros((2, 2, 2, 2)), 2)
    with pytest.raises(UsageError, match="typ: expected"):
        BatchPatching(2, typ="jax").patch_batch(np.zeros((2, 2)))
