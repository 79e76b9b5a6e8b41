"""``sensorium cast``: everyone whom a library knows, why they have their names, and corrections."""

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
def cast() -> None:
    """Everyone whom a library knows, by voice or face: list, explain, name, correct.

    \b
    An identity is given by its id or, where only one has it, by its name.
    """


def _told(who: Identity) -> str:
    files = len({sample.uri for sample in who.samples})
    called = painted(who.name, "name") if who.name else "(unknown)"
    sure = "" if who.score in (None, 1.0) else f" ({who.score:.2f})"
    parts = [f"heard {who.seconds:.1f} s"] * bool(who.of("voice"))
    parts += [f"seen {who.on_screen:.1f} s"] * (len(who.of("voice")) < len(who.samples))
    return f"{who.id}  {called}{sure}  {', '.join(parts)} in {files} files"


def _row(row: Any) -> str:
    sure = f"{row.score:.2f}" if row.score is not None and row.score == row.score else "-"
    place = f"{row.label} in {row.uri}  [{row.sample}]"
    return f"{row.kind:5} {row.seconds:7.1f} s  {sure:>5}  {place}"


@cast.command("list")
@library_option
@json_option("Print JSON, one entry a voice or face of a file.")
def list_(library: str, as_json: bool) -> None:
    """Everyone, the one heard longest first; then what of the cast list could not be used."""
    opened = sensorium.Cast(library)
    if as_json:
        echo_json(opened.table())
        return
    lines = [_told(who) for who in opened.all()] or ["nobody yet"]
    unused = (f"not used: {each['what']}: {each['message']}" for each in opened.unused())
    lines += [painted(line, "warning") for line in unused]
    say("\n".join(lines))


@cast.command()
@click.argument("identity")
@library_option
@json_option("Print JSON, one entry a voice or face of a file.")
def show(identity: str, library: str, as_json: bool) -> None:
    """Where one identity was heard and seen, and how sure that is."""
    opened = sensorium.Cast(library)
    who = opened.find(identity)
    echo_shown(opened, who, _told(who), None if as_json else _row)


@cast.command()
@click.argument("identity")
@library_option
@json_option("Print JSON, one entry a claim.")
def explain(identity: str, library: str, as_json: bool) -> None:
    """Why an identity has its name, or none: every name that was claimed, with the evidence."""
    opened = sensorium.Cast(library)
    who, claims = opened.find(identity), opened.explain(identity)
    if as_json:
        echo_json(claims)
        return
    say(_told(who))
    if who.score == 1.0:
        say("named by hand, which outranks all evidence")
    for name, group in claims.groupby("name", sort=False):
        say(f"{name}: probability {group['probability'].iloc[0]:.2f}")
        for row in group.itertuples():
            where = (
                f" at {row.start:.1f} s" if row.start == row.start and row.start is not None else ""
            )
            say(f"  {row.score:.2f}  {row.source}: {row.quote}  {row.uri}{where}")
    if claims.empty:
        say("no evidence of a name")
    elif who.name is None:
        say("no name is sure enough; it stays unknown")


@cast.command()
@click.argument("identity")
@click.argument("other")
@library_option
@json_option()
def apart(identity: str, other: str, library: str, as_json: bool) -> None:
    """Two identities are not the same person, whatever is seen or heard later."""
    one, two = sensorium.Cast(library).apart(identity, other)
    echo_decided(as_json, f"{one} and {two} stay two people", identity=one, other=two)


@cast.command()
@click.argument("library")
@click.option("--out", default="review.html", show_default=True, help="The page.")
def review(library: str, out: str) -> None:
    """Write a page to look over who is who: faces, names, evidence, the least sure first."""
    from sensorium.adapters.media.reader import MediaReader
    from sensorium.interfaces.viewer.review_page import write_review

    say(str(write_review(sensorium.Cast(library), library, out, MediaReader())))


@cast.command()
@click.argument("library")
@click.option("--folder", help="Only the files below it, by its path or the end of it; else all.")
@click.option("--out", default="title.html", show_default=True, help="The page.")
def title(library: str, folder: str | None, out: str) -> None:
    """Write a page of a film or series: its characters, when they are there, and with whom."""
    from sensorium.adapters.media.reader import MediaReader
    from sensorium.interfaces.viewer.title_page import write_title

    click.echo(write_title(sensorium.Library(library), out, MediaReader(), folder))


@cast.command()
@library_option
@click.option(
    "--model", required=True, metavar="URL#NAME", help="A server with OpenAI's interface."
)
@click.option("--search", metavar="ENGINE", help="ddgs, or searxng:http://HOST:PORT; else none.")
@click.option("--pictures", is_flag=True, help="The model may see faces.")
@click.option("--calls", default=40, show_default=True, help="Of the model, at most.")
@click.option("--searches", default=20, show_default=True, help="At most.")
@click.option("--pages", default=20, show_default=True, help="That are opened, at most; 0: none.")
@click.option("--page-bytes", default=20_000_000, show_default=True, help="Of them, at most.")
@click.option("--tokens", default=400_000, show_default=True, help="Of the model, at most.")
@click.option("--allow-private", is_flag=True, help="Pages may lie at private addresses.")
@click.option("--seconds", default=300.0, show_default=True, help="At most.")
@click.option("--money", default=0.5, show_default=True, help="At most, by --price.")
@click.option(
    "--price", type=(float, float), default=(0.0, 0.0), metavar="IN OUT", help="Per million tokens."
)
@click.option("--yes", is_flag=True, help="Show what leaves the machine, but do not ask each time.")
@json_option("Print JSON, one entry an identity that was asked about.")
def ask(library: str, yes: bool, as_json: bool, **choices: Any) -> None:
    """Ask a language model, with search engines, for the names that are missing.

    Whatever leaves the machine is shown before, and goes only with your leave. Answers are kept.
    """
    from sensorium.core.people.inquiry import Budget, Price
    from sensorium.people.ask import AgentOptions, ask

    def disclose(where: str, what: str) -> bool:
        say(f"to {where}:\n{what}", err=True)
        return yes or click.confirm("send it?", err=True)

    budget = Budget(**{name: choices.pop(name) for name in Budget.__slots__})
    options = AgentOptions(budget=budget, price=Price(*choices.pop("price")), **choices)
    answers = ask(library, options, disclose)
    if as_json:
        echo_json([{"identity": who.id, **asdict(answer)} for who, answer in answers])
        return
    for who, answer in answers:
        told = f"{answer.name} ({answer.score:.2f})" if answer.name else f"unsure: {answer.reason}"
        say(f"{who.id}  {told}")
        for quote in answer.evidence:
            say(f"  {quote.text}  {quote.url}")


add_corrections(cast, lambda library: sensorium.Cast(library), _told)
