"""The speech pass and the stream with fakes: each language is understood as itself."""

import pytest

from sensorium.core.media import MediaRef
from sensorium.core.record import Record
from sensorium.ops.speech.turns import pieces
from sensorium.pipelines.live.live_tongue import LiveTongue
from sensorium.pipelines.live.live_words import LiveWords
from sensorium.pipelines.speech.transcribe import Speech, SpeechOptions
from sensorium.testing.fake_hearing import (
    RATE,
    FakeDetector,
    FakeLanguages,
    FakeTranscriber,
    script,
    text,
)

DE, EN = {"de": 0.97, "en": 0.01}, {"en": 0.97, "de": 0.01}
REF = MediaRef("talk.wav", "0" * 64, "audio", duration=64.0, has_sound=True)
WORDS = [(0.512 + 0.64 * i, 1.024 + 0.64 * i) for i in range(96)]  # whole rows, to 62 s


class Sound:
    """A reader of one sound, whole rows at a time."""

    def __init__(self, sound):
        self._sound = sound

    def audio(self, ref, sample_rate, channel=None):
        for first in range(0, 64, 16):
            yield self._sound.between(first, first + 16)


def heard(languages, options=None):
    """(records by kind, the transcriber) of a minute in which somebody always speaks."""
    transcriber = FakeTranscriber()
    stage = Speech(Sound(script(WORDS, 64.0)), FakeDetector(), transcriber, options, languages)
    found = [r for r in stage.run(REF, {}, lambda done: None) if isinstance(r, Record)]
    return {
        kind: [r for r in found if r.kind == kind] for kind in {r.kind for r in found}
    }, transcriber


def test_a_file_of_one_language_is_understood_in_it_and_says_so():
    records, transcriber = heard(FakeLanguages((0, DE)))
    assert {language for _, language, _ in transcriber.asked} == {"de"}
    scores = [r.values["language_score"] for r in records["transcript"]]
    assert scores == pytest.approx([0.97 / 0.98] * len(scores), abs=1e-3)
    assert {r.values["language"] for r in records["word"]} == {"de"}
    assert "warning" not in records


def test_every_window_with_speech_is_asked_for_once_and_none_is_long():
    languages = FakeLanguages((0, EN))
    heard(languages)
    assert all(span.duration <= 10.0 + 1e-6 for span in languages.asked)
    assert sum(span.duration for span in languages.asked) == pytest.approx(62.0, abs=2.0)


def test_a_change_of_language_parts_the_pieces_and_loses_no_word():
    records, transcriber = heard(FakeLanguages((0, DE), (20, EN), (42, DE)))
    tags = [language for _, language, _ in transcriber.asked]
    assert tags == ["de", "en", "de"]
    spans = [span for span, _, _ in transcriber.asked]
    assert spans[0].end == pytest.approx(20, abs=5.1)
    assert [r.values["text"].removesuffix("-garbled") for r in records["word"]] == [
        text(i) for i in range(1, 97)
    ]
    assert {r.values["language"] for r in records["transcript"]} == {"de", "en"}


def test_one_doubtful_window_stays_in_the_language_of_its_neighbours():
    _, transcriber = heard(FakeLanguages((0, DE), (20, {"nl": 0.6, "de": 0.3}), (28, DE)))
    assert {language for _, language, _ in transcriber.asked} == {"de"}


def test_an_uncertain_file_is_marked_and_still_understood():
    records, _ = heard(FakeLanguages((0, {"ms": 0.33, "tl": 0.32, "id": 0.32})))
    (warning,) = records["warning"]
    assert warning.values["step"] == "speech"
    message = warning.values["message"]
    assert "talk.wav: the language is uncertain: taken for ms (0.34)" in message
    assert "--language" in message
    assert len(records["word"]) == 96


def test_a_language_that_is_given_is_not_asked_for():
    languages = FakeLanguages((0, EN))
    records, transcriber = heard(languages, SpeechOptions(language="de", translate=True))
    assert languages.asked == []
    assert {(language, translate) for _, language, translate in transcriber.asked} == {("de", True)}
    assert {r.values["language_score"] for r in records["transcript"]} == {None}


def test_language_and_task_are_part_of_the_recipe():
    def recipe(languages=None, **options):
        parts = FakeDetector(), FakeTranscriber(), SpeechOptions(**options), languages
        return Speech(Sound(None), *parts).recipe()

    told = [recipe(), recipe(language="de"), recipe(translate=True), recipe(FakeLanguages((0, EN)))]
    assert all(a != b for i, a in enumerate(told) for b in told[:i])


def test_silence_asks_nobody():
    languages, transcriber = FakeLanguages((0, EN)), FakeTranscriber()
    stage = Speech(Sound(script([], 64.0)), FakeDetector(), transcriber, None, languages)
    assert list(stage.run(REF, {}, lambda done: None)) == []
    assert (languages.asked, transcriber.asked) == ([], [])


def listened(languages, words, seconds):
    """Words of a stream that comes in half seconds, with the language that each call was made in."""
    transcriber = FakeTranscriber()
    stage = LiveWords(FakeDetector(), transcriber, tongue=LiveTongue(languages))
    sound = script(words, seconds)
    found = [
        word
        for first in range(round(seconds * 2))
        for word in stage.step(sound.between(first / 2, (first + 1) / 2))
    ]
    return found + stage.finish(), transcriber


def test_a_stream_waits_for_its_language_loses_nothing_and_asks_once_an_utterance():
    languages = FakeLanguages((0, DE), (30, EN))
    pause = [w for w in WORDS if not any(a < w[0] < a + 2.0 for a in (14.0, 29.0, 45.0))]
    words = [w for w in pause if w[1] < 60]
    found, transcriber = listened(languages, words, 62.0)
    assert [word.text for word in found] == [text(i) for i in range(1, len(words) + 1)]
    assert len(languages.asked) == 4
    assert {language for span, language, _ in transcriber.asked if span.end < 29} == {"de"}
    assert {language for span, language, _ in transcriber.asked if span.start > 46} == {"en"}


def test_a_short_first_utterance_is_understood_when_it_ends():
    languages = FakeLanguages((0, DE))
    found, transcriber = listened(languages, [(1.0, 1.7)], 5.0)
    assert [word.text for word in found] == ["w1"]
    assert [language for _, language, _ in transcriber.asked] == ["de"]


def test_windows_are_as_pieces_are():
    """The rule of ten seconds rests on `pieces` never giving more than it is asked for."""
    import numpy as np

    from sensorium.core.time import Axis, Span

    values = np.ones(2000)
    axis = Axis("time", 0.0, 512 / RATE, 512 / RATE, "s")
    told = pieces([Span(0.0, 64.0)], values, axis, 10.0)
    assert max(each.duration for each in told) <= 10.0
    assert told[-1].end == 64.0
