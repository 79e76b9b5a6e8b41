"""Detector: boxes in pixels of the picture given."""

from __future__ import annotations

import numpy as np

from contracts.model import ModelContract
from sensorium.core.media import Frames


def frames(*pixels, first: float = 1.5) -> Frames:
    """Pictures of one size, a second apart."""
    return Frames(np.stack(pixels), first + np.arange(len(pixels)))


class DetectorContract(ModelContract):
    """Of every Detector."""

    label = "face"

    def shown(self):
        """uint8 ``(height, width, 3)``: a picture with one thing in it that this detector finds."""
        raise NotImplementedError

    def blank(self):
        """A picture of the same size without any."""
        return np.full_like(self.shown(), 128)

    def ask(self, model):
        return model.detect(frames(self.shown()))

    def test_boxes_lie_in_the_picture_and_say_what_they_are(self, model):
        pixels = self.shown()
        (found,) = model.detect(frames(pixels, first=2.25))
        assert found.label == (self.label,)
        assert found.at == 2.25
        assert (found.xyxy.dtype, found.score.dtype) == (np.float32, np.float32)
        assert (found.track == -1).all()
        assert ((found.score >= 0) & (found.score <= 1)).all()
        x0, y0, x1, y1 = found.xyxy.T
        assert ((x0 >= 0) & (x0 < x1) & (x1 <= pixels.shape[1])).all()
        assert ((y0 >= 0) & (y0 < y1) & (y1 <= pixels.shape[0])).all()

    def test_a_batch_is_its_pictures_in_order(self, model):
        shown, blank = self.shown(), self.blank()
        found = model.detect(frames(blank, shown, shown[:, ::-1], first=4.0))
        assert [each.at for each in found] == [4.0, 5.0, 6.0]
        np.testing.assert_allclose(found[1].xyxy, self.ask(model)[0].xyxy, atol=0.01)
        (alone,) = model.detect(frames(shown[:, ::-1]))
        np.testing.assert_allclose(found[2].xyxy, alone.xyxy, atol=0.01)

    def test_the_same_picture_gives_the_same(self, model):
        one, other = self.ask(model)[0], self.ask(model)[0]
        assert one.label == other.label
        np.testing.assert_array_equal(one.xyxy, other.xyxy)
        np.testing.assert_array_equal(one.score, other.score)

    def test_nothing_found_is_empty_regions(self, model):
        """With their dimensions, so that nobody need ask."""
        (found,) = model.detect(frames(self.blank()))
        assert (len(found), found.xyxy.shape, found.score.shape) == (0, (0, 4), (0,))

    def test_no_pictures_are_no_regions(self, model):
        assert model.detect(Frames(np.zeros((0, 90, 90, 3), np.uint8), np.zeros(0))) == []
