"""FaceEncoder: a face as one embedding."""

from __future__ import annotations

import numpy as np
import pytest

from contracts.detector import frames
from contracts.model import ModelContract
from sensorium.core.vision import Regions
from sensorium.testing.made_media import drawn_face


def boxes(*corners, at: float = 0.0) -> Regions:
    """Faces at these places."""
    num = len(corners)
    xyxy = np.array(corners, np.float32).reshape(num, 4)
    return Regions(xyxy, np.ones(num, np.float32), ("face",) * num, np.full(num, -1), at)


FACE, HAIR = (35.0, 25.0, 170.0, 175.0), (40.0, 10.0, 120.0, 90.0)


class FaceEncoderContract(ModelContract):
    """Of every FaceEncoder."""

    def ask(self, model):
        return model.encode(frames(drawn_face(200)), [boxes(FACE)])

    def test_one_row_per_region_and_as_many_columns_everywhere(self, model):
        """A picture without faces has no rows, but its columns."""
        pixels = drawn_face(200)
        found = model.encode(
            frames(pixels, pixels, pixels), [boxes(FACE, HAIR), boxes(), boxes(FACE)]
        )
        (dim,) = {each.shape[1] for each in found}
        assert [each.shape for each in found] == [(2, dim), (0, dim), (1, dim)]
        assert all(each.dtype == np.float32 for each in found)
        assert all(np.isfinite(each).all() for each in found)
        np.testing.assert_allclose(found[2][0], found[0][0], atol=self.tolerance)
        assert np.abs(found[0][0] - found[0][1]).max() > 0.01

    def test_a_box_may_reach_beyond_the_picture(self, model):
        (found,) = model.encode(frames(drawn_face(200)), [boxes((-20.0, -20.0, 220.0, 220.0))])
        assert np.isfinite(found).all()

    def test_the_same_face_gives_the_same(self, model):
        np.testing.assert_array_equal(self.ask(model)[0], self.ask(model)[0])

    def test_no_pictures_are_no_embeddings(self, model):
        assert model.encode(frames(drawn_face(20), drawn_face(20)), [boxes(), boxes()])[0].size == 0

    def test_as_many_regions_as_pictures(self, model):
        with pytest.raises(ValueError, match="zip"):
            model.encode(frames(drawn_face(200)), [])
