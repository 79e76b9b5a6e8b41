"""Listening with fakes: nothing lost, nothing twice, however the sound arrives."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorium.adapters.media.arriving import rechunked
from sensorium.core.errors import ModelError, UsageError
from sensorium.core.media import Audio
from sensorium.core.speech import Transcript, Word
from sensorium.core.time import Span
from sensorium.ops.speech.agree import agreed, continued, plausible
from sensorium.pipelines.live.listener import Listener
from sensorium.pipelines.live.live_turns import LiveTurns, LiveTurnsOptions
from sensorium.pipelines.live.live_words import LiveWords, LiveWordsOptions
from sensorium.testing.fake_hearing import (
    RATE,
    FakeDetector,
    FakeSegmenter,
    FakeTranscriber,
    FakeVoices,
    script,
    text,
)


def chunks(sound, sizes):
    """The sound cut at the given sizes in seconds, again and again."""
    first, place = 0, 0
    while first < sound.samples.shape[1]:
        size = max(round(sizes[place % len(sizes)] * RATE), 1)
        yield Audio(sound.samples[:, first : first + size], RATE, first / RATE)
        first, place = first + size, place + 1


def spoken(num, rng):
    """Times of `num` words with pauses now and then."""
    at, words = 0.5, []
    for _ in range(num):
        at += rng.choice([0.05, 0.1, 1.2], p=[0.5, 0.4, 0.1])
        length = rng.uniform(0.15, 0.5)
        words.append((at, at + length))
        at += length
    return words, at + 1.0


def run(stage, sound, sizes):
    found = [each for chunk in chunks(sound, sizes) for each in stage.step(chunk)]
    return found + stage.finish()


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.lists(st.floats(0.02, 5.0), min_size=1, max_size=6),
)
def test_no_word_is_lost_or_told_twice(seed, sizes):
    words, seconds = spoken(60, np.random.default_rng(seed))
    transcriber = FakeTranscriber()
    stage = LiveWords(FakeDetector(), transcriber)
    found = run(stage, script(words, seconds), sizes)
    assert [word.text for word in found] == [text(i) for i in range(1, 61)]
    assert transcriber.longest <= 28.0


@pytest.mark.parametrize("size", [0.5, 5.0, 10.0, 40.0, 82.0])
def test_nothing_is_lost_of_long_speech_without_a_pause(size):
    """Also where more arrives at once than a recogniser takes."""
    words = [(0.5 + 0.4 * i, 0.85 + 0.4 * i) for i in range(200)]
    transcriber = FakeTranscriber()
    found = run(LiveWords(FakeDetector(), transcriber), script(words, 82.0), [size])
    assert [word.text for word in found] == [text(i) for i in range(1, 201)]
    assert transcriber.longest <= 29.0


class Wavering(FakeTranscriber):
    """Never understands the same twice."""

    def __init__(self):
        super().__init__()
        self.num = 0

    def transcribe(self, audio, prompt=""):
        told = super().transcribe(audio, prompt)
        self.num += 1
        words = tuple(Word(f"{w.text}/{self.num}", w.span, w.score) for w in told.words)
        return Transcript(words, "en", len(words))


@pytest.mark.parametrize("size", [0.5, 5.0, 10.0, 82.0])
def test_a_recogniser_that_never_agrees_with_itself_loses_no_word_and_holds_no_more(size):
    words = [(0.5 + 0.4 * i, 0.85 + 0.4 * i) for i in range(200)]
    transcriber = Wavering()
    stage = LiveWords(FakeDetector(), transcriber)
    found = run(stage, script(words, 82.0), [size])
    assert [w.text.split("/")[0] for w in found] == [text(i) for i in range(1, 201)]
    assert transcriber.longest <= 29.0


class Failing(FakeTranscriber):
    """A server that goes away."""

    def __init__(self, good):
        super().__init__()
        self.good = good

    def transcribe(self, audio, prompt=""):
        self.good -= 1
        if self.good < 0:
            raise ModelError("http://here: the server refused (500)")
        return super().transcribe(audio, prompt)


def test_a_recogniser_that_fails_takes_nothing_with_it():
    """Words understood before, tentative ones too, and turns up to there are given out."""
    words = [(0.5 + 0.4 * i, 0.85 + 0.4 * i) for i in range(40)]
    turns = LiveTurns(FakeSegmenter(), FakeVoices())
    listener = Listener(LiveWords(FakeDetector(), Failing(8)), turns)
    events = run(listener, script(words, 20.0), [0.5])
    told = [e.word.text for e in events if hasattr(e, "word")]
    assert told == [text(i) for i in range(1, len(told) + 1)]
    assert len(told) >= 17  # 8 hypotheses of a second each
    assert max(e.turn.span.end for e in events if hasattr(e, "turn")) > 7.5
    assert [e.kind for e in events if hasattr(e, "kind")] == ["failed", "ended"]
    assert isinstance(listener.failure, ModelError)


def test_what_goes_on_is_told_once():
    """However small the chunks: a note is no stream."""
    samples = np.zeros((1, 40 * RATE), np.float32)
    samples[0, : 5 * RATE : 3] = 1.0
    samples[0, : 5 * RATE : 1000] = np.nan
    samples[0, 38 * RATE :] = 0.1
    listener = Listener(None, LiveTurns(FakeSegmenter(), FakeVoices()))
    events = run(listener, Audio(samples, RATE), [0.02])
    kinds = [e.kind for e in events if hasattr(e, "kind")]
    assert kinds == ["broken", "clipped", "silent", "resumed", "ended"]


def test_options_of_words_must_make_sense():
    with pytest.raises(UsageError, match="expected agree of 1 or more"):
        LiveWordsOptions(agree=0)
    words, seconds = spoken(30, np.random.default_rng(1))
    for agree in (1, 3):
        stage = LiveWords(FakeDetector(), FakeTranscriber(), LiveWordsOptions(agree=agree))
        found = run(stage, script(words, seconds), [1.0])
        assert agree == 1 or [w.text for w in found] == [text(i) for i in range(1, 31)]


def test_silence_never_reaches_the_recogniser():
    transcriber = FakeTranscriber()
    assert run(LiveWords(FakeDetector(), transcriber), script([], 120), [0.5]) == []
    assert transcriber.longest == 0


def test_a_word_at_the_very_end_is_not_lost():
    found = run(LiveWords(FakeDetector(), FakeTranscriber()), script([(1.0, 1.7)], 2.0), [0.3])
    assert [word.text for word in found] == ["w1"]


def two_voices(pattern):
    """Sound in which voice +1 or -1 (or 0) speaks for so many seconds."""
    parts = [np.full(round(seconds * RATE), 0.1 * voice, np.float32) for voice, seconds in pattern]
    return Audio(np.concatenate(parts)[None], RATE)


PATTERN = [(0, 1), (1, 3), (0, 0.5), (-1, 4), (1, 2.5), (0, 1), (-1, 2.3)]


@pytest.mark.parametrize("latency", [0.5, 1.0, 5.0])
@pytest.mark.parametrize("sizes", [[0.02], [0.5], [5.0], [0.13, 2.7, 0.4], [30.0]])
def test_turns_are_those_that_were_spoken_however_the_sound_is_cut(latency, sizes):
    options = LiveTurnsOptions(latency=latency)
    stage = LiveTurns(FakeSegmenter(), FakeVoices(), options, FakeDetector())
    found = run(stage, two_voices(PATTERN), sizes)
    expected = [(1, 4, "S1"), (4.5, 8.5, "S2"), (8.5, 11, "S1"), (12, 14.3, "S2")]
    assert [turn.speaker for turn in found] == [who for _, _, who in expected]
    for turn, (start, end, _) in zip(found, expected, strict=True):
        assert abs(turn.span.start - start) < 0.06
        assert abs(turn.span.end - end) < 0.06


def test_a_settled_turn_is_never_changed_and_memory_does_not_grow():
    """Turns come at most latency + gap + a step after their end; long ones in parts."""
    stage, at = LiveTurns(FakeSegmenter(), FakeVoices(), LiveTurnsOptions(latency=1.0)), 0.0
    sound = two_voices([(1, 25), (0, 2), (-1, 3), (0, 3)])
    told = []
    for chunk in chunks(sound, [0.5]):
        for turn in stage.step(chunk):
            assert chunk.end - turn.span.end <= 1.0 + 0.25 + 0.55
            told.append(turn)
        assert stage._heard.duration <= 10.0
        assert len(stage._rows._seen) <= 1200
        at = chunk.end
    assert at == pytest.approx(33.0)
    total = sum(turn.span.duration for turn in told if turn.speaker == "S1")
    assert total == pytest.approx(25, abs=0.1)
    assert max(turn.span.duration for turn in told) < 11


class Deaf(FakeDetector):
    """Hears a voice only in the first seconds."""

    def __init__(self, seconds):
        self._seconds = seconds

    def probabilities(self, chunks):
        for found in super().probabilities(chunks):
            axis = found.axes[0]
            times = axis.start + np.arange(len(found.values)) * axis.step
            values = found.values * (times < self._seconds)[:, None]
            yield replace(found, values=values.astype(np.float32))


@pytest.mark.parametrize("latency", [0.5, 2.0, 5.0])
def test_what_is_no_voice_has_no_turn_in_a_stream(latency):
    """As music, of which the segmentation may say that somebody speaks."""
    options, music = LiveTurnsOptions(latency=latency), two_voices([(1, 30)])
    stage = LiveTurns(FakeSegmenter(), FakeVoices(), options, Deaf(0.0))
    assert run(stage, music, [0.5]) == []
    assert stage.alone == []
    stage = LiveTurns(FakeSegmenter(), FakeVoices(), options, Deaf(8.0))
    turns = run(stage, music, [0.5])
    assert max(turn.span.end for turn in turns) == pytest.approx(10.0, abs=0.1)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([-1, 0, 1]), st.floats(0.2, 6.0)), min_size=1, max_size=8),
    st.lists(st.floats(0.02, 7.0), min_size=1, max_size=5),
    st.sampled_from([0.5, 2.0, 5.0]),
    st.booleans(),
)
def test_a_stream_of_turns_is_said_once_however_it_is_cut(parts, sizes, latency, detector):
    """Turns of a speaker are disjoint, in order, inside the sound; cuts make no difference."""
    sound, found = two_voices(parts), []
    for cuts in (sizes, [0.5]):
        its = FakeDetector() if detector else None
        options = LiveTurnsOptions(latency=latency)
        stage = LiveTurns(FakeSegmenter(), FakeVoices(), options, its)
        found.append([(t.span, t.speaker) for t in run(stage, sound, cuts)])
        assert stage.finish() == []
    assert sorted(found[0]) == sorted(found[1])
    for who in {speaker for _, speaker in found[0]}:
        own = [span for span, speaker in found[0] if speaker == who]
        assert all(a.end <= b.start for a, b in pairwise(own))
        assert all(0 <= span.start < span.end <= sound.duration + 1e-6 for span in own)


def test_latency_must_make_sense():
    with pytest.raises(UsageError, match=r"latency: expected 0.5 to 10 s, got 0.1"):
        LiveTurnsOptions(latency=0.1)


def test_words_carry_the_speaker_of_their_turn():
    words = [(1.0, 1.4), (1.6, 2.0), (5.0, 5.4)]
    listener = Listener(
        LiveWords(FakeDetector(), FakeTranscriber()), LiveTurns(FakeSegmenter(), FakeVoices())
    )
    events = run(listener, script(words, 8.0), [0.5])
    told = [(e.word.text, e.speaker) for e in events if hasattr(e, "word")]
    assert told == [("w1", "S1"), ("w2", "S1"), ("w3", None)] or told[2][1] == "S1"
    assert events[-1].kind == "ended"


def test_broken_clipped_and_silent_sound_is_told_and_nothing_before_it_lost():
    listener = Listener(LiveWords(FakeDetector(), FakeTranscriber()), None)
    sound = script([(1.0, 1.4), (3.0, 3.4)], 30.0)
    samples = sound.samples.copy()
    samples[0, 2 * RATE : 2 * RATE + 10] = np.nan
    samples[0, 4 * RATE : 5 * RATE] = 1.5
    events = run(listener, Audio(samples, RATE), [0.5])
    notes = {e.kind: e.message for e in events if hasattr(e, "message")}
    assert "10 samples from 2.000 s on are no numbers" in notes["broken"]
    assert {"clipped", "silent", "ended"} <= set(notes)
    assert [e.word.text for e in events if hasattr(e, "word")][:2] == ["w1", "w2"]


def test_agreement_ignores_case_and_punctuation():
    def words(line):
        return [Word(w, Span(i, i + 1)) for i, w in enumerate(line.split())]

    assert agreed([words("So it goes on"), words("so, it goes."), words("so it goes off")]) == 3
    assert agreed([words("a b"), []]) == 0


def test_what_is_committed_is_taken_off_a_new_hypothesis_by_its_text():
    """Times waver, words change their spelling, and a hypothesis may drop one."""

    def words(line, start=0.0):
        return [Word(w, Span(start + i, start + i + 0.9)) for i, w in enumerate(line.split())]

    inside = words("the fantasy the hopes")
    new = continued(words("The fantasy, the hopes the dreams", 0.4), inside, [])
    assert [w.text for w in new] == ["the", "dreams"]
    assert [w.text for w in continued(words("fantasy the hopes, the"), inside, [])] == ["the"]
    assert continued(words("the fantasy"), inside, []) == []
    before = words("we will go home")
    assert [w.text for w in continued(words("go home now", 4.0), [], before)] == ["now"]
    assert len(continued(words("go home now", 9.0), [], before)) == 3
    assert continued([], [], before) == []


def test_an_invented_closing_sentence_is_left_out():
    def words(*parts):
        return [Word(w, Span(i, i + 1), score) for i, (w, score) in enumerate(parts)]

    said = words(("no", 0.9), ("longer.", 0.9), ("Thank", 0.01), ("you.", 0.98))
    assert [w.text for w in plausible(said)] == ["no", "longer."]
    assert len(plausible(words(("no", 0.9), ("longer.", 0.9), ("Thank", 0.7), ("you.", 0.9)))) == 4
    assert plausible(words(("Thank", 0.01), ("you.", 0.98))) == plausible([]) == []


def test_rechunking_keeps_every_sample():
    sound = Audio(np.arange(16_000 * 3, dtype=np.float32)[None], RATE, 0.0)
    parts = list(rechunked(iter([sound.between(0, 1.3), sound.between(1.3, 3)]), 0.5))
    np.testing.assert_array_equal(np.concatenate([p.mono() for p in parts]), sound.mono())
    assert [p.duration for p in parts] == [0.5] * 6
