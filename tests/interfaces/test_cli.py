"""The command line as a user meets it, with the real models on synthetic media."""

import json

import pytest
from click.testing import CliRunner

from sensorium.interfaces.cli.main import main
from sensorium.library.library import Library
from sensorium.testing.made_folder import BAD, GOOD, make_folder


def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def thirty(tmp_path_factory):
    """One run over the folder of thirty inputs: (inputs, library, result)."""
    folder = tmp_path_factory.mktemp("thirty")
    inputs = make_folder(folder / "in")
    out = folder / "library"
    result = call("extract", *inputs, "--out", out, "--json", "--workers", 0)
    return inputs, out, result


@pytest.mark.model
def test_bad_inputs_are_named_and_stop_nothing(thirty):
    """Exit code 3; the good ones are whole, each bad one has one error record."""
    inputs, out, result = thirty
    assert result.exit_code == 3
    told = json.loads(result.stdout)
    assert (told["inputs"], told["failed"], told["computed"]) == (GOOD + BAD, BAD, told["computed"])
    for each in told["files"]:
        bad = each["uri"] in [str(path) for path in inputs[GOOD:]]
        assert bool(each["failures"]) == bad, each
    errors = Library(out).errors()
    messages = dict(zip(errors["step"] + errors["uri"], errors["message"], strict=True))
    assert {uri.split("/")[-1] for uri in errors["uri"]} == {path.name for path in inputs[GOOD:]}
    for path in inputs[GOOD:]:
        assert any(path.name in message for message in messages.values())


@pytest.mark.model
def test_what_is_good_is_complete(thirty):
    """Every picture has its features, every sound its windows, the silent video its shot."""
    inputs, out, _ = thirty
    library = Library(out)
    patches = library.features(inputs[0], "patches")
    assert [f.values.shape for f in patches] == [(16, 16, 384)]
    assert patches[0].axes[1].span(15).end == pytest.approx(80)
    (window,) = library.features("tone3.wav", "encoder")
    assert window.values.shape == (1500, 384)
    assert window.num_valid == 88
    assert len(library.shots("silent.mp4")) == 1
    kinds = library.media().set_index("uri")["kind"]
    assert kinds[str(inputs[21])] == "audio"


@pytest.mark.model
def test_a_second_run_computes_nothing_and_says_so(thirty):
    """And still fails with the same reasons."""
    inputs, out, first = thirty
    again = call("extract", *inputs, "--out", out, "--json", "--workers", 0)
    told, before = json.loads(again.stdout), json.loads(first.stdout)
    assert again.exit_code == 3
    assert told["computed"] == 0
    assert [f["failures"] for f in told["files"]] == [f["failures"] for f in before["files"]]
    fine = call("extract", *inputs[:3], "--out", out, "--workers", 0, "--quiet")
    assert fine.exit_code == 0
    assert "Nothing to compute" in fine.stdout


@pytest.mark.model
def test_show_in_every_format(thirty):
    """What is asked of one input is given in every format."""
    _, out, _ = thirty
    for form in ("text", "vtt", "srt", "rttm", "json", "csv"):
        result = call("show", out, "--format", form, "--media", "tone3.wav")
        assert result.exit_code == 0, result.output


@pytest.mark.model
def test_the_parquet_files_are_read_by_other_tools(thirty):
    """pandas, polars, DuckDB and datasets read them where they lie."""
    import datasets
    import duckdb
    import pandas
    import polars

    _, out, _ = thirty
    files = [str(p) for p in Library(out).files("media")]
    num = len(Library(out).media())
    assert len(polars.read_parquet(files)) == num
    assert duckdb.sql(f"select count(*) from read_parquet({files})").fetchall() == [(num,)]
    assert sum(len(pandas.read_parquet(file)) for file in files) == num
    loaded = datasets.load_dataset(
        "parquet", data_files=files, split="train", cache_dir=str(out.parent)
    )
    assert len(loaded) == num


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("extract", "x.mp4"), "--out"),
        (("extract", "x.mp4", "--out", "lib", "--transcriber", "nobody"), "expected one of"),
        (("extract", "x.mp4", "--out", "lib", "--speakers", "many"), "expected 3"),
        (("extract", "http://x/y.mp4", "--out", "lib"), "download it first"),
        (("show", "nowhere"), "no such folder"),
    ],
)
def test_wrong_usage_is_exit_code_2_with_one_reason(tmp_path, monkeypatch, words, reason):
    """No traceback, and nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    result = call(*words)
    assert result.exit_code == 2
    assert reason in result.output
    assert list(tmp_path.iterdir()) == []


def test_models_lists_everything_with_its_licence():
    """As a table, and as JSON."""
    table = json.loads(call("models", "--json").stdout)
    assert all(each["licence"] and each["weights"] and each["ready"] for each in table)
    text = call("models").stdout
    assert all(each["name"] in text for each in table)
