"""ActiveSpeaker: whether a face speaks what is heard."""

from __future__ import annotations

import numpy as np
import pytest

from contracts.model import ModelContract, noise, silence
from sensorium.core.errors import UsageError


def faces(num: int) -> np.ndarray:
    """Gray crops that grow brighter."""
    light = np.linspace(0, 250, num).astype(np.uint8)
    return np.broadcast_to(light[:, None, None], (num, 112, 112)).copy()


class ActiveSpeakerContract(ModelContract):
    """Of every ActiveSpeaker."""

    def ask(self, model):
        return model.speaks(faces(5), noise(0.2))

    @pytest.mark.parametrize("num", [1, 5, 50])
    def test_one_probability_per_picture(self, model, num):
        found = model.speaks(faces(num), noise(num / 25))
        assert (found.dtype, found.shape) == (np.float32, (num,))
        assert ((found >= 0) & (found <= 1)).all()

    @pytest.mark.parametrize("seconds", [0.0, 0.1, 1.0])
    def test_sound_of_another_length_is_cut_or_filled_up(self, model, seconds):
        assert model.speaks(faces(10), noise(seconds)).shape == (10,)
        assert model.speaks(faces(10), silence(seconds)).shape == (10,)

    def test_the_same_gives_the_same(self, model):
        np.testing.assert_array_equal(self.ask(model), self.ask(model))

    def test_no_faces_are_no_probabilities(self, model):
        found = model.speaks(faces(0), silence(0.0))
        assert (found.dtype, found.shape) == (np.float32, (0,))

    def test_another_rate_is_refused(self, model):
        with pytest.raises(UsageError, match="16000"):
            model.speaks(faces(5), noise(0.2, rate=8000))
