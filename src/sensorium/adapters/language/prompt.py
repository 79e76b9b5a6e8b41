"""A prompt with pictures and sounds in it, as the inputs of a causal language model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sensorium.adapters.language.adapter import Adapter, hidden_size
from sensorium.core.errors import UsageError
from sensorium.core.features import Features

PLACEHOLDERS = {"<image>": "image", "<audio>": "audio"}
_SPLIT = re.compile("(" + "|".join(PLACEHOLDERS) + ")")

Medium = Features | NDArray | Tensor | Sequence[Features]
Adapters = Adapter | Mapping[str, Adapter]


def embed_prompt(
    model: nn.Module,
    tokenizer: Any,
    prompt: str | Sequence[str],
    images: Sequence[Any] = (),
    audio: Sequence[Any] = (),
    adapters: Adapters | None = None,
    padding: Literal["left", "right"] = "left",
) -> dict[str, Tensor]:
    """The inputs of a causal language model for prompts with ``<image>`` and ``<audio>`` in them.

    Gives `inputs_embeds`, `attention_mask` and `position_ids` for ``model(**inputs)`` or
    ``model.generate(**inputs)``, for every causal model of transformers with positions of one
    dimension. `prompt` is one text with one medium in `images` or `audio` per placeholder, or several
    texts with one such list each. A medium is `Features`, an array ``(*grid, dim)``, or a sequence of
    them that follow one another (the windows of a long recording). It goes through the adapter of its
    kind: `adapters` is one adapter for all, or a mapping with ``"image"`` and ``"audio"``. A kind
    without an adapter is given as embeddings ``(token, hidden)``.

    Shapes: ``(prompt, token, hidden)`` in the model's dtype, int64 ``(prompt, token)`` twice. Shorter
    prompts are padded on the left, as generation wants it, or on the right. Text gets the tokens that
    the tokenizer puts at a beginning (if they are not there yet) and none at the end.

    Raises:
        UsageError: placeholders and media that do not match in number, a width that is not the
            model's, an adapter for other features.

    >>> inputs = embed_prompt(model, tokenizer, "What is <image>?", [patches],
    ...                       adapters=adapter)  # doctest: +SKIP
    >>> model.generate(**inputs, max_new_tokens=20)  # doctest: +SKIP
    """
    one = isinstance(prompt, str)
    prompts = [prompt] if isinstance(prompt, str) else list(prompt)
    if not prompts:
        raise UsageError("embed_prompt: expected a prompt, got none")
    media = {
        "image": [images] if one else _per_prompt("images", images, len(prompts)),
        "audio": [audio] if one else _per_prompt("audio", audio, len(prompts)),
    }
    known = dict.fromkeys(media, adapters) if isinstance(adapters, Adapter) else adapters or {}
    if unknown := set(known) - set(media):
        raise UsageError(f"adapters: expected the keys image and audio, got {sorted(unknown)}")
    rows = [
        prompt_row(model, tokenizer, text, {kind: media[kind][index] for kind in media}, known)
        for index, text in enumerate(prompts)
    ]
    return padded(rows, padding)


def text_ids(tokenizer: Any, text: str) -> list[int]:
    """The tokens of a text, without any at its beginning or end that the text does not hold."""
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def embedded(model: nn.Module, ids: Sequence[int]) -> Tensor:
    """The model's own embeddings ``(token, hidden)`` of tokens."""
    table = model.get_input_embeddings()  # type: ignore[operator]
    return table(torch.tensor(ids, dtype=torch.int64, device=table.weight.device))


def padded(rows: Sequence[Tensor], padding: str = "left") -> dict[str, Tensor]:
    """Rows ``(token, hidden)`` of different lengths as one batch, with mask and positions."""
    if padding not in ("left", "right"):
        raise UsageError(f"padding: expected left or right, got {padding!r}")
    longest = max(len(row) for row in rows)
    values = rows[0].new_zeros(len(rows), longest, rows[0].shape[-1])
    mask = torch.zeros(len(rows), longest, dtype=torch.int64, device=values.device)
    for index, row in enumerate(rows):
        where = slice(longest - len(row), longest) if padding == "left" else slice(len(row))
        values[index, where] = row
        mask[index, where] = 1
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    return {"inputs_embeds": values, "attention_mask": mask, "position_ids": positions}


def _per_prompt(name: str, media: Sequence[Any], num: int) -> Sequence[Any]:
    if not len(media):
        return [()] * num
    if len(media) != num or any(isinstance(each, (Features, np.ndarray, Tensor)) for each in media):
        raise UsageError(
            f"{name}: expected a list per prompt ({num} lists) for a list of prompts, got {len(media)} items"
        )
    return media


def prompt_row(
    model: nn.Module,
    tokenizer: Any,
    text: str,
    media: Mapping[str, Sequence[Any]],
    adapters: Mapping[str, Adapter],
) -> Tensor:
    """The embeddings ``(token, hidden)`` of one prompt."""
    parts = _SPLIT.split(text)
    for mark, kind in PLACEHOLDERS.items():
        if parts.count(mark) != len(media[kind]):
            raise UsageError(
                f"{text[:80]!r}: {parts.count(mark)} {mark} for {len(media[kind])} given; "
                f"expected one {mark} for each"
            )
    waiting = {kind: iter(given) for kind, given in media.items()}
    pieces = [embedded(model, _beginning(tokenizer, parts[0]))]
    for part in parts:
        if part in PLACEHOLDERS:
            kind = PLACEHOLDERS[part]
            pieces.append(
                _tokens(next(waiting[kind]), kind, adapters.get(kind), hidden_size(model))
            )
        elif part:
            pieces.append(embedded(model, text_ids(tokenizer, part)))
    first = pieces[0]
    return torch.cat([piece.to(first) for piece in pieces])


def _beginning(tokenizer: Any, text: str) -> list[int]:
    """The tokens that the tokenizer puts before every text, unless `text` begins with them."""
    plain, full = text_ids(tokenizer, "a"), list(tokenizer("a")["input_ids"])
    num = next((n for n in range(len(full)) if full[n : n + len(plain)] == plain), 0)
    added = full[:num]
    return [] if added and text_ids(tokenizer, text)[:num] == added else added


def _tokens(medium: Medium, kind: str, adapter: Adapter | None, hidden: int) -> Tensor:
    """The embeddings ``(token, hidden)`` of one picture or sound."""
    if adapter is not None:
        if adapter.plan.hidden != hidden:
            raise UsageError(
                f"{kind}: the model's embeddings have {hidden} values, this adapter gives "
                f"{adapter.plan.hidden}; use an adapter that was trained for this model"
            )
        return torch.cat(adapter.embed(_several(medium)))
    if isinstance(medium, Features):
        raise UsageError(f"{kind}: Features need an adapter; pass adapters={{{kind!r}: adapter}}")
    values = medium if isinstance(medium, Tensor) else torch.from_numpy(np.array(medium))
    if values.ndim != 2 or values.shape[1] != hidden:
        raise UsageError(
            f"{kind}: without an adapter expected embeddings (token, {hidden}), got {tuple(values.shape)}"
        )
    return values


def _several(medium: Any) -> Sequence[Any]:
    """The pieces of a medium."""
    if isinstance(medium, (Features, np.ndarray, Tensor)):
        return [medium]
    if isinstance(medium, Iterable):
        pieces = list(medium)
        if pieces and all(isinstance(each, (Features, np.ndarray, Tensor)) for each in pieces):
            return pieces
    raise UsageError(
        f"expected Features, an array or a sequence of them, got {type(medium).__name__}"
    )
