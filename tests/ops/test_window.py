"""Cutting a stream of sound into planned pieces."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.core.media import Audio
from sensorium.core.time import Span
from sensorium.ops.sound.window import cut, padded, windows

RATE = 100


def chunked(num_samples, sizes):
    """Samples 0, 1, 2, ... in chunks of the given sizes, cycled."""
    first, index = 0, 0
    while first < num_samples:
        size = min(sizes[index % len(sizes)], num_samples - first)
        samples = np.arange(first, first + size, dtype=np.float32)[None]
        yield Audio(samples, RATE, first / RATE)
        first, index = first + size, index + 1


@given(
    st.integers(1, 2000),
    st.lists(st.integers(1, 700), min_size=1, max_size=5),
    st.floats(0.1, 8),
    st.floats(0.1, 8),
)
def test_windows_cover_every_sample_whatever_the_chunks(num_samples, sizes, width, hop):
    """Every sample lies in a window if windows touch, and each window holds exactly its samples."""
    planned = windows(width, min(hop, width), num_samples / RATE)
    pieces = list(cut(chunked(num_samples, sizes), planned))
    assert set(np.concatenate([p.samples[0] for p in pieces]).tolist()) == set(range(num_samples))
    for piece in pieces:
        assert piece.samples[0, 0] == pytest.approx(piece.start * RATE, abs=1e-3)
        assert np.all(np.diff(piece.samples[0]) == 1)


def test_a_span_beyond_the_end_gives_what_there_is():
    """Nothing is made up after the end."""
    pieces = list(cut(chunked(100, [30]), [Span(0.9, 5.0), Span(7.0, 8.0)]))
    assert [p.samples.shape[1] for p in pieces] == [10]


def test_nothing_gives_nothing():
    """No sound, no pieces."""
    assert list(cut([], [Span(0, 1)])) == []


def test_padding_is_silence_after_the_sound():
    """The sound itself stays; the length is as asked."""
    short = Audio(np.ones((1, 30), np.float32), RATE, 4.0)
    long = padded(short, 1.0)
    assert (long.start, long.samples.shape[1], long.samples.sum()) == (4.0, 100, 30)
    assert padded(long, 0.5) is long
