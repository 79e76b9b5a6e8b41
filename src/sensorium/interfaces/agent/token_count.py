"""How many tokens a text or a picture takes in a language model."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from sensorium.core.errors import UsageError

Count = Callable[[str], int]
PATCH = (
    28  # pixels a side: what a token of a picture covers in Qwen's and, about, in Claude's models
)
_LETTERS = re.compile("[A-Za-z]+")


def counted(tokenizer: Any = None) -> Count:
    """How many tokens a text has: by a tokenizer, or by `estimate` for None.

    A tokenizer is whatever has ``encode`` (transformers, tokenizers, tiktoken, sentencepiece), or a
    function that gives a number or the tokens of a text.

    Raises:
        UsageError: it is none of these.
    """
    if tokenizer is None:
        return estimate
    # tiktoken's encode refuses texts that hold the name of a special token
    call = getattr(tokenizer, "encode_ordinary", None) or getattr(tokenizer, "encode", tokenizer)
    if not callable(call):
        raise UsageError(
            f"tokenizer: expected something with encode(text), or a function, got {tokenizer!r}"
        )

    def count(text: str) -> int:
        found = call(text)
        return found if isinstance(found, int) else len(found)

    return count


def estimate(text: str) -> int:
    """More tokens than a model's own tokenizer is likely to make of a text.

    A word of Latin letters is one, and one more for every three letters beyond the fourth; digits and
    signs are one each. Other letters are what they take in GPT-2's tokenizer, which was made for English
    and needs more than any later one: 1.5 each where they take two bytes (Greek, Cyrillic, Arabic), 2.7
    where they take three (Chinese, Japanese, Korean, Thai, Hindi), 3 beyond.

    >>> estimate("Good evening, 1999."), estimate("東京")
    (9, 6)
    """
    letters = sum(1 + max(0, math.ceil((len(run) - 4) / 3)) for run in _LETTERS.findall(text))
    rest = _LETTERS.sub("", text).replace(" ", "")  # blanks ride with the word that follows
    sizes = (ord(each) for each in rest)
    more = sum(1 if n < 0x80 else 1.5 if n < 0x800 else 2.7 if n < 0x10000 else 3 for n in sizes)
    return letters + math.ceil(more)


def of_picture(width: int, height: int) -> int:
    """Tokens of a picture, one for every 28 x 28 pixels."""
    return math.ceil(width / PATCH) * math.ceil(height / PATCH)
