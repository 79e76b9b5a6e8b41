"""SoundEncoder: an audio encoder's rows, window by window."""

from __future__ import annotations

import numpy as np
import pytest

from contracts.model import ModelContract, assert_same, noise, silence
from sensorium.core.errors import UsageError


class SoundEncoderContract(ModelContract):
    """Of every SoundEncoder."""

    def ask(self, model):
        return model.encode([noise(0.5)])

    def timed(self, outputs):
        """(output, its time axis) of those that have one."""
        pairs = [(each, axis) for each in outputs for axis in each.axes if axis.name == "time"]
        assert pairs
        return pairs

    def test_outputs_are_named_and_lie_where_the_window_does(self, model):
        window = noise(min(1.5, model.window), start=6.0)
        (outputs,) = model.encode([window])
        names = [each.name for each in outputs]
        assert len(set(names)) == len(names)
        assert all(each.model == model.provenance.model for each in outputs)
        assert all(np.isfinite(each.values.astype(np.float32)).all() for each in outputs)
        for _, axis in self.timed(outputs):
            assert axis.unit == "s"
            assert axis.start == 6.0

    def test_what_covers_real_sound_is_counted(self, model):
        """A window of k steps has k real rows, not k + 1 by rounding."""
        whole = self.timed(model.encode([silence(model.window)])[0])
        for each, axis in whole:
            assert each.num_valid == each.values.shape[each.axes.index(axis)]
        step = whole[0][1].step
        for num in (0, 7, 13):
            (outputs,) = model.encode([silence(min(num * step, model.window))])
            for each, its in self.timed(outputs):
                size = each.values.shape[each.axes.index(its)]
                assert each.num_valid == min(num, size), (each.name, num)

    def test_a_batch_is_its_windows_in_order(self, model):
        windows = [noise(s, start=s, seed=i) for i, s in enumerate((0.5, 0.1))]
        for window, outputs in zip(windows, model.encode(windows), strict=True):
            (alone,) = model.encode([window])
            for one, other in zip(outputs, alone, strict=True):
                assert_same(one, other, self.tolerance)

    def test_the_same_window_gives_the_same(self, model):
        for one, other in zip(self.ask(model)[0], self.ask(model)[0], strict=True):
            assert_same(one, other)

    def test_no_windows_are_no_features(self, model):
        assert model.encode([]) == []

    def test_another_rate_and_a_longer_window_are_refused(self, model):
        for window in (noise(1.0, rate=8000), silence(model.window + 0.1)):
            with pytest.raises(UsageError, match="expected at most"):
                model.encode([window])
