"""A call is heard channel by channel, stereo as one sound; one track of several; nothing is told twice."""

import numpy as np
import pytest

from sensorium.core.errors import MediaError
from sensorium.core.media import Audio
from sensorium.core.record import Provenance, Record
from sensorium.core.time import Span
from sensorium.models.registry import load_model
from sensorium.pipelines.people.who import Who
from sensorium.pipelines.sound.of_track import OfTrack
from sensorium.pipelines.speech.own_voice import OneChannel, OwnVoices
from sensorium.pipelines.speech.per_channel import SpeakersPerChannel, SpeechPerChannel, relabelled
from sensorium.pipelines.speech.speakers import Speakers, SpeakersOptions
from sensorium.pipelines.speech.transcribe import Speech
from sensorium.testing.fake_hearing import (
    RATE,
    FakeDetector,
    FakeSegmenter,
    FakeSound,
    FakeTranscriber,
    FakeVoices,
    script,
)

SECONDS = 32.0
FIRST = [(1.0, 1.5), (1.6, 2.2), (9.0, 9.6), (17.0, 17.5), (25.0, 26.0)]
SECOND = [(4.0, 4.6), (9.2, 9.9), (13.0, 13.4), (21.0, 21.9), (29.0, 29.5)]
LOUD = 200e-4  # so that the words are numbered from 201


def said(words, sign=1):
    samples = script(words, SECONDS).samples[0].copy()
    return np.where(samples > 0, sign * (samples + LOUD), 0).astype(np.float32)


def call():
    return np.stack([said(FIRST), said(SECOND)])


def passes(reader, choice="auto", bounds=(None, None)):
    detector = FakeDetector()
    channels = OwnVoices(reader, detector, choice)
    speech = SpeechPerChannel(lambda r: Speech(r, detector, FakeTranscriber()), reader, channels)
    speakers = SpeakersPerChannel(
        lambda r, b: Speakers(r, FakeSegmenter(), FakeVoices(), SpeakersOptions(speakers=b)),
        reader,
        channels,
        bounds,
    )
    return speech, speakers


def run(each, reader, earlier=None):
    done = []
    found = list(each.run(reader.probe("call.wav"), earlier or {}, done.append))
    assert done == sorted(done)
    return found


def of(records, kind):
    return [(r.values.get("channel"), r) for r in records if r.kind == kind]


def everything(samples, **choices):
    reader = FakeSound(samples)
    speech, speakers = (run(each, reader) for each in passes(reader, **choices))
    kinds = ("word", "turn", "exclusive_turn", "mouth")
    earlier = {k: [r for r in (*speech, *speakers) if r.kind == k] for k in kinds}
    who = list(Who().run(reader.probe("call.wav"), earlier, lambda done: None))
    return speech, speakers, who


def test_each_channel_of_a_call_has_its_own_words_and_voices():
    """Words spoken at once on two channels are both whole, and each goes to the voice of its channel."""
    speech, speakers, who = everything(call())
    words = of(speech, "word")
    assert len(words) == 10
    assert [channel for channel, _ in words] == [0, 0, 1, 0, 1, 1, 0, 1, 0, 1]
    starts = [r.span.start for _, r in words]
    assert starts == sorted(starts)
    assert not [r for _, r in words if "garbled" in r.values["text"]]
    assert {channel for channel, _ in of(speech, "speech")} == {0, 1}
    assert {channel for channel, _ in of(speech, "transcript")} == {0, 1}
    assert {(c, r.values["speaker"]) for c, r in of(speakers, "turn")} == {(0, "S1"), (1, "S2")}
    assert [(c, r.values["speaker"]) for c, r in of(speakers, "voice")] == [(0, "S1"), (1, "S2")]
    assert len(of(speakers, "exclusive_turn")) == 10
    assert len(of(speakers, "turn")) == 9  # two words with a short pause are one turn
    assigned = [(c, r.values["speaker"]) for c, r in of(who, "assignment")]
    assert assigned == [(c, f"S{c + 1}") for c, _ in words]


def test_stereo_and_mono_are_one_sound():
    """The channel is null, and nothing is heard twice."""
    for samples in (call().sum(axis=0)[None], np.stack([call().sum(axis=0)] * 2)):
        speech, speakers, who = everything(samples)
        assert {c for r in (speech, speakers, who) for k in ("word", "turn", "assignment")
                for c, _ in of(r, k)} == {None}  # fmt: skip
        assert len(of(speakers, "voice")) == 1


def test_what_the_average_would_cancel_is_heard():
    """Of antiphase one channel is heard: the average is silence."""
    rng = np.random.default_rng(1)
    mono = call().sum(axis=0) * rng.choice([0.999, 1.001], size=call().shape[1]).astype(np.float32)
    speech, _, _ = everything(np.stack([mono, -mono]))
    assert {c for c, _ in of(speech, "word")} == {0}


def test_the_choice_decides():
    """`mix` never looks; `split` takes what holds something and is no copy."""
    speech, _, _ = everything(call(), choice="mix")
    assert {c for c, _ in of(speech, "word")} == {None}
    mono = call().sum(axis=0)
    speech, speakers, _ = everything(np.stack([mono, 0 * mono, mono]), choice="split")
    assert {c for c, _ in of(speech, "word")} == {0}
    assert len(of(speakers, "voice")) == 1
    recipes = [passes(FakeSound(call()), choice=c)[0].recipe() for c in ("mix", "auto", "split")]
    assert [each["channels"]["choice"] for each in recipes] == ["mix", "auto", "split"]
    assert recipes[0]["name"] == "speech"


def test_a_channel_that_is_no_speech_keeps_the_file_whole():
    """A talk on the left and music on the right are no call."""

    class Deaf(FakeDetector):
        def probabilities(self, chunks):
            for rows in FakeDetector.probabilities(self, chunks):
                yield rows if not reader.walks[-1] else type(rows)(rows.values * 0, rows.axes, "m")

    reader = FakeSound(call())
    assert OwnVoices(reader, Deaf()).of(reader.probe("a.wav")) == []


def test_a_file_is_looked_at_once_for_both_passes():
    """One walk over each channel to look, one to see that it is speech, then those of the passes."""
    reader = FakeSound(call())
    for each in passes(reader):
        run(each, reader)
    assert reader.walks[:4] == [0, 1, 0, 1]
    assert sorted(reader.walks[4:]) == [0, 0, 0, 1, 1, 1]


def test_several_voices_on_one_channel_and_bounds_over_the_file():
    """Two people share the first telephone; the bounds hold for all channels together."""
    first = said([*FIRST[:2], (16.0, 18.0)]) + said([(6.0, 7.9)], sign=-1)
    samples = np.stack([first, said(SECOND[2:])])
    told = [
        [(c, r.values["speaker"]) for c, r in of(run(each, FakeSound(samples)), "voice")]
        for each in (passes(FakeSound(samples), bounds=b)[1] for b in ((None, None), (2, 2), (3, 3)))
    ]  # fmt: skip
    assert told[0] == told[2] == [(0, "S1"), (0, "S2"), (1, "S3")]
    assert told[1] == [(0, "S1"), (1, "S2")]


def record(kind, channel, speaker, start=None, end=None, **values):
    span = None if start is None else Span(start, end)
    values = {"speaker": speaker, "channel": channel, **values}
    return Record(kind, span, values, Provenance("m"))


def test_the_echo_of_a_voice_is_no_speaker():
    """The same voice at the same time on another channel is dropped; at another time it is kept."""

    def heard(start):
        voices = [(0, [1.0, 0.0], 5.0), (1, [0.9, 0.436], 2.0), (1, [0.0, 1.0], 4.0)]
        turns = [(0, "S1", 1.0, 6.0), (1, "S1", start, start + 2.0), (1, "S2", 10.0, 14.0)]
        return [
            *(record("turn", c, s, a, b, score=1.0) for c, s, a, b in turns),
            *(record("exclusive_turn", c, s, a, b) for c, s, a, b in turns),
            *(
                record("voice", c, label, duration=d, embedding=e)
                for (c, e, d), label in zip(voices, ("S1", "S1", "S2"), strict=True)
            ),
        ]

    told = relabelled(heard(3.0))
    assert [(r.kind, r.values["channel"], r.values["speaker"]) for r in told] == [
        ("turn", 0, "S1"), ("turn", 1, "S2"), ("exclusive_turn", 0, "S1"),
        ("exclusive_turn", 1, "S2"), ("voice", 0, "S1"), ("voice", 1, "S2"),
    ]  # fmt: skip
    assert len([r for r in relabelled(heard(20.0)) if r.kind == "voice"]) == 3


def test_what_is_not_ones_own_is_silent_without_a_click():
    own = np.ones(40, bool)
    own[10:20] = False
    reader = FakeSound(np.full((2, 4 * RATE), 0.5, np.float32))
    (chunk,) = OneChannel(reader, 1, own).audio(reader.probe("a"), RATE)
    assert isinstance(chunk, Audio)
    heard = chunk.samples[0]
    assert np.abs(heard[round(1.06 * RATE) : round(1.94 * RATE)]).max() == 0
    assert heard[: round(0.94 * RATE)].min() == heard[round(2.06 * RATE) :].min() == 0.5
    assert np.abs(np.diff(heard)).max() < 0.001


def test_speech_on_another_track_is_said_aloud():
    """Only if the track that is heard has none; the message tells how to hear the other one."""
    silent = np.zeros((1, round(SECONDS * RATE)), np.float32)
    for tracks, num in (((silent, call()), 1), ((call(), silent), 0), ((silent, silent), 0)):
        reader = FakeSound(*tracks)
        found = run(OfTrack(passes(reader)[0], None, (reader, FakeDetector())), reader)
        warned = [r.values for r in found if r.kind == "warning"]
        assert len(warned) == num
    reader = FakeSound(silent, call())
    (warned,) = run(OfTrack(passes(reader)[0], 0, (reader, FakeDetector())), reader)
    assert warned.values["step"] == "speech"
    assert "no speech on the audio track 0 (1 channel), but on 1 (2 channels)" in str(warned)
    assert "--audio-track 1" in warned.values["message"]


def test_the_wanted_track_is_heard_and_stands_in_the_recipe():
    reader = FakeSound(np.zeros((1, round(SECONDS * RATE)), np.float32), call())
    each = OfTrack(passes(reader)[0], 1)
    assert {c for c, _ in of(run(each, reader), "word")} == {0, 1}
    assert each.recipe()["audio_track"] == 1
    assert (each.name, each.needs) == ("speech", ())
    with pytest.raises(MediaError, match="expected the audio track 5, there are 0"):
        run(OfTrack(passes(reader)[0], 5), reader)


@pytest.mark.model
def test_music_on_two_channels_is_no_call():
    """Two instruments, each on its own side, at once or in turns: apart, but no speech."""
    detector = load_model("speech_detector", "silero-vad", 1)
    for turns in (False, True):
        samples = np.stack([melody(1), melody(2)])
        if turns:
            samples *= np.arange(samples.shape[1]) // (4 * RATE) % 2 == np.arange(2)[:, None]
        reader = FakeSound(samples)
        assert OwnVoices(reader, detector).of(reader.probe("duo.wav")) == []
        everyone = OwnVoices(reader, FakeDetector()).of(reader.probe("duo.wav"))
        assert [each.channel for each in everyone] == [0, 1]


def melody(seed, seconds=24):
    """Plucked notes of a scale."""
    rng, samples = np.random.default_rng(seed), np.zeros(seconds * RATE, np.float32)
    at = 0.0
    while at < seconds - 1:
        times = np.arange(round(rng.choice([0.25, 0.5, 0.9]) * RATE)) / RATE
        pitch = 220 * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 11, 12, 14]) / 12)
        tones = sum(0.06 / h * np.sin(2 * np.pi * pitch * h * times + h) for h in range(1, 8))
        first = round(at * RATE)
        samples[first : first + len(times)] += (
            tones * np.exp(-3 * times) * np.minimum(times / 0.01, 1)
        )
        at += len(times) / RATE * rng.choice([1, 1, 2])
    return samples
