"""SpeechDetector: rows as soon as they are known, however the sound is cut."""

from __future__ import annotations

import numpy as np
import pytest

from contracts.model import ModelContract, noise, silence
from sensorium.core.errors import UsageError
from sensorium.core.media import Audio


def pieces(sound, *sizes):
    """The sound cut at so many samples, again and again."""
    first, place = 0, 0
    while first < sound.samples.shape[1]:
        part = sound.samples[:, first : first + sizes[place % len(sizes)]]
        yield Audio(part, sound.sample_rate, sound.start + first / sound.sample_rate)
        first, place = first + sizes[place % len(sizes)], place + 1


class SpeechDetectorContract(ModelContract):
    """Of every SpeechDetector."""

    def ask(self, model):
        return list(model.probabilities([noise(0.1)]))

    def rows(self, model, chunks):
        """All values, checked to be rows that join."""
        found = list(model.probabilities(chunks))
        due = None
        for each in found:
            (axis,) = each.axes
            assert (axis.name, axis.unit, axis.width) == ("time", "s", axis.step)
            assert each.values.dtype == np.float32
            assert each.values.shape[1] == 1
            assert due is None or axis.start == pytest.approx(due, abs=1e-6)
            due = axis.start + len(each.values) * axis.step
        return found, np.concatenate([each.values[:, 0] for each in found])

    def test_rows_cover_the_input_without_gap(self, model):
        sound = noise(1.37, start=5.0)
        found, values = self.rows(model, pieces(sound, 3000, 17, 8000))
        first, last = found[0].axes[0], found[-1].axes[0]
        assert first.start == 5.0
        end = last.span(len(found[-1].values) - 1).end
        assert sound.end <= end < sound.end + last.step
        assert ((values >= 0) & (values <= 1)).all()

    def test_how_the_sound_is_cut_makes_no_difference(self, model):
        sound = noise(1.0)
        _, whole = self.rows(model, [sound])
        for sizes in ((512,), (160,), (4000, 1, 700)):
            _, cut = self.rows(model, pieces(sound, *sizes))
            np.testing.assert_allclose(cut, whole, atol=1e-6)

    def test_each_call_begins_anew(self, model):
        sound = [noise(0.5)]
        _, once = self.rows(model, sound)
        list(model.probabilities([silence(1.0)]))
        _, again = self.rows(model, sound)
        np.testing.assert_array_equal(once, again)

    def test_rows_come_out_as_soon_as_they_are_known(self, model):
        """A microphone never ends: no row may wait for the end of the input."""

        def endless():
            for number in range(100):
                given.append(number)
                yield noise(0.1, start=0.1 * number)

        given: list[int] = []
        next(model.probabilities(endless()))
        assert len(given) == 1

    def test_silence_is_no_speech_and_nothing_is_no_row(self, model):
        _, values = self.rows(model, [silence(1.0)])
        assert (values < 0.5).all()
        assert list(model.probabilities([])) == []
        assert list(model.probabilities([silence(0.0)])) == []

    def test_another_rate_is_refused(self, model):
        with pytest.raises(UsageError, match="16000"):
            list(model.probabilities([noise(0.5, rate=8000)]))
