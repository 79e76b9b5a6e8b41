"""Fuyu: the layout, the patches, and generation on a model of random weights in the real format."""

import numpy as np
import pytest
from PIL import Image

from sensorium.core.errors import UsageError
from sensorium.ops.vision.fuyu import FuyuLayout, fuyu_patches

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

from sensorium.adapters.language.fuyu_prompts import FuyuPrompts, boxes  # noqa: E402

WORDS = ["|SPEAKER|", "|NEWLINE|", "<s>", "<0x00>", "<0x01>", "<0x02>", "<0x03>", "<0x04>", "what", "is",
         "this", "and", "that", "?", *map(str, range(1000))]  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer():
    """Words and numbers, with Fuyu's own tokens."""
    vocabulary = {"<pad>": 0, "[UNK]": 1} | {word: i for i, word in enumerate(WORDS, start=2)}
    inner = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    inner.add_special_tokens([word for word in WORDS if word.startswith(("<", "|"))])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", bos_token="<s>", unk_token="[UNK]"
    )


@pytest.fixture(scope="module")
def model(tokenizer, tmp_path_factory):
    """A Fuyu of random weights, saved and loaded as the real one is."""
    folder = tmp_path_factory.mktemp("random-fuyu")
    text = transformers.PersimmonConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=4096, pad_token_id=0, bos_token_id=4, eos_token_id=9,
    )  # fmt: skip
    config = transformers.FuyuConfig(
        text_config=text.to_dict(), image_token_id=tokenizer.get_vocab()["|SPEAKER|"], patch_size=30,
        num_channels=3, vocab_size=len(tokenizer), hidden_size=32, pad_token_id=0,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.FuyuForCausalLM(config).save_pretrained(folder)
    return transformers.FuyuForCausalLM.from_pretrained(folder).eval()


def pixels(height, width, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "size", [(1, 1), (30, 30), (31, 59), (300, 300), (1080, 1920), (2000, 1000)]
)
def test_patches_equal_those_of_the_reference_processor(size):
    """Its own `patchify_image` is broken with tensors, not with arrays."""
    reference = transformers.models.fuyu.image_processing_pil_fuyu.FuyuImageProcessorPil()
    image = Image.fromarray(pixels(*size))
    told = reference(image, return_tensors="np")
    height = int(told["image_unpadded_heights"][0][0])
    width = int(told["image_unpadded_widths"][0][0])
    layout = FuyuLayout(size)
    assert layout.scaled == (height, width)
    whole = np.asarray(told["images"][0])[..., : layout.rows * 30, : layout.columns * 30]
    expected = reference.patchify_image(whole.reshape(3, *whole.shape[-2:]))
    resized = (
        image.resize((width, height), Image.Resampling.BILINEAR)
        if size != (height, width)
        else image
    )
    np.testing.assert_allclose(fuyu_patches(np.asarray(resized)), expected, atol=1e-6)


def test_counting_tokens_looks_at_no_pixel():
    layout = FuyuLayout((10**9, 10**9))
    assert (layout.rows, layout.columns, layout.count) == (36, 36, 36 * 37)
    small = FuyuLayout((61, 30), 5, 6)
    assert small.ids.tolist() == [[5, 6]] * 3
    with pytest.raises(UsageError, match="size: expected"):
        FuyuLayout((0, 10))


def test_generation_with_pictures_of_different_sizes(model, tokenizer):
    """One prompt in a batch gives what it gives alone, whatever it is padded with."""
    prompts = FuyuPrompts(tokenizer)
    first, second = pixels(70, 100), pixels(31, 40, 1)
    both = prompts(["what is this ?", "what is that ?"], [[first], [second]])
    assert both.pixel_values.shape == (3 * 4 + 2 * 2, 2700)
    many = model.generate(**both.plain(), max_new_tokens=5, do_sample=False)
    for row, image in enumerate((first, second)):
        alone = prompts(["what is this ?", "what is that ?"][row], [image])
        one = model.generate(**alone.plain(), max_new_tokens=5, do_sample=False)
        assert one[0, -5:].tolist() == many[row, -5:].tolist()


def test_the_picture_matters(model, tokenizer):
    prompts = FuyuPrompts(tokenizer)
    with torch.inference_mode():
        told = [
            model(**prompts("what is this ?", [image]).plain()).logits[0, -1]
            for image in (pixels(60, 60), 255 - pixels(60, 60))
        ]
    assert float((told[0] - told[1]).abs().max()) > 1e-4


def test_several_pictures_stand_where_the_prompt_says(tokenizer):
    prompts = FuyuPrompts(tokenizer)
    made = prompts("what is <image> and <image> ?", [pixels(30, 30), pixels(30, 60)])
    words = tokenizer.convert_ids_to_tokens(made.input_ids[0].tolist())
    assert words == [
        "what", "is", "|SPEAKER|", "|NEWLINE|", "and", "|SPEAKER|", "|SPEAKER|", "|NEWLINE|", "<s>", "?",
        "<0x04>",
    ]  # fmt: skip
    assert made.pixel_values.shape == (3, 2700)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "I;16", "LA", "CMYK"])
def test_pictures_of_any_kind(tokenizer, mode, tmp_path):
    if mode == "I;16":
        image = Image.fromarray(pixels(40, 50)[..., 0].astype(np.uint16) * 257)
    else:
        image = Image.fromarray(pixels(40, 50)).convert(mode)
    made = FuyuPrompts(tokenizer)("what is this ?", [image])
    assert made.pixel_values.shape == (4, 2700)
    assert made.pixel_values.abs().max() <= 1


def test_boxes_and_points_go_in_and_come_back(tokenizer):
    prompts = FuyuPrompts(tokenizer)
    image = pixels(2160, 1920)  # seen at half the size
    made = prompts("what is <box>100, 200, 300, 401</box> and <point>40, 80</point> ?", [image])
    words = tokenizer.convert_ids_to_tokens(made.input_ids[0].tolist())
    start = words.index("<0x00>")
    assert words[start : start + 6] == ["<0x00>", "25", "50", "75", "100", "<0x01>"]
    assert words[start + 7 : start + 11] == ["<0x02>", "10", "20", "<0x03>"]
    written = "<0x00>25 50 75 100<0x01>"
    assert boxes(written, made.layouts[0][0]) == [("box", (100.0, 200.0, 300.0, 400.0))]


def test_wrong_use_is_one_clear_error(tokenizer):
    prompts = FuyuPrompts(tokenizer)
    with pytest.raises(UsageError, match="expected 2 pictures for its <image> places, got 1"):
        prompts("<image> <image>", [pixels(30, 30)])
    with pytest.raises(UsageError, match="expected 4 numbers for '<box>1, 2</box>'"):
        prompts("<box>1, 2</box>", [pixels(30, 30)])
    with pytest.raises(UsageError, match="a picture that it lies in"):
        prompts("<point>1, 2</point>", [])
    with pytest.raises(UsageError, match="expected a list for each of 2 texts, got 1"):
        prompts(["a", "b"], [[pixels(30, 30)]])
    bare = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0}, unk_token="a"))
    )
    with pytest.raises(UsageError, match=r"expected Fuyu's, it has no \|SPEAKER\|"):
        FuyuPrompts(bare)
    with pytest.raises(UsageError, match="pixels: expected uint8"):
        fuyu_patches(np.zeros((4, 4), np.uint8))
