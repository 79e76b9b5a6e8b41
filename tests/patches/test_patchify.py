"""patches.patchify: as the original where it is right, right where it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorium.core.errors import UsageError
from sensorium.patches.patchify import patchify, unpatchify


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_as_the_original_where_patches_reach_the_end(data: Any) -> None:
    original = pytest.importorskip("patchify", reason="pip install --no-deps patchify")
    num = data.draw(st.sampled_from([2, 3]))
    patch = [data.draw(st.integers(1, 6)) for _ in range(num)]
    step = data.draw(st.integers(1, min(patch)))
    size = [p + step * data.draw(st.integers(0, 4)) for p in patch]
    image = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, 99, size)
    patches = patchify(image, tuple(patch), step)
    np.testing.assert_array_equal(patches, original.patchify(image, tuple(patch), step))
    changed = np.roll(patches.copy(), 7)  # so that every patch says something else in an overlap
    np.testing.assert_array_equal(
        unpatchify(changed, tuple(size)), original.unpatchify(changed, tuple(size))
    )


@pytest.mark.parametrize("step", [8, 16, 24, 31, 32, 40])
def test_the_kept_region_comes_back_for_every_size(step: int, rng: np.random.Generator) -> None:
    for height in range(64, 200, 7):
        image = rng.integers(0, 256, (height, 64), dtype=np.uint8)
        patches = patchify(image, (32, 32), step)
        merged = unpatchify(patches, image.shape)
        covered = np.zeros(image.shape, bool)
        for i, j in np.ndindex(*patches.shape[:2]):
            covered[i * step : i * step + 32, j * step : j * step + 32] = True
        np.testing.assert_array_equal(merged, np.where(covered, image, 0))
        again = unpatchify(np.ascontiguousarray(patches), image.shape, step=step)
        np.testing.assert_array_equal(again, merged)


def test_where_the_original_never_returns_there_is_an_answer() -> None:
    image = np.zeros((65, 64))
    assert unpatchify(patchify(image, (32, 32), 32), (65, 64)).shape == (65, 64)
    with pytest.raises(
        UsageError, match="along axis 0, 2 patches of 32 do not tell the step in 65"
    ):
        unpatchify(patchify(image, (32, 32), 32).copy(), (65, 64))


def test_any_number_of_axes(rng: np.random.Generator) -> None:
    for shape in ((9,), (5, 6, 7, 8)):
        image = rng.normal(size=shape)
        patches = patchify(image, 3, 1)
        np.testing.assert_array_equal(unpatchify(patches, shape), image)


def test_the_view_may_be_written_through() -> None:
    image = np.zeros((4, 4))
    patchify(image, (2, 2), 2)[1, 1] = 5
    assert image.sum() == 20


def test_wrong_arguments_are_errors() -> None:
    with pytest.raises(UsageError, match="stride: expected at least 1"):
        patchify(np.zeros((4, 4)), (2, 2), 0)
    with pytest.raises(UsageError, match="5 is larger than axis 0 of 4"):
        patchify(np.zeros((4, 4)), (5, 2), 1)
    with pytest.raises(UsageError, match="has patches of 4"):
        unpatchify(np.zeros((2, 2, 2)), (4, 4))
    with pytest.raises(TypeError, match="expected a numpy array"):
        patchify([1, 2], 1)  # type: ignore[arg-type]
