"""Streaming: the same rows in any order, and no more memory than the overlap needs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from patch_cases import cases, close, same

from sensorium.core.errors import UsageError
from sensorium.core.patch.grid import PatchGrid
from sensorium.ops.patch import merging, numpy_patches
from sensorium.ops.patch.bands import Merger, Rows, bands
from sensorium.ops.patch.blend import BLENDS


def _placed(rows: list[Rows], like: Any, grid: PatchGrid) -> Any:
    out, position = np.zeros_like(like), numpy_patches.layout(grid).cut[0]
    seen = np.zeros(grid.size[0], int)
    for start, values in rows:
        part = slice(start, start + values.shape[position])
        seen[part] += 1
        out[(slice(None),) * position + (part,)] = values
    assert (seen == 1).all()  # no row is lost, none comes twice
    return out


@settings(max_examples=80, deadline=None)
@given(cases(), st.sampled_from(BLENDS), st.randoms(use_true_random=False))
def test_any_order_of_patches_gives_what_merge_gives(case: Any, blend: Any, random: Any) -> None:
    array, grid, fill = case
    if not grid.num_patches:
        return
    values = np.empty(numpy_patches.values_shape(grid, array.shape), array.dtype)
    numpy_patches.copy_into(values, array, grid, fill)
    values = np.roll(values, 3)
    whole = np.empty(array.shape, array.dtype)
    merging.merge_into(whole, values, grid, blend)
    merging.fill_uncovered(whole, grid, 1)
    flat, order = numpy_patches.flat(values, grid), list(range(grid.num_patches))
    random.shuffle(order)
    merger = Merger(grid, blend, fill=1)
    num_batch = numpy_patches.layout(grid).num_batch
    rows = [r for i in order for r in merger.add(i, np.take(flat, i, axis=num_batch))]
    assert close(_placed(rows + merger.finish(), array, grid), whole)


@settings(max_examples=80, deadline=None)
@given(cases())
def test_bands_are_the_rows_of_the_grid(case: Any) -> None:
    array, grid, fill = case
    values = np.empty(numpy_patches.values_shape(grid, array.shape), array.dtype)
    numpy_patches.copy_into(values, array, grid, fill)
    found = [band for _, band in bands(array, grid, fill)]
    assert len(found) == grid.shape[0]
    for row, band in enumerate(found):
        assert same(band, np.take(values, row, axis=numpy_patches.layout(grid).num_batch))


def test_only_the_overlapping_rows_are_kept(rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (640, 20), dtype=np.uint8)
    grid = PatchGrid.fit(image.shape, 16, 8)
    merger, rows, kept = Merger(grid, "hann"), [], 0
    for row, band in bands(image, grid, 0):
        rows += merger.add_band(row, band)
        kept = max(kept, len(merger._waiting))
    assert kept <= 2
    assert same(_placed(rows + merger.finish(), image, grid), image)


def test_bands_read_no_more_than_they_need() -> None:
    class Disk:
        shape, dtype = (1000, 4), np.dtype("u1")
        most = 0

        def __getitem__(self, part: Any) -> Any:
            rows = part[0] if isinstance(part, tuple) else part
            self.most = max(self.most, rows.stop - rows.start)
            return np.zeros((rows.stop - rows.start, 4), np.uint8)

    disk = Disk()
    assert len(list(bands(disk, PatchGrid.fit((1000, 4), 16, 12), 0))) == 83
    assert disk.most == 16


def test_what_comes_twice_or_never_is_told() -> None:
    grid = PatchGrid.fit((4, 4), 2)
    merger = Merger(grid)
    merger.add(0, np.zeros((2, 2)))
    with pytest.raises(UsageError, match="patch 0 came twice"):
        merger.add(0, np.zeros((2, 2)))
    with pytest.raises(UsageError, match="expected float64"):
        merger.add(1, np.zeros((2, 2), np.uint8))
    with pytest.raises(UsageError, match="expected one patch of"):
        merger.add(1, np.zeros((2, 3)))
    with pytest.raises(UsageError, match=r"0\.\.3, got 4"):
        merger.add(4, np.zeros((2, 2)))
    with pytest.raises(UsageError, match="3 patches are missing"):
        merger.finish()
    with pytest.raises(UsageError, match="came before"):
        merger.add_band(0, np.zeros((2, 2, 2)))
