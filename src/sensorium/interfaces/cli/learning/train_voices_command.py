"""``sensorium train voices`` and ``train thresholds``: what learns from recordings with .rttm files."""

from __future__ import annotations

import json
from typing import Any

import click

from sensorium.core.learning import VoicesTraining, VoicesTuning

_TRAINING = VoicesTraining()
_TUNING = VoicesTuning()
Option = Any


def _range(context: click.Context, option: click.Parameter, text: str) -> tuple[float, float]:
    low, dots, high = text.partition("..")
    try:
        return (float(low), float(high if dots else low))
    except ValueError:
        raise click.BadParameter(f"expected LOW..HIGH, got {text!r}") from None


def _searched(
    context: click.Context, option: click.Parameter, texts: tuple[str, ...]
) -> dict[str, tuple[float, float]]:
    found = {}
    for text in texts:
        name, equals, width = text.partition("=")
        if not equals or ".." not in width:
            raise click.BadParameter(f"expected NAME=LOW..HIGH, got {text!r}")
        found[name] = _range(context, option, width)
    return found


def _choice(name: str, text: str) -> Option:
    """An option that is a field of the training, with its default."""
    default = getattr(_TRAINING, name)
    return click.option(
        f"--{name.replace('_', '-')}", default=default, show_default=True, help=text
    )


@click.command()
@click.argument("data")
@click.option("--out", required=True, metavar="FOLDER", help="The run: new or empty.")
@click.option("--resume", is_flag=True, help="Go on where the training in --out stopped.")
@click.option("--start", metavar="FILE", help="model.safetensors of an earlier training.")
@click.option(
    "--trained",
    type=click.Choice(("recurrent", "head", "all")),
    default=_TRAINING.trained,
    show_default=True,
    help="What learns; all takes four times as long.",
)
@_choice("epochs", "Passes over the recordings.")
@click.option("--windows", type=int, help="Of 10 s in an epoch; else as many as there are.")
@_choice("batch", "Windows per step.")
@click.option(
    "--learning-rate",
    "--lr",
    default=_TRAINING.learning_rate,
    show_default=True,
    help="At its peak.",
)
@_choice("dropout", "Between recurrent layers.")
@_choice("mix", "Part of the windows with a second one over it.")
@_choice("echo", "Part of the windows in a room.")
@_choice("noise", "Part of the windows with noise.")
@click.option(
    "--snr", callback=_range, default="5..30", show_default=True, help="Of the noise, dB."
)
@_choice("telephone", "Part of the windows in a telephone's band.")
@_choice("gain", "Most that the level is changed by, dB.")
@_choice("held_out", "Part of the files that is only measured.")
@click.option("--held-out-data", metavar="FOLDER", help="Recordings to measure on in its place.")
@_choice("stopping", "Part of the files that decides when to stop.")
@_choice("patience", "Epochs without a gain until it stops.")
@_choice("checkpoint_every", "Steps.")
@_choice("seed", "Of the division, the order, the noise.")
@_choice("device", "auto, cpu or cuda.")
@_choice("threads", "Of the CPU.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON summary on stdout.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def voices(data: str, out: str, as_json: bool, quiet: bool, **choices: Any) -> None:
    """Train the segmentation of voices on recordings with the truth of who spoke when.

    DATA is a folder of sound files, each with a .rttm of the same name beside it. The result is
    FOLDER/segmentation.onnx, for `sensorium extract --segmenter pyannote-segmentation:FILE`; the error of
    files that were not trained on is printed, before and after.
    """
    from sensorium.learn.voice_training import summary, train_voices
    from sensorium.run.progress import Steps, steps

    train_voices(data, out, progress=Steps() if quiet else steps(), **choices)
    told = summary(out)
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(f"{len(told['held_out'])} files held out:".ljust(24) + "before    after")
    names = {"der": "error (DER)", "missed": "missed", "false_alarm": "false alarm",
             "confusion": "confusion", "window_error": "error in windows",
             "voice_error": "voice activity"}  # fmt: skip
    for name, said in names.items():
        click.echo(f"  {said:20}  {told['before'][name]:.4f}   {told['after'][name]:.4f}")
    part = told["change"]
    sure = "" if part["low"] is None else f" (95 %: {part['low']:+.4f} to {part['high']:+.4f})"
    click.echo(f"change {part['der']:+.4f}{sure}, best epoch {told['best']['epoch']}")
    click.echo(told["segmenter"])


@click.command()
@click.argument("data")
@click.option("--out", required=True, metavar="FILE", help="The config to write, YAML.")
@click.option(
    "--side",
    "sides",
    type=click.Choice(("diarization", "live")),
    multiple=True,
    default=_TUNING.sides,
    show_default=True,
    help="Whole files, streams; repeatable.",
)
@click.option("--segmenter", default=_TUNING.segmenter, show_default=True, help="Model.")
@click.option(
    "--speaker-encoder", default=_TUNING.speaker_encoder, show_default=True, help="Model."
)
@click.option("--latency", default=_TUNING.latency, show_default=True, help="Seconds, of streams.")
@click.option("--trials", default=_TUNING.trials, show_default=True, help="In each search.")
@click.option("--folds", default=_TUNING.folds, show_default=True, help="Of the cross-validation.")
@click.option(
    "--search",
    multiple=True,
    callback=_searched,
    metavar="NAME=LOW..HIGH",
    help="Search this option too; repeatable.",
)
@click.option("--seed", default=_TUNING.seed, show_default=True, help="Of folds and trials.")
@click.option("--threads", default=_TUNING.threads, show_default=True, help="Of the CPU.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON summary on stdout.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def thresholds(data: str, out: str, as_json: bool, quiet: bool, **choices: Any) -> None:
    """Search the thresholds of who speaks when on labelled recordings, for `--config`.

    DATA is a folder of sound files, each with a .rttm of the same name beside it. What is printed is
    cross-validated: the thresholds that a file is measured with were chosen on other files.
    """
    from dataclasses import asdict

    from sensorium.learn.voice_tuning import tune_voices
    from sensorium.run.progress import Steps, steps

    told = tune_voices(data, out, progress=Steps() if quiet else steps(), **choices)
    if as_json:
        click.echo(json.dumps({"config": out, "sides": [asdict(each) for each in told]}))
        return
    for each in told:
        click.echo(each.told())
    click.echo(out)
