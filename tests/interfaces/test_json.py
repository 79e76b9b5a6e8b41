"""What commands print with --json is what docs/json.md says."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

import sensorium as sm
from sensorium.interfaces.cli.main import main
from sensorium.interfaces.cli.terminal.console import echo_json
from sensorium.testing.made_media import tone, write_sound
from sensorium.testing.sample_library import synthetic_library

PAGE = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")
SCHEMAS = {
    name: json.loads(text)
    for name, text in re.findall(r"^## sensorium (.+?)\n.*?```json\n(.*?)```", PAGE, re.M | re.S)
}
# In the same form as another command.
SAME = {
    **{f"cast {each}": "cast name" for each in ("merge", "split", "apart", "undo")},
    **{f"voices {e}": "cast name" for e in ("name", "merge", "split", "forget", "undo", "join")},
    "cast show": "cast list",
    "voices show": "voices list",
    "models verify": "models list",
}
TALK = "talk show.mp4"


def call(*words, code=0):
    result = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout


def check(name, text):
    jsonschema.validate(json.loads(text), SCHEMAS[name])


def commands(group, prefix=""):
    for name, command in group.commands.items():
        yield f"{prefix}{name}", command
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")


def test_every_command_with_json_has_a_schema_and_every_schema_a_command():
    printing = {
        name
        for name, command in commands(main)
        if any("--json" in each.opts for each in command.params)
    }
    assert printing - set(SAME) == set(SCHEMAS) - {"probe"}
    for schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.fixture
def library(tmp_path):
    return synthetic_library(tmp_path / "library").path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("show", ["--media", TALK, "--json"]),
        ("show", ["--json"]),
        ("find", ["evening", "--json"]),
        ("find", ["nowhere", "--json"]),
    ],
)
def test_what_a_library_holds(library, name, words):
    check(name, call(name, library, *words))


@pytest.mark.parametrize("form", ["parquet", "webdataset"])
def test_what_is_exported(library, tmp_path, form):
    code = 3 if form == "webdataset" else 0  # one file could not be read
    words = ["--out", tmp_path / "out", "--format", form, "--no-features", "--json"]
    check("export", call("export", library, *words, code=code))


def test_what_a_file_is_and_what_there_is(tmp_path):
    sound = write_sound(tmp_path / "tone.wav", tone(1.0, 16_000), 16_000, "pcm_s16le")
    check("probe", call("probe", sound))
    check("models", call("models", "--json"))
    check("models list", call("models", "list", "--json"))


def test_scores(library, tmp_path):
    (tmp_path / "talk show.txt").write_text("Good evening")
    truth = "SPEAKER talk_show 1 1.0 4.0 <NA> <NA> ann <NA> <NA>\n"
    (tmp_path / "talk.rttm").write_text(truth)
    pytest.importorskip("jiwer")
    text = call("score", tmp_path / "talk.rttm", tmp_path / "talk show.txt", library, "--json")
    check("score", text)
    assert len(json.loads(text)) == 2


def test_tiles(tmp_path):
    import numpy as np
    from PIL import Image

    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(tmp_path / "a.png")
    words = ["patches", tmp_path / "a.png", "--patch", 20, "--out", tmp_path / "tiles", "--json"]
    check("patches", text := call(*words))
    assert json.loads(text)["tiles"] == 6
    out = tmp_path / "b.png"
    check("patches", text := call("patches", "--merge", tmp_path / "tiles", "--out", out, "--json"))
    assert json.loads(text)["width"] == 60


def test_what_is_no_number_is_null(capsys):
    echo_json([{"wer": float("inf"), "parts": (float("nan"), 1)}])
    assert json.loads(capsys.readouterr().out) == [{"wer": None, "parts": [None, 1]}]


def test_people_and_what_is_decided_about_them(two_people):
    one, other = (who.id for who in sm.Cast(two_people).all() if not who.name)

    def decided(group, name, *words):
        text = call(group, name, *words, "--library", two_people, "--json")
        check(SAME.get(f"{group} {name}", f"{group} {name}"), text)
        return json.loads(text)

    for group in ("cast", "voices"):
        assert len(decided(group, "list")) == 4
        assert len(decided(group, "show", "Mary")) == 2
        decided(group, "name", one, "Ann")
        decided(group, "merge", one, other)
        decided(group, "undo")
        split = decided(group, "split", "Mary")
        decided(group, "merge", split["identity"], split["other"])
    assert decided("cast", "explain", "Mary") == []
    decided("cast", "apart", one, other)
    decided("voices", "join", two_people)
    assert decided("voices", "forget", other) == {"identity": other}
