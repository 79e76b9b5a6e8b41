"""The folder of a training: checkpoints that appear whole or not at all, metrics, the result.

::

    run/
    ├── training.json            what decides the result: choices, what is trained on, model
    ├── checkpoints/<step>/      what is trained, state of the optimizer; the newest two
    ├── metrics.jsonl            one line per step, and per epoch where something is held out
    ├── loss.png
    └── ...                      the result, such as adapter/
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors.torch import load_file, save_file

from sensorium.core.errors import ModelError, UsageError

_KEPT = 2


class Kept(Protocol):
    """What is trained: it writes itself into a folder, and takes its weights back from one."""

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Writes everything that the training changes."""

    def restore(self, folder: str | os.PathLike[str]) -> None:
        """Takes over what `save` wrote."""


class RunFolder:
    """Reads and writes the folder of one training."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root).expanduser()
        self.metrics = self.root / "metrics.jsonl"
        self._checkpoints = self.root / "checkpoints"

    def begin(self, made_of: Mapping[str, Any], resume: bool) -> None:
        """Makes the folder, or checks that the training in it is the same one.

        Raises:
            UsageError: the folder is not empty and `resume` is false, or it holds another training.
        """
        told = self.root / "training.json"
        if self.root.exists() and (not self.root.is_dir() or any(self.root.iterdir())):
            if not resume:
                raise UsageError(
                    f"{self.root}: expected a new or empty folder; to go on with the training in it: --resume"
                )
            if not told.is_file():
                raise UsageError(
                    f"{self.root}: expected a training to resume, found no training.json"
                )
            before = json.loads(told.read_text(encoding="utf-8"))
            if changed := _changed(before, json.loads(json.dumps(made_of))):
                raise UsageError(
                    f"{self.root}: cannot resume, {changed}; use the same choices or another folder"
                )
        self._checkpoints.mkdir(parents=True, exist_ok=True)
        beside = told.with_suffix(".part")
        beside.write_text(json.dumps(made_of, indent=1) + "\n", encoding="utf-8")
        os.replace(beside, told)

    def restore(self, model: Kept, optimizer: torch.optim.Optimizer) -> int:
        """Sets both back to the newest checkpoint and drops later metrics; gives the steps done."""
        for left in self._checkpoints.glob("*.part"):
            shutil.rmtree(left)
        found = sorted(self._checkpoints.iterdir())
        step = int(found[-1].name) if found else 0
        if found:
            model.restore(found[-1])
            _restore(optimizer, found[-1] / "optimizer.safetensors")
        self._cut_metrics(step)
        return step

    def keep(self, model: Kept, optimizer: torch.optim.Optimizer, step: int) -> None:
        """Writes a checkpoint aside and makes it visible by one rename; drops the oldest."""
        beside = self._checkpoints / f"{step:08d}.part"
        model.save(beside)
        state = {
            f"{index}/{name}": value.detach().cpu().contiguous()
            for index, values in optimizer.state_dict()["state"].items()
            for name, value in values.items()
        }
        save_file(state, beside / "optimizer.safetensors")
        for file in beside.iterdir():
            _flush(file)
        target = self._checkpoints / f"{step:08d}"
        if target.exists():  # the last step of a run that is resumed when it is done
            shutil.rmtree(beside)
            return
        os.replace(beside, target)
        _flush(self._checkpoints)
        for old in sorted(self._checkpoints.iterdir())[:-_KEPT]:
            shutil.rmtree(old)

    def note(self, **values: Any) -> None:
        """One line of metrics."""
        with open(self.metrics, "a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")

    def noted(self) -> list[dict[str, Any]]:
        """All metrics so far; a line that was cut short by a kill is none."""
        if not self.metrics.exists():
            return []
        lines = self.metrics.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def _cut_metrics(self, step: int) -> None:
        kept = [json.dumps(values) + "\n" for values in self.noted() if values["step"] <= step]
        beside = self.metrics.with_suffix(".part")
        beside.write_text("".join(kept), encoding="utf-8")
        os.replace(beside, self.metrics)


def _restore(optimizer: torch.optim.Optimizer, file: Path) -> None:
    state: dict[int, dict[str, Any]] = {}
    try:
        tensors = load_file(file)
    except Exception as error:
        raise ModelError(f"{file}: expected the state of an optimizer; {error}") from None
    for name, value in tensors.items():
        index, _, key = name.partition("/")
        state.setdefault(int(index), {})[key] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _changed(before: Any, now: Any, name: str = "") -> str:
    """What differs first, in words; empty if nothing does."""
    if isinstance(before, dict) and isinstance(now, dict):
        told = (_changed(before.get(key), now.get(key), key) for key in {**before, **now})
        return next(filter(None, told), "")
    return "" if before == now else f"{name} was {before!r}, now {now!r}"


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
