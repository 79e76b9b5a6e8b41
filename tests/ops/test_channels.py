"""Stereo stays one sound; a call with one voice per channel is told apart; what leaks is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import fftconvolve

from sensorium.ops.sound.channels import (
    RATE,
    ChannelRule,
    Meter,
    apart,
    cancelling,
    copies,
    is_stereo,
    own_rows,
    sounding,
)
from sensorium.testing.made_media import murmur

RULE = ChannelRule()
SECONDS = 24.0


def measured(samples, size=80_000):
    meter = Meter(len(samples))
    for first in range(0, samples.shape[1], size):
        meter.add(samples[:, first : first + size].astype(np.float32))
    return meter.finish()


def voice(seed, seconds=SECONDS):
    return murmur(seconds, RATE, seed)


def in_room(sound, seed, delay=0, direct=1.0):
    """The sound as one microphone of a room hears it."""
    rng = np.random.default_rng(seed)
    num = round(0.4 * RATE)
    response = rng.standard_normal(num) * 10 ** (-3 * np.arange(num) / num)
    response /= np.sqrt(np.sum(response**2))
    response[delay] += direct
    return fftconvolve(sound, response)[: len(sound)].astype(np.float32)


def talk(*seeds, seconds=SECONDS):
    """(channel, sample): people who speak one after the other, 3 s each, one on each channel."""
    turn = np.arange(round(seconds * RATE)) // (3 * RATE) % len(seeds)
    rng = np.random.default_rng(99)
    loud = [murmur(seconds, RATE, seed) * (turn == i) for i, seed in enumerate(seeds)]
    return np.stack(loud) + 3e-4 * rng.standard_normal((len(seeds), len(turn)))


def hiss(samples, level=1e-4):
    return samples + level * np.random.default_rng(5).standard_normal(samples.shape)


one, other = voice(1), voice(2)
beat = np.sign(np.sin(2 * np.pi * 2 * np.arange(len(one)) / RATE)) * 0.5 + 0.5
STEREO = {
    "mono stored as stereo": [one, one],
    "antiphase": [one, -one],
    "another gain": [one, 0.1 * one],
    "panned": [0.8 * one, 0.2 * one],
    "two people panned": [0.75 * one + 0.25 * other, 0.25 * one + 0.75 * other],
    "wide": [one + 0.5 * in_room(one, 3), one - 0.5 * in_room(one, 3)],
    "in a room, delayed": [in_room(one, 4), in_room(one, 5, delay=40)],
    "far away in a room": [in_room(one, 6, direct=0.3), in_room(one, 7, delay=60, direct=0.3)],
    "one silent": [one, 0 * one],
    "one hisses": [one, 1e-3 * np.random.default_rng(8).standard_normal(len(one))],
    "music in one rhythm": [beat * voice(10) + 0.02 * beat, beat * voice(10) - 0.02 * beat],
    "5.1 of a film": [one + other, one + 0.7 * other, 2 * one, 0 * one, 0.5 * other, 0.5 * other],
}


@pytest.mark.parametrize("name", STEREO)
def test_ordinary_stereo_is_one_sound(name):
    """Whatever was done to spread one sound over the channels."""
    assert apart(measured(hiss(np.stack(STEREO[name]))), RULE) == []


def test_a_call_is_told_apart():
    """One voice per channel, one after the other or at once, loud and quiet, with noise."""
    assert apart(measured(talk(1, 2)), RULE) == [0, 1]
    assert apart(measured(hiss(np.stack([one, other]))), RULE) == [0, 1]
    assert apart(measured(hiss(np.stack([one, 0.05 * other]))), RULE) == [0, 1]
    assert apart(measured(hiss(talk(1, 2), level=3e-3)), RULE) == [0, 1]


@pytest.mark.parametrize(("leak", "expected"), [(0.03, [0, 1]), (0.1, [0, 1]), (0.5, [])])
def test_a_little_leak_is_no_stereo(leak, expected):
    """20 dB of separation are a call; 6 dB are not."""
    clean = talk(1, 2)
    assert apart(measured(clean + leak * np.roll(clean[::-1], 90, axis=1)), RULE) == expected
    both = np.stack([one, other])
    assert apart(measured(hiss(both + leak * np.roll(both[::-1], 90, axis=1))), RULE) == expected


def test_a_quiet_person_beside_a_loud_one():
    """10 dB between the people: the leak of the loud one lies 10 dB below the quiet one, and is one."""
    clean = talk(1, 2) * np.array([[1.0], [0.3]])
    heard = measured(hiss(clean + 0.1 * np.roll(clean[::-1], 90, axis=1)))
    assert apart(heard, RULE) == [0, 1]
    busy = np.repeat(np.arange(8) % 2 == 0, 30) & (heard.power[0] > -35)
    assert own_rows(heard, 1, [0, 1], RULE)[busy].mean() < 0.2
    assert own_rows(heard, 0, [0, 1], RULE)[busy].all()


def test_more_than_two_channels():
    """A meeting with a microphone each; not one that two of them share; silent channels do not count."""
    four = talk(1, 2, 3, 4)
    assert apart(measured(four), RULE) == [0, 1, 2, 3]
    assert apart(measured(np.stack([*four, four[0]])), RULE) == []
    assert apart(measured(np.stack([*four[:2], 0 * four[0], *four[2:]])), RULE) == [0, 1, 3, 4]


def test_channels_that_cancel_each_other_are_known():
    """Antiphase, also with another gain; not stereo, nor a call."""
    assert cancelling(measured(hiss(np.stack([one, -one]))), RULE)
    assert cancelling(measured(hiss(np.stack([one, -0.8 * one]))), RULE)
    for samples in (np.stack([one, one]), np.stack([one, -0.3 * one]), talk(1, 2)):
        assert not cancelling(measured(hiss(samples)), RULE)


def test_copies_and_silence_are_no_channels_of_their_own():
    clean = talk(1, 2)
    assert copies(measured(np.stack([clean[0], clean[0], 0 * clean[0], clean[1]])), RULE) == [0, 3]
    assert copies(measured(np.stack([0 * one, one])), RULE) == [1]
    assert sounding(measured(np.zeros((2, 9000))), RULE) == []


def test_rows_of_a_leak_are_foreign_and_words_of_ones_own_are_not():
    """While the other one speaks nothing is one's own but what is louder than the leak."""
    clean = talk(1, 2)
    # a short "yes" while the other one speaks
    clean[1, 7 * RATE : 8 * RATE] += 0.05 * np.random.default_rng(3).standard_normal(RATE)
    heard = measured(clean + 0.1 * np.roll(clean[::-1], 90, axis=1))
    theirs = own_rows(heard, 1, [0, 1], RULE)
    loud = heard.power[0] > -35
    while_other = np.repeat(np.arange(8) % 2 == 0, 30)
    while_other[68:82] = False
    assert theirs[while_other & loud].mean() < 0.15
    assert theirs[np.repeat(np.arange(8) % 2 == 1, 30)].mean() > 0.95
    assert theirs[71:79].mean() > 0.7
    assert own_rows(measured(talk(1, 2)), 1, [0, 1], RULE).all()


def test_stereo_is_known_before_the_end():
    """A long film need not be heard to its end; a call has to be."""
    assert is_stereo(measured(hiss(np.stack([one, one]))), 2 * 240, RULE)
    assert not is_stereo(measured(hiss(np.stack([one, one]))), 200 * 240, RULE)
    assert not is_stereo(measured(talk(1, 2)), 240, RULE)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 20_000), st.integers(1, 9_000))
def test_how_the_sound_is_cut_makes_no_difference(num, size):
    """Any length from nothing, any chunks."""
    samples = hiss(talk(1, 2, seconds=3.0))[:, :num]
    whole, parts = measured(samples, 80_000), measured(samples, size)
    assert whole.power.shape[1] == 5 * -(-num // 4000)
    assert np.allclose(whole.power, parts.power, atol=1e-3)
    assert np.allclose(whole.likeness[0, 1], parts.likeness[0, 1], atol=1e-3)
    assert len(whole.likeness[0, 1]) * 5 == whole.power.shape[1]
    assert apart(whole, RULE) == apart(parts, RULE)
