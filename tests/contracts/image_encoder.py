"""ImageEncoder: a picture's tokens, each with its place."""

from __future__ import annotations

import numpy as np
import pytest

from contracts.model import ModelContract, assert_same
from sensorium.core.media import Frames


def pictures(num: int, height: int = 90, width: int = 140, seed: int = 0) -> Frames:
    """Pictures of noise, half a second apart."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (num, height, width, 3), dtype=np.uint8)
    return Frames(pixels, 0.5 * np.arange(num))


class ImageEncoderContract(ModelContract):
    """Of every ImageEncoder."""

    tolerance = 4e-3  # float16
    outputs: tuple[str, ...] = ("patches", "class")
    padded = False  # whether the patches may reach beyond the picture

    def ask(self, model):
        return model.encode(pictures(1))

    @pytest.mark.parametrize("size", [(90, 140), (61, 47), (1, 1)])
    def test_patches_cover_the_picture_and_the_rest_has_no_axes(self, model, size):
        (outputs,) = model.encode(pictures(1, *size))
        assert tuple(each.name for each in outputs) == self.outputs
        assert all(each.model == model.provenance.model for each in outputs)
        assert all(np.isfinite(each.values.astype(np.float32)).all() for each in outputs)
        patches, *alone = outputs
        assert [axis.name for axis in patches.axes] == ["height", "width"]
        assert all(each.axes == () for each in alone)
        for axis, num, pixels in zip(patches.axes, patches.values.shape, size, strict=False):
            end = axis.span(num - 1).end
            assert (axis.unit, axis.start) == ("px", 0.0)
            assert end == pytest.approx(pixels) or (self.padded and end - axis.step < pixels < end)

    def test_a_batch_is_its_pictures_in_order(self, model):
        frames = pictures(3)
        together = model.encode(frames)
        assert len(together) == 3
        for place, outputs in enumerate(together):
            one = Frames(frames.pixels[place : place + 1], frames.times[place : place + 1])
            for told, alone in zip(outputs, model.encode(one)[0], strict=True):
                assert_same(told, alone, self.tolerance)
        assert not np.array_equal(together[0][0].values, together[1][0].values)

    def test_the_same_picture_gives_the_same(self, model):
        for one, other in zip(self.ask(model)[0], self.ask(model)[0], strict=True):
            assert_same(one, other)

    def test_no_pictures_are_no_features(self, model):
        assert model.encode(pictures(0)) == []
