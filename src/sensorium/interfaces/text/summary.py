"""What a run did, and which models there are, as data and as text."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import click

from sensorium.interfaces.text.screen import Paint, plain
from sensorium.models.registry import models
from sensorium.models.store import is_there
from sensorium.ops.text.harmless import clean
from sensorium.people.cast import Cast
from sensorium.run.job import Failure, Outcome, reasons


def summary(outcomes: Sequence[Outcome], out: str | os.PathLike[str]) -> dict[str, Any]:
    """One run as plain data: the counts, and every input with what was computed and what failed."""
    inputs = [
        {
            "uri": each.uri,
            "kind": each.kind,
            "duration": each.duration,
            "computed": list(each.computed),
            "found": list(each.found),
            "seconds": each.seconds,
            "warnings": list(each.warnings),
            "failures": [
                {"step": f.step, "error": f.error, "message": f.message} for f in each.failures
            ],
        }
        for each in outcomes
        if not each.passed_over
    ]
    return {
        "library": os.fspath(out),
        "inputs": len(inputs),
        "computed": sum(bool(each["computed"]) for each in inputs),
        "unchanged": sum(not each["computed"] and not each["failures"] for each in inputs),
        "failed": sum(bool(each["failures"]) for each in inputs),
        "warnings": sum(len(each.warnings) for each in outcomes),
        "passed_over": [each.uri for each in outcomes if each.passed_over],
        "not_used": Cast(out).unused(),
        "files": inputs,
    }


def print_summary(told: dict[str, Any], paint: Paint = plain) -> None:
    """The same in a few lines on stdout; `paint` as of a `Look`."""
    if not told["computed"] and not told["failed"]:
        click.echo(f"Nothing to compute: all {told['inputs']} inputs are in {told['library']}.")
    else:
        click.echo(
            f"{told['inputs']} inputs: {told['computed']} computed, {told['unchanged']} unchanged, "
            f"{told['failed']} failed. Library: {told['library']}"
        )
    if told["warnings"]:
        num = sum(bool(each["warnings"]) for each in told["files"])
        text = f"Warnings: {told['warnings']}, in {num} inputs; see library.warnings()."
        click.echo(paint(text, "warning"))
    if told["passed_over"]:
        click.echo(f"{len(told['passed_over'])} other files are no media and were passed over.")
    for each in told["files"]:
        for steps, why in reasons([Failure(**failure) for failure in each["failures"]]):
            click.echo(paint(clean(f"failed: {each['uri']} ({steps}): {why}"), "failure"))


def models_table() -> list[dict[str, Any]]:
    """Every registered model as plain data."""
    return [
        {
            "name": model.name + (f":<{model.argument}>" if model.argument else ""),
            "job": model.job,
            "licence": model.licence,
            "weights": model.weights,
            "ready": not model.missing()
            and all(map(is_there, filter(None, (model.stored, model.also)))),
            "missing": model.missing(),
            "stored": model.stored,
            "note": model.note,
        }
        for model in models().values()
    ]


def models_text() -> str:
    """The same as an aligned table."""
    head = ("name", "job", "licence", "weights from", "")
    rows = [head]
    for each in models_table():
        lacks = f"not installed: {', '.join(each['missing'])}" if each["missing"] else ""
        state = "ready" if each["ready"] else lacks or "fetched at the first use"
        note = f" ({each['note']})" if each["note"] else ""
        rows.append((each["name"], each["job"], each["licence"], each["weights"], state + note))
    widths = [max(len(row[i]) for row in rows) for i in range(len(head) - 1)]
    lines = (
        "  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
