"""Segmenter: activity of local speakers, window by window."""

from __future__ import annotations

import numpy as np
import pytest

from contracts.model import ModelContract, assert_same, noise, silence
from sensorium.core.errors import UsageError


class SegmenterContract(ModelContract):
    """Of every Segmenter."""

    def ask(self, model):
        return model.segment([noise(model.window)])

    def test_rows_lie_in_their_window(self, model):
        sound = noise(model.window, start=4.0)
        (told,) = model.segment([sound])
        (axis,) = told.axes
        assert (axis.name, axis.unit) == ("time", "s")
        assert told.values.dtype == np.float32
        assert told.values.min() >= -1e-6
        assert told.values.max() <= 1 + 1e-6
        middles = axis.start + axis.step * (np.arange(len(told.values)) + 0.5)
        assert middles[0] >= 4.0
        assert middles[-1] <= sound.end
        seconds = len(told.values) * axis.step  # but for the field of view at both ends
        assert seconds == pytest.approx(model.window, abs=4 * axis.step)

    def test_a_batch_is_its_windows_in_order(self, model):
        windows = [noise(model.window, start=2.5 * i, seed=i) for i in range(3)]
        windows.insert(1, silence(model.window, start=99.0))
        together = model.segment(windows)
        assert len(together) == 4
        for window, told in zip(windows, together, strict=True):
            assert_same(told, model.segment([window])[0], self.tolerance)

    def test_the_same_window_gives_the_same(self, model):
        assert_same(self.ask(model)[0], self.ask(model)[0])

    def test_in_silence_nobody_is_active(self, model):
        (told,) = model.segment([silence(model.window)])
        assert (told.values < 0.5).all()

    def test_no_windows_are_no_features(self, model):
        assert model.segment([]) == []

    def test_another_rate_is_refused(self, model):
        with pytest.raises(UsageError, match="16000"):
            model.segment([noise(model.window, rate=8000)])
