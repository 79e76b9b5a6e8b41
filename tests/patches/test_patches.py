"""The public door of patches: every kind of input, every wrong one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import sensorium.patches as sm
from sensorium.core.errors import MediaError, UsageError
from sensorium.ops.patch.blend import BLENDS


@pytest.fixture
def image(rng: np.random.Generator) -> Any:
    return rng.integers(0, 256, (101, 131, 3), dtype=np.uint8)


@pytest.mark.parametrize("edge", ["pad", "shift", "ragged"])
@pytest.mark.parametrize("blend", BLENDS)
def test_what_is_split_is_merged_exactly(image: Any, edge: Any, blend: Any) -> None:
    patches = sm.split(image, 32, (20, 9), axes="h w c", edge=edge)
    assert (sm.merge(patches, blend=blend) == image).all()
    assert (sm.merge(patches.values, patches.grid, blend) == image).all()
    assert (sm.merge(list(patches), patches.grid, blend) == image).all()
    assert len(list(patches)) == len(patches) == patches.grid.num_patches


def test_what_drop_loses_is_said(image: Any) -> None:
    patches = sm.split(image, 32, axes="h w c", edge="drop")
    assert "coverage 0.928" in repr(patches)
    merged, kept = sm.merge(patches, fill=7), patches.grid.kept
    assert (merged[kept] == image[kept]).all()
    assert (merged[kept[0].stop :] == 7).all()


def test_a_split_that_fits_copies_nothing(image: Any) -> None:
    patches = sm.split(image[:96, :128], 32, 16, axes="h w c")
    assert patches.is_view
    assert np.shares_memory(patches.values, image)
    assert not patches.values.flags.writeable
    assert patches.contiguous().flags.c_contiguous
    assert (patches.contiguous() == patches.values).all()
    out = np.empty(patches.values.shape, np.uint8)
    assert sm.split(image[:96, :128], 32, 16, "h w c", out=out).values is out
    assert (out == patches.values).all()


def test_any_number_of_axes_and_any_names(rng: np.random.Generator) -> None:
    video = rng.normal(size=(2, 5, 12, 14, 3)).astype(np.float32)
    patches = sm.split(video, {"t": 2, "h": 4, "w": 4}, {"t": 1}, axes="b t h w c")
    assert patches.values.shape == (2, 4, 3, 4, 2, 4, 4, 3)
    assert (sm.merge(patches, blend="hann") == video).all()
    frames = sm.split(video, {"h": 8, "w": 8}, axes="b t h w c")
    assert frames.values.shape == (2, 2, 2, 5, 8, 8, 3)
    channels = sm.split(video[0], {"c": 2, "h": 12}, axes="t h w c", edge="ragged")
    assert [patch.shape for patch in channels] == [(5, 12, 14, 2), (5, 12, 14, 1)]
    assert (sm.merge(channels) == video[0]).all()


def test_the_model_may_change_channels_and_dtype(image: Any) -> None:
    patches = sm.split(image, 32, 24, axes="h w c")
    scores = patches.values[..., :1].astype(np.float32) / 255
    merged = sm.merge(scores, patches.grid, "gaussian")
    assert merged.shape == (101, 131, 1)
    np.testing.assert_array_equal(merged, image[..., :1].astype(np.float32) / 255)


def test_pictures_and_paths(tmp_path: Path, image: Any) -> None:
    path = tmp_path / "picture.png"
    Image.fromarray(image).save(path)
    for given in (path, str(path), Image.open(path)):
        patches = sm.split(given, 32, 16)
        assert patches.grid.axes == ("h", "w", "c")
        assert (sm.merge(patches) == image).all()
    grey = Image.fromarray(image[..., 0])
    assert sm.split(grey, 32).grid.axes == ("h", "w")
    assert sm.split(grey.convert("P"), 32).values.shape[-1] == 3


def test_memory_maps_and_disks_stream(tmp_path: Path, image: Any) -> None:
    mapped = np.memmap(tmp_path / "in", np.uint8, "w+", shape=image.shape)
    mapped[:] = image
    out = np.memmap(tmp_path / "out", np.uint8, "w+", shape=image.shape)
    patches = sm.split(mapped, 32, 16, axes="h w c")
    assert sm.merge(patches, out=out) is out
    assert (out == image).all()

    class Disk:  # as Zarr and HDF5: shape, dtype and slices
        def __init__(self, array: Any) -> None:
            self.array, self.shape, self.dtype = array, array.shape, array.dtype
            self.most = 0

        def __getitem__(self, part: Any) -> Any:
            self.most = max(self.most, self.array[part].size)
            return self.array[part]

        def __setitem__(self, part: Any, values: Any) -> None:
            self.most = max(self.most, values.size)
            self.array[part] = values

    source, target = Disk(image), Disk(np.zeros_like(image))
    patches = sm.split(source, 32, 16, axes="h w c")
    merger = sm.Merger(patches.grid, "hann")
    rows = [part for row, band in patches.bands() for part in merger.add_band(row, band)]
    rows += merger.finish()
    assert (np.concatenate([part.values for part in rows]) == image).all()
    values = Disk(sm.split(image, 32, 16, axes="h w c").contiguous())
    sm.merge(values, patches.grid, "hann", out=target)
    assert (target.array == image).all()
    assert source.most <= 32 * 131 * 3
    assert target.most <= 32 * 131 * 3
    assert values.most == values.array[0].size


def test_packed_images_come_back(image: Any) -> None:
    others = [image, image[:20, :40], image[:16, :16]]
    packed = sm.pack(others, 16)
    assert packed.lengths.tolist() == [63, 6, 1]
    assert packed.mask().sum() == 63**2 + 6**2 + 1
    for given, found in zip(others, packed.unpack(), strict=True):
        assert (given == found).all()
    tokens, mask = packed.padded(64, fill=9)
    assert tokens.shape == (3, 64, 768)
    assert (tokens[~mask] == 9).all()
    assert (tokens[mask] == packed.tokens).all()
    assert packed.valid[-2].tolist() == [4, 8]
    assert packed.tokens[0].reshape(16, 16, 3).tolist() == image[:16, :16].tolist()
    with pytest.raises(UsageError, match="63 tokens, more than length=10"):
        packed.padded(10)
    with pytest.raises(UsageError, match="one dtype and number of channels"):
        sm.pack([image, image[..., :1]], 16)
    assert len(sm.pack([], 16)) == 0


def test_patches_show_themselves(image: Any) -> None:
    patches = sm.split(image, 32, 16, axes="h w c")
    assert sm.draw(patches).size == (131, 101)
    columns, rows = patches.grid.shape[1], patches.grid.shape[0]
    assert sm.draw(patches, sheet=True).size == (columns * 34 + 2, rows * 34 + 2)
    assert patches._repr_png_()[:4] == b"\x89PNG"
    assert sm.split(np.zeros(9), 3)._repr_png_() is None
    chw = sm.split(image.transpose(2, 0, 1) / 255, 32, axes="c h w")
    assert sm.draw(chw).size == (131, 101)
    with pytest.raises(UsageError, match="expected one picture"):
        sm.draw(sm.split(np.zeros(9), 3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"patch": 2}, r"name the axes of an array of shape \(8, 8, 3\)"),
        ({"patch": 2, "axes": "h w"}, "names 2 axes"),
        ({"patch": 2, "axes": "b c n"}, "no axis to be cut"),
        ({"patch": (2, 2, 2), "axes": "h w c"}, "expected one number or 2, got 3"),
        ({"patch": {"d": 2}, "axes": "h w c"}, "expected some of the axes h w c"),
        ({"patch": 0, "axes": "h w c"}, "at least 1 along axis 'h', got 0"),
        ({"patch": 2, "stride": 0, "axes": "h w c"}, "stride: expected at least 1 along axis 'h'"),
        ({"patch": float("nan"), "axes": "h w c"}, "expected whole numbers, got nan"),
        ({"patch": 2, "axes": "h w c", "fill": "wrap"}, "fill: expected a number"),
        ({"patch": 9, "axes": "h w c", "edge": "shift"}, "does not fit into axis 'h' of 8"),
        ({"patch": sm.PatchGrid.fit((8, 8), 2)}, r"expected 2 axes \(h w\)"),
        ({"patch": sm.PatchGrid.fit((8, 9), 2, axes="h w c")}, "expects 9 along axis 'w', got 8"),
        ({"patch": 2, "axes": "h w c", "out": np.zeros(3)}, "out: expected uint8"),
    ],
)
def test_wrong_arguments_are_one_clear_error(arguments: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        sm.split(np.zeros((8, 8, 3), np.uint8), **arguments)


def test_wrong_inputs_are_one_clear_error(tmp_path: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("no picture")
    with pytest.raises(MediaError, match=r"text\.png: expected a picture"):
        sm.split(text, 2)
    with pytest.raises(MediaError, match=r"none\.png: expected a picture; No such file"):
        sm.split(tmp_path / "none.png", 2)
    with pytest.raises(UsageError, match="got object"):
        sm.split(np.zeros((4, 4), object), 2)
    with pytest.raises(UsageError, match="got list"):
        sm.split([1, 2], 2)
    patches = sm.split(np.zeros((4, 4)), 2)
    with pytest.raises(UsageError, match="expected 4, got 3"):
        sm.merge(list(patches)[:3], patches.grid)
    with pytest.raises(UsageError, match="blend: expected one of crop"):
        sm.merge(patches, blend="average")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="expected the grid"):
        sm.merge(patches.values)
