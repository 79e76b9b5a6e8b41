"""Log-mel rows: against transformers' own extractors, against plain numpy, and as a stream."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorium.core.errors import UsageError
from sensorium.core.media import Audio
from sensorium.ops.sound import mel
from sensorium.pipelines.sound.mel_stream import MelStream

RULES = [mel.whisper(), mel.whisper(128), mel.ast(), mel.kaldi()]


def sound(num_samples, seed=0):
    """Loud and quiet parts, a tone, silence."""
    rng = np.random.default_rng(seed)
    samples = 0.1 * rng.standard_normal(num_samples)
    samples[num_samples // 3 : num_samples // 2] *= 1e-3
    samples += 0.2 * np.sin(np.arange(num_samples) * 0.3) * (np.arange(num_samples) % 9000 < 3000)
    samples[num_samples - num_samples // 10 :] = 0
    return samples.astype(np.float32)


@pytest.mark.parametrize("rule", RULES, ids=lambda r: f"{r.window}-{r.num_mel}")
@pytest.mark.parametrize("num_samples", [0, 1, 159, 160, 399, 400, 1000, 16_001, 100_003])
def test_the_kernel_gives_what_numpy_gives(rule, num_samples):
    pytest.importorskip("numba")
    samples = sound(num_samples)
    num = mel.num_rows(num_samples, rule)
    padded = mel.mirrored(samples, rule)
    # float32 against float64: relative to the loudest line, so the quietest bins differ most
    np.testing.assert_allclose(
        mel.framed(padded, num, rule), mel.plain(padded, num, rule), atol=5e-3, rtol=0
    )


@pytest.mark.parametrize("seconds", [0.01, 0.5, 7.3, 29.999, 30.0])
@pytest.mark.parametrize("num_mel", [80, 128])
def test_whisper_windows_equal_those_of_transformers(seconds, num_mel):
    transformers = pytest.importorskip("transformers")
    samples = sound(round(seconds * 16_000))
    reference = transformers.WhisperFeatureExtractor(feature_size=num_mel)
    expected = reference._np_extract_fbank_features(
        np.pad(samples, (0, 480_000 - len(samples)))[None], "cpu"
    )[0]
    np.testing.assert_allclose(mel.whisper_window(samples, num_mel), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("length", [5, 10])
def test_whisper_windows_of_another_length(length):
    transformers = pytest.importorskip("transformers")
    samples = sound(60_000)
    reference = transformers.WhisperFeatureExtractor(chunk_length=length)
    expected = reference(samples, sampling_rate=16_000, return_tensors="np").input_features[0]
    found = mel.whisper_window(samples, 80, length)
    assert found.shape == expected.shape == (80, length * 100)
    np.testing.assert_allclose(found, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("seconds", [0.03, 1.0, 7.77, 10.2])
def test_ast_windows_equal_those_of_transformers(seconds):
    transformers = pytest.importorskip("transformers")
    samples = sound(round(seconds * 16_000))
    reference = transformers.ASTFeatureExtractor()
    expected = reference(samples, sampling_rate=16_000, return_tensors="np").input_values[0]
    np.testing.assert_allclose(mel.ast_window(samples), expected, atol=1e-3, rtol=0)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(RULES),
    st.integers(0, 12_000),
    st.lists(st.integers(1, 5000), min_size=1, max_size=8),
)
def test_a_stream_gives_the_rows_of_the_whole_sound_however_it_is_cut(rule, num_samples, sizes):
    samples, stream, found, first, place = sound(num_samples), MelStream(rule), [], 0, 0
    while first < num_samples:
        size = sizes[place % len(sizes)]
        found.append(
            stream.step(Audio(samples[None, first : first + size], 16_000, first / 16_000))
        )
        first, place = first + size, place + 1
    found.append(stream.finish())
    np.testing.assert_array_equal(np.concatenate(found), mel.rows(samples, rule))


def test_rows_of_a_stream_come_as_soon_as_they_are_final():
    """After s seconds of sound, all rows whose 25 ms lie inside it are there."""
    stream = MelStream(mel.whisper())
    for index in range(1, 101):
        stream.step(Audio(sound(1600, index)[None], 16_000))
        assert stream.num_rows >= index * 10 - 1


def test_ten_minutes_are_rows_like_any_other():
    samples = sound(16_000 * 600)
    found = mel.rows(samples, mel.whisper())
    assert found.shape == (60_000, 80)
    part = mel.rows(samples[16_000 * 300 : 16_000 * 330], mel.whisper())
    np.testing.assert_allclose(found[30_010:32_990], part[10:2990], atol=1e-3)


def test_samples_that_are_no_numbers_are_named():
    samples = sound(16_000)
    samples[8000] = np.nan
    with pytest.raises(UsageError, match=r"sample 8000 \(0.500 s\) is nan"):
        mel.rows(samples, mel.whisper())
    samples[8000] = np.inf
    with pytest.raises(UsageError, match="is inf"):
        mel.ast_window(samples)
    with pytest.raises(UsageError, match="expected at most 30 s"):
        mel.whisper_window(np.zeros(480_001, np.float32))
    with pytest.raises(UsageError, match="expected at most 1024 rows"):
        mel.ast_window(np.zeros(170_000, np.float32))
    with pytest.raises(UsageError, match="expected floats"):
        mel.rows(np.zeros(10, np.int16), mel.whisper())
    with pytest.raises(UsageError, match="expected 16000 Hz"):
        MelStream(mel.whisper()).step(Audio(samples[None], 8000))
