"""A damaged library: every kind of damage is found and named, and mended without losing what is whole."""

import json
import os
import re
import shutil
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from test_shards import FeaturePass, go, passes, seen

from sensorium.core.config import Config
from sensorium.core.errors import LibraryError
from sensorium.interfaces.cli.main import main
from sensorium.library.gallery import Gallery
from sensorium.library.health.damage import find_damage
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.library.lock import held
from sensorium.library.store import writing
from sensorium.library.store.writing import sink_of
from sensorium.run import work
from sensorium.run.plan import Built
from sensorium.run.progress import Watcher
from sensorium.run.recovery import repair as repairing
from sensorium.run.recovery.repair import repair
from sensorium.testing.fake_passes import CountingPass, FakeReader, NoSubtitles

# Kind of file -> how often each of the passes runs again over the four inputs when one is damaged.
FILES = {
    "sensorium.json": (0, 0),
    "catalogue.sqlite": (0, 0),
    "shards/*/shard.json": (0, 0),
    "shards/*/results.parquet": (0, 0),
    "shards/*/inputs.parquet": (0, 0),
    "shards/*/media.parquet": (0, 0),
    "shards/*/transcript.parquet": (4, 4),
    "shards/*/feature.parquet": (4, 0),
    "tensors/*.safetensors": (4, 0),
}


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    monkeypatch.setattr(work, "_built", None)
    for place in ("sensorium.run.extract", "sensorium.run.recovery.repair"):
        monkeypatch.setattr(f"{place}.check", lambda config: None)
    monkeypatch.setattr(repairing, "fetch", lambda *given: None)


def made(folder, words):
    """A library over four files, in which there are results of another recipe as well."""
    (folder / "in").mkdir(parents=True)
    for index in range(4):
        (folder / "in" / f"{index}.wav").write_text(f"{words} {index}")
    go(folder / "in", folder / "lib", passes(2))
    go(folder / "in", folder / "lib", passes(1))
    for retired in (folder / "lib" / "shards").glob("*/retired"):
        os.utime(retired, (0, 0))
    with writing.adding(Layout(folder / "lib")):
        pass  # sweeps what is replaced
    Gallery(Layout(folder / "lib")).add_all([{"kind": "note", "text": str(n)} for n in range(3)])
    return folder / "lib"


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    before = work._built
    patched = pytest.MonkeyPatch()
    patched.setattr("sensorium.run.extract.check", lambda config: None)
    try:
        folder = tmp_path_factory.mktemp("made")
        yield made(folder / "one", "content"), made(folder / "two", "quite another content")
    finally:
        patched.undo()
        work._built = before


def repaired(out, passes_now):
    work._built = lambda config, threads: Built(FakeReader(), NoSubtitles(), passes_now)
    return repair(Layout(out), Config(), Watcher())


def damage(file, way, other):
    data = file.read_bytes()
    if way == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif way == "removed":
        file.unlink()
    elif way == "replaced":
        file.write_bytes(other.read_bytes() if other.name != "sensorium.json" else b"[]")
    else:
        at = data.find(b'"status"') + 1 if file.suffix == ".sqlite" else len(data) // 2
        at = 0 if file.suffix == ".json" else at
        file.write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])


@pytest.mark.parametrize("way", ["cut", "flipped", "removed", "replaced"])
@pytest.mark.parametrize("name", FILES)
def test_every_damage_is_found_and_mended(libraries, tmp_path, name, way):
    """The file is named; afterwards the library says what it said, and only what was lost ran again."""
    one, two = libraries
    out = tmp_path / "lib"
    shutil.copytree(one, out)
    expected = seen(one)
    assert find_damage(Layout(out)).damages == []
    (file,), (other,) = out.glob(name), two.glob(name)
    damage(file, way, other)
    told = {each.path for each in find_damage(Layout(out)).serious()}
    assert told == {str(file.relative_to(out))}
    again = passes(1)
    repaired(out, again)
    assert tuple(each.num_runs for each in again) == FILES[name]
    assert seen(out) == expected
    assert find_damage(Layout(out)).damages == []
    outcomes = go(one.parent / "in", out, again)
    assert all(each.computed == () for each in outcomes)


@pytest.fixture
def out(libraries, tmp_path):
    shutil.copytree(libraries[0], tmp_path / "lib")
    return tmp_path / "lib"


def test_a_shard_that_is_gone_is_computed_again(libraries, out):
    """The catalogue alone knows what was in it: its inputs stay, and their passes run again."""
    (folder,) = (out / "shards").iterdir()
    shutil.rmtree(folder)
    (told,) = find_damage(Layout(out)).serious()
    assert (told.path, told.message) == (f"shards/{folder.name}", "is missing")
    again = passes(1)
    repaired(out, again)
    assert [each.num_runs for each in again] == [4, 4]
    assert seen(out) == seen(libraries[0])
    assert find_damage(Layout(out)).damages == []


def test_two_files_at_once(libraries, out):
    """The index gone and a shard cut: what no sound file lists is lost, and is said to be."""
    (folder,) = (out / "shards").iterdir()
    (out / "catalogue.sqlite").unlink()
    damage(folder / "transcript.parquet", "cut", None)
    damage(folder / "shard.json", "cut", None)
    again = passes(1)
    found, lost = repaired(out, again)
    assert {each.path for each in found.serious()} == {
        "catalogue.sqlite", f"shards/{folder.name}/shard.json"
    }  # fmt: skip
    assert [each.num_runs for each in again] == [4, 4]
    assert all(each.computed == ("speech", "who") and not each.left for each in lost)
    assert seen(out) == seen(libraries[0])


def test_what_is_whole_is_kept_when_nothing_can_be_computed(out, libraries, tmp_path):
    """Another config, a file that is gone or another one: told, and its entry stays for a later try."""
    damage(next(out.glob("shards/*/transcript.parquet")), "removed", None)
    before = Library(out).inputs()
    other = [FeaturePass("speech", size=3), CountingPass("who", ("speech",))]
    _, lost = repaired(out, other)
    assert [each.num_runs for each in other] == [0, 0]
    assert {why for each in lost for why in each.left.values()} == {repairing._OTHER}
    files, moved = libraries[0].parent / "in", tmp_path / "moved"
    os.rename(files / "0.wav", moved)
    try:
        again = passes(1)
        _, lost = repaired(out, again)
    finally:
        os.rename(moved, files / "0.wav")
    assert [each.num_runs for each in again] == [3, 3]
    assert set(lost[0].left.values()) == {repairing._GONE}
    assert Library(out).inputs() == before
    repaired(out, again)
    assert [each.num_runs for each in again] == [4, 4]
    assert seen(out) == seen(libraries[0])


def test_a_decision_that_cannot_be_read_is_forgotten(out):
    """The others keep their numbers, new ones go on from there, and the original stays beside it."""
    gallery = Gallery(Layout(out))
    *lines, last = gallery._file.read_bytes().splitlines(keepends=True)
    damaged = b"".join([*lines, last[:10] + b"\n"])
    gallery._file.write_bytes(damaged)
    (told,) = find_damage(Layout(out)).serious()
    assert told.path == "decisions.jsonl"
    assert told.message.startswith("line 3 cannot be read")
    repaired(out, passes(1))
    assert [each["number"] for each in gallery.decisions()] == [1, 2, 3]
    assert gallery.known().identities == {}
    assert gallery.add("note")["number"] == 4
    assert (out / "decisions.jsonl.damaged").read_bytes() == damaged


def test_what_a_killed_run_leaves_is_no_damage(out):
    """A frame and a line that are cut: said, and harmless."""
    journal, sink = sink_of(str(out), "cut", b"")
    sink.note({"uri": "/m/a.wav", "digest": "", "stat": None, "ref": None, "results": {}})
    journal.sync()
    (place,) = (out / "journals").iterdir()
    place.write_bytes(place.read_bytes()[:-5])
    with open(out / "decisions.jsonl", "ab") as file:
        file.write(b'{"kind": "na')
    found = find_damage(Layout(out))
    assert [each.path for each in found.damages] == [f"journals/{place.name}", "decisions.jsonl"]
    assert found.serious() == []


SCHEMA = re.search(
    r"^## sensorium check\n.*?```json\n(.*?)```",
    (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8"),
    re.M | re.S,
)[1]


def command(*words):
    result = CliRunner().invoke(main, ["check", *map(str, words)], catch_exceptions=False)
    return result.exit_code, result.stdout + result.stderr


def test_the_command_says_what_it_found_and_did(out, libraries):
    """Exit codes for programs; a folder that is no library is an error, and so is one in use."""
    assert command(out) == (0, "sound\n")
    damage(next(out.glob("shards/*/transcript.parquet")), "cut", None)
    code, text = command(out, "--json")
    assert code == 3
    jsonschema.validate(json.loads(text), json.loads(SCHEMA))
    assert [each["path"][-18:] for each in json.loads(text)["damages"]] == ["transcript.parquet"]
    work._built = lambda config, threads: Built(FakeReader(), NoSubtitles(), passes(1))
    with held(Layout(out)):
        assert command(out, "--repair")[0] == 2
    code, text = command(out, "--repair")
    assert (code, text.splitlines()[-1]) == (0, "sound again")
    assert "computed again: speech, who" in text
    assert command(out) == (0, "sound\n")
    assert command(libraries[0].parent / "in")[0] == 2
    assert command(out / "nowhere")[0] == 2


def test_another_format_is_not_taken_for_damage(out):
    """A newer library is left alone."""
    (out / "sensorium.json").write_text('{"format": 9}')
    with pytest.raises(LibraryError, match="upgrade"):
        find_damage(Layout(out))
