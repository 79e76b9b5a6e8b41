"""Training of the segmentation of voices in torch: powerset loss, names free, early stopping.

Plaquet and Bredin 2023, "Powerset multi-class cross entropy loss for neural speaker diarization"; the best
assignment of names is that of permutation invariant training (Yu et al. 2017).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as fn

from sensorium.adapters.run_folder import RunFolder
from sensorium.adapters.segmentation_network import SegmentationNetwork
from sensorium.core.errors import ModelError, UsageError
from sensorium.core.learning import VoicesTraining
from sensorium.ops.learning.voice_windows import Batch
from sensorium.ops.voices.powerset import IGNORED, PERMUTED, window_errors

WEIGHTS = "model.safetensors"
Draw = Callable[[int], Batch]
Report = Callable[[int, int, float], None]
_LIMIT = 1.0  # of the norm of the gradient; recurrent layers explode now and then


def powerset_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """The mean cross entropy of rows under the names that fit each window best.

    `logits` are (window, row, 7), `classes` (window, row) with `IGNORED` where nothing is said.
    """
    names = torch.as_tensor(PERMUTED, device=logits.device)
    counted = classes != IGNORED
    safe = classes.clamp(min=0)
    losses = torch.stack(
        [
            fn.cross_entropy(logits.transpose(1, 2), name[safe], reduction="none") * counted
            for name in names
        ]
    ).sum(dim=2)  # (permutation, window)
    return losses.min(dim=0).values.sum() / counted.sum().clamp(min=1)


def device_of(wanted: str) -> str:
    """``"auto"`` as what there is.

    Raises:
        UsageError: a GPU was asked for, and there is none.
    """
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        raise UsageError(f"device: expected a GPU for {wanted!r}, torch sees none; use cpu")
    return wanted


class TrainedSegmentation:
    """A network with the part of it that learns; it writes itself into folders and comes back."""

    def __init__(self, network: SegmentationNetwork, choices: VoicesTraining) -> None:
        self.network = network.to(device_of(choices.device))
        network.lstm.dropout = choices.dropout if network.lstm.num_layers > 1 else 0.0
        learns = {
            "recurrent": ("lstm.", "linear.", "classifier."),
            "head": ("linear.", "classifier."),
            "all": ("",),
        }
        for name, value in network.named_parameters():
            value.requires_grad_(name.startswith(learns[choices.trained]))
        self.parameters = [each for each in network.parameters() if each.requires_grad]
        self._filters = choices.trained == "all"

    @classmethod
    def of(
        cls, weights: Mapping[str, NDArray[Any]], choices: VoicesTraining
    ) -> TrainedSegmentation:
        """From weights as they are named in the published checkpoint.

        Raises:
            ModelError: one is missing or has another shape.
        """
        network = SegmentationNetwork()
        try:
            network.load_state_dict({k: torch.tensor(np.asarray(v)) for k, v in weights.items()})
        except RuntimeError as error:
            raise ModelError(f"expected weights of segmentation-3.0; {error}") from None
        return cls(network, choices)

    def logits(self, samples: NDArray[np.float32]) -> Tensor:
        """(window, sample) -> (window, row, 7)."""
        x = torch.from_numpy(samples)[:, None].to(next(self.network.parameters()).device)
        with torch.set_grad_enabled(self._filters and torch.is_grad_enabled()):
            x = self.network.sincnet(x)  # most of the time of a step goes into what stays as it is
        return self.network.head(x)

    def weights(self) -> dict[str, NDArray[Any]]:
        """All of them, as they are now."""
        return {k: v.detach().cpu().numpy().copy() for k, v in self.network.state_dict().items()}

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Writes ``model.safetensors`` into `folder`, whole or not at all."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        state = {k: v.detach().cpu().contiguous() for k, v in self.network.state_dict().items()}
        beside = target / f"{WEIGHTS}.part"
        save_file(state, beside)
        os.replace(beside, target / WEIGHTS)
        return target / WEIGHTS

    def restore(self, folder: str | os.PathLike[str]) -> None:
        """Takes over what `save` wrote."""
        self.network.load_state_dict(load_file(Path(folder) / WEIGHTS))


class SegmentationTrainer:
    """The loop. A step follows from its number, and what is best so far from the metrics in the folder."""

    def __init__(self, model: TrainedSegmentation, choices: VoicesTraining) -> None:
        self.model = model
        self._choices = choices
        self._optimizer = torch.optim.AdamW(model.parameters, weight_decay=0.0)

    def run(
        self,
        draw: Draw,
        per_epoch: int,
        stopping: Callable[[], Iterator[Batch]],
        folder: RunFolder,
        report: Report,
    ) -> None:
        """Trains on from the newest checkpoint to the end; the model is the best epoch then.

        `draw` gives the batch of a step; `stopping` the windows that decide which epoch is best, where 0 is
        the model that it began with; `report` is told (step, steps, loss).
        """
        choices = self._choices
        num_steps = per_epoch * choices.epochs
        first = folder.restore(self.model, self._optimizer)
        if not _measured(folder):
            self._measure(0, 0, stopping(), folder)
        for step in range(first, num_steps):
            if step % per_epoch == 0 and _patience_is_over(folder, choices.patience):
                break
            rate = choices.rate(step, num_steps)
            loss = self._learn(draw(step), rate, step)
            if not math.isfinite(loss):
                raise UsageError(
                    f"step {step + 1}: the loss is {loss}; lower the learning rate "
                    f"({choices.learning_rate}) and start again"
                )
            done, epoch = step + 1, step // per_epoch + 1
            folder.note(step=done, epoch=epoch, loss=loss, learning_rate=rate)
            if done % per_epoch == 0:
                self._measure(done, epoch, stopping(), folder)
            if done % per_epoch == 0 or done % choices.checkpoint_every == 0:
                folder.keep(self.model, self._optimizer, done)
                _drop_all_but(folder, best(folder)["step"])
            report(done, num_steps, loss)
        self.model.restore(_best_folder(folder, best(folder)["step"]))
        self.model.network.eval()

    def _learn(self, batch: Batch, rate: float, step: int) -> float:
        self.model.network.train()
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        samples, classes = batch
        with torch.random.fork_rng():
            torch.manual_seed(
                self._choices.seed * 1_000_003 + step
            )  # dropout: after a kill the same
            logits = self.model.logits(samples)
        loss = powerset_loss(logits, torch.from_numpy(classes).to(logits.device))
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters, _LIMIT)
        self._optimizer.step()
        return float(loss.detach())

    def _measure(self, step: int, epoch: int, windows: Iterator[Batch], folder: RunFolder) -> None:
        """Notes how an epoch did, and keeps its weights if it is the best so far."""
        told = self.measure(windows)
        before = _measured(folder)
        if not before or told["window_error"] < min(row["window_error"] for row in before):
            self.model.save(_best_folder(folder, step))
        folder.note(step=step, epoch=epoch, **told)

    def measure(self, windows: Iterator[Batch]) -> dict[str, float]:
        """`stopping_loss`, `window_error` (diarization error rate inside windows) and `voice_error` (part of
        the rows whose voice activity is wrong), without learning."""
        self.model.network.eval()
        loss, num, totals = 0.0, 0, np.zeros(4)
        with torch.no_grad():
            for samples, classes in windows:
                logits = self.model.logits(samples)
                target = torch.from_numpy(classes).to(logits.device)
                loss += float(powerset_loss(logits, target)) * len(samples)
                num += len(samples)
                found = logits.argmax(dim=-1).cpu().numpy()
                totals += np.sum(
                    [window_errors(f, t) for f, t in zip(found, classes, strict=True)], axis=0
                )
        wrong, spoken, unvoiced, rows = totals
        return {
            "stopping_loss": loss / max(num, 1),
            "window_error": float(wrong / max(spoken, 1)),
            "voice_error": float(unvoiced / max(rows, 1)),
        }


def best(folder: RunFolder) -> dict[str, Any]:
    """The row of the metrics whose epoch has the least error inside windows, the first of equals."""
    return min(_measured(folder), key=lambda row: (row["window_error"], row["step"]))


def _measured(folder: RunFolder) -> Sequence[dict[str, Any]]:
    return [row for row in folder.noted() if "window_error" in row]


def _patience_is_over(folder: RunFolder, patience: int) -> bool:
    rows = _measured(folder)
    return bool(rows) and rows[-1]["epoch"] - best(folder)["epoch"] >= patience


def _best_folder(folder: RunFolder, step: int) -> Path:
    return folder.root / "best" / f"{step:08d}"


def _drop_all_but(folder: RunFolder, step: int) -> None:
    """Clears what was best before; only after a checkpoint, from which a later best comes again."""
    for old in (folder.root / "best").iterdir():
        if old != _best_folder(folder, step):
            for file in old.iterdir():
                file.unlink()
            old.rmdir()
