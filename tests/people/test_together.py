"""Who is who in many inputs: read together, and not found out anew where nothing has changed."""

import pytest
from test_cast import add, calibrated, who  # noqa: F401  (a fixture)

import sensorium as sm
from sensorium.core.people.identity import Sample
from sensorium.library.gallery import samples
from sensorium.library.layout import Layout
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
