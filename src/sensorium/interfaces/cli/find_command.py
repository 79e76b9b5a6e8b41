"""``sensorium find``: what was said, written or named in a library, and what is like a file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from sensorium.core.errors import UsageError
from sensorium.interfaces.cli.terminal.console import echo_json, json_option, painted, say

if TYPE_CHECKING:
    from sensorium.library.library import Library

KINDS = ("word", "text", "subtitle", "name", "picture", "face", "voice")


@click.command()
@click.argument("library")
@click.argument("text", required=False, default="")
@click.option("--speaker", metavar="NAME", help="Only of somebody: name, id, or label (S1, P1).")
@click.option("--media", help="Only this input: its path, the end of its path, or its digest.")
@click.option("--kind", type=click.Choice(KINDS), help="Only this; the last three with --like.")
@click.option(
    "--between",
    type=(float, float),
    metavar="START END",
    help="Only there, in seconds of its file.",
)
@click.option("--like", metavar="FILE", help="What looks or sounds like a picture or a voice.")
@click.option("--limit", default=20, show_default=True, help="Hits at most.")
@json_option("Print JSON, one entry a hit.")
def find(library: str, text: str, as_json: bool, **options: Any) -> None:
    """Find words, names and text on the screen, or what is like a picture or a voice.

    \b
    TEXT: words that must all be there, "phrases" and prefixes (word*), in any language.
    """
    from sensorium.library.library import open_library

    if not text and not options["like"]:
        raise UsageError("find: expected TEXT or --like FILE; see: sensorium find --help")
    opened = open_library(library)
    hits = opened.find(text, **options)
    if as_json:
        echo_json(hits)
        return
    say("\n".join(_lines(opened, hits.to_dict("records"))) or "nothing found")


def _lines(library: Library, hits: list[dict[str, Any]]) -> list[str]:
    from sensorium.interfaces.text.screen import clean
    from sensorium.interfaces.text.units import clock

    lines = []
    for hit in hits:
        at = "" if hit["at"] is None or hit["at"] != hit["at"] else f"  {clock(hit['at'])}"
        who = hit["name"] or hit["speaker"] or hit["person"]
        said = (
            f"{painted(clean(who), 'name')}: "
            if who and hit["kind"] in ("word", "subtitle")
            else ""
        )
        sure = f"  {hit['score']:.2f}" if hit["kind"] in ("picture", "face", "voice") else ""
        text = f"  {said}{_marked(hit)}".rstrip()
        lines.append(
            f"{painted(clean(library.called(hit['uri'])), 'name')}{at}  {hit['kind']}{sure}{text}"
        )
    return lines


def _marked(hit: dict[str, Any]) -> str:
    """The text with what matched in bold on a terminal, between stars elsewhere."""
    from sensorium.interfaces.text.screen import clean
    from sensorium.ops.text.query import marked

    bold = sys.stdout.isatty() and click.get_current_context().color is not False
    return marked(
        clean(hit["text"]), hit["marks"], *(("\x1b[1m", "\x1b[0m") if bold else ("**", "**"))
    )
