"""What people say about who is who: commands that ``sensorium cast`` and ``sensorium voices`` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from sensorium.interfaces.cli.terminal.console import echo_json, json_option, say

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


def echo_shown(cast: Cast, who: Identity, told: str, row: Callable[[Any], str] | None) -> None:
    """Prints what is `told` of one identity and, a line each, its voices and faces by file.

    Without `row`, the rows of its table as JSON.
    """
    table = cast.table()
    mine = table[table["identity"] == who.id]
    if row is None:
        echo_json(mine)
        return
    say(told)
    for each in mine.itertuples():
        say(f"  {row(each)}")


def echo_decided(as_json: bool, text: str, **decided: Any) -> None:
    """Prints what was decided, as a line for people or as JSON."""
    echo_json(decided) if as_json else say(text)


def add_corrections(
    group: click.Group, opened: Callable[[str], Cast], told: Callable[[Identity], str]
) -> None:
    """Adds name, merge, split and undo to a group whose library `opened` opens."""

    @group.command()
    @click.argument("identity")
    @click.argument("name")
    @library_option
    @json_option()
    def name(identity: str, name: str, library: str, as_json: bool) -> None:
        """Give an identity a name; an empty one says that none of the names found is right."""
        known = opened(library).name(identity, name)
        echo_decided(as_json, f"{known}  {name or '(no name)'}", identity=known, name=name or None)

    @group.command()
    @click.argument("number", type=int, required=False)
    @library_option
    @json_option()
    def undo(number: int | None, library: str, as_json: bool) -> None:
        """Take back the last decision about who is who, or the one of that NUMBER."""
        done = opened(library).undo(number)
        number, kind = done["number"], done["kind"]
        echo_decided(as_json, f"taken back: {number} ({kind})", number=number, kind=kind)

    _add_sorting(group, opened, told)


def _add_sorting(
    group: click.Group, opened: Callable[[str], Cast], told: Callable[[Identity], str]
) -> None:
    """Adds merge and split."""

    @group.command()
    @click.argument("into")
    @click.argument("other")
    @library_option
    @json_option()
    def merge(into: str, other: str, library: str, as_json: bool) -> None:
        """Two identities are one person; INTO is kept."""
        cast = opened(library)
        who = cast.find(cast.merge(into, other))
        echo_decided(as_json, told(who), identity=who.id, name=who.name)

    @group.command()
    @click.argument("identity")
    @click.option(
        "--sample", "samples", multiple=True, help="A sample of `show` that is somebody else."
    )
    @library_option
    @json_option()
    def split(identity: str, samples: tuple[str, ...], library: str, as_json: bool) -> None:
        """One identity is two people; without --sample, voices from faces, or the groups that differ most."""
        cast = opened(library)
        before = cast.find(identity).id
        new = cast.split(identity, samples)
        text = f"{told(cast.find(before))}\n{told(cast.find(new))}"
        echo_decided(as_json, text, identity=before, other=new)
