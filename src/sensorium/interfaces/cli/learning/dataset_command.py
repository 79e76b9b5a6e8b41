"""``sensorium dataset``: the identities of a library as pictures with labels."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from sensorium.interfaces.cli.terminal.console import (
    EXIT_SOME_FAILED,
    json_option,
    painted,
    say,
)


@click.command()
@click.argument("library")
@click.option(
    "--format",
    "form",
    type=click.Choice(("yolo", "coco", "huggingface")),
    default="yolo",
    show_default=True,
)
@click.option("--out", required=True, metavar="FOLDER", help="The dataset: new or empty.")
@click.option("--held-out", default=0.2, show_default=True, help="Part for validation.")
@click.option(
    "--split",
    type=click.Choice(("auto", "file", "shot")),
    default="auto",
    show_default=True,
    help="What stays whole on one side.",
)
@click.option("--per-shot", default=6, show_default=True, help="Pictures of one shot at most.")
@click.option(
    "--per-identity", default=500, show_default=True, help="Pictures of one identity at most."
)
@click.option(
    "--least-score", default=0.9, show_default=True, help="Probability that it is that identity."
)
@click.option("--negatives", default=0.1, show_default=True, help="Without a face, per picture.")
@click.option("--named-only", is_flag=True, help="Only identities that have a name.")
@click.option("--seed", default=0, show_default=True, help="Decides between equals.")
@json_option("Print one JSON summary on stdout.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def dataset(library: str, form: str, out: str, **choices: Any) -> None:
    """Write a dataset of a library's identities, to train a detector on.

    \b
    Exit codes: 0 all done; 2 wrong usage; 3 done, but some files could not be read.
    """
    from sensorium.learn.exporting import export_dataset
    from sensorium.ops.learning.choice import ChoiceRule

    as_json, quiet = choices.pop("as_json"), choices.pop("quiet")
    names_only = choices.pop("named_only")
    progress = None if quiet else _said
    told = export_dataset(library, out, form, ChoiceRule(**choices), names_only, progress)
    if as_json:
        click.echo(json.dumps(told))
    else:
        _print(told, out)
    sys.exit(EXIT_SOME_FAILED if told["unreadable"] else 0)


def _said(what: str, done: int, total: int) -> None:
    """About ten lines per stage."""
    if done == total or done % max(1, total // 10) == 0:
        say(f"{what}: {done}/{total} pictures", err=True)


def _print(told: dict[str, Any], out: str) -> None:
    pictures, negatives = told["pictures"], told["negatives"]
    say(
        f"{out}: {pictures['train']} pictures for training, {pictures['val']} for validation "
        f"(divided by {told['split']}); {sum(negatives.values())} of them without anybody"
    )
    if not pictures["val"] and told["rule"]["held_out"]:
        told_so = "nothing for validation: there are too few shots to hold any out; add files"
        say(painted(told_so, "warning"))
    for each in told["classes"]:
        say(f"  {each['name']}: {each['train']} + {each['val']}  ({each['identity']})")
    for identity in told["without_pictures"]:
        say(f"  {identity}: no picture of it is fit")
    for reason, number in told["left_out"].items():
        say(f"left out {number}: {reason}")
    for uri, why in told["unreadable"].items():
        say(painted(f"FAILED  {uri}  {why}", "failure"), err=True)
    say("look it over: sheet.png")
