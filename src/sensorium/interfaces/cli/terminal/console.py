"""How commands print: JSON for programs, colours that mean something for people, exit codes."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable
from typing import Any

import click

from sensorium.ops.text.harmless import clean_lines

EXIT_SOME_FAILED = 3  # done, but some of it failed; the other codes are click's own: 0, 1, 2

# On a terminal only: `click.echo` takes them out elsewhere, and `colours` where NO_COLOR is set.
_LOOKS: dict[str, dict[str, Any]] = {
    "failure": {"fg": "red"},
    "warning": {"fg": "yellow"},
    "name": {"bold": True},
    "soft": {"dim": True},
}

_OURS = re.compile("(\\x1b\\[(?:0|1|2|31|33)m)")


def painted(text: str, role: str) -> str:
    """The text in the look of its role: failure red, warning yellow, name bold, soft dim."""
    return click.style(text, **_LOOKS[role])


def say(text: str, **options: Any) -> None:
    """Prints text for people, in which names and texts from files do not steer the terminal.

    The looks of `painted` stay, and lines.
    """
    parts = _OURS.split(text)
    click.echo(
        "".join(each if _OURS.fullmatch(each) else clean_lines(each) for each in parts), **options
    )


def colours(context: click.Context) -> None:
    """No colours from here on where ``NO_COLOR`` is set (https://no-color.org)."""
    if os.environ.get("NO_COLOR"):
        context.color = False


def fail(error: Exception | str) -> None:
    """One red line on stderr."""
    say(painted(f"sensorium: {error}", "failure"), err=True)


def json_option(told: str = "Print JSON.") -> Callable[[Any], Any]:
    """The option ``--json``, as `as_json`; what each command prints with it: docs/json.md."""
    return click.option("--json", "as_json", is_flag=True, help=told)


def echo_json(value: Any) -> None:
    """Prints plain data, or the rows of a data frame, as JSON; what is no finite number is null."""
    rows = json.loads(value.to_json(orient="records")) if hasattr(value, "to_json") else value
    click.echo(json.dumps(_finite(rows), indent=1, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
