"""``sensorium voices``: the speakers that a library knows, and what people say about them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

import sensorium
from sensorium.interfaces.cli.corrections import (
    add_corrections,
    echo_decided,
    echo_shown,
    library_option,
)
from sensorium.interfaces.cli.terminal.console import echo_json, json_option, painted, say

if TYPE_CHECKING:
    from sensorium.core.people.identity import Identity


@click.group()
def voices() -> None:
    """The same speaker over all files of a library: list, name, correct.

    \b
    An identity is given by its id or, where only one has it, by its name.
    """


def _called(who: Identity) -> str:
    return painted(who.name, "name") if who.name else "(no name)"


def _told(who: Identity) -> str:
    files = len({sample.uri for sample in who.samples})
    return f"{who.id}  {_called(who)}  {who.seconds:.1f} s in {files} files"


def _row(row: Any) -> str:
    sure = "founded it" if row.score != row.score or row.score is None else f"{row.score:.2f}"
    return f"{row.seconds:6.1f} s  {sure:>10}  {row.speaker} in {row.uri}  [{row.sample}]"


@voices.command("list")
@library_option
@json_option("Print JSON, one entry a voice of a file.")
def list_(library: str, as_json: bool) -> None:
    """Everyone who was heard, the one heard longest first."""
    opened = sensorium.Voices(library)
    if as_json:
        echo_json(opened.table())
        return
    known = opened.all()
    say("\n".join(_told(who) for who in known) if known else "no voices yet")


@voices.command()
@click.argument("identity")
@library_option
@json_option("Print JSON, one entry a voice or face of a file.")
def show(identity: str, library: str, as_json: bool) -> None:
    """Where one identity was heard, and how sure that is."""
    opened = sensorium.Voices(library)
    who = opened.find(identity)
    echo_shown(opened, who, _told(who), None if as_json else _row)


@voices.command()
@click.argument("name")
@click.argument("clip")
@library_option
@json_option()
def enroll(name: str, clip: str, library: str, as_json: bool) -> None:
    """Learn a voice from a CLIP in which one person speaks for a second or more."""
    done = sensorium.Voices(library).enroll(name, clip)
    how = "a new identity" if done.score is None else f"known before, probability {done.score:.2f}"
    text = f"{done.identity}  {done.name}  {done.seconds:.1f} s; {how}"
    echo_decided(as_json, text, **asdict(done))


@voices.command()
@click.argument("identity")
@library_option
@json_option()
def forget(identity: str, library: str, as_json: bool) -> None:
    """Its voices belong to nobody any more and are not matched again."""
    gone = sensorium.Voices(library).forget(identity)
    echo_decided(as_json, f"forgotten: {gone}", identity=gone)


@voices.command()
@click.argument("folder", metavar="OTHER")
@library_option
@json_option()
def join(folder: str, library: str, as_json: bool) -> None:
    """Take in the identities of another library."""
    num = sensorium.Voices(library).join(folder)
    echo_decided(as_json, f"{num} voices taken in from {folder}", voices=num, library=folder)


add_corrections(voices, lambda library: sensorium.Voices(library), _told)
