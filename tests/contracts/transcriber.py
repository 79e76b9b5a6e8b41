"""Transcriber: words with times of the source."""

from __future__ import annotations

from itertools import pairwise

import pytest

from contracts.model import ModelContract, noise, silence
from sensorium.core.errors import UsageError


class TranscriberContract(ModelContract):
    """Of every Transcriber."""

    hears_nothing_in_silence = True  # random weights hear what they like
    finds_words = True  # in `spoken`

    def ask(self, model):
        return model.transcribe(noise(0.5))

    def spoken(self, start=0.0):
        """Some seconds of sound with words for this transcriber."""
        return noise(2.0, start)

    def test_words_lie_inside_the_sound_in_order(self, model):
        sound = self.spoken(start=7.0)
        told = model.transcribe(sound)
        assert bool(told.words) or not self.finds_words
        assert 0 <= told.stable <= len(told.words)
        assert told.language
        for word in told.words:
            assert 7.0 <= word.span.start <= word.span.end <= sound.end + 1e-6
            assert word.text
            assert word.text == word.text.strip()
            assert word.score is None or 0 <= word.score <= 1
        assert all(a.span.start <= b.span.start for a, b in pairwise(told.words))

    def test_times_are_those_of_the_source(self, model):
        """The same sound an hour later says the same an hour later."""
        first = model.transcribe(self.spoken())
        later = model.transcribe(self.spoken(start=3600.0))
        assert [w.text for w in later.words] == [w.text for w in first.words]
        for one, other in zip(first.words, later.words, strict=True):
            assert other.span.start - 3600 == pytest.approx(one.span.start, abs=1e-6)
            assert other.span.end - 3600 == pytest.approx(one.span.end, abs=1e-6)

    def test_the_same_sound_gives_the_same_words(self, model):
        assert model.transcribe(self.spoken()) == model.transcribe(self.spoken())

    def test_a_prompt_changes_no_promise(self, model):
        sound = self.spoken(start=2.0)
        told = model.transcribe(sound, "and so my fellow Americans")
        assert all(2.0 <= w.span.start <= w.span.end <= sound.end + 1e-6 for w in told.words)

    def test_no_sound_has_no_words_and_silence_none_that_lie_outside(self, model):
        assert model.transcribe(silence(0.0, start=3.0)).words == ()
        words = model.transcribe(silence(2.0, start=3.0)).words
        assert all(3.0 <= w.span.start <= w.span.end <= 5.0 + 1e-6 for w in words)
        assert not words or not self.hears_nothing_in_silence

    def test_another_rate_and_more_than_30_s_are_refused(self, model):
        with pytest.raises(UsageError, match="16000"):
            model.transcribe(noise(1.0, rate=8000))
        with pytest.raises(UsageError, match="at most 30 s"):
            model.transcribe(silence(30.1))
