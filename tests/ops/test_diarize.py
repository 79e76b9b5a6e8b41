"""Voices of pieces to who speaks when."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorium.core.features import Features
from sensorium.core.time import Axis
from sensorium.ops.speech.turns import Hysteresis, active_spans
from sensorium.ops.voices.cluster import unit
from sensorium.ops.voices.crowd import Windows, crowd, latest_alone, near_voice
from sensorium.ops.voices.diarize import Pieces, Telling, founded, joined_rows, told, tuned
from sensorium.ops.voices.likeliest import likeliest
from sensorium.ops.voices.telephone import Band

STEP, LONG = 0.05, 30  # seconds a row, rows a piece


def recording(who, rng, noise=0.1, dim=32):
    """(windows, pieces, number of rows) of a recording where `who` (row,) speaks, -1: nobody."""
    who = np.asarray(who)
    centers = unit(rng.normal(size=(max(who.max(), 0) + 1, dim)))
    windows = Windows()
    for first in range(0, max(len(who) - 100, 0) + 1, 40):
        part = who[first : first + 200]
        local = np.stack([part == k for k in range(3)], axis=1).astype(np.float32)
        axis = Axis("time", first * STEP, STEP, STEP, "s")
        windows.add(Features(local, (axis,), "made", "activity"))
    first = np.arange(0, max(len(who) - LONG, 1), 10)
    first = np.array([f for f in first if (who[f : f + LONG] >= 0).mean() >= 0.3], np.int64)
    voices, shares = [], []
    for f in first:
        part = who[f : f + LONG]
        spoken = part[part >= 0]
        mean = centers[spoken].mean(axis=0) + noise * rng.normal(size=dim)
        voices.append(unit(mean))
        own = np.bincount(spoken).max() / len(spoken)
        shares.append((len(spoken) / len(part), 0.0, own))
    table = np.array(shares, np.float32).reshape(-1, 3).T
    values = np.array(voices, np.float16).reshape(-1, dim)
    return windows, Pieces(first, first + LONG, values, *table), len(who)


def labelled(made, rule):
    windows, pieces, num_rows = made
    first, second, _ = told(windows, pieces, founded(pieces, 0.5, rule), num_rows, rule)
    return first, second


def test_three_who_take_turns_are_three_and_change_where_they_change(rng):
    """To the row, though pieces are 30 rows long: the local speakers draw the edges."""
    who = np.repeat([0, 1, 0, 2, 1, 2], 100)
    first, _ = labelled(recording(who, rng), Telling())
    assert len(np.unique(first)) == 3
    assert (first[1:] != first[:-1]).nonzero()[0].tolist() == [99, 199, 299, 399, 499]


@pytest.mark.parametrize("bounds", [(4, 4), (2, 2), (1, 1), (None, 2), (5, None), (3, 6)])
def test_the_number_of_speakers_is_as_asked(rng, bounds):
    """Three speak; the bounds are honoured whatever the voices say."""
    who = np.repeat([0, 1, 2, 0, 1, 2], 100)
    first, second = labelled(recording(who, rng), Telling(speakers=bounds))
    many = np.ones(len(who))
    found = len(list(joined_rows(first, second, many, (0.35, 1.3))))
    assert (bounds[0] or 0) <= found <= (bounds[1] or 99)


def test_voices_that_a_telephone_made_alike_are_still_two(rng):
    """A cosine of 0.3 between two: one voice in a room, two over a telephone."""
    one, other = unit(rng.normal(size=(2, 64)))
    other = unit(other - (other @ one) * one)
    centers = np.stack([one, 0.58 * one + np.sqrt(1 - 0.58**2) * other])
    who = np.repeat([0, 1, 0, 1], 10)
    voices = 0.72 * centers[who] + 0.69 * unit(rng.normal(size=(40, 64)))
    many = np.ones(40, np.float32)
    first = np.arange(40) * 40
    pieces = Pieces(first, first + LONG, unit(voices).astype(np.float16), many, 0 * many, many)
    for telephone, expected in ((False, 1), (True, 2)):
        rule = Telling().of((None, None), telephone)
        assert len(founded(pieces, 0.5, rule)) == expected


@given(st.integers(0, 5000), st.floats(1e-4, 1.0), st.sampled_from([8000, 16_000]))
def test_sound_above_4_khz_came_through_no_telephone(seed, level, band):
    """At any level, and however it is cut; silence is neither."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal(16_000))
    spectrum[np.fft.rfftfreq(16_000, 1 / 16_000) > band / 2] = 0
    sound = (level * np.fft.irfft(spectrum)).astype(np.float32)
    heard = Band()
    assert not heard.narrow
    for part in np.split(sound, [4000, 9000]):
        heard.add(part, 16_000)
    assert heard.narrow == (band == 8000)


def test_where_a_stretch_is_cut_makes_no_difference(rng, monkeypatch):
    """Long recordings are labelled in stretches."""
    who = np.repeat(rng.integers(0, 3, 40), 60)
    made = recording(who, rng)
    once = labelled(made, Telling())
    monkeypatch.setattr("sensorium.ops.voices.diarize._STRETCH", 500)
    monkeypatch.setattr("sensorium.ops.voices.diarize._AROUND", 400)
    for one, other in zip(once, labelled(made, Telling()), strict=True):
        assert (one == other).mean() > 0.999


def test_a_recording_where_voices_are_close_has_a_smaller_distance(rng):
    """Telephone: everyone is nearer to everyone, and to himself."""
    rule, who = Telling(), np.repeat([0, 1], 400)
    distances = []
    for noise in (0.05, 0.3):
        _, pieces, _ = recording(who, rng, noise=noise)
        distances.append(tuned(pieces, pieces.pure >= 0.9, rule))
    assert 0.5 <= distances[0] < distances[1] <= 0.85


def test_nobody_is_found_in_nothing():
    """No pieces, no speakers."""
    none = np.zeros(0, np.int64)
    empty = np.zeros(0, np.float32)
    pieces = Pieces(none, none, np.zeros((0, 4), np.float16), empty, empty, empty)
    assert len(founded(pieces, 0.5, Telling(speakers=(2, 3)))) == 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-1, 3), st.integers(1, 90)), min_size=1, max_size=14),
    st.lists(st.floats(0, 3, width=32), min_size=1, max_size=40),
    st.tuples(st.none() | st.integers(1, 5), st.none() | st.integers(5, 7)),
    st.floats(0, 0.6),
)
def test_nobody_overlaps_himself_whatever_is_heard(talk, many, bounds, gap):
    """Turns of a speaker are disjoint, in order and inside the file, for arbitrary activity."""
    rng = np.random.default_rng(len(talk))
    who = np.concatenate([np.full(n, k) for k, n in talk])
    made = recording(who, rng)
    if not len(made[1]):
        return
    first, second = labelled(made, Telling(speakers=bounds))
    speaking = np.resize(np.repeat(np.array(many), 7), len(who))
    end = len(who) * STEP - 0.013
    taken = np.zeros(len(who), int)
    for _, values in joined_rows(first, second, speaking, (0.35, 1.3)):
        taken += values > 0
        spans = active_spans(
            values, Axis("time", 0.0, STEP, STEP, "s"), Hysteresis(1e-6, 1e-6, gap, 0.1), end
        )
        assert all(a.end <= b.start for a, b in pairwise(spans))
        assert all(0 <= span.start < span.end <= end for span in spans)
    assert (taken <= 2).all()
    assert ((taken > 0) == (speaking >= 0.35)).all()


def test_the_crowd_is_the_mean_of_the_windows(rng):
    """Where all windows agree it is what they say, at both ends too."""
    who = np.repeat([0, -1, 1], [150, 50, 200])
    windows, _, num_rows = recording(who, rng)
    np.testing.assert_allclose(crowd(windows, num_rows), who >= 0, atol=1e-5)


def test_rows_near_a_voice_count():
    """Two seconds on both sides."""
    voice = np.zeros(100)
    voice[50] = 0.9
    near = near_voice(voice, 0.1, 0.5)
    assert near.nonzero()[0].tolist() == list(range(30, 71))
    assert not latest_alone(np.zeros((4, 3), bool)).any()


def test_staying_is_likelier_than_changing(rng):
    """As the definition by all paths says, on rows few enough to try them."""
    scores = np.log(rng.dirichlet([1, 1, 1], 6))
    stay, change = np.log(0.8), np.log(0.1)
    paths = np.stack(np.meshgrid(*[range(3)] * 6, indexing="ij"), -1).reshape(-1, 6)
    moves = np.where(np.diff(paths, axis=1) == 0, stay, change).sum(axis=1)
    totals = scores[np.arange(6), paths].sum(axis=1) + moves
    assert likeliest(scores, 0.8).tolist() == paths[totals.argmax()].tolist()
