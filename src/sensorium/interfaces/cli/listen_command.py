"""``sensorium listen``: words and turns as they settle."""

from __future__ import annotations

import json
import signal
import sys
import threading
from threading import Event
from typing import Any

import click

from sensorium.core.config import Config
from sensorium.core.errors import MediaError
from sensorium.interfaces.cli.chosen_config import chosen
from sensorium.interfaces.cli.terminal.console import (
    EXIT_SOME_FAILED,
    fail,
    json_option,
    painted,
    say,
)


@click.command()
@click.argument("source")
@click.option(
    "--latency", default=1.0, show_default=True, help="Seconds until a turn stands, 0.5 to 10."
)
@click.option("--words/--no-words", default=True, help="What is said.")
@click.option("--turns/--no-turns", default=True, help="Who speaks.")
@click.option(
    "--transcriber", default=Config().speech.transcriber, show_default=True, help="Model."
)
@click.option("--segmenter", default=Config().speech.segmenter, show_default=True, help="Model.")
@click.option("--config", metavar="FILE", help="YAML of choices; options given here win over it.")
@click.option(
    "--language", default="auto", show_default=True, metavar="TAG|auto", help="Spoken, such as de."
)
@click.option("--real-time", is_flag=True, help="Play a file at its own pace.")
@click.option("--rate", default=16_000, show_default=True, help="Hz, of raw samples on stdin.")
@click.option("--channels", default=1, show_default=True, help="Of raw samples on stdin.")
@json_option("One event a line, tentative words too.")
def listen(source: str, as_json: bool, config: str | None, **choices: Any) -> None:
    """Hear SOURCE: microphone, a file, or - for standard input.

    \b
    Standard input may be a container (wav, flac, ogg, mkv) or raw 16-bit samples.
    Ends with the source or with Ctrl-C; what was heard is always given out.
    Exit codes: 0 all heard; 2 wrong usage; 3 the source cannot be read, or broke.
    """
    from sensorium.run.listen import Hearing, listen

    choices["language"] = None if choices["language"].lower() == "auto" else choices["language"]
    models = {name: choices.pop(name) for name in ("transcriber", "segmenter", "language")}
    choices["sample_rate"] = choices.pop("rate")
    hearing, stop = Hearing(**choices), Event()
    events = listen(source, config=chosen(config, models), hearing=hearing, stop=stop)
    show = _json if as_json else _Text(turns=not hearing.words).show
    _stops_at_interrupt(stop)
    try:
        for event in events:
            show(event)
    except MediaError as error:
        fail(error)
        sys.exit(EXIT_SOME_FAILED)


def _stops_at_interrupt(stop: Event) -> None:
    """The first Ctrl-C ends listening with all that was heard, the second one at once."""

    def interrupted(number: int, frame: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, interrupted)


def _json(event: Any) -> None:
    click.echo(json.dumps(event.plain(), ensure_ascii=False))
    sys.stdout.flush()


class _Text:
    """Words in a line per voice and sentence; without words, turns; notes on standard error."""

    def __init__(self, turns: bool) -> None:
        self._turns = turns
        self._speaker: str | None = None
        self._in_line = False

    def show(self, event: Any) -> None:
        """One event, at once."""
        told = event.plain()
        if told["event"] == "word":
            if not self._in_line or told["speaker"] != self._speaker:
                self._new_line()
                self._speaker = told["speaker"]
                say(f"{told['start']:8.1f}  {self._speaker or '?'}  ", nl=False)
            say(f"{told['text']} ", nl=False)
            self._in_line = True
            if told["text"].endswith((".", "?", "!")):
                self._new_line()
        elif told["event"] == "turn" and self._turns:
            say(f"{told['start']:8.1f} - {told['end']:8.1f}  {told['speaker']}")
        elif told["event"] == "note":
            self._new_line()
            if told["kind"] == "ended":
                say(f"({told['message']})")
            else:
                say(painted(f"({told['message']})", "warning"), err=True)
        sys.stdout.flush()

    def _new_line(self) -> None:
        if self._in_line:
            click.echo()
        self._in_line = False
