"""The same speaker over the files of a library, and what people say about it."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import sensorium as sm
from sensorium.core.media import MediaRef
from sensorium.interfaces.cli.main import main
from sensorium.library.layout import Layout
from sensorium.people.recognise import identify
from sensorium.testing.sample_library import add_synthetic, synthetic_record


def direction(number):
    return np.eye(192, dtype=np.float32)[number].tolist()


def add(root, name, *voices):
    """An input in which each of `voices` (direction) spoke for 8 s, as S1, S2, ..."""
    ref = MediaRef(f"/media/{name}", name * 4 + "0" * 32, "audio", duration=60.0, has_sound=True)
    records = []
    for number, place in enumerate(voices, start=1):
        values = {"speaker": f"S{number}", "duration": 8.0, "embedding": direction(place)}
        records.append(synthetic_record("voice", **values))
        records.append(synthetic_record("turn", 10.0 * number, 10.0 * number + 8.0,
                                        speaker=f"S{number}", score=1.0))  # fmt: skip
    add_synthetic(root, ref, records, name="speakers")
    return ref.uri


@pytest.fixture
def library(tmp_path, monkeypatch):
    """a: voices 0 and 1; b: 1 and 2. The made-up model is given a calibration."""
    from sensorium.core.people.identity import Calibration
    from sensorium.people import match

    calibration = Calibration(21.2, -0.92, -0.39, -4.04)
    monkeypatch.setattr(match, "calibration_of", lambda model, kind: calibration)
    root = tmp_path / "library"
    uris = [add(root, "a.wav", 0, 1), add(root, "b.wav", 1, 2)]
    assert identify(Layout(root), uris) == 4
    return root


def test_a_voice_heard_in_two_files_is_one_identity(library):
    table = sm.Voices(library).table()
    assert sorted(table.groupby("identity").size().tolist()) == [1, 1, 2]
    turns = sm.open(library).turns()
    whose = {(r.uri, r.speaker): r.identity for r in turns.itertuples()}
    assert whose["/media/a.wav", "S2"] == whose["/media/b.wav", "S1"]
    assert len(set(whose.values())) == 3


def test_looking_again_changes_nothing(library):
    before = (library / "decisions.jsonl").read_bytes()
    assert identify(Layout(library), ["/media/a.wav", "/media/b.wav"]) == 0
    assert (library / "decisions.jsonl").read_bytes() == before


def test_a_name_is_seen_in_every_file_and_in_later_ones(library):
    voices = sm.Voices(library)
    shared = next(i for i in voices.all() if len(i.samples) == 2)
    voices.name(shared.id, "Anna")
    identify(Layout(library), [add(library, "c.wav", 1)])
    turns = sm.open(library).turns()
    assert turns[turns["name"] == "Anna"]["uri"].tolist() == [f"/media/{n}.wav" for n in "abc"]
    done = CliRunner().invoke(
        main, ["show", str(library), "--format", "rttm"], catch_exceptions=False
    )
    text = done.output
    assert text.count(" Anna ") == 3


def test_corrections_and_taking_them_back(library):
    voices = sm.Voices(library)
    one, two, three = (identity.id for identity in voices.all())
    voices.merge(one, two)
    assert len(voices.all()) == 2
    voices.undo()
    assert len(voices.all()) == 3
    new = voices.split(one)
    assert {len(i.samples) for i in voices.all()} == {1}
    assert new in {i.id for i in voices.all()}
    voices.undo()
    voices.forget(three)
    assert identify(Layout(library), ["/media/a.wav", "/media/b.wav"]) == 0
    assert three not in {i.id for i in voices.all()}
    voices.undo()
    with pytest.raises(sm.UsageError, match="nothing was decided by hand"):
        voices.undo()
    with pytest.raises(sm.UsageError, match="same identity"):
        voices.merge(one, one)


def test_joining_another_library_brings_its_names(library, tmp_path):
    other = tmp_path / "other"
    identify(Layout(other), [add(other, "z.wav", 0, 5)])
    theirs = sm.Voices(other)
    for identity, name in zip(theirs.all(), ("Zoe", "Zed"), strict=True):
        theirs.name(identity.id, name)
    voices = sm.Voices(library)
    assert voices.join(other) == 2
    assert len(voices.all()) == 4  # one of theirs is known here
    assert {i.name for i in voices.all()} == {"Zoe", "Zed", None}
    assert voices.join(other) == 0


def test_commands(library):
    def told(*words):
        done = CliRunner().invoke(main, ["voices", *words, "--library", str(library)])
        assert done.exit_code == 0, done.output
        return done.output

    shared = next(i for i in sm.Voices(library).all() if len(i.samples) == 2).id
    told("name", shared, "Anna")
    assert f"{shared}  Anna  16.0 s in 2 files" in told("list")
    assert told("show", "Anna").count("/media/") == 2
    assert {row["name"] for row in json.loads(told("list", "--json"))} == {"Anna", None}
    assert "taken back" in told("undo")
    failed = CliRunner().invoke(main, ["voices", "show", "Bob", "--library", str(library)])
    assert failed.exit_code == 2
    assert "no identity has this id or name" in failed.output


def test_score_against_the_truth(library, tmp_path):
    """A perfect reference gives 0; a file that is no input is an error that names it."""
    reference = tmp_path / "truth.rttm"
    reference.write_text(
        "SPEAKER a 1 10 8 <NA> <NA> x <NA> <NA>\nSPEAKER a 1 20 8 <NA> <NA> y <NA> <NA>\n"
        "SPEAKER b 1 10 8 <NA> <NA> x <NA> <NA>\nSPEAKER b 1 20 4 <NA> <NA> y <NA> <NA>\n"
    )
    done = CliRunner().invoke(main, ["score", str(reference), str(library), "--json"])
    rows = {row["input"]: row for row in json.loads(done.output)}
    assert rows["a"]["der"] == 0
    assert rows["b"]["false_alarm"] == pytest.approx(4 / 12)
    assert rows["all"]["der"] == pytest.approx(4 / 28)
    reference.write_text("SPEAKER nobody 1 10 8 <NA> <NA> x <NA> <NA>\n")
    failed = CliRunner().invoke(main, ["score", str(reference), str(library)])
    assert failed.exit_code == 2
    assert "speaks of 'nobody', which is no input; there are: a, b" in failed.output
