"""``sensorium voices``: the speakers that a library knows, and what people say about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

import sensorium
from sensorium.interfaces.cli.corrections import (
    add_corrections,
    echo_json,
    echo_shown,
    library_option,
)

if TYPE_CHECKING:
    from sensorium.core.people.identity import Identity


@click.group()
def voices() -> None:
    """The same speaker over all files of a library: list, name, correct.

    \b
    An identity is given by its id or, where only one has it, by its name.
    """


def _told(who: Identity) -> str:
    files = len({sample.uri for sample in who.samples})
    return f"{who.id}  {who.name or '(no name)'}  {who.seconds:.1f} s in {files} files"


def _row(row: Any) -> str:
    sure = "founded it" if row.score != row.score or row.score is None else f"{row.score:.2f}"
    return f"{row.seconds:6.1f} s  {sure:>10}  {row.speaker} in {row.uri}  [{row.sample}]"


@voices.command("list")
@library_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one entry a voice of a file.")
def list_(library: str, as_json: bool) -> None:
    """Everyone who was heard, the one heard longest first."""
    opened = sensorium.Voices(library)
    if as_json:
        echo_json(opened.table())
        return
    known = opened.all()
    click.echo("\n".join(_told(who) for who in known) if known else "no voices yet")


@voices.command()
@click.argument("identity")
@library_option
def show(identity: str, library: str) -> None:
    """Where one identity was heard, and how sure that is."""
    opened = sensorium.Voices(library)
    who = opened.find(identity)
    echo_shown(opened, who, _told(who), _row)


@voices.command()
@click.argument("name")
@click.argument("clip")
@library_option
def enroll(name: str, clip: str, library: str) -> None:
    """Learn a voice from a CLIP in which one person speaks for a second or more."""
    done = sensorium.Voices(library).enroll(name, clip)
    how = "a new identity" if done.score is None else f"known before, probability {done.score:.2f}"
    click.echo(f"{done.identity}  {done.name}  {done.seconds:.1f} s; {how}")


@voices.command()
@click.argument("identity")
@library_option
def forget(identity: str, library: str) -> None:
    """Its voices belong to nobody any more and are not matched again."""
    click.echo(f"forgotten: {sensorium.Voices(library).forget(identity)}")


@voices.command()
@click.argument("other")
@library_option
def join(other: str, library: str) -> None:
    """Take in the identities of another library."""
    click.echo(f"{sensorium.Voices(library).join(other)} voices taken in from {other}")


add_corrections(voices, lambda library: sensorium.Voices(library), _told)
