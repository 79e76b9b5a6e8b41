"""What people say about who is who: commands that ``sensorium cast`` and ``sensorium voices`` share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sensorium.core.people.identity import Identity
    from sensorium.people.cast import Cast

library_option = click.option(
    "--library",
    default="library",
    show_default=True,
    envvar="SENSORIUM_LIBRARY",
    help="Its folder.",
)


def echo_json(table: Any) -> None:
    """Prints the rows of a data frame as JSON."""
    click.echo(json.dumps(json.loads(table.to_json(orient="records")), indent=1))


def echo_shown(cast: Cast, who: Identity, told: str, row: Callable[[Any], str]) -> None:
    """Prints what is `told` of one identity and, a line each, its voices and faces by file."""
    table = cast.table()
    click.echo(told)
    for each in table[table["identity"] == who.id].itertuples():
        click.echo(f"  {row(each)}")


def add_corrections(
    group: click.Group, opened: Callable[[str], Cast], told: Callable[[Identity], str]
) -> None:
    """Adds name, merge, split and undo to a group whose library `opened` opens."""

    @group.command()
    @click.argument("identity")
    @click.argument("name")
    @library_option
    def name(identity: str, name: str, library: str) -> None:
        """Give an identity a name; an empty one says that none of the names found is right."""
        click.echo(f"{opened(library).name(identity, name)}  {name or '(no name)'}")

    @group.command()
    @click.argument("number", type=int, required=False)
    @library_option
    def undo(number: int | None, library: str) -> None:
        """Take back the last decision about who is who, or the one of that NUMBER."""
        done = opened(library).undo(number)
        click.echo(f"taken back: {done['number']} ({done['kind']})")

    _add_sorting(group, opened, told)


def _add_sorting(
    group: click.Group, opened: Callable[[str], Cast], told: Callable[[Identity], str]
) -> None:
    """Adds merge and split."""

    @group.command()
    @click.argument("into")
    @click.argument("other")
    @library_option
    def merge(into: str, other: str, library: str) -> None:
        """Two identities are one person; INTO is kept."""
        cast = opened(library)
        click.echo(told(cast.find(cast.merge(into, other))))

    @group.command()
    @click.argument("identity")
    @click.option(
        "--sample", "samples", multiple=True, help="A sample of `show` that is somebody else."
    )
    @library_option
    def split(identity: str, samples: tuple[str, ...], library: str) -> None:
        """One identity is two people; without --sample, voices from faces, or the groups that differ most."""
        cast = opened(library)
        before = cast.find(identity).id
        new = cast.split(identity, samples)
        click.echo(f"{told(cast.find(before))}\n{told(cast.find(new))}")
