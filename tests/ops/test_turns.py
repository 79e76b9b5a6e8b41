"""Activity to spans, spans to pieces, words to utterances."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sensorium.core.speech import Word
from sensorium.core.time import Axis, Span
from sensorium.ops.speech.turns import (
    Hysteresis,
    active_spans,
    joined,
    kept_to_speech,
    pieces,
    runs,
    utterances,
)

AXIS = Axis("time", 0.0, 0.1, 0.1, "s")
ROWS = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=300)


@given(ROWS)
def test_spans_are_apart_long_enough_and_inside(values):
    """What the rule promises holds for any activity."""
    rule = Hysteresis(0.5, 0.3, 0.25, 0.2, 0.1)
    end = len(values) * 0.1
    spans = active_spans(np.array(values, np.float32), AXIS, rule, end)
    for span in spans:
        assert 0 <= span.start < span.end <= end + 1e-9
        assert span.duration >= rule.min_span - 1e-9
    for a, b in pairwise(spans):
        assert a.end <= b.start + 1e-9


def test_a_dip_does_not_end_a_span_and_a_murmur_does_not_begin_one():
    """Onset and offset differ so that speech does not flicker."""
    values = np.array([0.4, 0.4, 0, 0, 0.9, 0.4, 0.9, 0, 0, 0], np.float32)
    rule = Hysteresis(0.5, 0.35, 0.0, 0.0)
    assert [
        (round(s.start, 2), round(s.end, 2)) for s in active_spans(values, AXIS, rule, 1.0)
    ] == [(0.4, 0.7)]


@given(st.lists(st.booleans()))
def test_runs_are_exactly_where_it_is_true(active):
    """Every True lies in one run, no False does."""
    seen = np.zeros(len(active), bool)
    for first, last in runs(np.array(active, bool)):
        assert not seen[first:last].any()
        seen[first:last] = True
    assert seen.tolist() == active


@given(ROWS, st.floats(2, 8))
def test_pieces_cover_all_speech_and_are_short_enough(values, longest):
    """No speech is lost by packing and cutting, and no piece is too long for the recogniser."""
    array = np.array(values, np.float32)
    spans = active_spans(array, AXIS, Hysteresis(), len(values) * 0.1)
    planned = pieces(spans, array, AXIS, longest)
    assert all(piece.duration <= longest + 1e-6 for piece in planned)
    for span in spans:
        covered = sum(span.overlap(piece) for piece in planned)
        assert abs(covered - span.duration) < 1e-6


def test_joined_closes_small_gaps_only():
    """Order and nesting do not matter."""
    spans = [Span(2, 3), Span(0, 1), Span(0.2, 0.4), Span(3.05, 4)]
    assert joined(spans, 0.1) == [Span(0, 1), Span(2, 4)]


def test_a_word_stretched_over_a_pause_is_cut_back_to_its_speech():
    """Whisper lets "country" last until the next sentence begins."""
    speech = [Span(0.0, 1.0), Span(3.0, 4.0)]
    words = [
        Word("stretched", Span(0.6, 3.1)),
        Word("far", Span(8.0, 9.0)),
        Word("in", Span(3.2, 3.4)),
    ]
    assert [w.span for w in kept_to_speech(words, speech)] == [
        Span(0.6, 1.0),
        Span(8.0, 9.0),
        Span(3.2, 3.4),
    ]


def test_utterances_end_with_sentences_and_pauses():
    """Nothing is lost or reordered."""
    words = [Word("One.", Span(0, 1)), Word("two", Span(1, 2)), Word("three", Span(5, 6))]
    assert [[w.text for w in group] for group in utterances(words)] == [
        ["One."],
        ["two"],
        ["three"],
    ]
    assert utterances([]) == []
