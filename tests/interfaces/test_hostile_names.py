"""Names and texts from files steer neither terminals nor spreadsheets nor pages nor paths."""

import csv
import io
import json
import re

import pytest
from click.testing import CliRunner

from sensorium.interfaces.cli.main import main
from sensorium.interfaces.cli.terminal.console import painted, say
from sensorium.interfaces.server.desk import safe_name
from sensorium.interfaces.text.formats import render
from sensorium.ops.text.harmless import cell, clean
from sensorium.run.job import Failure, Outcome
from sensorium.run.progress import line
from sensorium.testing.sample_library import synthetic_library

STEER = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u2066\x00\r\n"
FORMULAS = ['=HYPERLINK("http://x.test","a")', "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "＝1"]
HTML = "<script>alert(1)</script>"


def test_what_steers_a_terminal_is_gone():
    """Escape sequences of one byte and of two, bells, overrides of direction; what people read stays."""
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", clean(STEER))
    assert clean("Zoë 你好 שלום 🙂") == "Zoë 你好 שלום 🙂"
    told = line(Outcome(f"a{STEER}.wav", failures=(Failure("media", "MediaError", f"x{STEER}"),)))
    assert "\x1b" not in told
    assert "\n" not in told
    told = line(Outcome("a.wav", computed=("media",), warnings=(f"x{STEER}",)))
    assert "\x1b" not in told
    assert told.count("\n") == 1


def test_commands_print_their_own_looks_and_no_others(capsys, monkeypatch):
    """A name in bold stays bold, and cannot move the cursor or set the title."""
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_: False)
    say(painted(f"Ann{STEER}", "name"))
    printed = capsys.readouterr().out
    assert re.findall(r"\x1b[^m]*m", printed) == ["\x1b[1m", "\x1b[0m"]


def test_an_error_that_names_a_hostile_file_is_printed_without_orders(tmp_path):
    """On the way through every command: the name of what was asked for."""
    result = CliRunner().invoke(main, ["probe", str(tmp_path / "a\x1b[2J\u202eb.wav")], color=True)
    assert result.exit_code == 3
    assert "\x1b[2J" not in result.output
    assert "\u202e" not in result.output


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(text):
    """An apostrophe in front, which a spreadsheet does not show; other texts are as they were."""
    assert cell(text) == f"'{text}"
    kept = ["a=1", "", "so - so", "3 + 4", "'s"]
    assert list(map(cell, kept)) == kept


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """A library of which words and names are what an attacker would like them to be."""
    library = synthetic_library(tmp_path / "library")
    from sensorium.interfaces.text import formats

    real = formats.timelines

    def spoilt(*arguments):
        found = list(real(*arguments))
        for number, word in enumerate(word for each in found for word in each.words):
            word["text"] = [*FORMULAS, HTML, f"a{STEER}b"][number % 9]
            word["name"] = "=1+1"
        return found

    monkeypatch.setattr(formats, "timelines", spoilt)
    return library


def test_csv_of_a_library_has_no_formulas_and_its_numbers_stay_numbers(hostile):
    """Read back by a program: start and end are numbers, also where they are below 0."""
    rows = list(csv.DictReader(io.StringIO(render(hostile, "csv"), newline="")))
    assert rows
    for row in rows:
        assert float(row["start"]) <= float(row["end"])
        for value in (row["text"], row["name"], row["uri"]):
            assert not value.startswith(("=", "+", "-", "@", "\t", "\r", "＝"))
    assert {"'=1+1"} == {row["name"] for row in rows}


def test_names_of_files_that_were_sent_are_no_paths():
    """Whatever a client calls its file, it lies where the server puts it."""
    for given in (
        "../../x.wav",
        "/etc/passwd",
        "C:\\x\\..\\y.wav",
        "a\0b.wav",
        "..",
        ".",
        "",
        STEER,
        "-rf",
    ):
        kept = safe_name(given)
        assert kept
        assert not kept.startswith((".", "-"))
        assert not set(kept) & set("/\\\0\n\x1b")
        assert json.dumps(kept)
