"""Sound encoders: the bundled weights, and random weights saved as transformers saves them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sensorium as sm
from sensorium.core.errors import ModelError, UsageError
from sensorium.core.media import Audio
from sensorium.core.time import Axis
from sensorium.models.registry import load_model
from sensorium.pipelines.sound.hear import encoded

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")


def sound(seconds, rate=16_000, channels=1):
    rng = np.random.default_rng(0)
    samples = 0.1 * rng.standard_normal((channels, round(seconds * rate)))
    return samples.astype(np.float32)


@pytest.mark.model
@pytest.mark.parametrize("seconds", [0.01, 3.3, 30.0])
def test_whisper_rows_equal_those_of_transformers(random_whisper, seconds):
    samples = sound(seconds)[0]
    found = load_model("sound_encoder", f"transformers-sound:{random_whisper}", 1)
    (rows,) = found.encode([Audio(samples[None], 16_000, 7.0)])[0]
    model = transformers.WhisperModel.from_pretrained(random_whisper).eval()
    inputs = transformers.WhisperFeatureExtractor()(
        samples, sampling_rate=16_000, return_tensors="pt"
    )
    with torch.inference_mode():
        expected = model.encoder(inputs.input_features).last_hidden_state[0].numpy()
    np.testing.assert_allclose(rows.values, expected, atol=1e-4)
    assert rows.num_valid == max(1, round(seconds * 50))
    assert rows.axes[0].span(0).start == 7.0


@pytest.mark.model
@pytest.mark.parametrize("seconds", [0.05, 4.0, 10.24])
def test_ast_tokens_equal_those_of_transformers(random_spectrogram, seconds):
    samples = sound(seconds)[0]
    found = load_model("sound_encoder", f"transformers-sound:{random_spectrogram}", 1)
    told = {f.name: f for f in found.encode([Audio(samples[None], 16_000)])[0]}
    model = transformers.ASTModel.from_pretrained(random_spectrogram).eval()
    inputs = transformers.ASTFeatureExtractor()(samples, sampling_rate=16_000, return_tensors="pt")
    with torch.inference_mode():
        expected = model(inputs.input_values)
    tokens = expected.last_hidden_state[0].numpy()
    grid = told["patches"]
    assert [axis.name for axis in grid.axes] == ["mel", "time"]
    assert grid.values.shape == (12, 101, 32)
    np.testing.assert_allclose(grid.values.reshape(-1, 32), tokens[2:], atol=1e-3)
    np.testing.assert_allclose(told["class"].values, tokens[0], atol=1e-3)
    np.testing.assert_allclose(told["distillation"].values, tokens[1], atol=1e-3)
    np.testing.assert_allclose(told["pooled"].values, expected.pooler_output[0], atol=1e-3)


def test_only_the_encoder_of_a_whisper_is_loaded(random_whisper):
    found = load_model("sound_encoder", f"transformers-sound:{random_whisper}", 1)
    names = [name for name, _ in found._model.named_parameters()]
    assert names
    assert not any("decoder" in name for name in names)


@pytest.mark.model
@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_rate_and_any_number_of_channels_become_windows(rate, channels):
    found = sm.embed_audio(sound(1.5, rate, channels), sample_rate=rate)
    assert len(found) == 1
    assert found[0].values.shape == (1500, 384)
    assert found[0].num_valid in (75, 76)


class Counter:
    """A sound encoder whose rows are the times that they cover."""

    window = 4.0

    def encode(self, windows):
        told = []
        for each in windows:
            axis = Axis("time", each.start, 0.5, 0.5, "s")
            rows = each.start + 0.5 * np.arange(8, dtype=np.float32)[:, None]
            valid = min(8, int(np.ceil(each.duration / 0.5 - 1e-9)))
            span = sm.Span(each.start, each.end)
            told.append((sm.Features(rows, (axis,), "counter", "encoder", span, valid),))
        return told


@pytest.mark.parametrize("hop", [None, 4.0, 3.0, 2.0, 1.0])
@pytest.mark.parametrize("seconds", [0.3, 4.0, 9.7, 21.0])
def test_windows_cover_all_of_the_sound_once_whatever_the_hop(hop, seconds):
    chunks = iter([Audio(sound(seconds), 16_000)])
    found = list(encoded(chunks, seconds, Counter(), hop))
    real = np.concatenate([each.values[: each.num_valid, 0] for each in found])
    np.testing.assert_array_equal(real, 0.5 * np.arange(len(real)))
    assert len(real) == int(np.ceil(seconds / 0.5 - 1e-9))
    for each in found:
        assert each.axes[0].start == each.values[0, 0]


@settings(max_examples=30, deadline=None)
@given(
    st.floats(0.1, 15.0),
    st.sampled_from([None, 3.0, 2.0]),
    st.lists(st.integers(100, 60_000), min_size=1, max_size=6),
)
def test_windows_are_the_same_however_the_sound_is_cut(seconds, hop, sizes):
    samples = sound(seconds)

    def cut():
        first, place = 0, 0
        while first < samples.shape[1]:
            size = sizes[place % len(sizes)]
            yield Audio(samples[:, first : first + size], 16_000, first / 16_000)
            first, place = first + size, place + 1

    class Heard(Counter):
        def encode(self, windows):
            heard.extend(each.samples.tobytes() for each in windows)
            return super().encode(windows)

    heard: list[bytes] = []
    pieces = list(encoded(cut(), seconds, Heard(), hop))
    in_pieces, heard = heard, []
    whole = list(encoded(iter([Audio(samples, 16_000)]), seconds, Heard(), hop))
    assert in_pieces == heard
    assert [str(each) for each in pieces] == [str(each) for each in whole]


def test_a_hop_that_leaves_something_out_is_refused():
    with pytest.raises(UsageError, match="at most the window of 4 s, got 5"):
        list(encoded(iter([]), 9.0, Counter(), 5.0))


def test_what_is_wrong_with_samples_is_said():
    with pytest.raises(UsageError, match="expected the rate"):
        sm.embed_audio(np.zeros(100, np.float32))
    broken = np.zeros(16_000, np.float32)
    broken[4000] = np.nan
    with pytest.raises(UsageError, match=r"sample 4000 \(0.500 s\) is NaN"):
        sm.embed_audio(broken, sample_rate=8000)
    with pytest.raises(UsageError, match=r"channel: expected 0 to 1, got 2"):
        sm.embed_audio(np.zeros((2, 100), np.float32), sample_rate=8000, channel=2)
    with pytest.raises(UsageError, match=r"expected sound \(sample,\)"):
        sm.embed_audio(np.zeros((2, 3, 4), np.float32), sample_rate=8000)


def test_a_folder_that_is_no_sound_model_is_one_clear_error(random_whisper, tmp_path):
    def error(folder):
        with pytest.raises(ModelError) as caught:
            load_model("sound_encoder", f"transformers-sound:{folder}", 1).encode(
                [Audio(sound(1.0), 16_000)]
            )
        return str(caught.value)

    assert "expected a config.json" in error(tmp_path)
    (tmp_path / "config.json").write_text((random_whisper / "config.json").read_text())
    assert "expected weights in *.safetensors; there is none" in error(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    assert "pytorch_model.bin is a pickle, which can run code" in error(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(
        (random_whisper / "model.safetensors").read_bytes()
    )
    text = (random_whisper / "config.json").read_text().replace('"d_model": 32', '"d_model": 64')
    (tmp_path / "config.json").write_text(text)
    assert "not of the shape that config.json tells of" in error(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    assert "expected a model of whisper or audio-spectrogram-transformer, got 'bert'" in error(
        tmp_path
    )
