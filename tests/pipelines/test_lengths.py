"""Sound of any length: no pass raises, loses the end, or tells of times outside the file."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sensorium.core.media import Audio, MediaRef
from sensorium.core.record import Record
from sensorium.core.speech import Word
from sensorium.core.time import Span
from sensorium.ops.speech.words import whole
from sensorium.pipelines.live.live_turns import LiveTurns, LiveTurnsOptions
from sensorium.pipelines.sound.hear import Sound, SoundOptions
from sensorium.pipelines.speech.speakers import Speakers, SpeakersOptions
from sensorium.pipelines.speech.transcribe import Speech
from sensorium.testing.fake_encoders import FakeSoundEncoder
from sensorium.testing.fake_hearing import (
    RATE,
    FakeDetector,
    FakeSegmenter,
    FakeTranscriber,
    FakeVoices,
)

WINDOW = FakeSegmenter.window
FAULTS = (18.92372, 29.00672, 16.42838, 28.97514, 30.0000625)  # lengths that once lost the pass


class Sounds:
    """A reader of one sound, in chunks, as any file of another rate is after resampling."""

    def __init__(self, num_samples: int, kind: str, start: float, chunk: float = 1.7) -> None:
        rng = np.random.default_rng(num_samples)
        signs = np.repeat(rng.choice([-1.0, 0.0, 1.0], num_samples // 4000 + 1), 4000)
        shapes = {"one": np.ones(num_samples), "talk": signs[:num_samples]}
        self.samples = (shapes[kind] * 1e-4).astype(np.float32)
        self.start, self._chunk = start, round(chunk * RATE)

    def audio(self, ref, sample_rate, channel=None):
        """Chunks, each knowing where it starts."""
        for first in range(0, len(self.samples), self._chunk):
            part = self.samples[None, first : first + self._chunk]
            yield Audio(part, sample_rate, self.start + first / sample_rate)

    def ref(self, file_rate: int) -> MediaRef:
        """The length as a file of another rate states it: to a sample of its own."""
        seconds = self.start + len(self.samples) / RATE
        stated = round(seconds * file_rate) / file_rate
        return MediaRef("s.wav", "0", "audio", duration=stated or seconds, has_sound=True)


@st.composite
def sounds(draw):
    """(sound, length stated at some rate)."""
    num = draw(st.one_of(st.integers(1, 3000), st.integers(1, round(3 * WINDOW * RATE))))
    start = draw(st.sampled_from([0.0, 0.0213, 1.5, 12.345]))
    sound = Sounds(num, draw(st.sampled_from(["one", "talk"])), start)
    return sound, sound.ref(draw(st.sampled_from([8000, 11025, 16000, 44100, 48000])))


def passes(sound, hop):
    """Every pass over sound, with fakes."""
    options = SpeakersOptions(hop=hop)
    return (
        Speakers(sound, FakeSegmenter(), FakeVoices(), options),
        Speakers(sound, FakeSegmenter(), FakeVoices(), options, FakeDetector()),
        Speech(sound, FakeDetector(), FakeTranscriber()),
        Sound(sound, FakeSoundEncoder(), SoundOptions(hop=min(hop, 2.0))),
    )


def check_turns(turns, start, end):
    """In order, inside the file, and nobody overlaps himself; `turns` are (span, speaker)."""
    for speaker in {who for _, who in turns}:
        own = [span for span, who in turns if who == speaker]
        assert own == sorted(own)
        assert all(span.start < span.end for span in own)
        assert all(a.end <= b.start for a, b in pairwise(own))
    for span, _ in turns:
        assert start - 0.02 <= span.start <= span.end <= end + 1e-6


@settings(max_examples=25, deadline=None)
@given(sounds(), st.floats(0.1, WINDOW - 1.5))
def test_every_pass_takes_sound_of_any_length(made, hop):
    """From one sample to three windows, whatever the hop, the rate of the file and where it starts."""
    sound, ref = made
    end = max(ref.duration, sound.start + len(sound.samples) / RATE)
    for stage in passes(sound, hop):
        turns: dict[str, list] = {}
        for each in stage.run(ref, {}, lambda done: None):
            span = each.span
            assert span is None or sound.start - 0.04 <= span.start <= span.end <= end + 1e-4
            if isinstance(each, Record) and each.kind.endswith("turn"):
                turns.setdefault(each.kind, []).append((span, each.values["speaker"]))
        for found in turns.values():
            check_turns(found, sound.start, end)
        alone = sorted(span for span, _ in turns.get("exclusive_turn", ()))
        assert all(a.end <= b.start + 1e-6 for a, b in pairwise(alone))


@settings(max_examples=15, deadline=None)
@given(st.floats(0.6, 3 * WINDOW), st.sampled_from([0.0, 3.217]), st.sampled_from([0.5, 1.0, 2.0]))
@example(FAULTS[0], 0.0, 2.0)
@example(FAULTS[1], 0.0, 2.0)
@example(FAULTS[2], 0.0, 2.0)
@example(FAULTS[3], 0.0, 2.0)
@example(FAULTS[4], 0.0, 1.0)
def test_one_who_speaks_to_the_end_is_one_turn_to_the_end(seconds, start, hop):
    """Nothing is lost at the end, and what pads the last window is not heard."""
    sound = Sounds(round(seconds * RATE), "one", start)
    end = start + len(sound.samples) / RATE
    stage = Speakers(sound, FakeSegmenter(), FakeVoices(), SpeakersOptions(hop=hop))
    records = list(stage.run(sound.ref(16_000), {}, lambda done: None))
    turns = [r.span for r in records if r.kind == "turn"]
    assert len(turns) == 1
    assert turns[0].start == pytest.approx(start, abs=0.025)
    assert end - 0.045 <= turns[0].end <= end + 1e-9
    assert sum(r.kind == "voice" for r in records) == 1


@settings(max_examples=15, deadline=None)
@given(
    st.integers(1, round(2.5 * WINDOW * RATE)),
    st.sampled_from([0.0, 2.7]),
    st.sampled_from([0.5, 2.0, 5.0]),
    st.floats(0.01, 3.0),
)
def test_a_stream_says_everything_once_and_all_at_its_end(num, start, latency, chunk):
    """However it is cut and wherever it stops; one voice throughout is heard throughout."""
    sound = Sounds(num, "one", start, chunk)
    options = LiveTurnsOptions(latency=latency)
    stage = LiveTurns(FakeSegmenter(), FakeVoices(), options, FakeDetector())
    turns = []
    for part in sound.audio(None, RATE):
        turns += stage.step(part)
    turns += stage.finish()
    end = start + num / RATE
    check_turns([(turn.span, turn.speaker) for turn in turns], start, end)
    if num > RATE:  # with less than that nobody is founded
        told = sum(turn.span.duration for turn in turns)
        assert told == pytest.approx(end - start, abs=0.05)
    assert stage.finish() == []


@given(
    st.lists(st.tuples(st.floats(0, 50), st.floats(0.05, 4), st.sampled_from("AB")), max_size=12),
    st.lists(st.tuples(st.floats(0, 50), st.floats(0, 3), st.sampled_from("AB")), max_size=20),
)
def test_turns_widened_to_words_do_not_overlap_those_of_the_same_speaker(said, words):
    """Once `turns 4.31-5.68 and 4.70-7.46 of the same S1`: one word lay in both."""
    turns, until = [], {"A": 0.0, "B": 0.0}
    for gap, length, who in said:
        start = until[who] + gap / 20
        turns.append((Span(start, start + length), who))
        until[who] = start + length
    turns.sort()
    ordered = [(Word("w", Span(a, a + b)), who) for a, b, who in sorted(words)]
    spans = whole(turns, [word for word, _ in ordered], [who for _, who in ordered])
    for who in "AB":
        own = [span for span, (_, speaker) in zip(spans, turns, strict=True) if speaker == who]
        assert all(a.end <= b.start + 1e-9 for a, b in pairwise(own))
        assert all(span.start <= span.end for span in own)
