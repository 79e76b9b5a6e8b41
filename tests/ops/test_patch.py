"""Split and merge: exact, whatever the shape; the kernels against plain numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from patch_cases import cases, close, covered, numbers, same

from sensorium.core.errors import UsageError
from sensorium.core.patch.grid import PatchGrid
from sensorium.ops.patch import fast, merging, numpy_patches
from sensorium.ops.patch.blend import BLENDS, WINDOWED, norm, owners, window

Case = tuple[NDArray, PatchGrid, Any]
FEW = ("u1", "i2", "f4", "i8", "?")  # each dtype that a kernel meets costs seconds of compiling


@pytest.fixture
def _kernels_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small arrays go through the kernels and through several threads as well."""
    monkeypatch.setattr(fast, "SMALL", 0)
    monkeypatch.setattr(fast, "SHARE", 1 << 10)


kernels_for_all = pytest.mark.usefixtures("_kernels_for_all")
quick = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _split(case: Case) -> NDArray:
    array, grid, fill = case
    values = np.empty(numpy_patches.values_shape(grid, array.shape), array.dtype)
    numpy_patches.copy_into(values, array, grid, fill)
    return values


@quick
@given(cases())
def test_patches_are_the_samples_in_their_boxes(case: Case) -> None:
    array, grid, fill = case
    values, place = _split(case), numpy_patches.layout(grid)
    flat = numpy_patches.flat(values, grid)
    mode = {"reflect": {"mode": "reflect"}, "edge": {"mode": "edge"}}.get(fill) or {
        "mode": "constant", "constant_values": fill
    }  # fmt: skip
    widths = [(0, 0)] * array.ndim
    for position, size, length in zip(place.cut, grid.size, grid.padded, strict=True):
        widths[position] = (0, length - size)
    whole = np.pad(array, widths, **mode)
    for number, box in enumerate(grid.boxes.tolist()):
        part: list[slice] = [slice(None)] * array.ndim
        for position, (start, stop) in zip(place.cut, box, strict=True):
            part[position] = slice(start, stop)
        assert same(np.take(flat, number, axis=place.num_batch), whole[tuple(part)])
    assert same(numpy_patches.unflat(flat, grid), values)
    if grid.is_regular:
        seen = numpy_patches.view(numpy_patches.padded(array, grid, fill), grid)
        assert same(seen, values)
        assert not seen.flags.writeable


@quick
@given(cases(), st.sampled_from(BLENDS))
def test_untouched_patches_give_the_array(case: Case, blend: str) -> None:
    array, grid, _ = case
    out = np.empty(array.shape, array.dtype)
    merging.merge_into(out, _split(case), grid, blend)
    merging.fill_uncovered(out, grid, 1)
    mask = covered(array, grid)
    assert same(out[mask], array[mask])
    assert (out[~mask] == 1).all()


@kernels_for_all
@quick
@given(cases(FEW), st.sampled_from(BLENDS))
def test_kernels_give_what_numpy_gives(case: Case, blend: str) -> None:
    array, grid, fill = case
    values = _split(case)
    cut = np.empty_like(values, order="C")
    fast.copy_into(cut, array, grid, fill)
    assert same(cut, values)
    mask = covered(array, grid)
    for given_values in (values, values[::-1], np.roll(values, 1, axis=-1)):
        out, plain = np.empty(array.shape, array.dtype), np.empty(array.shape, array.dtype)
        fast.merge_into(out, given_values, grid, blend)
        merging.merge_into(plain, given_values, grid, blend)
        assert close(out[mask], plain[mask])
        if blend not in WINDOWED and array.dtype.kind != "f":
            assert same(out[mask], plain[mask])
    fast.merge_into(out, values, grid, blend)
    assert same(out[mask], array[mask])


@pytest.mark.parametrize("blend", BLENDS)
@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "u8", "f2", "f8"])
@kernels_for_all
def test_every_dtype_through_the_kernels(blend: str, dtype: str, rng: np.random.Generator) -> None:
    array = numbers(rng, [33, 21, 3], np.dtype(dtype))
    grid = PatchGrid.fit((33, 21), (8, 5), (3, 4), axes="h w c")
    out = np.empty_like(array)
    values = np.empty(numpy_patches.values_shape(grid, array.shape), array.dtype)
    fast.copy_into(values, array, grid)
    fast.merge_into(out, values, grid, blend)
    assert same(out, array)


def _by_hand(values: NDArray, grid: PatchGrid) -> list[list[float]]:
    """For each sample of a 1-D grid the values of the patches that cover it."""
    found: list[list[float]] = [[] for _ in range(grid.size[0])]
    for start, patch in zip(grid.starts[0].tolist(), values.tolist(), strict=True):
        for k, value in enumerate(patch):
            if start + k < grid.size[0]:
                found[start + k].append(value)
    return found


@pytest.mark.parametrize(
    ("blend", "rule"),
    [
        ("mean", np.mean), ("median", np.median), ("max", max), ("min", min),
        ("first", lambda v: v[0]), ("last", lambda v: v[-1]),
    ],
)  # fmt: skip
def test_an_overlap_gets_what_the_blend_says(
    blend: str, rule: Any, rng: np.random.Generator
) -> None:
    grid = PatchGrid.fit(23, 7, 2)
    values = rng.integers(-100, 100, (*grid.shape, 7))
    expected = [rule(found) for found in _by_hand(values, grid)]
    out = np.empty(23, np.float64)
    merging.merge_into(out, values.astype(np.float64), grid, blend)
    np.testing.assert_allclose(out, expected)
    whole = np.empty(23, np.int64)
    merging.merge_into(whole, values, grid, blend)
    assert whole.tolist() == np.rint(expected).astype(int).tolist()


def test_means_of_large_integers_are_exact() -> None:
    top = np.iinfo(np.int64).max
    grid = PatchGrid.fit(4, 2, 1)
    values = np.array([[5, top], [top - 2, -top - 1], [top, 0]])
    out = np.empty(4, np.int64)
    merging.merge_into(out, values, grid, "mean")
    assert out.tolist() == [5, top - 1, 0, 0]  # (top + top - 2) / 2, then -0.5 to even


def test_windows_keep_the_border() -> None:
    for blend in WINDOWED:
        assert (window(blend, 9) > 0).all()
        assert norm(blend, np.array([0, 4]), 9, 13).min() > 0


def test_crop_cuts_overlaps_in_their_middle() -> None:
    assert owners("crop", np.array([0, 4]), 8, 12).tolist() == [0] * 6 + [1] * 6


@pytest.mark.parametrize(
    ("shape", "dtype", "blend", "message"),
    [
        ((3, 3, 5), "u1", "mean", "patches do not belong to the grid"),
        ((3, 2, 4, 4), "u1", "mean", "patches do not belong to the grid"),
        ((2, 3, 4, 4, 3), "u1", "mean", "name further axes"),
        ((2, 3, 4, 4), "c8", "mean", "crop, first and last take any numbers"),
        ((2, 3, 4, 4), "O", "first", "expected numbers or bool, got object"),
        ((2, 3, 4, 4), "M8[s]", "first", "expected numbers or bool"),
    ],
)
def test_what_does_not_belong_is_refused(
    shape: tuple, dtype: str, blend: str, message: str
) -> None:
    grid = PatchGrid.fit((8, 12), 4)

    def check() -> None:
        values = merging.check_values(np.zeros(shape, dtype), grid)
        merging.check_dtype(values.dtype, blend)

    with pytest.raises(UsageError, match=message):
        check()


def test_without_numba_numpy_does_it_all(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    monkeypatch.setattr(fast, "kernels", lambda: None)
    array = rng.integers(0, 256, (300, 280, 3), dtype=np.uint8)
    grid = PatchGrid.fit((300, 280), 64, 32, axes="h w c")
    values = np.empty(numpy_patches.values_shape(grid, array.shape), np.uint8)
    fast.copy_into(values, array, grid)
    out = np.empty_like(array)
    fast.merge_into(out, values, grid, "hann")
    assert same(out, array)
