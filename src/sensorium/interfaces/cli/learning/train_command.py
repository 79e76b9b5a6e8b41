"""``sensorium train``: what learns on a library."""

from __future__ import annotations

import json
from typing import Any

import click

from sensorium.core.learning import DetectorTraining, Training
from sensorium.interfaces.cli.learning.train_voices_command import thresholds, voices

_DEFAULT = Training()
_DETECTOR = DetectorTraining()


@click.group()
def train() -> None:
    """Train on what a library holds, or on labelled recordings."""


train.add_command(voices)
train.add_command(thresholds)


@train.command()
@click.argument("library")
@click.argument("captions")
@click.option("--model", required=True, metavar="FOLDER", help="Causal model; it stays as it is.")
@click.option("--out", required=True, metavar="FOLDER", help="The run: new or empty.")
@click.option("--resume", is_flag=True, help="Go on where the run in --out stopped.")
@click.option(
    "--kind",
    type=click.Choice(("linear", "mlp", "unshuffle", "pool", "resampler")),
    default=_DEFAULT.kind,
    show_default=True,
)
@click.option(
    "--factor", default=_DEFAULT.factor, show_default=True, help="Cells per token and axis."
)
@click.option(
    "--num-queries", default=_DEFAULT.num_queries, show_default=True, help="Of the resampler."
)
@click.option(
    "--num-layers", default=_DEFAULT.num_layers, show_default=True, help="Of the resampler."
)
@click.option(
    "--output", default=_DEFAULT.output, show_default=True, help="patches, class or encoder."
)
@click.option("--prompt", default="", help="Before each caption, with <image> or <audio> in it.")
@click.option("--epochs", default=_DEFAULT.epochs, show_default=True, help="Passes over captions.")
@click.option("--batch", default=_DEFAULT.batch, show_default=True, help="Captions per step.")
@click.option(
    "--learning-rate",
    "--lr",
    default=_DEFAULT.learning_rate,
    show_default=True,
    help="At its peak.",
)
@click.option(
    "--held-out", default=0.0, show_default=True, help="Part of the media to measure on only."
)
@click.option(
    "--checkpoint-every", default=_DEFAULT.checkpoint_every, show_default=True, help="Steps."
)
@click.option("--seed", default=0, show_default=True, help="Of first weights and order.")
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
@click.option("--threads", default=1, show_default=True, help="Of the CPU.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON summary on stdout.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def adapter(library: str, captions: str, **choices: Any) -> None:
    """Train an adapter from a library's features into a language model, on captions.

    CAPTIONS is a .jsonl, .csv or .parquet file with the columns media (path or digest) and text.
    """
    from sensorium.learn.adapter_training import summary, train_adapter
    from sensorium.run.progress import Steps, steps

    as_json, quiet = choices.pop("as_json"), choices.pop("quiet")
    train_adapter(library, captions, progress=Steps() if quiet else steps(), **choices)
    told = summary(choices["out"])
    if as_json:
        click.echo(json.dumps(told))
    else:
        held = f", held out {told['held_out_loss']:.4f}" if "held_out_loss" in told else ""
        click.echo(f"{told['adapter']}: loss {told['loss']:.4f}{held} after {told['step']} steps")


@train.command()
@click.argument("data")
@click.option(
    "--model",
    default=_DETECTOR.model,
    show_default=True,
    help="yolo9-t, -s, -m or -c (libreyolo, MIT), or ultralytics:NAME.yaml (AGPL-3.0).",
)
@click.option("--out", required=True, metavar="FOLDER", help="The run: new or empty.")
@click.option("--resume", is_flag=True, help="Go on where the training in --out stopped.")
@click.option(
    "--epochs", default=_DETECTOR.epochs, show_default=True, help="Passes over the pictures."
)
@click.option("--batch", default=_DETECTOR.batch, show_default=True, help="Pictures per step.")
@click.option(
    "--image-size",
    default=_DETECTOR.image_size,
    show_default=True,
    help="Pixels, a multiple of 32.",
)
@click.option(
    "--learning-rate",
    "--lr",
    default=_DETECTOR.learning_rate,
    show_default=True,
    help="At its peak.",
)
@click.option("--weights", help="A file to start from; else from random weights.")
@click.option("--device", default=_DETECTOR.device, show_default=True, help="auto, cpu or cuda.")
@click.option("--threads", default=_DETECTOR.threads, show_default=True, help="Of the CPU.")
@click.option("--seed", default=0, show_default=True, help="Of first weights and order.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON summary on stdout.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def detector(data: str, **choices: Any) -> None:
    """Train a YOLO detector whose classes are the identities of a dataset.

    DATA is a folder in YOLO's form, as `sensorium dataset` writes it. The result is FOLDER/best.pt, for
    `sensorium extract --detector`.
    """
    from sensorium.learn.detector_training import summary, train_detector
    from sensorium.run.progress import Steps, steps

    as_json, quiet, out = choices.pop("as_json"), choices.pop("quiet"), choices.pop("out")
    train_detector(data, out, progress=Steps() if quiet else steps(), **choices)
    told = summary(out)
    if as_json:
        click.echo(json.dumps(told))
    else:
        measured = f", mAP50 {told['mAP50']:.3f}" if "mAP50" in told else ""
        click.echo(f"{told['detector']}: {told['classes']} classes{measured}")
