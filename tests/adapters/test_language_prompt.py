"""Prompts with pictures and sounds: the inputs of a causal model (random weights)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from sensorium.adapters.language.adapter import Adapter
from sensorium.adapters.language.prompt import embed_prompt
from sensorium.core.errors import UsageError
from sensorium.core.features import Features
from sensorium.core.time import Axis
from sensorium.testing.tiny_causal import tiny_causal, word_tokenizer

TEXTS = ["What is this and who says that ?", "a cat", "Tell me :"]
TOKENIZER = word_tokenizer(TEXTS)


@pytest.fixture(params=["llama", "gpt2"])
def model(request: pytest.FixtureRequest) -> Any:
    return tiny_causal(TOKENIZER, 32, request.param)


def patches(rng: np.random.Generator, rows: int = 3, columns: int = 4) -> Features:
    axes = (Axis("height", 0, 14, 14, "px"), Axis("width", 0, 14, 14, "px"))
    return Features(
        rng.standard_normal((rows, columns, 12)).astype(np.float16), axes, "eye", "patches"
    )


def rows(rng: np.random.Generator, num: int = 5, num_valid: int = 4) -> Features:
    values = rng.standard_normal((num, 8)).astype(np.float32)
    return Features(values, (Axis("time", 0, 0.02, 0.02, "s"),), "ear", "encoder", None, num_valid)


@pytest.fixture
def adapters() -> dict[str, Adapter]:
    torch.manual_seed(1)
    return {"image": Adapter(12, 32), "audio": Adapter(8, 32, num_axes=1)}


def test_text_alone_is_the_models_own_input(model: Any) -> None:
    ids = TOKENIZER("What is this ?", return_tensors="pt")["input_ids"]
    inputs = embed_prompt(model, TOKENIZER, "What is this ?")
    torch.testing.assert_close(inputs["inputs_embeds"], model.get_input_embeddings()(ids))
    torch.testing.assert_close(model(**inputs).logits, model(ids).logits)


def test_everything_is_where_it_was_asked_for(
    model: Any, adapters: dict[str, Adapter], rng: np.random.Generator
) -> None:
    eye, ear = patches(rng), rows(rng)
    inputs = embed_prompt(
        model, TOKENIZER, "What is <image> and who says <audio>?", [eye], [[ear, ear]], adapters
    )
    table = model.get_input_embeddings().weight
    words = [
        table[TOKENIZER.convert_tokens_to_ids(w)]
        for w in ["<s>", "What", "is", "and", "who", "says", "?"]
    ]
    [seen], [heard] = adapters["image"].embed([eye]), adapters["audio"].embed([ear])
    assert heard.shape == (4, 32)
    expected = torch.cat(
        [torch.stack(words[:3]), seen, torch.stack(words[3:6]), heard, heard, words[6][None]]
    )
    torch.testing.assert_close(inputs["inputs_embeds"][0], expected)
    assert inputs["attention_mask"].all()
    assert inputs["position_ids"].tolist() == [list(range(len(expected)))]


@pytest.mark.parametrize("padding", ["left", "right"])
def test_a_batch_says_what_each_says_alone(
    model: Any, adapters: dict[str, Adapter], rng: np.random.Generator, padding: Any
) -> None:
    prompts = ["What is <image>?", "<image> and <image>", "Tell me :"]
    images = [[patches(rng)], [patches(rng, 2, 2), patches(rng, 5, 1)], []]
    inputs = embed_prompt(model, TOKENIZER, prompts, images, adapters=adapters, padding=padding)
    logits = model(**inputs).logits
    for index, (prompt, media) in enumerate(zip(prompts, images, strict=True)):
        alone = model(**embed_prompt(model, TOKENIZER, prompt, media, adapters=adapters)).logits[0]
        mine = logits[index][inputs["attention_mask"][index].bool()]
        torch.testing.assert_close(mine, alone, atol=1e-4, rtol=1e-4)


def test_generate_goes_on_from_the_prompt(
    model: Any, adapters: dict[str, Adapter], rng: np.random.Generator
) -> None:
    prompts, images = ["What is <image>?", "<image>"], [[patches(rng)], [patches(rng, 2, 2)]]
    inputs = embed_prompt(model, TOKENIZER, prompts, images, adapters=adapters)
    said = model.generate(**inputs, max_new_tokens=6, do_sample=False, eos_token_id=None)
    for index, (prompt, media) in enumerate(zip(prompts, images, strict=True)):
        row = embed_prompt(model, TOKENIZER, prompt, media, adapters=adapters)["inputs_embeds"]
        for token in said[index]:  # greedy by hand, without a cache
            assert model(inputs_embeds=row).logits[0, -1].argmax() == token
            row = torch.cat([row, model.get_input_embeddings()(token)[None, None]], 1)


def test_gradients_reach_the_adapter(model: Any, rng: np.random.Generator) -> None:
    adapter = Adapter(12, 32)
    inputs = embed_prompt(model, TOKENIZER, "What is <image>?", [patches(rng)], adapters=adapter)
    model(**inputs).logits.sum().backward()
    assert all(
        weight.grad is not None and weight.grad.abs().sum() for weight in adapter.parameters()
    )


def test_embeddings_of_ones_own(model: Any, rng: np.random.Generator) -> None:
    own = rng.standard_normal((6, 32)).astype(np.float32)
    inputs = embed_prompt(model, TOKENIZER, "<image>", [own])
    torch.testing.assert_close(inputs["inputs_embeds"][0, 1:], torch.from_numpy(own))


def test_a_beginning_is_not_said_twice(model: Any) -> None:
    """A chat template has written the beginning already."""
    once = embed_prompt(model, TOKENIZER, "What is this ?")["inputs_embeds"]
    templated = embed_prompt(model, TOKENIZER, "<s>What is this ?")["inputs_embeds"]
    torch.testing.assert_close(once, templated)


def test_wrong_use_is_one_clear_error(
    model: Any, adapters: dict[str, Adapter], rng: np.random.Generator
) -> None:
    def embed(*arguments: Any, **more: Any) -> Any:
        return embed_prompt(model, TOKENIZER, *arguments, **more)

    eye = patches(rng)
    with pytest.raises(UsageError, match="2 <image> for 1 given"):
        embed("<image> and <image>", [eye], adapters=adapters)
    with pytest.raises(UsageError, match="0 <audio> for 1 given"):
        embed("<image>", [eye], [rows(rng)], adapters=adapters)
    with pytest.raises(UsageError, match="embeddings have 32 values, this adapter gives 16"):
        embed("<image>", [eye], adapters=Adapter(12, 16))
    with pytest.raises(UsageError, match="image: Features need an adapter"):
        embed("<image>", [eye])
    with pytest.raises(UsageError, match=r"without an adapter expected embeddings \(token, 32\)"):
        embed("<image>", [np.zeros((5, 31), np.float32)])
    with pytest.raises(UsageError, match="expected a list per prompt"):
        embed(["<image>", "<image>"], [eye, eye], adapters=adapters)
    with pytest.raises(UsageError, match="keys image and audio"):
        embed("<image>", [eye], adapters={"picture": adapters["image"]})
    with pytest.raises(UsageError, match="got str"):
        embed("<image>", ["cat.jpg"], adapters=adapters)
    with pytest.raises(UsageError, match="expected left or right"):
        embed("a", padding="middle")
    with pytest.raises(UsageError, match="expected a prompt, got none"):
        embed([])
