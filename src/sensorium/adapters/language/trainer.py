"""Trains an adapter against a frozen causal model, so that it can be killed at any moment."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sensorium.adapters.language.adapter import Adapter
from sensorium.adapters.language.prompt import PLACEHOLDERS, embedded, padded, prompt_row, text_ids
from sensorium.adapters.run_folder import RunFolder
from sensorium.core.errors import UsageError
from sensorium.core.features import Features
from sensorium.core.learning import Training

_IGNORED = -100  # torch's mark for what counts in no loss


@dataclass(frozen=True, slots=True)
class Example:
    """A caption and how to read the features it is about."""

    media: str
    text: str
    features: Callable[[], list[Features]]


class Trainer:
    """The loop. What happens in a step follows from its number alone, so a resumed run equals any other."""

    def __init__(
        self, adapter: Adapter, model: nn.Module, tokenizer: Any, choices: Training
    ) -> None:
        self.adapter = adapter
        self._model = model
        self._tokenizer = tokenizer
        self._choices = choices
        self._mark = next(mark for mark in PLACEHOLDERS if mark in choices.prompt)
        self._optimizer = torch.optim.AdamW(adapter.parameters(), weight_decay=0.0)

    def run(
        self,
        examples: Sequence[Example],
        folder: RunFolder,
        report: Callable[[int, int, float], None],
    ) -> None:
        """Trains to the end from the newest checkpoint; `report` is told (step, steps, loss)."""
        choices = self._choices
        train, held = split(examples, choices.held_out, choices.seed)
        per_epoch = math.ceil(len(train) / choices.batch)
        num_steps = per_epoch * choices.epochs
        first = folder.restore(self.adapter, self._optimizer)
        for step, batch in self._batches(train, per_epoch, first, num_steps):
            rate = choices.rate(step, num_steps)
            loss = self._learn(batch, rate)
            if not math.isfinite(loss):
                raise UsageError(
                    f"step {step + 1}: the loss is {loss}; lower the learning rate "
                    f"({choices.learning_rate}) and start again"
                )
            done, epoch = step + 1, step // per_epoch + 1
            folder.note(step=done, epoch=epoch, loss=loss, learning_rate=rate)
            if held and done % per_epoch == 0:
                folder.note(step=done, epoch=epoch, held_out_loss=self.measure(held))
            if done % choices.checkpoint_every == 0 or done == num_steps:
                folder.keep(self.adapter, self._optimizer, done)
            report(done, num_steps, loss)
        self.adapter.eval()

    def _batches(
        self, examples: Sequence[Example], per_epoch: int, first: int, num_steps: int
    ) -> Iterator[tuple[int, list[Example]]]:
        size, seed = self._choices.batch, self._choices.seed
        order, of = np.empty(0, np.int64), -1
        for step in range(first, num_steps):
            epoch, part = divmod(step, per_epoch)
            if epoch != of:
                order, of = np.random.default_rng([seed, epoch]).permutation(len(examples)), epoch
            yield step, [examples[i] for i in order[part * size : (part + 1) * size]]

    def _learn(self, batch: Sequence[Example], rate: float) -> float:
        self.adapter.train()
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        loss, _ = self._loss(batch)
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.adapter.parameters(), 1.0)
        self._optimizer.step()
        return float(loss.detach())

    def measure(self, examples: Sequence[Example]) -> float:
        """The mean loss per token of captions, without learning."""
        self.adapter.eval()
        total, num = 0.0, 0
        with torch.inference_mode():
            for first in range(0, len(examples), self._choices.batch):
                loss, num_tokens = self._loss(examples[first : first + self._choices.batch])
                total, num = total + float(loss) * num_tokens, num + num_tokens
        return total / num

    def _loss(self, batch: Sequence[Example]) -> tuple[Tensor, int]:
        """The mean cross entropy of the tokens of the captions, and their number."""
        pieces = [each.features() for each in batch]
        tokens = iter(self.adapter.embed([piece for several in pieces for piece in several]))
        rows, targets = [], []
        for example, several in zip(batch, pieces, strict=True):
            medium = torch.cat([next(tokens) for _ in several])
            row, target = self._row(example.text, medium)
            rows.append(row)
            targets.append(target)
        inputs = padded(rows, "right")
        logits = self._model(**inputs, use_cache=False).logits[:, :-1]
        wanted = nn.utils.rnn.pad_sequence(targets, batch_first=True, padding_value=_IGNORED)
        wanted = wanted[:, 1:].to(logits.device)
        loss = nn.functional.cross_entropy(
            logits.flatten(0, 1).float(), wanted.flatten(), ignore_index=_IGNORED
        )
        return loss, int((wanted != _IGNORED).sum())

    def _row(self, text: str, medium: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings of prompt and caption, and what each position is to be."""
        media = {kind: [medium] * (mark == self._mark) for mark, kind in PLACEHOLDERS.items()}
        begin = prompt_row(self._model, self._tokenizer, self._choices.prompt, media, {})
        ids = [*text_ids(self._tokenizer, text), self._tokenizer.eos_token_id]
        target = torch.tensor([_IGNORED] * len(begin) + ids)
        return torch.cat([begin, embedded(self._model, ids).to(begin)]), target


def split(
    examples: Sequence[Example], held_out: float, seed: int
) -> tuple[list[Example], list[Example]]:
    """(to train on, held out); all captions of a medium are on one side."""
    media = sorted({each.media for each in examples})
    num = min(round(held_out * len(media)), len(media) - 1)
    order = np.random.default_rng([seed]).permutation(len(media))
    held = {media[index] for index in order[:num]}
    return (
        [each for each in examples if each.media not in held],
        [each for each in examples if each.media in held],
    )
