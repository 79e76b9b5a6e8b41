"""The bundled Whispers with their real weights: which is used for what, and that they invent nothing."""

import numpy as np
import pytest

from sensorium.adapters.models.sound import whisper
from sensorium.core.config import Config
from sensorium.core.errors import UsageError
from sensorium.core.media import Audio
from sensorium.core.speech import Word
from sensorium.core.time import Span
from sensorium.models.registry import load_model, models
from sensorium.run.plan import check, listener, weights_for

RATE = 16_000


def sound(samples):
    return Audio(np.asarray(samples, np.float32)[None], RATE, 5.0)


def melody(seconds, rng):
    """Plucked tones of a scale."""
    t = np.arange(RATE // 2) / RATE
    scale = 262 * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
    tones = rng.choice(scale, seconds * 2)
    return 0.3 * np.concatenate([np.sin(2 * np.pi * f * t) * np.exp(-3 * t) for f in tones])


def nobody(name, rng, seconds=8):
    t = np.arange(seconds * RATE) / RATE
    hum = 0.2 * np.sin(2 * np.pi * 50 * t) + 0.1 * np.sin(2 * np.pi * 150 * t)
    noise = 0.1 * rng.normal(size=len(t))
    made = {"silence": 0 * t, "hum": hum, "noise": noise, "melody": melody(seconds, rng)}
    return sound(made[name])


@pytest.fixture(scope="module")
def multilingual():
    return load_model("transcriber", "whisper-base", 1)


@pytest.mark.model
@pytest.mark.parametrize("name", ["silence", "hum", "noise", "melody"])
@pytest.mark.parametrize("language", ["", "de", "ja"])
def test_where_nobody_speaks_the_multilingual_model_hears_nothing(
    multilingual, name, language, rng
):
    """By itself; in a file, voice activity keeps such sound away from it as well."""
    assert multilingual.transcribe(nobody(name, rng), language=language).words == ()


@pytest.mark.model
def test_languages_are_probabilities_most_probable_first(multilingual, rng):
    for seconds in (0.02, 3.0, 30.0):
        told = multilingual.languages(sound(0.1 * rng.normal(size=round(seconds * RATE))))
        chances = [probability for _, probability in told]
        assert chances == sorted(chances, reverse=True)
        assert sum(chances) == pytest.approx(1.0, abs=0.02)
        assert {"de", "jv", "zh"} <= {language for language, _ in told}


@pytest.mark.model
def test_a_language_that_this_whisper_lacks_is_refused_by_name(multilingual, rng):
    with pytest.raises(UsageError, match="whisper-base does not know 'yue'; choose another"):
        multilingual.transcribe(nobody("silence", rng), language="yue")


@pytest.mark.model
def test_auto_reads_only_the_weights_that_it_needs(rng):
    """Telling the language needs the multilingual ones, English the English ones."""
    auto = load_model("transcriber", "auto", 1)
    assert {"english", "else"} == set(auto.provenance.params)
    told = auto.transcribe(nobody("hum", rng), language="en-GB")
    assert (told.language, told.language_score, told.made_by.model) == (
        "en",
        None,
        "whisper-tiny.en",
    )
    assert "_model" not in vars(auto._any)
    auto = load_model("transcriber", "auto", 1)
    auto.languages(nobody("hum", rng))
    assert "_model" not in vars(auto._english)
    told = auto.transcribe(nobody("hum", rng), language="de", translate=True)
    assert (told.language, told.made_by.model) == ("en-t-de", "whisper-base")
    assert "_model" not in vars(auto._english)


class Piece:
    """A word as faster-whisper gives it."""

    def __init__(self, word, start, end):
        self.word, self.start, self.end, self.probability = word, start, end, 0.5 + start / 100


def test_what_follows_without_a_blank_is_one_word_where_a_script_has_blanks():
    parts = [Piece(" d", 0, 0.1), Piece("'un", 0.1, 0.3), Piece(" vrai", 0.3, 0.6)]
    told = whisper._words(parts, sound(np.zeros(RATE)), spaced=True)
    assert told[0] == Word("d'un", Span(5.0, 5.3), 0.5)
    assert [word.text for word in told] == ["d'un", "vrai"]
    apart = whisper._words(
        [Piece("對", 0, 0.1), Piece("這", 0.1, 0.2)], sound(np.zeros(RATE)), False
    )
    assert [word.text for word in apart] == ["對", "這"]


def test_weights_are_those_that_the_language_needs():
    def wanted(**choices):
        found = weights_for(Config.flat(passes=("speech",), **choices), ["audio"])
        return [name for name in found if name.startswith("whisper")]

    assert wanted() == ["whisper-tiny.en", "whisper-base"]
    assert wanted(language="en-US") == ["whisper-tiny.en"]
    assert wanted(language="de") == ["whisper-base"]
    assert wanted(transcriber="whisper-tiny.en") == ["whisper-tiny.en"]
    assert wanted(transcriber="whisper-base", task="translate") == ["whisper-base"]


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"language": "german"}, "expected a tag such as de or pt-BR, got 'german'"),
        ({"language": "tlh"}, "expected auto or one of af, .* got 'tlh'"),
        ({"task": "sing"}, "expected transcribe or translate, got 'sing'"),
        (
            {"language": "de", "transcriber": "whisper-tiny.en"},
            "other languages than en, such as auto",
        ),
        (
            {"task": "translate", "transcriber": "whisper-tiny.en"},
            "with language auto and task transl",
        ),
    ],
)
def test_a_language_that_cannot_be_is_refused_before_any_file(choices, message):
    with pytest.raises(UsageError, match=message):
        check(Config.flat(**choices))
    with pytest.raises(UsageError, match=message):
        listener(Config.flat(**choices), words=True, turns=False, latency=1.0)


def test_a_language_that_is_known_passes():
    for choices in (
        {},
        {"language": "de-AT"},
        {"language": "en", "transcriber": "whisper-tiny.en"},
    ):
        check(Config.flat(**choices))
    assert models()["transcriber", "auto"].also == "whisper-base"
