"""SpeakerEncoder: a voice as one embedding of unit norm."""

from __future__ import annotations

import numpy as np
import pytest

from contracts.model import ModelContract, assert_same, noise, silence
from sensorium.core.errors import UsageError


class SpeakerEncoderContract(ModelContract):
    """Of every SpeakerEncoder."""

    def ask(self, model):
        return model.encode([noise(0.5)])

    def test_embeddings_have_unit_norm_and_no_axes(self, model):
        found = model.encode([noise(0.5), noise(2.0, seed=1), silence(1.0)])
        for each in found:
            assert each.axes == ()
            assert each.values.shape == found[0].values.shape
            assert each.values.dtype == np.float32
            assert np.linalg.norm(each.values) == pytest.approx(1, abs=1e-5)
            assert each.model == model.provenance.model

    def test_a_batch_is_its_clips_in_order(self, model):
        """Whatever their lengths."""
        clips = [noise(0.5 + 0.3 * (i % 3), seed=i) for i in range(7)]
        for clip, told in zip(clips, model.encode(clips), strict=True):
            assert_same(told, model.encode([clip])[0], self.tolerance)

    def test_the_same_clip_gives_the_same(self, model):
        assert_same(self.ask(model)[0], self.ask(model)[0])

    def test_no_clips_are_no_embeddings(self, model):
        assert model.encode([]) == []

    def test_another_rate_and_less_than_half_a_second_are_refused(self, model):
        for clip in (noise(1.0, rate=8000), noise(0.49), silence(0.0)):
            with pytest.raises(UsageError, match="expected"):
                model.encode([noise(1.0), clip])
