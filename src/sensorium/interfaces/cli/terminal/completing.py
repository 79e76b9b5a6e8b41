"""What a shell completes: folders, the files of a library, its people; and ``sensorium completion``."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _folders(
    context: click.Context, parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    return [CompletionItem(begun, type="dir")]


def _files(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    return [CompletionItem(begun, type="file")]


def _media(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Names of the files in the library that was typed before; none where there is no library."""
    from sensorium.core.errors import SensoriumError
    from sensorium.library.library import Library

    try:
        known = list(Library(_library(context)))
    except SensoriumError:
        return []
    return [CompletionItem(name) for name in known if name.startswith(begun)]


def _people(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Names of the identities of the library, else their ids."""
    from sensorium.core.errors import SensoriumError
    from sensorium.people.cast import Cast

    try:
        known = Cast(_library(context)).all()
    except SensoriumError:
        return []
    found = [CompletionItem(who.name or who.id, help=who.id) for who in known]
    return [item for item in found if item.value.casefold().startswith(begun.casefold())]


def _library(context: click.Context) -> str:
    given = context.params.get("library")
    if given is None and isinstance(context.command.params[0], click.Argument):
        given = next(
            iter(context.args), None
        )  # click reads no arguments before an unfinished option
    return given or os.environ.get("SENSORIUM_LIBRARY") or "library"


_COMPLETERS: dict[str, Completer] = {
    "library": _folders,
    "tiles": _folders,
    "data": _folders,
    "folder": _folders,
    "out": _files,
    "inputs": _files,
    "file": _files,
    "picture": _files,
    "source": _files,
    "clip": _files,
    "captions": _files,
    "references": _files,
    "like": _files,
    "cast": _files,
    "trained": _files,
    "active_speaker": _files,
    "weights": _files,
    "media": _media,
    "speaker": _people,
    "identity": _people,
    "into": _people,
    "other": _people,
}


class _Text(click.types.StringParamType):
    """Text that a shell completes."""

    def __init__(self, completer: Completer) -> None:
        self._completer = completer

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return self._completer(ctx, param, incomplete)


def complete(command: click.Command) -> None:
    """Gives every parameter of a command, and of those below it, what completes it, by its name."""
    for parameter in command.params:
        completer = _COMPLETERS.get(parameter.name or "")
        if completer and type(parameter.type) is click.types.StringParamType:
            parameter.type = _Text(completer)
    for each in getattr(command, "commands", {}).values():
        complete(each)


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands, options, files of a library and people."""
    kind: Any = get_completion_class(shell)
    click.echo(kind(context.find_root().command, {}, "sensorium", "_SENSORIUM_COMPLETE").source())
