"""Trains adapters on the features of a library."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensorium.adapters.drawing.curve import write_curve
from sensorium.adapters.stores.captions import Caption, read_captions
from sensorium.adapters.stores.feature_shards import read_features
from sensorium.core.errors import MissingDependencyError, UsageError
from sensorium.core.features import Features
from sensorium.core.learning import Training
from sensorium.core.record import digest
from sensorium.core.time import Span
from sensorium.library.choosing import choose
from sensorium.library.library import Library, open_library
from sensorium.run.progress import Steps

if TYPE_CHECKING:
    from sensorium.adapters.language.adapter import Adapter
    from sensorium.adapters.language.trainer import Example
    from sensorium.adapters.run_folder import RunFolder


def train_adapter(
    library: str | os.PathLike[str] | Library,
    captions: str | os.PathLike[str],
    model: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    resume: bool = False,
    progress: Steps | None = None,
    **choices: Any,
) -> Adapter:
    """Trains an adapter on a library's features and captions against a frozen causal model.

    `captions` is a .jsonl, .csv or .parquet file with the columns `media` (a path or a digest of the
    library) and `text`, and optional `start` and `end` in seconds; `model` is a local folder of
    transformers with safetensors weights. The run lives in the folder `out`: ``adapter/`` (the result),
    ``loss.png``, ``metrics.jsonl``, ``checkpoints/``. A run that was killed goes on with `resume` and
    ends, on the CPU, with the same weights as one that was not. `choices` are the fields of
    `sensorium.core.learning.Training`: `kind`, `epochs`, `batch`, `learning_rate`, `held_out`, ...

    Raises:
        UsageError: captions that name no input of the library or one without features; a folder that
            holds another training.
        ModelError: a folder without a causal model.
        MissingDependencyError: transformers is not installed.

    >>> adapter = train_adapter("library", "captions.jsonl", "models/small", "runs/a")  # doctest: +SKIP
    """
    try:
        wanted = Training(**choices)
    except TypeError as error:
        raise UsageError(f"train_adapter: {error}") from None
    progress = progress or Steps()
    library = library if isinstance(library, Library) else open_library(library)
    found = examples(library, read_captions(captions), wanted.output, str(captions))
    trainer, folder = _prepare(found, str(model), wanted, out, resume)
    progress.start("training")
    try:
        trainer.run(found, folder, progress.step)
    finally:
        progress.stop()
        _draw(folder)
    trainer.adapter.save(folder.root / "adapter")
    return trainer.adapter


def _prepare(
    found: Sequence[Example], model: str, choices: Training, out: Any, resume: bool
) -> tuple[Any, RunFolder]:
    """The trainer with a new adapter, and its folder."""
    import torch

    from sensorium.adapters.language.adapter import Adapter
    from sensorium.adapters.language.trainer import Trainer
    from sensorium.adapters.run_folder import RunFolder

    try:
        from sensorium.adapters.language.causal import load_causal
    except ImportError as error:
        raise MissingDependencyError(
            f"training needs {error.name}, not installed; pip install 'sensorium[hub]'"
        ) from None
    torch.set_num_threads(choices.threads)
    causal, tokenizer = load_causal(model, choices.device)
    features = found[0].features()[0]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(choices.seed)
        sizes = {name: getattr(choices, name) for name in ("factor", "num_queries", "num_layers")}
        adapter = Adapter.between(features, causal, choices.kind, **sizes).to(choices.device)
    folder = RunFolder(out)
    captions = digest([[each.media, each.text] for each in found])
    config = digest((Path(model).expanduser() / "config.json").read_text(encoding="utf-8"))
    made_of = {
        "choices": {
            k: v for k, v in asdict(choices).items() if k not in ("device", "checkpoint_every")
        },
        "model": {"folder": Path(model).name, "config": config},
        "captions": {"number": len(found), "digest": captions},
        "features": {"encoder": features.model, "output": features.name},
    }
    folder.begin(made_of, resume)
    return Trainer(adapter, causal, tokenizer, choices), folder


def _draw(folder: RunFolder) -> None:
    lines = {"loss": "loss", "held out": "held_out_loss"}
    noted = folder.noted()
    points = {
        name: [(row["step"], row[key]) for row in noted if key in row]
        for name, key in lines.items()
    }
    write_curve(folder.root / "loss.png", points, f"{folder.root.name}: loss per token", "step")


def examples(
    library: Library, captions: Sequence[Caption], output: str, file: str
) -> list[Example]:
    """A caption each with the features it is about; features are read when they are needed.

    Raises:
        UsageError: a caption about nothing in the library, or features of several models.
    """
    from sensorium.adapters.language.trainer import Example

    known = library.inputs()
    rows: dict[str, list[Any]] = defaultdict(list)
    for folder, row in library.feature_rows(name=output):
        rows[row["media"]].append((folder, row))
    found, encoders = [], set()
    for caption in captions:
        [entry] = choose(known, caption.media, f"{file} row {caption.row}, library {library.path}")
        about = [each for each in rows[entry["digest"]] if _touches(each[1], caption.span)]
        if not about:
            raise UsageError(
                f"{file} row {caption.row}: the library has no features {output!r} of {caption.media}; "
                "make them with: sensorium extract, or choose another --output"
            )
        encoders |= {row["model"] for _, row in about}
        found.append(Example(entry["digest"], caption.text, partial(_read, about)))
    if len(encoders) > 1:
        raise UsageError(
            f"{library.path}: features {output!r} of several models ({', '.join(sorted(encoders))}); "
            "an adapter is for one: extract all files with the same model"
        )
    return found


def _touches(row: dict[str, Any], span: Span | None) -> bool:
    if span is None or row["start"] is None:
        return True
    return Span(row["start"], row["end"]).overlap(span) > 0


def _read(about: Sequence[tuple[Path, dict[str, Any]]]) -> list[Features]:
    return [read_features(folder, row) for folder, row in about]


def summary(out: str | os.PathLike[str]) -> dict[str, Any]:
    """How a training ended: `adapter` (its folder), `step`, `epoch`, `loss`, `held_out_loss` if measured."""
    from sensorium.adapters.run_folder import RunFolder

    folder = RunFolder(out)
    told: dict[str, Any] = {"adapter": str(folder.root / "adapter")}
    for row in folder.noted():
        told |= row
    return told
