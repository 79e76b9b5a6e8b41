"""Lines of ``sh`` blocks: those of `sensorium` are run, of the others is checked what can be."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import traceback
from pathlib import Path

import click
from click.testing import CliRunner

from sensorium.interfaces.cli.main import main

ROOT = Path(__file__).resolve().parent.parent
_SHELL = re.compile(r"[|<>;&]")  # outside quotes: a real shell takes the line
_COMMENT = re.compile(r"(^|\s)#.*$")


def commands(text: str) -> list[str]:
    """The lines of a block: continued ones joined, without comments and empty ones."""
    joined = text.replace("\\\n", " ")
    lines = (_COMMENT.sub("", line).strip() for line in joined.splitlines())
    return [line for line in lines if line]


def run(line: str) -> str:
    """Runs one line and gives what it wrote; lines of other programs are looked at only.

    Raises:
        AssertionError: it failed, or it is none that this test knows.
    """
    words = shlex.split(line)
    if words[0] != "sensorium" and not _uses_sensorium(line):
        return _look_at(words)
    if _SHELL.search(re.sub(r"'[^']*'|\"[^\"]*\"", "", line)):
        return _through_shell(line)
    result = CliRunner().invoke(main, words[1:])
    told = "".join(traceback.format_exception(*result.exc_info)) if result.exc_info else ""
    assert result.exit_code == 0, f"{line}: exit code {result.exit_code}\n{result.output}{told}"
    return result.stdout


def check(line: str) -> None:
    """A line that cannot be run here: the command and its options must be there all the same.

    Raises:
        AssertionError: they are not.
    """
    words = shlex.split(line)
    if words[0] != "sensorium":
        _look_at(words)
        return
    command: click.Command = main
    rest = words[1:]
    while isinstance(command, click.Group) and rest:
        assert rest[0] in command.commands, f"{line}: there is no command {rest[0]!r}"
        command, rest = command.commands[rest[0]], rest[1:]
    try:
        command.make_context("sensorium", rest)
    except click.UsageError as error:
        raise AssertionError(f"{line}: {error.format_message()}") from None


def _uses_sensorium(line: str) -> bool:
    return re.search(r"\|\s*sensorium\s", line) is not None


def _through_shell(line: str) -> str:
    """Pipes and redirections: a shell, in which `sensorium` is this one."""
    package = f'"{sys.executable}" -m sensorium "$@"'
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail\nsensorium() {{ {package}; }}\n{line}"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{line}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def _look_at(words: list[str]) -> str:
    """make, pip, git, python: not run; targets, extras and scripts of ours must be there."""
    program = Path(words[0]).name
    if program == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(words[1:]) <= set(targets), f"{words}: the Makefile has {targets}"
    elif program == "pip":
        project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        for word in words:
            for extra in re.findall(r"[\w-]+", "".join(re.findall(r"\[(.*)\]", word))):
                assert re.search(rf"^{extra} = \[", project, re.MULTILINE), f"no extra {extra!r}"
    elif program in ("python", "python3"):
        for word in words[1:]:
            assert not word.endswith(".py") or (ROOT / word).is_file(), f"there is no {word}"
    else:
        assert program == "git", f"{words}: only sensorium, make, pip, git and python stand in sh"
    return ""
