"""Vision transformers: random weights saved as transformers saves them, against transformers itself."""

import numpy as np
import pytest

from sensorium.core.errors import ModelError
from sensorium.core.media import Frames
from sensorium.models.registry import load_model
from tiny_models import MEAN, STD

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


def frames(height, width, num=1):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (num, height, width, 3), dtype=np.uint8)
    return Frames(pixels, np.zeros(num))


def reference(folder, pixels, **options):
    """transformers' own output for pictures of the size that they have."""
    config = transformers.AutoConfig.from_pretrained(folder)
    towers = {"clip": transformers.CLIPVisionModel, "siglip": transformers.SiglipVisionModel}
    model = towers.get(config.model_type, transformers.AutoModel).from_pretrained(folder).eval()
    values = torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
    with torch.inference_mode():
        return model(pixel_values=(values - mean) / std, **options)


@pytest.mark.model
@pytest.mark.parametrize(
    ("family", "side", "grid", "prefix"),
    [
        ("vit", 224, 14, 1),
        ("dinov2", 56, 4, 1),
        ("clip", 64, 4, 1),
        ("siglip", 64, 4, 0),
        ("dinov3", 64, 4, 5),
    ],
)
def test_tokens_at_the_models_own_size_equal_those_of_transformers(
    random_vision, family, side, grid, prefix
):
    pictures = frames(side, side, 2)
    found = load_model("image_encoder", f"transformers:{random_vision[family]}", 1).encode(pictures)
    expected = reference(random_vision[family], pictures.pixels)
    tokens = expected.last_hidden_state.numpy()
    assert tokens.shape[1] == prefix + grid * grid
    for place, each in enumerate(found):
        told = {features.name: features for features in each}
        patches = told["patches"]
        assert patches.values.shape == (grid, grid, 32)
        np.testing.assert_allclose(
            patches.values.reshape(-1, 32), tokens[place, prefix:], atol=4e-3
        )
        assert ("class" in told) == bool(prefix)
        if prefix:
            np.testing.assert_allclose(told["class"].values, tokens[place, 0], atol=4e-3)
        pooled = expected.pooler_output[place].numpy()
        np.testing.assert_allclose(told["pooled"].values, pooled, atol=4e-3)


@pytest.mark.model
def test_vit_224_16_gives_197_tokens(random_vision):
    (told,) = load_model("image_encoder", f"transformers:{random_vision['vit']}", 1).encode(
        frames(300, 400)
    )
    names = {features.name: features.values.shape for features in told}
    assert names == {"patches": (14, 14, 32), "class": (32,), "pooled": (32,)}
    axis = told[0].axes[0]
    assert axis.span(13).end == pytest.approx(300)


@pytest.mark.model
@pytest.mark.parametrize(
    ("family", "patch"), [("vit", 16), ("dinov2", 14), ("clip", 16), ("siglip", 16), ("dinov3", 16)]
)
def test_any_size_keeps_every_row(random_vision, family, patch):
    """215 x 224 is a grid of 14 x 14 patches of 16, not of 13 x 14."""
    encoder = load_model("image_encoder", f"transformers-native:{random_vision[family]}", 1)
    for height, width in ((215, 224), (33, 97), (patch, patch)):
        told = encoder.encode(frames(height, width))[0]
        assert told[0].values.shape[:2] == (-(-height // patch), -(-width // patch))
        assert told[0].axes[0].span(0).end == patch
        assert np.isfinite(told[0].values.astype(np.float32)).all()


@pytest.mark.model
def test_230_x_224_is_not_silently_224_x_224(random_vision):
    told = load_model("image_encoder", f"transformers-native:{random_vision['vit']}", 1).encode(
        frames(230, 224)
    )[0]
    assert told[0].values.shape == (15, 14, 32)


@pytest.mark.model
@pytest.mark.parametrize("family", ["vit", "dinov2", "dinov3", "clip", "siglip"])
def test_a_size_that_divides_equals_transformers_with_interpolated_positions(random_vision, family):
    patch = 14 if family == "dinov2" else 16
    pictures = frames(patch * 5, patch * 3)
    told = load_model("image_encoder", f"transformers-native:{random_vision[family]}", 1).encode(
        pictures
    )[0]
    options = {} if family.startswith("dino") else {"interpolate_pos_encoding": True}
    tokens = (
        reference(random_vision[family], pictures.pixels, **options).last_hidden_state[0].numpy()
    )
    np.testing.assert_allclose(told[0].values.reshape(-1, 32), tokens[-15:], atol=4e-3)


@pytest.mark.model
def test_a_picture_much_larger_than_the_model_is_made_smaller_and_keeps_its_shape(random_vision):
    told = load_model("image_encoder", f"transformers-native:{random_vision['clip']}", 1).encode(
        frames(1024, 512)
    )[0]
    assert told[0].values.shape[:2] == (16, 8)
    assert told[0].axes[1].span(7).end == pytest.approx(512)


def test_a_folder_that_is_no_vision_model_is_one_clear_error(random_vision, tmp_path):
    def error():
        with pytest.raises(ModelError) as caught:
            load_model("image_encoder", f"transformers:{tmp_path}", 1).encode(frames(64, 64))
        return str(caught.value)

    assert str(tmp_path) in error()
    (tmp_path / "config.json").write_text((random_vision["vit"] / "config.json").read_text())
    assert "safetensors" in error()
    torch.save({}, tmp_path / "pytorch_model.bin")
    assert "pickled weights are refused" in error()
    (tmp_path / "preprocessor_config.json").write_text("{}")
    data = (random_vision["clip"] / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(data)
    assert "the weights lack" in error()


@pytest.mark.model
def test_naflex_takes_pictures_of_many_shapes_in_one_batch(random_naflex):
    """As transformers with its own processor; one picture in a batch is as it is alone."""
    from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil

    import sensorium as sm

    pictures = [frames(90, 140).pixels[0], frames(300, 60).pixels[0]]
    found = sm.embed_images(pictures, model=f"transformers-naflex:{random_naflex}")
    model = transformers.Siglip2VisionModel.from_pretrained(random_naflex).eval()
    processor = Siglip2ImageProcessorPil.from_pretrained(random_naflex)
    for place, pixels in enumerate(pictures):
        inputs = processor(pixels, return_tensors="pt")
        with torch.inference_mode():
            expected = model(**inputs)
        rows, columns = inputs["spatial_shapes"][0].tolist()
        told = found[place]
        assert told["patches"].values.shape == (rows, columns, 32)
        tokens = expected.last_hidden_state[0, : rows * columns].numpy()
        np.testing.assert_allclose(told["patches"].values.reshape(-1, 32), tokens, atol=4e-3)
        alone = sm.embed_images([pixels], model=f"transformers-naflex:{random_naflex}")[0]
        np.testing.assert_allclose(alone["pooled"].values, told["pooled"].values, atol=2e-3)


@pytest.mark.model
def test_pictures_of_many_sizes_go_through_the_bundled_encoder():
    import sensorium as sm

    pictures = [frames(50, 70).pixels[0], frames(20, 30).pixels[0], frames(50, 70).pixels[0]]
    found = sm.embed_images(pictures)
    assert [each["patches"].values.shape for each in found] == [(16, 16, 384)] * 3
    np.testing.assert_array_equal(found[0]["class"].values, found[2]["class"].values)
    assert found[1]["patches"].axes[0].span(15).end == pytest.approx(20)
