"""Image processors, against those of transformers (their Pillow path)."""

import json

import numpy as np
import pytest
from PIL import Image

from sensorium.adapters.processors.images import _bytes_of, load_processor
from sensorium.core.errors import MediaError, ModelError, UsageError

transformers = pytest.importorskip("transformers")
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil  # noqa: E402
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil  # noqa: E402
from transformers.models.llava_next.image_processing_pil_llava_next import (  # noqa: E402
    LlavaNextImageProcessorPil,
)
from transformers.models.pixtral.image_processing_pil_pixtral import PixtralImageProcessorPil  # noqa: E402
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (  # noqa: E402
    Qwen2VLImageProcessorPil,
)
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil  # noqa: E402
from transformers.models.siglip2.image_processing_pil_siglip2 import (  # noqa: E402
    Siglip2ImageProcessorPil,
)
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil  # noqa: E402

REFERENCES = {
    "vit": ViTImageProcessorPil(),
    "vit-384": ViTImageProcessorPil(size={"height": 384, "width": 384}, image_mean=[0.4, 0.5, 0.6]),
    "dinov2": BitImageProcessorPil(
        size={"shortest_edge": 256},
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    ),
    "clip": CLIPImageProcessorPil(),
    "siglip": SiglipImageProcessorPil(),
    "siglip2": Siglip2ImageProcessorPil(),
    "qwen2-vl": Qwen2VLImageProcessorPil(),
    "qwen3-vl": Qwen2VLImageProcessorPil(patch_size=16, image_mean=[0.5] * 3, image_std=[0.5] * 3),
    "pixtral": PixtralImageProcessorPil(),
    "llava-next": LlavaNextImageProcessorPil(),
    "llava-next-336": LlavaNextImageProcessorPil(
        size={"shortest_edge": 336}, crop_size={"height": 336, "width": 336}
    ),
}
SIZES = [(224, 224), (480, 640), (333, 517), (1200, 90), (64, 64)]


@pytest.fixture(params=REFERENCES, name="pair")
def _pair(request, tmp_path):
    """(reference, ours from its saved config)."""
    reference = REFERENCES[request.param]
    reference.save_pretrained(tmp_path)
    return reference, tmp_path


def image(height, width, seed=0):
    """Smooth with noise, as photographs are."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin(x / 40), np.cos(y / 30), np.sin((x + y) / 50)], -1) * 90 + 128
    return np.clip(waves + rng.normal(0, 12, waves.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", SIZES)
def test_exact_equals_the_reference(pair, size):
    reference, folder = pair
    pixels = image(*size)
    expected = reference(Image.fromarray(pixels), return_tensors="np")
    found = load_processor(folder)(Image.fromarray(pixels))
    assert set(found) == set(expected)
    for key, values in found.items():
        assert values.shape == np.asarray(expected[key]).shape, key
        np.testing.assert_allclose(values, expected[key], atol=1e-6, err_msg=key)


@pytest.mark.parametrize("size", [(480, 640), (333, 517)])
def test_fast_is_at_most_one_level_off(pair, size):
    reference, folder = pair
    pixels = image(*size)
    expected = reference(Image.fromarray(pixels), return_tensors="np")["pixel_values"]
    processor = load_processor(folder, "fast")
    found = processor([pixels])["pixel_values"]
    level = float(np.abs(np.diff(processor.rule.levels(), axis=0)).max())
    assert np.abs(found - expected).max() <= level * 1.001


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize(
    "size", [(1, 1), (31, 47), (2400, 1800)]
)  # the last: of more blocks than one
def test_fast_takes_the_bytes_of_a_picture_as_they_are(tmp_path, mode, size):
    REFERENCES["vit"].save_pretrained(tmp_path)
    processor, opened = (
        load_processor(tmp_path, "fast"),
        Image.fromarray(image(*size)).convert(mode),
    )
    expected = processor(np.array(opened.convert("RGB")))["pixel_values"]
    found = processor(opened)["pixel_values"]
    del opened
    np.testing.assert_array_equal(found, expected)


def test_the_bytes_outlive_the_picture():
    pixels = image(300, 200)
    opened = Image.fromarray(pixels)
    held = _bytes_of(opened)
    assert held.shape == (300, 200, 4)  # Pillow's own, not a copy of three channels
    del opened
    others = [Image.new("RGB", (200, 300), "white") for _ in range(20)]
    np.testing.assert_array_equal(held[..., :3], pixels)
    assert len(others) == 20


def test_a_batch_is_the_same_as_one_by_one(pair):
    reference, folder = pair
    pictures = [image(300, 200, 1), image(250, 400, 2)]
    found = load_processor(folder)(pictures)
    expected = reference([Image.fromarray(each) for each in pictures], return_tensors="np")
    for key, values in found.items():
        np.testing.assert_allclose(values, expected[key], atol=1e-6, err_msg=key)


def test_pictures_of_any_kind_become_rgb(tmp_path):
    REFERENCES["vit"].save_pretrained(tmp_path)
    processor, pixels = load_processor(tmp_path), image(50, 60)
    expected = processor(pixels)["pixel_values"]
    for other in (
        pixels / np.float32(255),
        pixels.astype(np.uint16) * 257,
        Image.fromarray(pixels),
    ):
        np.testing.assert_allclose(processor(other)["pixel_values"], expected, atol=2e-2)
    gray = processor(pixels[..., 0])["pixel_values"]
    assert (gray[:, 0] == gray[:, 1]).all()
    alpha = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    np.testing.assert_array_equal(processor(alpha)["pixel_values"], expected)


def test_what_is_wrong_is_said(tmp_path):
    with pytest.raises(ModelError, match="expected a model's folder with preprocessor_config"):
        load_processor(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps({"image_processor_type": "SamImageProcessor"})
    )
    with pytest.raises(ModelError, match="its config says SamImageProcessor"):
        load_processor(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text("{")
    with pytest.raises(ModelError, match="expected JSON"):
        load_processor(tmp_path)
    REFERENCES["vit"].save_pretrained(tmp_path)
    with pytest.raises(UsageError, match="expected one picture or more"):
        load_processor(tmp_path)([])
    with pytest.raises(UsageError, match="mode: expected exact or fast"):
        load_processor(tmp_path, "slow")
    with pytest.raises(MediaError):
        load_processor(tmp_path)(tmp_path / "nothing.png")
