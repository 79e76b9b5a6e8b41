"""What the data types refuse and keep."""

import numpy as np
import pytest

from sensorium.core.errors import UsageError
from sensorium.core.media import Audio, Frames


def test_audio_is_read_only_and_cut_by_seconds():
    """Parts know where they start; nobody can write into what another holds."""
    audio = Audio(np.arange(100, dtype=np.float32)[None], 10, start=2.0)
    part = audio.between(3.0, 4.5)
    assert (part.start, part.duration) == (3.0, 1.5)
    assert part.samples[0, 0] == 10
    with pytest.raises(ValueError, match="read-only"):
        part.samples[0, 0] = 0


def test_between_is_clipped_to_what_there_is():
    """Asking beyond the ends gives what there is, and nothing beyond gives an empty piece."""
    audio = Audio(np.zeros((1, 100), np.float32), 10)
    assert audio.between(-5.0, 99.0).samples.shape == (1, 100)
    assert audio.between(50.0, 60.0).samples.shape == (1, 0)


def test_mono_is_the_average_of_the_channels():
    """Two channels count the same."""
    stereo = Audio(np.array([[0.0, 1.0], [1.0, 1.0]], np.float32), 10)
    assert stereo.mono().tolist() == [0.5, 1.0]


@pytest.mark.parametrize("samples", [np.zeros(5, np.float32), np.zeros((1, 5))])
def test_audio_refuses_other_shapes_and_dtypes(samples):
    """The message says what was expected and what came."""
    with pytest.raises(UsageError, match=r"expected float32 \(channel, sample\), got"):
        Audio(samples, 16000)


def test_frames_refuse_missing_times():
    """One time per picture."""
    with pytest.raises(UsageError, match="times"):
        Frames(np.zeros((2, 4, 4, 3), np.uint8), np.zeros(1))
