"""Words and turns together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.core.errors import UsageError
from sensorium.core.speech import Word
from sensorium.core.time import Span
from sensorium.ops.speech.rttm import parse
from sensorium.ops.speech.words import speakers_of, whole


def words(*parts):
    return [Word(text, Span(start, end)) for text, start, end in parts]


TURNS = [(Span(0, 2), "S1"), (Span(2, 4), "S2"), (Span(10, 11), "S1")]


def test_a_word_goes_to_the_voice_that_holds_most_of_it():
    said = words(("one", 0, 0.5), ("two.", 1.8, 3.0), ("far", 7, 8), ("near", 11.1, 11.4))
    assert speakers_of(said, TURNS) == ["S1", "S2", None, "S1"]


def test_a_word_between_two_voices_goes_with_its_sentence():
    """The last word of a sentence reaches into the next turn because its time is not exact."""
    said = words(("we", 0, 0.4), ("agree.", 1.5, 2.6), ("Good", 2.6, 3.0), ("so.", 3.0, 3.4))
    assert speakers_of(said, TURNS) == ["S1", "S1", "S2", "S2"]


def test_nothing_said_or_nobody_heard_is_no_error():
    assert speakers_of([], TURNS) == []
    assert speakers_of(words(("a", 0, 1)), []) == [None]


@given(
    st.lists(st.floats(0, 50), min_size=2, max_size=12, unique=True),
    st.lists(st.tuples(st.floats(0, 50), st.floats(0, 2)), max_size=15),
)
def test_no_turn_cuts_a_word_of_its_speaker(edges, parts):
    """Whatever the times, each word lies in a turn of its speaker or beside all of them."""
    edges = sorted(edges)
    turns = [(Span(a, b), f"S{i % 2}") for i, (a, b) in enumerate(zip(edges, edges[1:]))]  # noqa: B905, RUF007
    starts = sorted(parts)
    ends = [start for start, _ in starts[1:]] + [100.0] * bool(starts)
    said = [Word("w", Span(s, min(s + d, e))) for (s, d), e in zip(starts, ends, strict=True)]
    who = speakers_of(said, turns)
    spans = whole(turns, said, who)
    for word, speaker in zip(said, who, strict=True):
        for span, (_, whose) in zip(spans, turns, strict=True):
            if whose == speaker and span.overlap(word.span) > 0:
                inside = span.start <= word.span.start and word.span.end <= span.end
                # A neighbour that was moved may now touch a word that it did not touch before.
                assert inside or any(
                    s.start <= word.span.start and word.span.end <= s.end
                    for s, (_, w) in zip(spans, turns, strict=True)
                    if w == speaker
                )


def test_rttm_names_the_broken_line():
    good = "SPEAKER talk 1 0.50 1.25 <NA> <NA> anna <NA> <NA>"
    assert [t.speaker for t in parse([";; comment", good, ""], "x.rttm")["talk"]] == ["anna"]
    for broken in (
        "SPEAKER talk 1 zero 1.25 <NA> <NA> anna",
        "SPEAKER talk",
        good.replace("1.25", "nan"),
    ):
        with pytest.raises(UsageError, match=r"x.rttm, line 2: expected SPEAKER"):
            parse([good, broken], "x.rttm")
    with pytest.raises(UsageError, match="found none"):
        parse([], "x.rttm")
    assert np.isfinite(parse([good], "x")["talk"][0].span.end)
