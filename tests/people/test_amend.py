"""A corrected word or turn counts wherever it is read, the records stay, and it can be taken back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sensorium.core.errors import UsageError
from sensorium.core.time import Span
from sensorium.interfaces.text.formats import render
from sensorium.library.library import Library
from sensorium.people.cast import Cast
from sensorium.people.decision import Corrections
from sensorium.testing.sample_gallery import known_library
from sensorium.testing.sample_library import add_synthetic, synthetic_ref, synthetic_talk


def talk(root: Path) -> tuple[Library, str]:
    ref = synthetic_ref("/synthetic/talk.mp4")
    add_synthetic(root, ref, synthetic_talk(ref))
    return Library(root), ref.digest


def test_a_corrected_word_counts_everywhere_and_goes_again(tmp_path: Path) -> None:
    library, media = talk(tmp_path)
    before = library.words()
    assert len(library.find("patches")) == 1
    row = before[before.text == "patches,"].iloc[0]
    fix = Corrections(tmp_path).fix_word
    fix(media, Span(row.start, row.end), "patches,", " peaches, ")
    now = library.words()
    assert now[now.text == "peaches,"].iloc[0][["start", "score", "speaker"]].tolist() == [
        row.start, 1.0, "S1",
    ]  # fmt: skip
    assert list(library.records("word").text) == list(before.text)
    assert "peaches" in render(library, "vtt")
    assert (len(library.find("patches")), len(library.find("peaches"))) == (0, 1)
    fix(media, Span(row.start, row.end), "patches,", "porches,")  # said again, of the same record
    assert (len(library.find("peaches")), len(library.find("porches"))) == (0, 1)
    Corrections(tmp_path).undo()
    assert len(library.find("peaches")) == 1
    Corrections(tmp_path).undo()
    assert library.words().equals(before)
    assert len(library.find("patches")) == 1


def test_a_moved_edge_counts_everywhere_and_goes_again(tmp_path: Path) -> None:
    library, media = talk(tmp_path)
    before = library.turns()
    found = Span(before.start[0], before.end[0])
    Corrections(tmp_path).move_turn(media, found, "S1", Span(0.5, 5.5))
    assert library.turns()[["start", "end"]].iloc[0].tolist() == [0.5, 5.5]
    assert "0.500 5.000" in render(library, "rttm")
    told = json.loads(render(library, "json"))["tables"]["turn"][0]
    assert (told["found_start"], told["found_end"]) == (found.start, found.end)
    Corrections(tmp_path).undo()
    assert library.turns().equals(before)


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    _, media = talk(tmp_path)
    said = Corrections(tmp_path)
    with pytest.raises(UsageError, match="expected a word as it was found"):
        said.fix_word(media, Span(1.0, 1.2), "Good", "Bad")
    with pytest.raises(UsageError, match="empty text"):
        said.fix_word(media, Span(1.0, 1.315), "Good", " ")
    with pytest.raises(UsageError, match="expected a turn as it was found"):
        said.move_turn(media, Span(0.0, 9.0), "S1", Span(0.0, 1.0))
    with pytest.raises(UsageError, match="no input of that name"):
        said.fix_word("elsewhere", Span(1.0, 1.315), "Good", "Bad")
    assert Cast(tmp_path).all() == []


def test_somebody_else_and_surely_he(tmp_path: Path) -> None:
    cast = Cast(known_library(tmp_path).path)
    table = cast.table()
    voice = table[(table.label == "S1") & (table.kind == "voice")]
    assert len(voice) == 2
    doubtful = voice[voice.score.notna()].iloc[0]
    cast.confirm(doubtful["sample"])
    assert cast.known().score[doubtful["sample"]] == 1.0
    cast.undo()
    assert cast.known().score[doubtful["sample"]] == doubtful.score
    new = cast.disown(doubtful["sample"])
    assert new != doubtful.identity
    assert cast.known().of[doubtful["sample"]] == new
    cast.name(new, "Ann")
    assert cast.disown(doubtful["sample"]) == new  # alone: the name was wrong
    assert cast.find(new).name is None
    with pytest.raises(UsageError, match="no identity has it"):
        cast.disown("nobody")
