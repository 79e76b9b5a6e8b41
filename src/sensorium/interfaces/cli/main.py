"""The command line: parse, call one function, print.

Heavy modules are imported inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import json
import sys
from typing import Any, get_args

import click

from sensorium import __version__
from sensorium.core.config import PASSES, Channels, Config, Engine
from sensorium.core.errors import LibraryError, MediaError, SensoriumError
from sensorium.interfaces.agent.mcp_command import mcp
from sensorium.interfaces.cli.cast_command import cast
from sensorium.interfaces.cli.check_command import check
from sensorium.interfaces.cli.chosen_config import chosen
from sensorium.interfaces.cli.find_command import find
from sensorium.interfaces.cli.learning.dataset_command import dataset
from sensorium.interfaces.cli.learning.export_command import export
from sensorium.interfaces.cli.learning.train_command import train
from sensorium.interfaces.cli.listen_command import listen
from sensorium.interfaces.cli.models_command import models
from sensorium.interfaces.cli.patches_command import patches
from sensorium.interfaces.cli.score_command import score
from sensorium.interfaces.cli.terminal.completing import complete, completion
from sensorium.interfaces.cli.terminal.console import (
    EXIT_SOME_FAILED,
    colours,
    echo_json,
    fail,
    json_option,
    painted,
)
from sensorium.interfaces.cli.terminal.help_examples import add_examples
from sensorium.interfaces.cli.voices_command import voices
from sensorium.interfaces.server.serve_command import serve

FORMATS = ("text", "vtt", "srt", "rttm", "json", "csv")


class _Group(click.Group):
    """Turns our own errors into one line on stderr and exit code 2."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except SensoriumError as error:
            fail(error)
            sys.exit(2)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sensorium")
@click.pass_context
def main(context: click.Context) -> None:
    """Eyes and ears for language models.

    \b
    Exit codes: 0 all done; 1 interrupted; 2 wrong usage; 3 done, but some of it failed.
    """
    colours(context)


def _speakers(context: click.Context, option: click.Parameter, text: str | None) -> tuple:
    """'3' is exactly three, '2..4' two to four, '2..' at least two."""
    if text is None:
        return (None, None)
    low, dots, high = text.partition("..")
    try:
        bounds = (int(low) if low else None, int(high) if high else None)
    except ValueError:
        raise click.BadParameter(f"expected 3, 2..4, 2.. or ..4; got {text!r}") from None
    return bounds if dots else (bounds[0], bounds[0])


def _track(context: click.Context, option: click.Parameter, text: str | None) -> int | str | None:
    """A number from 0, or a language."""
    if text is None:
        return None
    from sensorium.ops.sound.audio_tracks import parsed_track

    return parsed_track(text)


@main.command()
@click.argument("inputs", nargs=-1, required=True)
@click.option(
    "--out", required=True, metavar="FOLDER", help="The library: new, empty or one to add to."
)
@click.option(
    "--workers", type=int, help="Processes, 1 if not given; 0 works in this one.  [ray: all cores]"
)
@click.option(
    "--engine",
    type=click.Choice(get_args(Engine)),
    default="local",
    show_default=True,
    help="Who works: this machine, or a Ray cluster.",
)
@click.option(
    "--address", metavar="HOST:PORT", help="Of the Ray cluster; else one is started here."
)
@click.option("--threads", default=1, show_default=True, help="Of each process's models.")
@click.option("--only", multiple=True, type=click.Choice(PASSES), help="Do only this; repeatable.")
@click.option(
    "--speakers", callback=_speakers, metavar="N|LOW..HIGH", help="How many voices a file has."
)
@click.option(
    "--channels",
    type=click.Choice(get_args(Channels)),
    default=Config().speech.channels,
    show_default=True,
    help="Hear channels as one sound, or each alone.",
)
@click.option(
    "--audio-track",
    callback=_track,
    metavar="N|LANGUAGE",
    help="Of several, as `probe` lists them; else the file's choice.",
)
@click.option(
    "--transcriber",
    default=Config().speech.transcriber,
    show_default=True,
    help="Model for speech.",
)
@click.option(
    "--segmenter",
    default=Config().speech.segmenter,
    show_default=True,
    help="Model for who speaks when.",
)
@click.option(
    "--language", default="auto", show_default=True, metavar="TAG|auto", help="Spoken, such as de."
)
@click.option(
    "--task",
    type=click.Choice(["transcribe", "translate"]),
    default="transcribe",
    show_default=True,
    help="Words as spoken, or in English.",
)
@click.option(
    "--image-encoder",
    default=Config().pictures.image_encoder,
    show_default=True,
    help="Model for pictures.",
)
@click.option(
    "--sound-encoder",
    default=Config().sound.sound_encoder,
    show_default=True,
    help="Model for sound.",
)
@click.option("--sound-hop", type=float, help="Seconds between its windows; else back to back.")
@click.option("--picture-every", default=10.0, show_default=True, help="Seconds, in a long shot.")
@click.option(
    "--faces-per-second", default=5.0, show_default=True, help="Pictures searched for faces."
)
@click.option(
    "--cast", metavar="FILE", help="Who may be there: .csv, .json, or portraits in a folder."
)
@click.option(
    "--detector",
    "trained",
    metavar="FILE",
    help="best.pt of `train detector`, or any YOLO as .onnx.",
)
@click.option(
    "--active-speaker",
    metavar="FILE",
    help="ONNX in the form of TalkNet or Light-ASD, for who speaks.",
)
@click.option(
    "--config", metavar="FILE", help="YAML of these choices; options given here win over it."
)
@click.option(
    "--retry-failed", is_flag=True, help="Try again what failed before on the same bytes."
)
@click.option(
    "--fence/--no-fence",
    default=None,
    help="Work on files of strangers with limits, no network: docs/security.md.",
)
@click.option(
    "--allow-private", is_flag=True, help="Fetch from HTTP addresses in private networks, too."
)
@json_option("Print one JSON summary on stdout, nothing else.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def extract(inputs: tuple[str, ...], out: str, **choices: Any) -> None:
    """Turn files, folders, patterns and addresses of them into a library.

    \b
    Exit codes: 0 all done; 2 wrong usage; 3 done, but some inputs failed.
    """
    from sensorium.interfaces.text.summary import print_summary, summary
    from sensorium.run.executors import Options
    from sensorium.run.extract import run
    from sensorium.run.progress import Watcher, watcher

    as_json, quiet = choices.pop("as_json"), choices.pop("quiet")
    names = {"workers": "num_workers"}
    how = ("workers", "threads", "retry_failed", "fence", "allow_private", "engine", "address")
    options = Options(**{names.get(name, name): choices.pop(name) for name in how})
    choices["language"] = None if choices["language"].lower() == "auto" else choices["language"]
    config = chosen(choices.pop("config"), {"passes": choices.pop("only") or None, **choices})
    outcomes = run(inputs, out, config, options, Watcher() if quiet else watcher())
    told = summary(outcomes, out)
    click.echo(json.dumps(told)) if as_json else print_summary(told, painted)
    sys.exit(EXIT_SOME_FAILED if told["failed"] else 0)


@main.command()
@click.argument("library")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--media", help="Only this input: its path, the end of its path, or its digest.")
@click.option("--all", "everything", is_flag=True, help="Every shot, face and word, not a screen.")
@json_option("The same as --format json.")
def show(library: str, form: str, media: str | None, everything: bool, as_json: bool) -> None:
    """Who spoke when, what was said, who was on screen: each file in one screen."""
    from sensorium.interfaces.text.formats import render
    from sensorium.interfaces.text.screen import Look
    from sensorium.library.library import open_library

    form = "json" if as_json else form
    look = Look(everything, painted)
    click.echo(render(open_library(library), form, media, look=look), nl=False)


@main.command()
@click.argument("library")
@click.option(
    "--out", default="library.html", show_default=True, help=".html, or .png for a sheet."
)
@click.option("--media", help="Only this input.")
def page(library: str, out: str, media: str | None) -> None:
    """Write one HTML page (or a PNG sheet) of a library, to be opened without a server."""
    from sensorium.adapters.media.reader import MediaReader
    from sensorium.interfaces.viewer.page import write_page, write_sheet
    from sensorium.library.library import open_library

    write = write_sheet if out.lower().endswith(".png") else write_page
    click.echo(write(open_library(library), out, MediaReader(), media))


@main.command()
@click.argument("file")
@click.option("--allow-private", is_flag=True, help="An HTTP address may be in a private network.")
def probe(file: str, allow_private: bool) -> None:
    """What one file is, by its content, and which audio tracks it has, as JSON.

    Of an address only what is needed is read: no digest is told, and the length is the stated one.

    \b
    Exit codes: 0 told; 2 wrong usage; 3 the file cannot be read.
    """
    from dataclasses import asdict

    from sensorium.adapters.media.reader import MediaReader
    from sensorium.adapters.remote.address import local
    from sensorium.core.limits import Limits

    try:
        limits = Limits(allow_private=allow_private)
        echo_json(asdict(MediaReader(limits).glance(local(file))))
    except (MediaError, LibraryError) as error:
        fail(error)
        sys.exit(EXIT_SOME_FAILED)


main.add_command(check)
main.add_command(completion)
main.add_command(dataset)
main.add_command(export)
main.add_command(cast)
main.add_command(find)
main.add_command(listen)
main.add_command(mcp)
main.add_command(models)
main.add_command(patches)
main.add_command(score)
main.add_command(serve)
main.add_command(voices)
main.add_command(train)

complete(main)
add_examples(main)
