"""Prompts with pictures for `FuyuForCausalLM`, without the processor of `transformers`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from sensorium.adapters.media.reader import MediaReader
from sensorium.adapters.media.values import picture
from sensorium.core.errors import UsageError
from sensorium.ops.vision.fuyu import FuyuLayout, fuyu_patches
from sensorium.ports import Reader

_TAGS = {"box": ("<0x00>", "<0x01>", 4), "point": ("<0x02>", "<0x03>", 2)}
_ANSWER = "<0x04>"
_TAG = re.compile(r"<(box|point)>(.*?)</\1>", re.DOTALL)
_PLACE = "<image>"


@dataclass(frozen=True, slots=True)
class FuyuInputs:
    """What the model takes: ``model.generate(**inputs.plain())``; `layouts` map coordinates back."""

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    pixel_values: torch.Tensor | None
    layouts: tuple[tuple[FuyuLayout, ...], ...]

    def plain(self) -> dict[str, torch.Tensor]:
        """Keyword arguments of the model."""
        told = {"input_ids": self.input_ids, "attention_mask": self.attention_mask}
        return told if self.pixel_values is None else {**told, "pixel_values": self.pixel_values}


class FuyuPrompts:
    """Texts and pictures into the inputs of a Fuyu model.

    ``<image>`` in a text says where a picture goes; without one, the pictures go in front. Any size,
    gray, alpha, palettes; several pictures in a prompt; prompts of different lengths are padded on the
    left. ``<box>top, left, bottom, right</box>`` and ``<point>x, y</point>`` are in pixels of the
    first picture as it came.

    Raises:
        UsageError: a tokenizer without Fuyu's tokens; pictures that do not fit the places; a box or
            point that is not so many numbers.
    """

    def __init__(self, tokenizer: Any, reader: Reader | None = None) -> None:
        self._tokenizer = tokenizer
        self._reader = reader or MediaReader()
        known = tokenizer.get_vocab()
        needed = ("|SPEAKER|", "|NEWLINE|", "<s>", _ANSWER)
        if missing := [each for each in needed if each not in known]:
            raise UsageError(f"tokenizer: expected Fuyu's, it has no {', '.join(missing)}")
        self._known = known

    def __call__(self, texts: str | Sequence[str], images: Sequence[Any]) -> FuyuInputs:
        """One prompt with its pictures, or many with a list of pictures each."""
        many = [texts] if isinstance(texts, str) else list(texts)
        given = [list(images)] if isinstance(texts, str) else [_listed(each) for each in images]
        if len(many) != len(given):
            raise UsageError(
                f"images: expected a list for each of {len(many)} texts, got {len(given)}"
            )
        made = [self._one(text, each) for text, each in zip(many, given, strict=True)]
        longest = max(len(ids) for ids, _, _ in made)
        pad = self._tokenizer.pad_token_id or 0
        ids = torch.full((len(made), longest), pad)
        mask = torch.zeros((len(made), longest), dtype=torch.long)
        for row, (tokens, _, _) in enumerate(made):
            ids[row, longest - len(tokens) :] = torch.tensor(tokens)
            mask[row, longest - len(tokens) :] = 1
        patches = [part for _, parts, _ in made for part in parts]
        pixels = torch.from_numpy(np.concatenate(patches)) if patches else None
        return FuyuInputs(ids, mask, pixels, tuple(tuple(layouts) for _, _, layouts in made))

    def _one(
        self, text: str, images: list[Any]
    ) -> tuple[list[int], list[np.ndarray], list[FuyuLayout]]:
        """(token ids, patches, layouts) of one prompt."""
        num = text.count(_PLACE)
        if num == 0:
            text, num = _PLACE * len(images) + text, len(images)
        if num != len(images):
            raise UsageError(
                f"prompt: expected {num} pictures for its <image> places, got {len(images)}"
            )
        pixels = [picture(each, self._reader, None).pixels[0] for each in images]
        layouts = [
            FuyuLayout(p.shape[:2], self._known["|SPEAKER|"], self._known["|NEWLINE|"])
            for p in pixels
        ]
        pieces = text.split(_PLACE)
        ids: list[int] = []
        for place, piece in enumerate(pieces):
            last = place == len(pieces) - 1
            if last:
                ids.append(self._known["<s>"])
            ids += self._text(piece, layouts[0] if layouts else None)
            if not last:
                ids += layouts[place].ids.ravel().tolist()
        ids.append(self._known[_ANSWER])
        patches = [fuyu_patches(_shrunk(p, each)) for p, each in zip(pixels, layouts, strict=True)]
        return ids, patches, layouts

    def _text(self, text: str, layout: FuyuLayout | None) -> list[int]:
        """Tokens of a text; boxes and points become the model's own tokens."""
        ids: list[int] = []
        end = 0
        for found in _TAG.finditer(text):
            ids += self._words(text[end : found.start()])
            opening, closing, num = _TAGS[found[1]]
            try:
                values = [float(each) for each in found[2].split(",")]
            except ValueError:
                values = []
            if len(values) != num or layout is None:
                what = "a picture that it lies in" if layout is None else f"{num} numbers"
                raise UsageError(f"prompt: expected {what} for {found[0]!r}")
            ids.append(self._known[opening])
            for value in layout.to_model(*values):
                ids += self._words(str(value))
            ids.append(self._known[closing])
            end = found.end()
        return ids + self._words(text[end:])

    def _words(self, text: str) -> list[int]:
        return self._tokenizer(text, add_special_tokens=False)["input_ids"] if text else []


def boxes(text: str, layout: FuyuLayout) -> list[tuple[str, tuple[float, ...]]]:
    """(``"box"`` or ``"point"``, coordinates in the picture's pixels) in a text that the model wrote.

    >>> boxes("<0x00>10 20 30 40<0x01> and <0x02>5 6<0x03>", FuyuLayout((100, 100)))
    [('box', (20.0, 40.0, 60.0, 80.0)), ('point', (10.0, 12.0))]
    """
    found = []
    for kind, (opening, closing, num) in _TAGS.items():
        for inner in re.findall(f"{re.escape(opening)}(.*?){re.escape(closing)}", text, re.DOTALL):
            values = [float(each) for each in re.findall(r"\d+", inner)]
            if len(values) == num:
                found.append((kind, layout.to_picture(*values)))
    return found


def _listed(images: Any) -> list[Any]:
    return list(images) if isinstance(images, (list, tuple)) else [images]


def _shrunk(pixels: np.ndarray, layout: FuyuLayout) -> np.ndarray:
    """The size that the model sees; bilinear, as the reference does it."""
    if layout.scaled == tuple(pixels.shape[:2]):
        return pixels
    height, width = layout.scaled
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image)
