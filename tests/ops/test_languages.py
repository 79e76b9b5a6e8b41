"""Which language, and words that nobody said: pure functions."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.core.errors import UsageError
from sensorium.core.speech import Word
from sensorium.core.time import Span
from sensorium.ops.speech.guards import Trust, believed, squeezed, unrepeated
from sensorium.ops.speech.languages import WHISPER, code, glue, tag, translated
from sensorium.ops.speech.switching import Switching, settled

DE, EN = {"de": 0.97, "en": 0.01}, {"en": 0.97, "de": 0.01}


def said(text):
    return [Word(each, Span(i, i + 0.5), 0.9) for i, each in enumerate(text.split())]


def texts(words):
    return " ".join(word.text for word in words)


def test_tags_are_those_of_bcp_47_and_codes_those_of_whisper():
    assert all(code(tag(each)) == each for each in WHISPER)
    assert [code(each) for each in ("DE", "de-AT", "zh-Hant", "nb", "jv")] == [
        "de", "de", "zh", "no", "jw",
    ]  # fmt: skip
    with pytest.raises(UsageError, match=r"expected auto or one of af, am, .*got 'tlh'"):
        code("tlh")


def test_a_translation_is_english_and_tells_from_what():
    """And its words stand apart, whatever the language was."""
    assert (translated("ja"), translated("en")) == ("en-t-ja", "en")
    assert (glue("ja"), glue(translated("ja"))) == ("", " ")


def test_one_doubtful_window_does_not_change_the_language_and_a_sure_one_does():
    doubtful, sure = {"en": 0.7, "de": 0.2}, {"en": 0.99, "de": 0.0004}
    seconds = [9.0] * 5
    assert settled([DE, DE, doubtful, DE, DE], seconds, Switching()) == ["de"] * 5
    assert settled([DE, DE, sure, DE, DE], seconds, Switching()) == ["de", "de", "en", "de", "de"]
    short = [9.0, 9.0, 0.8, 9.0, 9.0]
    assert settled([DE, DE, sure, DE, DE], short, Switching()) == ["de"] * 5


def test_a_language_that_holds_for_several_windows_is_one_from_the_first():
    likely = {"en": 0.9, "de": 0.06}
    told = settled([DE, DE, likely, likely, likely, DE], [9.0] * 6, Switching())
    assert told == ["de", "de", "en", "en", "en", "de"]


def test_a_file_of_one_window_is_in_its_likeliest_language():
    assert settled([{"tl": 0.4, "ms": 0.38}], [0.5], Switching()) == ["tl"]
    assert settled([], [], Switching()) == []


@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=30), st.floats(0.0, 12.0))
def test_every_window_has_a_language_that_was_told_and_a_dearer_change_is_rarer(names, cost):
    told = [{"a": 0.9, "b": 0.05} if name == "a" else {"a": 0.05, "b": 0.9} for name in names]
    seconds = [9.0] * len(told)
    one = settled(told, seconds, Switching(cost=cost))
    two = settled(told, seconds, Switching(cost=cost + 3.0))
    assert len(one) == len(told)
    assert set(one) <= set(names)
    changes = [sum(a != b for a, b in pairwise(x)) for x in (one, two)]
    assert changes[1] <= changes[0]


def test_endless_repeats_are_dropped_and_what_people_repeat_is_kept():
    words = said("well I think " + "that is it " * 9 + "that is")
    assert texts(unrepeated(words)) == "well I think that is it"
    assert texts(unrepeated(said("no, no, no, I said no"))) == "no, no, no, I said no"
    loop = said("so " + "Thank you. " * 30 + "and then he left")
    assert texts(unrepeated(loop)) == "so Thank you. and then he left"


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=40))
def test_what_is_kept_is_in_order_and_was_said(names):
    words = said(" ".join(names))
    kept = unrepeated(words)
    starts = [word.span.start for word in kept]
    assert starts == sorted(set(starts))
    assert all(word in words for word in kept)
    assert unrepeated(kept, most=40) == kept


def test_letters_of_any_script_count_alike():
    """UTF-8 has two or three bytes a letter elsewhere: ordinary Hindi looks repetitive packed so."""
    rng = np.random.default_rng(0)
    latin = "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz "), 400))
    hindi = latin.translate({ord("a") + i: 0x915 + i for i in range(26)})
    assert squeezed(hindi) == squeezed(latin) < 2.4
    assert squeezed("") == 0.0


def test_what_the_model_does_not_believe_itself_is_not_believed():
    trust = Trust()
    for heard in ((-0.2, 0.05), (-0.24, 0.42), (-0.78, 0.33), (-1.2, 0.01)):
        assert believed(trust, *heard)  # read, far-field twice, a poem that is translated
    for invented in ((-0.85, 0.76), (-0.61, 0.61), (-0.87, 0.42), (-1.11, 0.22), (-1.7, 0.1)):
        assert not believed(trust, *invented)  # "you" in silence; "Thank you." and numbers in music
