"""Everyone in a library: voices and faces that are one person, names with evidence, corrections."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import sensorium as sm
from sensorium.adapters.stores.cast_lists import read_cast
from sensorium.core.media import MediaRef
from sensorium.core.people.identity import Calibration
from sensorium.interfaces.cli.main import main
from sensorium.library.gallery import Gallery
from sensorium.library.layout import Layout
from sensorium.people import claim, match, recognise
from sensorium.people.portraits import take_cast
from sensorium.people.recognise import gather as name
from sensorium.people.recognise import identify
from sensorium.testing.sample_library import add_synthetic, synthetic_record

VOICE = Calibration(21.2, -0.92, -0.39, -4.04)
FACE = Calibration(140.5, 0.0, 0.0, -131.0)


def direction(number):
    return np.eye(128, dtype=np.float32)[number].tolist()


@pytest.fixture(autouse=True)
def calibrated(monkeypatch):
    """The made-up models are given calibrations."""

    def calibration(model, kind="voice"):
        return VOICE if kind == "voice" else FACE

    monkeypatch.setattr(match, "calibration_of", calibration)
    monkeypatch.setattr(claim, "calibration_of", calibration)


def add(root, title, voices=(), faces=(), links=(), subtitles=()):
    """An input: voices (direction, seconds), faces (direction, labels beside it), links (S, P, seconds)."""
    ref = MediaRef(f"/media/{title}.mp4", (title * 40)[:40], "video", duration=60.0, has_sound=True)
    records = []
    for number, (place, seconds) in enumerate(voices, 1):
        label, start = f"S{number}", 20.0 * (number - 1)
        values = {"speaker": label, "duration": seconds, "embedding": direction(place)}
        records.append(synthetic_record("voice", **values))
        records.append(synthetic_record("turn", start, start + seconds, speaker=label, score=1.0))
    for number, (place, beside) in enumerate(faces, 1):
        values = {"person": f"P{number}", "duration": 9.0, "embedding": direction(place)}
        records.append(synthetic_record("person", 0.0, 9.0, apart=list(beside), **values))
    for start, (speaker, person, seconds) in enumerate(links):
        values = {"speaker": speaker, "person": person, "track": 1, "score": 0.7}
        records.append(synthetic_record("link", 20.0 * start, 20.0 * start + seconds, **values))
    for start, end, text in subtitles:
        records.append(synthetic_record("subtitle", start, end, text=text, name="", source="x.srt"))
    also = ("speakers", "faces", "who", "media")  # one result holds what four passes make
    add_synthetic(root, ref, records, "all", also)
    return ref.uri


def library_of(tmp_path, *files):
    root = tmp_path / "library"
    uris = [add(root, title, **what) for title, what in files]
    identify(Layout(root), uris)
    name(Layout(root), uris)
    return sm.Cast(root)


def who(cast, uri, label):
    table = cast.table()
    return table[(table["uri"] == f"/media/{uri}.mp4") & (table["label"] == label)][
        "identity"
    ].item()


def test_a_voice_and_the_face_it_comes_from_become_one_in_all_files(tmp_path):
    cast = library_of(
        tmp_path,
        ("a", {"voices": [(0, 8.0)], "faces": [(1, ()), (2, ())], "links": [("S1", "P1", 4.0)]}),
        ("b", {"voices": [(0, 8.0)]}),
        ("c", {"faces": [(1, ())]}),
    )
    assert (
        who(cast, "a", "S1") == who(cast, "a", "P1") == who(cast, "b", "S1") == who(cast, "c", "P1")
    )
    assert who(cast, "a", "P2") != who(cast, "a", "P1")
    people = sm.open(tmp_path / "library").people()
    assert people["identity"].nunique() == 2


def test_too_little_or_divided_evidence_joins_nobody(tmp_path):
    """One second of moving lips, or a voice that comes from two mouths."""
    cast = library_of(
        tmp_path,
        ("a", {"voices": [(0, 8.0)], "faces": [(1, ())], "links": [("S1", "P1", 1.0)]}),
        ("b", {"voices": [(3, 8.0)], "faces": [(4, ()), (5, ())],
               "links": [("S1", "P1", 3.0), ("S1", "P2", 3.0)]}),
    )  # fmt: skip
    assert len(cast.all()) == 5


def test_a_voice_too_short_to_tell_is_told_by_its_face(tmp_path):
    cast = library_of(
        tmp_path,
        ("a", {"voices": [(0, 2.0)], "faces": [(1, ())], "links": [("S1", "P1", 2.0)]}),
        ("b", {"voices": [(3, 2.0)], "faces": [(1, ())]}),
    )
    assert who(cast, "a", "S1") == who(cast, "b", "P1")
    assert len(cast.table()) == 3  # the short voice of b stays unknown


def test_two_faces_in_one_picture_are_never_one(tmp_path):
    """However alike; two that are never seen together may be."""
    cast = library_of(
        tmp_path,
        ("a", {"faces": [(1, ())]}),
        ("b", {"faces": [(1, ("P2",)), (1, ("P1",)), (1, ())]}),
    )
    assert who(cast, "b", "P1") != who(cast, "b", "P2")
    assert who(cast, "a", "P1") == who(cast, "b", "P1") == who(cast, "b", "P3")
    with pytest.raises(sm.UsageError, match="seen in one picture"):
        cast.merge(who(cast, "b", "P1"), who(cast, "b", "P2"))


def test_subtitles_name_the_voice_its_face_and_later_files(tmp_path):
    cues = [(0, 3, "MARY: Come in."), (3, 6, "MARY: Sit down.")]
    cast = library_of(
        tmp_path,
        ("a", {"voices": [(0, 8.0)], "faces": [(1, ())], "links": [("S1", "P1", 4.0)], "subtitles": cues}),
        ("b", {"faces": [(1, ())]}),
    )  # fmt: skip
    found = cast.find("Mary")
    assert {s.uri for s in found.samples} == {"/media/a.mp4", "/media/b.mp4"}
    assert 0.85 <= found.score < 1
    told = cast.explain("Mary")
    assert told["source"].tolist() == ["subtitles", "subtitles"]
    assert "Come in" in told["quote"][0]
    persons = sm.open(tmp_path / "library").persons("b.mp4")
    assert persons["name"].tolist() == ["Mary"]


def test_one_label_is_not_enough_and_two_names_are_none(tmp_path):
    once = library_of(
        tmp_path / "1", ("a", {"voices": [(0, 8.0)], "subtitles": [(0, 3, "MARY: Hi.")]})
    )
    assert [each.name for each in once.all()] == [None]
    both = [(0, 3, "MARY: Hi."), (3, 6, "ANNA: Ho."), (6, 7, "MARY: Hi."), (7, 8, "ANNA: Ho.")]
    twice = library_of(tmp_path / "2", ("a", {"voices": [(0, 8.0)], "subtitles": both}))
    assert [each.name for each in twice.all()] == [None]
    assert set(twice.all()[0].names) == {"Mary", "Anna"}


def test_a_person_outranks_the_evidence(tmp_path):
    cues = [(0, 3, "MARY: Come in."), (3, 6, "MARY: Sit down.")]
    cast = library_of(tmp_path, ("a", {"voices": [(0, 8.0)], "subtitles": cues}))
    identity = cast.find("Mary").id
    cast.name(identity, "Maria")
    assert cast.find(identity).name == "Maria"
    cast.name(identity, "")
    assert cast.find(identity).name is None  # none of the names found is right
    name(Layout(tmp_path / "library"), ["/media/a.mp4"])
    assert cast.find(identity).name is None
    cast.undo()
    cast.undo()
    assert cast.find(identity).name == "Mary"


def test_looking_again_writes_nothing(tmp_path):
    cues = [(0, 3, "MARY: Come in."), (3, 6, "MARY: Sit down.")]
    library_of(
        tmp_path,
        ("a", {"voices": [(0, 8.0)], "faces": [(1, ())], "links": [("S1", "P1", 4.0)], "subtitles": cues}),
    )  # fmt: skip
    before = (tmp_path / "library" / "decisions.jsonl").read_bytes()
    identify(Layout(tmp_path / "library"), ["/media/a.mp4"])
    name(Layout(tmp_path / "library"), ["/media/a.mp4"])
    assert (tmp_path / "library" / "decisions.jsonl").read_bytes() == before


def test_what_a_person_parted_stays_apart(tmp_path):
    """A join that is taken back is not made again, nor a split undone by the next file."""
    files = [("a", {"voices": [(0, 8.0)], "faces": [(1, ())], "links": [("S1", "P1", 4.0)]})]
    cast = library_of(tmp_path, *files)
    assert len(cast.all()) == 1
    assert cast.undo()["kind"] == "joined"
    identify(Layout(tmp_path / "library"), ["/media/a.mp4"])
    assert len(cast.all()) == 2
    cast.merge(who(cast, "a", "S1"), who(cast, "a", "P1"))
    new = cast.split(cast.all()[0].id)
    assert {s.kind for s in cast.find(new).samples} == {"face"}
    identify(Layout(tmp_path / "library"), ["/media/a.mp4"])
    assert len(cast.all()) == 2
    cast.apart(*[each.id for each in cast.all()])
    with pytest.raises(sm.UsageError, match="one identity"):
        cast.apart(new, new)


def test_a_source_that_fails_stops_nothing(tmp_path, monkeypatch):
    def broken(scene, names):
        raise RuntimeError("away")

    real = claim.sources()
    monkeypatch.setattr(recognise, "sources", lambda: {"mine": broken, **real})
    root = tmp_path / "library"
    uri = add(root, "a", voices=[(0, 8.0)], subtitles=[(0, 3, "MARY: Hi."), (3, 6, "MARY: Ho.")])
    identify(Layout(root), [uri])
    assert "mine" in name(Layout(root), [uri])[0]
    assert sm.Cast(root).find("Mary")


def write_cast(folder, text, file="cast.csv"):
    folder.mkdir(exist_ok=True)
    (folder / file).write_text(text, encoding="utf-8")
    return folder / file


def test_cast_lists(tmp_path):
    path = write_cast(tmp_path, "name,aliases,portraits\nAnn Lee,Annie;A. Lee,ann.jpg\nBo,,\n")
    ann, bo = read_cast(path).members
    assert (ann.name, ann.aliases, ann.portraits) == (
        "Ann Lee",
        ("Annie", "A. Lee"),
        (str(tmp_path / "ann.jpg"),),
    )
    assert bo.portraits == ()
    path = write_cast(tmp_path, '["Ann", {"name": "Bo", "portraits": ["b.png"]}]', "cast.json")
    assert [each.name for each in read_cast(path).members] == ["Ann", "Bo"]
    folder = tmp_path / "portraits"
    folder.mkdir()
    for file in ("Ann_Lee.jpg", "Ann Lee 2.png", "notes.txt"):
        (folder / file).touch()
    (only,) = read_cast(folder).members
    assert (only.name, len(only.portraits)) == ("Ann Lee", 2)


@pytest.mark.parametrize(
    ("text", "file", "message"),
    [
        ("who,face\nAnn,a.jpg\n", "cast.csv", "expected the columns name"),
        ("{", "cast.json", "cannot be read as JSON"),
        ('{"name": "Ann"}', "cast.json", "expected a list"),
        ("Ann", "cast.txt", ".csv or .json"),
        ("name\n", "cast.csv", "no name"),
    ],
)
def test_a_cast_list_that_is_none(tmp_path, text, file, message):
    with pytest.raises(sm.UsageError, match=message):
        read_cast(write_cast(tmp_path, text, file))
    with pytest.raises(sm.UsageError, match="No such file"):
        read_cast(tmp_path / "away.csv")


def test_two_people_of_one_name_are_left_out_and_said(tmp_path):
    cast = read_cast(write_cast(tmp_path, "name\nAnn\nann \nBo\n,\n"))
    assert [each.name for each in cast.members] == ["Bo"]
    assert len(cast.unused) == 3
    assert "two people go by" in cast.unused[0].message


@pytest.mark.model
def test_portraits_without_a_face_are_listed_and_the_rest_is_used(tmp_path):
    Image.new("RGB", (200, 200), (90, 120, 90)).save(tmp_path / "none.jpg")
    path = write_cast(tmp_path, "name,portraits\nAnn,none.jpg\nBo,away.jpg\n")
    layout = Layout(tmp_path / "library")
    layout.create()
    unused = take_cast(layout, path, sm.Config())
    assert [each.what for each in unused] == ["portrait of Ann", "portrait of Bo"]
    assert "found no face" in unused[0].message
    cast = Gallery(layout).known().cast
    assert [each["name"] for each in cast["members"]] == ["Ann", "Bo"]
    assert "found no face" in sm.Cast(layout.root).unused()[0]["message"]


def test_portraits_name_faces_and_their_absence_names_nobody(tmp_path):
    cast = library_of(tmp_path, ("a", {"faces": [(1, ())]}), ("b", {"faces": [(2, ())]}))
    layout = Layout(tmp_path / "library")
    model = cast.all()[0].samples[0].model
    portrait = {"file": "ann.jpg", "digest": "0", "model": model, "embedding": direction(1)}
    members = [
        {"name": "Ann", "aliases": [], "portraits": [portrait]},
        {"name": "Bo", "aliases": [], "portraits": []},
    ]
    Gallery(layout).add("cast", members=members, unused=[])
    name(layout, [])
    assert {each.name for each in cast.all()} == {"Ann", None}
    assert "portrait ann.jpg" in cast.explain("Ann")["quote"].item()
    Gallery(layout).add("cast", members=members[1:], unused=[])
    name(layout, [])
    assert {each.name for each in cast.all()} == {None}


def test_commands(tmp_path):
    cues = [(0, 3, "MARY: Come in."), (3, 6, "MARY: Sit down.")]
    cast = library_of(
        tmp_path, ("a", {"voices": [(0, 8.0)], "faces": [(1, ())], "subtitles": cues})
    )

    def told(*words):
        done = CliRunner().invoke(main, ["cast", *words, "--library", str(tmp_path / "library")])
        assert done.exit_code == 0, done.output
        return done.output

    face = who(cast, "a", "P1")
    assert "Mary (0.89)  heard 8.0 s" in told("list")
    assert "(unknown)  seen 9.0 s" in told("list")
    assert "0.80  subtitles: MARY: Come in." in told("explain", "Mary")
    assert "no evidence" in told("explain", face)
    assert "S1 in /media/a.mp4" in told("show", "Mary")
    assert told("name", face, "Ann").strip() == f"{face}  Ann"
    assert "named by hand" in told("explain", "Ann")
    told("apart", "Mary", "Ann")
    told("undo")
    told("merge", "Mary", "Ann")
    told("split", "Ann")
    page = tmp_path / "review.html"
    done = CliRunner().invoke(
        main, ["cast", "review", str(tmp_path / "library"), "--out", str(page)]
    )
    assert done.exit_code == 0, done.output
    assert "Mary" in page.read_text(encoding="utf-8")
