"""`sensorium find` as a user meets it."""

import json

import pytest
from click.testing import CliRunner

from sensorium.interfaces.cli.main import main
from sensorium.testing.sample_library import (
    add_synthetic,
    synthetic_library,
    synthetic_record,
    synthetic_ref,
)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    root = tmp_path_factory.mktemp("find") / "library"
    synthetic_library(root)
    return root


def call(*words):
    return CliRunner().invoke(main, ["find", *map(str, words)])


def test_a_line_for_every_hit(library):
    """File, time, kind, who, and the text with what matched marked."""
    result = call(library, "spans")
    assert result.exit_code == 0
    (line,) = result.stdout.splitlines()
    assert line.startswith("talk show.mp4  00:03.4  word  S1: Good evening.")
    assert "**spans**" in line
    (line,) = call(library, "evening", "--kind", "subtitle").stdout.splitlines()
    assert line == "talk show.mp4  00:01.0  subtitle  Good **evening**"


def test_json_and_nothing(library):
    """One entry a hit with every column; nothing found is no error."""
    (hit,) = json.loads(call(library, "patches", "--json", "--limit", 1).stdout)
    assert (hit["kind"], hit["speaker"], hit["name"]) == ("word", "S1", None)
    assert json.loads(call(library, "nothingness", "--json").stdout) == []
    result = call(library, "nothingness")
    assert (result.exit_code, result.stdout) == (0, "nothing found\n")


def test_no_text_steers_the_terminal(tmp_path):
    """Control characters of a subtitle are not printed."""
    record = synthetic_record("subtitle", 1.0, 2.0, text="red \x1b[31m alert", name="", source="")
    add_synthetic(tmp_path / "l", synthetic_ref("/m/a.mp4"), [record])
    assert call(tmp_path / "l", "alert").stdout == "a.mp4  00:01.0  subtitle  red  [31m **alert**\n"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "expected TEXT or --like"),
        (('"',), "not closed"),
        (("a", "--speaker", "Nobody"), "expected the name, the id or the label"),
        (("a", "--media", "no.mp4"), "no input of that name"),
        (("a", "--kind", "face"), "expected one of word"),
        (("--like", "no.png"), "no.png"),
        (("a", "--between", "5", "2"), "start first"),
    ],
)
def test_wrong_usage_is_exit_code_2_with_one_reason(library, words, reason):
    result = call(library, *words)
    assert result.exit_code == 2
    assert reason in result.output
    assert "Traceback" not in result.output


@pytest.mark.model
def test_like_a_picture_with_the_real_models(tmp_path):
    """The same picture is nearest; pictures were embedded by the encoder that is asked."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(3)
    for name in ("noise", "other"):
        pixels = rng.integers(0, 255, (12, 16, 3), np.uint8)
        Image.fromarray(pixels).resize((320, 240), 0).save(tmp_path / f"{name}.png")
    Image.new("RGB", (320, 240), (20, 90, 200)).save(tmp_path / "blue.png")
    out = tmp_path / "library"
    files = [str(tmp_path / f"{name}.png") for name in ("noise", "other", "blue")]
    done = CliRunner().invoke(
        main,
        ["extract", *files, "--out", str(out), "--workers", "0", "--only", "pictures", "--quiet"],
    )
    assert done.exit_code == 0, done.output
    hits = json.loads(call(out, "--like", files[2], "--json").stdout)
    assert [hit["kind"] for hit in hits] == ["picture"] * 3
    assert hits[0]["uri"] == files[2]
    assert hits[0]["score"] == pytest.approx(1.0, abs=1e-3)
    assert hits[1]["score"] < 0.9
