"""A title: its numbers, and the page that shows them."""

import re

import pytest
from click.testing import CliRunner

import sensorium as sm
from sensorium.core.errors import UsageError
from sensorium.core.time import Span
from sensorium.interfaces.cli.main import main
from sensorium.people.title import Title, common
from sensorium.testing.sample_gallery import add_known
from sensorium.testing.sample_library import synthetic_record, synthetic_ref

WHOSE = {"S1": "V1", "P1": "V1", "P2": "V2"}
BOX = {"x0": 0.0, "y0": 0.0, "x1": 9.0, "y1": 9.0, "label": "face", "score": 0.9, "shot": 0}


def seen(person, track, *times):
    return [synthetic_record("region", t, t, person=person, track=track, **BOX) for t in times]


def records():
    """P1 is seen from 1 to 5 s, P2 from 3 to 9 s, and S1, who is P1, speaks from 2 to 4 s."""
    words = [(2.0, "Hello"), (3.0, "<b>there</b>")]
    made = [*seen("P1", 1, 1.0, 3.0, 5.0), *seen("P2", 2, 3.0, 9.0)]
    made.append(synthetic_record("turn", 2.0, 4.0, speaker="S1", score=0.9))
    for start, text in words:
        made.append(
            synthetic_record("word", start, start + 0.5, text=text, score=0.9, language="en")
        )
        who = {"text": text, "speaker": "S1"}
        made.append(synthetic_record("assignment", start, start + 0.5, **who))
    made.append(synthetic_record("voice", speaker="S1", duration=2.0, embedding=[1.0, 0.0]))
    for person in ("P1", "P2"):
        at = {"person": person, "duration": 4.0, "at": 3.0, "embedding": [1.0, 0.0]}
        made.append(
            synthetic_record("person", **at, **{k: BOX[k] for k in ("x0", "y0", "x1", "y1")})
        )
    return made


@pytest.fixture
def library(tmp_path):
    for number, folder in enumerate(("one", "one", "two")):
        ref = synthetic_ref(f"/series/{folder}/e{number}.mp4")
        add_known(tmp_path / "library", ref, records(), WHOSE, None if number == 0 else 0.9)
    return sm.Library(tmp_path / "library")


def test_who_is_seen_and_heard_how_long(library):
    table = library.title().screen_time()
    first = table[table["uri"] == "/series/one/e0.mp4"].set_index("identity")
    assert first.loc["V1", ["seconds", "spoken", "first", "last"]].tolist() == [4.0, 2.0, 1.0, 5.0]
    assert first.loc["V2", ["seconds", "spoken"]].tolist() == [6.0, 0.0]
    assert len(table) == 6


def test_what_is_said_and_who_is_together(library):
    lines = library.title().lines()
    assert lines[["identity", "start", "text"]].values.tolist()[0] == [
        "V1",
        2.0,
        "Hello <b>there</b>",
    ]
    together = library.title().together()
    assert together[["identity", "other", "seconds", "files"]].values.tolist() == [
        ["V1", "V2", 6.0, 3]
    ]


@pytest.mark.parametrize(
    ("folder", "files"), [("one", 2), ("/series/two", 1), ("/series", 3), ("series/one", 2)]
)
def test_a_series_is_a_folder(library, folder, files):
    assert len(Title(library, folder).entries) == files


@pytest.mark.parametrize("folder", ["three", "/ser", "on"])
def test_a_folder_of_nothing_is_an_error_that_says_which_there_are(library, folder):
    with pytest.raises(UsageError, match="/series/one"):
        library.title(folder)


def test_spans_that_are_shared():
    assert common([], [Span(0, 1)]) == 0
    assert common([Span(0, 4), Span(6, 8)], [Span(1, 2), Span(3, 7)]) == 3


def test_the_page_needs_nothing_and_runs_nothing(library, tmp_path):
    """Names and words are text; every link leads to somebody on the page; the unsure come first."""
    cast = sm.Cast(library.path)
    cast.name("V1", "<script>alert(1)</script>")
    out = tmp_path / "title.html"
    told = CliRunner().invoke(main, ["cast", "title", str(library.path), "--out", str(out)])
    assert told.exit_code == 0, told.output
    page = out.read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<b>there</b>" not in page
    assert not re.findall(r'(?:src|href)="(?!#|data:)', page)
    targets = set(re.findall(r'href="#([^"]*)"', page))
    assert targets == {"V1", "V2"} == set(re.findall(r'<article id="([^"]*)"', page))
    articles = re.findall(r'<article id="([^"]*)"', page)
    assert articles == ["V2", "V1"]  # the one without a name first
    assert "<line" in page


def test_what_is_left_out_of_the_page_is_said(library, tmp_path, monkeypatch):
    from sensorium.interfaces.viewer import title_page

    monkeypatch.setattr(title_page, "_PEOPLE", 1)
    monkeypatch.setattr(title_page, "_EPISODES", 2)
    from sensorium.adapters.media.reader import MediaReader

    page = "".join(title_page.title_parts(library, MediaReader()))
    assert "1 more people are not shown" in page
    assert "1 more files are not shown" in page


def test_the_page_of_an_empty_library(tmp_path):
    from sensorium.adapters.media.reader import MediaReader
    from sensorium.interfaces.viewer.title_page import write_title
    from sensorium.testing.sample_library import synthetic_library

    library = synthetic_library(tmp_path / "library")
    assert "0 people" in write_title(library, tmp_path / "a.html", MediaReader()).read_text()
