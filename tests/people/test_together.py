"""Who is who in many inputs: read together, and not found out anew where nothing has changed."""

import json

import pytest
from test_cast import add, calibrated, who  # noqa: F401  (a fixture)

import sensorium as sm
from sensorium.core.people.identity import Sample
from sensorium.library import snapshot
from sensorium.library.gallery import Gallery, samples
from sensorium.library.layout import Layout
from sensorium.library.lock import held
from sensorium.library.store.shelf import Shelf
from sensorium.library.together import together
from sensorium.people import recognise as ours
from sensorium.people.recognise import recognise


@pytest.fixture
def root(tmp_path):
    return tmp_path / "library"


def test_what_is_read_together_is_what_is_read_one_by_one(root):
    for number, title in enumerate("abcde"):
        add(root, title, voices=[(number, 8.0), (number + 8, 4.0)], faces=[(number + 20, ())])
    layout = Layout(root)
    entries = Shelf(layout).entries()
    blocks = list(together(layout, [*entries, entries[0]]))  # the same bytes for a second time
    assert [len(block.entries) for block in blocks] == [5, 1]
    alone = [s for entry in entries for s in samples(layout, entry)]
    both = [s for entry in entries for s in samples(layout, entry, blocks[0])]
    assert both == alone
    assert len(both) == 15
    assert isinstance(both[0], Sample)


def test_a_run_with_nothing_new_asks_no_source_again(root, monkeypatch):
    """Until results or decisions change."""
    asked = []

    def source(scene, names):
        asked.append(scene.uri)
        return ()

    monkeypatch.setattr(ours, "sources", lambda: {"counted": source})
    uris = [add(root, title, voices=[(0, 8.0)]) for title in "ab"]
    layout = Layout(root)
    for _ in range(2):
        recognise(layout, uris)
        assert len(asked) == 2
    cast = sm.Cast(root)
    assert who(cast, "a", "S1") == who(cast, "b", "S1")
    cast.name(who(cast, "a", "S1"), "Ann")
    recognise(layout, uris)
    assert len(asked) == 4  # there is a name that they may speak of
    recognise(layout, [*uris, add(root, "c", voices=[(1, 8.0)])])
    assert len(asked) == 5  # of the file that is new
    assert len(cast.all()) == 2


def test_people_of_a_library_and_of_one_file(root):
    uris = [add(root, title, voices=[(0, 8.0), (1, 8.0)], faces=[(2, ())]) for title in "ab"]
    recognise(Layout(root), uris)
    people = sm.open(root).people()
    told = list(zip(people["uri"], people["label"], people["kind"], strict=True))
    rows = [("S1", "voice"), ("S2", "voice"), ("P1", "face")]
    assert told == [(uri, label, kind) for uri in uris for label, kind in rows]
    one = sm.open(root).people(uris[1])
    assert list(one["identity"]) == list(people["identity"][3:])


@pytest.fixture
def kept(root, monkeypatch):
    """Two files of one voice and one of another, whose decisions are worth a snapshot."""
    monkeypatch.setattr(snapshot, "_WORTH", 1)
    uris = [add(root, title, voices=[(0, 8.0)], faces=[(2, ())]) for title in "ab"]
    recognise(Layout(root), [*uris, add(root, "c", voices=[(1, 8.0)])])
    assert (root / "people.sqlite").exists()
    return root


def told(root):
    """Everything that the snapshot may be asked for: of all files, and of each."""
    library = sm.open(root)
    people, entries = rows(library.people()), library.inputs()
    assert [row for entry in entries for row in rows(library.people(entry["uri"]))] == people
    found = library.who_is_who(entries)
    who = {
        (entry["uri"], label): (each.id, each.name, each.score)
        for entry in entries
        for label, each in found.of(entry).items()
    }
    return people, who, found.words, found.edges


def rows(frame):
    return frame.astype(object).where(frame.notna(), None).values.tolist()


def from_decisions(root):
    """The same without a snapshot."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot, "_FORMAT", "another")
        patch.setattr(snapshot, "keep", lambda *_: None)
        return told(root)


def no_replay(*_):
    raise AssertionError("the decisions were read")


def test_one_file_is_asked_for_without_reading_the_decisions(kept, monkeypatch):
    expected = from_decisions(kept)
    assert len(expected[1]) == 5
    monkeypatch.setattr("sensorium.library.gallery.Gallery.decisions", no_replay)
    assert told(kept) == expected


def test_a_snapshot_counts_only_for_the_decisions_it_is_of(kept):
    """After what people said, after it was taken back, and after decisions of the same size."""
    cast, word = sm.Cast(kept), ("m" * 64, 0.0, 1.0, "patchs", None)
    before = told(kept)
    cast.name(who(cast, "a", "S1"), "Ann")
    with held(Layout(kept)):
        gallery = Gallery(Layout(kept))
        where = dict(zip(("media", "start", "end", "text", "channel"), word, strict=True))
        gallery.add("word", **where, to="patches")
        edge = {"media": "m" * 64, "start": 0.0, "end": 1.0, "speaker": "S1"}
        gallery.add("edge", **edge, to=[0.0, 0.5])
    after = told(kept)
    assert "Ann" in repr(after[0])
    assert after[2] == {word: "patches"}
    assert after[3] == {("m" * 64, 0.0, 1.0, "S1"): (0.0, 0.5)}
    assert after == from_decisions(kept) == told(kept)
    named = gallery.add("named", identity=who(cast, "c", "S1"), name="Cid")
    assert "Cid" in repr(told(kept)[0])
    lines = (kept / "decisions.jsonl").read_bytes().removesuffix(_line(named))
    (kept / "decisions.jsonl").write_bytes(lines + _line({**named, "name": "Sue"}))
    assert "Sue" in repr(told(kept)[0])  # of the same length
    assert before != after


def _line(decision):
    return json.dumps(decision, sort_keys=True, separators=(",", ":")).encode() + b"\n"


@pytest.mark.parametrize("damage", [b"", b"no database", None])
def test_a_snapshot_may_be_lost_or_damaged(kept, damage):
    expected = told(kept)
    file = kept / "people.sqlite"
    file.unlink() if damage is None else file.write_bytes(damage)
    assert told(kept) == expected
    assert file.stat().st_size > 100  # it was made anew
    file.unlink()
    with pytest.MonkeyPatch.context() as patch:  # a folder that is read-only
        patch.setattr("os.replace", _refused)
        assert told(kept) == expected
    assert not file.exists()
    assert not list((kept / "work").glob("people-*"))


def _refused(*_):
    raise OSError(30, "read-only file system")
