"""Tiny causal language models with a tokenizer of whole words, saved as a local folder.

They know nothing but the words they are given; with random weights they say nothing of sense.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

_WORD = r"\w+|[^\w\s]"


def word_tokenizer(texts: Iterable[str]) -> Any:
    """A tokenizer of transformers whose tokens are the words of `texts`; it begins a text with ``<s>``."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["<pad>", "<unk>", "<s>", "</s>"]
    words = sorted({word for text in texts for word in re.findall(_WORD, text)} | {"a"})
    vocabulary = {word: index for index, word in enumerate([*special, *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(
        Regex(rf"<s>|</s>|{_WORD}"), behavior="removed", invert=True
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", vocabulary["<s>"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
    )


def tiny_causal(tokenizer: Any, hidden: int = 32, family: str = "llama", layers: int = 2) -> Any:
    """A causal model of the Llama or GPT-2 family with random weights, the same in every run."""
    import torch
    import transformers

    ids = {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if family == "gpt2":
            config = transformers.GPT2Config(
                n_embd=hidden, n_layer=layers, n_head=2, n_positions=512, **ids
            )
            return transformers.GPT2LMHeadModel(config).eval()
        return transformers.LlamaForCausalLM(
            transformers.LlamaConfig(
                hidden_size=hidden,
                intermediate_size=2 * hidden,
                num_hidden_layers=layers,
                num_attention_heads=2,
                num_key_value_heads=1,
                max_position_embeddings=512,
                **ids,
            )
        ).eval()


def keyword_lines(captions: Sequence[str], repeat: int = 30, seed: int = 0) -> list[str]:
    """Lines that teach to write a caption from its words: the words in any order, then the caption.

    >>> keyword_lines(["a cat"], 1)
    ['a cat a cat']
    """
    rng = random.Random(seed)
    lines = []
    for _ in range(repeat):
        for caption in captions:
            words = caption.split()
            rng.shuffle(words)
            lines.append(" ".join([*words, caption]))
    return lines


def teach(model: Any, tokenizer: Any, texts: Sequence[str], steps: int) -> float:
    """Trains the model on `texts` in batches of 32; gives the last loss per token.

    A text ends with the end of text. Nothing of pictures or sounds is learnt here.
    """
    import torch

    device = model.device
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    generator = torch.Generator().manual_seed(0)
    model.train()
    loss = torch.zeros(())
    for _ in range(steps):
        chosen = torch.randperm(len(texts), generator=generator)[:32].tolist()
        ids = [[*tokenizer(texts[index])["input_ids"], tokenizer.eos_token_id] for index in chosen]
        longest = max(map(len, ids))
        wanted = torch.tensor([[*row, *[-100] * (longest - len(row))] for row in ids])
        loss = model(input_ids=wanted.clamp(min=0).to(device), labels=wanted.to(device)).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    return float(loss.detach())


def save_causal(model: Any, tokenizer: Any, folder: str | os.PathLike[str]) -> Path:
    """Writes both in the format of transformers, weights as safetensors."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Path(folder)
