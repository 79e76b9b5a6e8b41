"""The powerset: what a class says, under any names; what is done to sound."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sensorium.ops.sound import spoil
from sensorium.ops.voices import powerset

CLASSES = arrays(np.int64, st.integers(1, 40), elements=st.integers(0, 6))


@given(CLASSES)
def test_classes_come_back(classes):
    """Decoding and encoding gives the classes again, and never more than two at once."""
    active = powerset.decode(classes)
    assert (powerset.encode(active) == classes).all()
    assert active.sum(axis=1).max() <= 2


@given(CLASSES, st.integers(0, 5))
def test_other_names_are_the_same_turns(classes, number):
    """A permutation of classes is the permutation of speakers, and is wrong nowhere once names are free."""
    permuted = powerset.PERMUTED[number][classes]
    same = [
        np.array_equal(powerset.decode(permuted)[:, list(order)], powerset.decode(classes))
        for order in powerset._ORDERS
    ]
    assert same[number]
    wrong, spoken, unvoiced, rows = powerset.window_errors(permuted, classes)
    assert (wrong, unvoiced) == (0, 0)
    assert (spoken, rows) == (powerset.decode(classes).sum(), len(classes))


@given(arrays(np.bool_, st.tuples(st.integers(1, 30), st.integers(0, 6))))
def test_targets_say_the_truth_or_nothing(active):
    """A row with a class has as many speakers as there are; every other one is ignored."""
    classes = powerset.targets(active)
    said = classes != powerset.IGNORED
    assert (powerset.decode(classes[said]).sum(axis=1) == active[said].sum(axis=1)).all()
    assert (active[~said].sum(axis=1) >= 1).all()
    if active.shape[1] <= 3:
        assert (said == (active.sum(axis=1) <= 2)).all()


def test_window_errors_count_rows_of_speakers():
    """One of two speakers missed, one false, one confused: three rows; ignored rows do not count."""
    truth = np.array([4, 0, 1, 1, 1, 2, 2, -1])
    found = np.array([1, 1, 1, 1, 1, 3, 2, 6])
    assert powerset.window_errors(found, truth) == (3, 7, 1, 7)


def test_activity_sums_the_sets_of_a_speaker():
    """A speaker is active alone and in pairs."""
    probabilities = np.eye(7, dtype=np.float32)
    assert (powerset.activity(probabilities) == powerset.decode(np.arange(7))).all()


def test_noise_has_its_colour_and_its_level(rng):
    """Pink falls by 3 dB an octave, brown by 6; the ratio is the one asked for."""
    for kind, fall in (("white", 0.0), ("pink", 3.0), ("brown", 6.0)):
        made = spoil.noise(kind, 1 << 16, rng)
        power = np.abs(np.fft.rfft(made)) ** 2
        low, high = power[512:1024].mean(), power[8192:16384].mean()
        assert abs(10 * np.log10(low / high) / 4 - fall) < 0.5
        assert abs(float((made**2).mean()) - 1) < 1e-3
    tone = np.sin(np.arange(16_000) * 0.3).astype(np.float32)
    heard = spoil.with_noise(tone, spoil.noise("white", 16_000, rng), 10.0) - tone
    assert abs(10 * np.log10(0.5 / float((heard**2).mean())) - 10.0) < 0.3


def test_a_telephone_keeps_its_band(rng):
    """What lies outside of 300 to 3400 Hz is gone, what lies inside stays."""
    times = np.arange(32_000) / 16_000
    level = {}
    for hertz in (60, 1000, 6000):
        tone = np.sin(2 * np.pi * hertz * times).astype(np.float32)
        level[hertz] = float(np.sqrt((spoil.telephone(tone, 16_000)[8000:] ** 2).mean()))
    assert level[1000] > 0.6
    assert max(level[60], level[6000]) < 0.05


def test_echo_moves_nothing_and_silence_stays(rng):
    """The direct path stays in place; silence, echoed, through a telephone or with noise, raises nothing."""
    click = np.zeros(8000, np.float32)
    click[1000] = 1.0
    heard = spoil.with_echo(click, spoil.room(0.4, 6.0, 16_000, rng))
    assert len(heard) == len(click)
    assert np.abs(heard).argmax() == 1000
    assert np.abs(heard[:1000]).max() < 1e-6
    silence = np.zeros(8000, np.float32)
    assert not spoil.telephone(silence, 16_000).any()
    assert not spoil.with_noise(silence, spoil.noise("pink", 8000, rng), 5.0).any()
