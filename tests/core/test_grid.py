"""The grid: right numbers, right words, no silent loss."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.core.errors import UsageError
from sensorium.core.patch.grid import PatchGrid

lengths = st.integers(1, 40)


@given(lengths, lengths, lengths, st.sampled_from(["pad", "shift", "drop", "ragged"]))
def test_every_patch_is_where_the_edge_says(size: int, patch: int, stride: int, edge: str) -> None:
    if edge == "shift" and patch > size:
        return
    grid = PatchGrid.fit(size, patch, stride, edge)
    (starts,) = grid.starts
    covered = np.zeros(size, int)
    for (start, stop), (valid,) in zip(grid.boxes[:, 0].tolist(), grid.valid.tolist(), strict=True):
        covered[start:stop] += 1
        assert 0 < valid <= patch
        assert start + valid <= size
        assert stop - start == (valid if edge == "ragged" else patch)
    assert (covered == grid.counts()[0]).all()
    assert grid.lost == (int((covered == 0).sum()),)
    assert grid.coverage() == pytest.approx((covered > 0).mean())
    if stride <= patch and edge != "drop":
        assert grid.coverage() == 1
    assert len(set(starts.tolist())) == len(starts)
    if edge == "drop":
        assert len(starts) == len(range(0, size - patch + 1, stride))


def test_a_grid_survives_json_and_is_a_key() -> None:
    grid = PatchGrid.fit((100, 130), 32, (16, 8), "shift", "column", "b h w c")
    assert PatchGrid.from_json(grid.to_json()) == grid
    assert {grid: 1}[PatchGrid.from_json(grid.to_json())] == 1
    with pytest.raises(UsageError, match="no JSON"):
        PatchGrid.from_json("{")
    with pytest.raises(UsageError, match="expected an object"):
        PatchGrid.from_json('{"size": [3]}')


def test_column_order_numbers_the_first_axis_fastest() -> None:
    raster = PatchGrid.fit((4, 6), 2)
    column = PatchGrid.fit((4, 6), 2, order="column")
    assert raster.indices()[:3].tolist() == [[0, 0], [0, 1], [0, 2]]
    assert column.indices()[:3].tolist() == [[0, 0], [1, 0], [0, 1]]
    assert [column.position(i) for i in range(6)] == [tuple(i) for i in column.indices().tolist()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((10, 10), 0), "patch: expected at least 1 along axis 'h', got 0"),
        (((10, 10), (2, -1)), "patch: expected at least 1 along axis 'w', got -1"),
        (((10, 10), 2, 0), "stride: expected at least 1 along axis 'h', got 0"),
        (((10, 0), 2), "size: expected at least 1 along axis 'w', got 0"),
        (((10, float("nan")), 2), "size: expected whole numbers, got nan"),
        (((10, 10), 2.5), "patch: expected whole numbers, got 2.5"),
        (((10, 10), True), "patch: expected whole numbers, got True"),
        (((10, 10), "2"), "patch: expected whole numbers"),
        (((10, 10), (2, 2, 2)), "patch: expected one number or 2, got 3"),
        (((10, 10), 2, 2, "wrap"), "edge: expected one of pad, shift"),
        (((10, 10), 20, 2, "shift"), "does not fit into axis 'h' of 10"),
        (((10, 11), 2, 2, "error"), "axis 'w' of 11 is not cut evenly"),
        (((10, 10), 2, 2, "pad", "snake"), "order: expected one of raster, column"),
        (((10, 10), 2, 2, "pad", "raster", "h w w"), "expected one name per axis"),
        (((10, 10), 2, 2, "pad", "raster", "c h w c"), "every name once"),
    ],
)
def test_wrong_numbers_are_one_clear_error(arguments: tuple, message: str) -> None:
    with pytest.raises(UsageError) as told:
        PatchGrid.fit(*arguments)
    assert message in str(told.value)
