"""What all commands share: one screen a file, examples, completion, colours, exit codes."""

import inspect
import re
from pathlib import Path

import click
import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

import docs_shell
from sensorium.interfaces.cli.main import main
from sensorium.interfaces.cli.terminal.help_examples import EXAMPLES
from sensorium.interfaces.text.formats import render
from sensorium.library.library import Library
from sensorium.testing.sample_library import (
    add_synthetic,
    synthetic_library,
    synthetic_record,
    synthetic_ref,
    synthetic_words,
)

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


def commands(group, prefix=""):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def call(*words, **how):
    return CliRunner().invoke(main, [str(word) for word in words], **how)


@pytest.fixture
def library(tmp_path):
    return synthetic_library(tmp_path / "library")


@pytest.fixture
def long_talk(tmp_path):
    """Half an hour: 300 shots, 9 voices, 200 utterances, one of them without an end."""
    records = [synthetic_record("shot", 6.0 * i, 6.0 * (i + 1), index=i) for i in range(300)]
    for number in range(9):
        voice = {"speaker": f"S{number}", "duration": 9.0, "embedding": [1.0]}
        records.append(synthetic_record("voice", **voice))
    for number in range(200):
        text = "on and " * 80 if number == 3 else f"Sentence {number}."
        talk = [(f"S{number % 9}", None, text)]
        records += synthetic_words(talk, start=9.0 * number, pace=0.05)
    root = tmp_path / "long library"
    add_synthetic(root, synthetic_ref("/films/long talk.mp4", duration=1800.0), records)
    return Library(root)


def test_a_long_file_fits_in_a_screen_and_says_how_to_see_the_rest(long_talk):
    text = render(long_talk, "text")
    assert len(text.splitlines()) <= 24
    assert "300 shots, median 6.0 s" in text
    assert "and 3 more speakers" in text
    assert "[...]" in text
    rest = next(line for line in text.splitlines() if line.startswith("  ... "))
    assert rest.startswith("  ... 188 lines more: sensorium show ")
    whole = docs_shell.run(rest.partition(": ")[2]).splitlines()
    assert sum("shot" in line for line in whole) == 300
    assert sum('"Sentence' in line for line in whole) == 199
    assert "more" not in "\n".join(whole)


def test_what_fits_is_not_cut(library):
    text = render(library, "text", "talk show.mp4")
    assert "..." not in text
    assert "2 shots, median 15.0 s" in text


def test_names_and_texts_of_files_do_not_steer_the_terminal(tmp_path):
    talk = [(None, None, "a\x1b[31mred\x07")]
    add_synthetic(tmp_path, synthetic_ref("/a/b\x1b[2J.wav", "audio"), synthetic_words(talk))
    add_synthetic(tmp_path, synthetic_ref("/a/c.wav", "audio"), [])
    shown = call("show", tmp_path, "--all").stdout + call("show", tmp_path).stdout
    assert not set(shown) & {"\x1b", "\x07"}


def test_every_command_has_an_example_that_can_be_typed():
    assert set(EXAMPLES) - {"models"} == {name for name, _ in commands(main)}
    for name, lines in EXAMPLES.items():
        told = call(*name.split(), "--help").stdout
        for line in lines:
            assert line in told, f"{name}: not in its help as it stands"
            if line.startswith("sensorium"):
                docs_shell.check(line)


def completed(*words):
    return [
        (item.value, item.type)
        for item in BashComplete(main, {}, "sensorium", "_X").get_completions(
            [str(word) for word in words[:-1]], words[-1]
        )
    ]


def test_files_of_a_library_people_and_paths_are_completed(library, two_people, tmp_path):
    assert completed("show", library.path, "--media", "ta") == [("talk show.mp4", "plain")]
    assert completed("find", library.path, "--media", "x") == []
    assert completed("find", two_people, "--speaker", "m") == [("Mary", "plain")]
    assert completed("show", tmp_path / "nowhere", "--media", "") == []
    assert completed("cast", "show", "--library", two_people, "Ma") == [("Mary", "plain")]
    assert completed("show", "lib") == [("lib", "dir")]
    assert completed("probe", "ta") == [("ta", "file")]
    assert ("show", "plain") in completed("sh")
    assert ("--media", "plain") in completed("show", library.path, "--m")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_told_how_to_complete(shell):
    assert "_SENSORIUM_COMPLETE" in call("completion", shell).stdout


def test_colours_mean_something_and_can_be_turned_off(library, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    told = call("show", library.path, color=True).stdout
    assert "\x1b[31mfailed: media: broken.png" in told
    assert "\x1b[1mtalk show.mp4\x1b[0m" in told
    assert "\x1b" not in call("show", library.path).stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in call("show", library.path, color=True).stdout
    assert "\x1b" not in call("show", "nowhere", color=True).stderr


def exit_codes():
    """Exit code -> the commands that may end with it, as docs/cli.md says."""
    rows = re.findall(r"^\| (\d) \| .* \| (.+) \|$", PAGE, re.MULTILINE)
    return {int(code): set(re.findall(r"`([a-z ]+)`", told)) or "all" for code, told in rows}


def test_the_table_of_exit_codes_is_what_commands_do_and_say():
    table = exit_codes()
    assert set(table) == {0, 1, 2, 3}
    assert [table[code] for code in (0, 1, 2)] == ["all"] * 3
    ending = {
        name
        for name, command in commands(main)
        if "EXIT_SOME_FAILED" in inspect.getsource(command.callback)
    }
    saying = {name for name, each in commands(main) if re.search(r"Exit codes:.*\b3 ", each.help)}
    assert table[3] == ending == saying


def test_exit_codes_as_they_come(library, tmp_path, monkeypatch):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF nothing")
    assert call("show", library.path).exit_code == 0
    assert call("probe", broken).exit_code == 3
    assert call("listen", broken).exit_code == 3
    assert call("show", library.path, "--media", "nobody").exit_code == 2
    assert call("show", library.path, "--colour", "red").exit_code == 2
    monkeypatch.setattr("sensorium.interfaces.text.formats.render", _interrupted)
    assert call("show", library.path).exit_code == 1


def _interrupted(*_, **__):
    raise KeyboardInterrupt
