"""What people take out of a library must be valid, complete, and say the same everywhere."""

from __future__ import annotations

import csv
import io
import json
import runpy
from dataclasses import replace
from pathlib import Path

import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.core.errors import UsageError
from sensorium.core.record import KINDS
from sensorium.interfaces.text.cues import LINE, LINES, cues
from sensorium.interfaces.text.formats import CSV_COLUMNS, FORMATS, file_ids, render
from sensorium.interfaces.text.timeline import face_stretches, to_timeline
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.ops.speech.utterance import utterances
from sensorium.testing.sample_library import (
    add_synthetic,
    synthetic_library,
    synthetic_record,
    synthetic_ref,
    synthetic_words,
)

TALK = "talk show.mp4"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return synthetic_library(tmp_path_factory.mktemp("library"))


def one_file(folder: Path, records: list, kind: str = "audio") -> Library:
    add_synthetic(folder / "one", synthetic_ref("/synthetic/one.wav", kind), records)
    return Library(folder / "one")


def word(text: str, start: float, end: float, speaker: str | None = None, **more: object) -> dict:
    row = {"text": text, "start": start, "end": end, "speaker": speaker, "person": None}
    return {**row, "score": None, "language": "en", **more}


def test_text_tells_who_said_what_who_was_seen_and_what_failed(library: Library) -> None:
    text = render(library, "text")
    assert '00:11.5-00:12.5  S1 (P1)  "Let us begin."' in text
    assert "person P2: 00:15.0 on screen" in text
    assert 'subtitle  "Good evening"' in text
    assert "face P1 at 10,20 to 110,150 pixels" in text
    assert "failed: media: broken.png: cut short; copy it again" in text
    assert [line for line in text.splitlines() if line.startswith("broken.png")] != []


def test_text_is_in_order_of_time_and_names_turns_without_words(tmp_path: Path) -> None:
    records = [
        synthetic_record("turn", 9.0, 10.0, speaker="S2", score=1.0),
        synthetic_record("turn", 1.0, 3.0, speaker="S1", score=1.0),
        *synthetic_words([("S1", None, "some words")]),
    ]
    lines = render(one_file(tmp_path, records), "text").splitlines()
    assert lines[-2:] == [
        '  00:01.0-00:01.6  S1  "some words"',
        "  00:09.0-00:10.0  S2  (no words)",
    ]


def test_vtt_escapes_names_the_voice_and_is_read_back(library: Library) -> None:
    text = render(library, "vtt", TALK)
    assert text.startswith("WEBVTT\n\n")
    assert "<v S2>Is x &lt; y &amp; y &gt; z?" in text
    blocks = text.strip().split("\n\n")[1:]
    assert all(" --> " in block.split("\n")[0] for block in blocks)
    assert len(pysubs2.SSAFile.from_string(text, format_="vtt")) == len(blocks)


def test_srt_holds_every_word_in_order(library: Library) -> None:
    text = render(library, "srt", TALK)
    assert pysubs2.SSAFile.from_string(text, format_="srt")[0].start == 1000
    blocks = [block.split("\n") for block in text.strip().split("\n\n")]
    assert [block[0] for block in blocks] == [str(n) for n in range(1, len(blocks) + 1)]
    said = " ".join(line for block in blocks for line in block[2:]).split()
    spoken = [row["text"] for row in to_timeline(library, TALK).words]
    assert [each for each in said if each not in ("S1:", "S2:")] == spoken
    assert said[0] == "S1:"


def test_a_word_that_looks_like_an_arrow_or_a_blank_line_breaks_no_subtitle(tmp_path: Path) -> None:
    records = synthetic_words([("S 1", None, "a --> b")])
    records.append(synthetic_record("word", 5.0, 5.5, text="new\n\nline", language="en"))
    records.append(synthetic_record("word", 6.0, 6.5, text="  ", language="en"))
    library = one_file(tmp_path, records)
    for form in ("srt", "vtt"):
        text = render(library, form)
        assert text.count(" --> ") == 2
        assert "new line" in text


def test_subtitles_of_many_files_are_refused_with_the_names(library: Library) -> None:
    with pytest.raises(UsageError, match=r"(?s)choose one.*song\.wav.*talk show\.mp4"):
        render(library, "vtt")


def test_a_file_without_words_gives_empty_but_valid_subtitles(library: Library) -> None:
    assert render(library, "vtt", "song.wav") == "WEBVTT\n"
    assert render(library, "srt", "song.wav") == ""


def test_an_empty_library_renders_in_every_format(tmp_path: Path) -> None:
    Layout(tmp_path).create()
    for form in FORMATS:
        render(Library(tmp_path), form)


def test_rttm_has_one_line_of_ten_fields_per_turn(library: Library) -> None:
    lines = render(library, "rttm").splitlines()
    assert lines[0] == "SPEAKER talk_show 1 1.000 4.550 <NA> <NA> S1 <NA> <NA>"
    assert {len(line.split()) for line in lines} == {10}
    assert len(lines) == len(library.turns())


def test_rttm_never_calls_two_files_the_same() -> None:
    ids = file_ids([{"uri": uri} for uri in ("/a/x.wav", "/a/x.mp4", "/b/y y.wav")])
    assert ids == {"/a/x.wav": "x.wav", "/a/x.mp4": "x.mp4", "/b/y y.wav": "y_y.wav"}
    deep = file_ids([{"uri": "/a b/x.wav"}, {"uri": "/a_b/x.wav"}])
    assert len(set(deep.values())) == 2
    assert not any(" " in each for each in deep.values())


def test_json_holds_every_kind_as_strict_json(library: Library) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    told = json.loads(render(library, "json"), parse_constant=refuse)
    assert set(told["tables"]) == set(KINDS)
    assert len(told["tables"]["region"]) == len(library.regions())
    assert (told["tables"]["word"][0]["speaker"], told["tables"]["turn"][0]["person"]) == (
        "S1",
        "P1",
    )
    assert "embedding" not in told["tables"]["person"][0]
    full = json.loads(render(library, "json", embeddings=True), parse_constant=refuse)
    assert full["tables"]["person"][0]["embedding"] == [0.5, None]


def test_csv_is_what_the_library_says_word_by_word(library: Library) -> None:
    text = render(library, "csv")
    assert text.split("\r\n")[0] == ",".join(CSV_COLUMNS)
    told = list(csv.DictReader(io.StringIO(text, newline="")))
    words = library.words()
    assert [row["text"] for row in told] == list(words["text"])
    assert [row["speaker"] for row in told] == list(words["speaker"])
    assert [row["person"] for row in told] == list(words["person"])


def test_a_format_that_is_not_there_and_a_file_that_is_not_there_are_named(
    library: Library,
) -> None:
    with pytest.raises(UsageError, match="expected one of text, vtt"):
        render(library, "docx")
    with pytest.raises(UsageError, match=r"none\.mp4"):
        render(library, "text", "none.mp4")


def test_twins_and_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for folder in "ab":  # the same bytes twice: one result, two inputs
        ref = synthetic_ref("/synthetic/one.wav", "audio")
        add_synthetic(
            tmp_path, type(ref)(f"/{folder}/one.wav", ref.digest, "audio", duration=1.0), []
        )
    text = render(Library(tmp_path), "text")
    assert text.startswith("/a/one.wav ")
    assert "\n/b/one.wav " in text


def test_a_pause_and_another_voice_end_an_utterance() -> None:
    words = [
        word("a", 0, 1, "S1"),
        word("b", 1, 2, "S1"),
        word("c", 2, 3, "S2"),
        word("d", 9, 10, "S2"),
    ]
    assert [(u["text"], u["speaker"], u["words"]) for u in utterances(words)] == [
        ("a b", "S1", (0, 2)),
        ("c", "S2", (2, 3)),
        ("d", "S2", (3, 4)),
    ]


def test_a_face_that_is_looked_for_now_and_then_is_one_stretch_until_it_is_gone() -> None:
    at = [0.0, 0.2, 0.4, 0.6, 3.0, 3.2]
    boxes = [{"start": t, "end": t, "person": "P1", "track": 1, "shot": 0} for t in at]
    found = [(face["start"], face["end"]) for face in face_stretches(boxes)]
    assert found == [(0.0, 0.6), (3.0, pytest.approx(3.2))]


def test_who_turns_away_is_still_there_by_the_body() -> None:
    def row(at: float, label: str, person: str | None, track: int) -> dict[str, object]:
        return {"start": at, "end": at, "label": label, "person": person, "track": track, "shot": 0}

    rows = [row(t / 5, "face", "P1", 1) for t in range(3)]
    rows += [row(t / 5, "body", "P1", 500_000) for t in range(10)]
    rows += [row(t / 5, "body", None, 500_001) for t in range(10)]  # nobody's is no face
    found = face_stretches(sorted(rows, key=lambda each: each["start"]))
    assert [(each["person"], each["start"], each["end"]) for each in found] == [("P1", 0.0, 1.8)]


def test_japanese_is_written_without_blanks() -> None:
    words = [word("今日", 0, 1, language="ja"), word("は", 1, 2, language="ja")]
    assert cues(words)[0].lines == ("今日は",)


_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=60
)
_WORDS = st.lists(
    st.tuples(_TEXT, st.floats(0, 3), st.floats(0, 9), st.sampled_from(["S1", "S2", None]))
)


@given(_WORDS)
def test_cues_keep_every_word_within_lines_and_seconds(given_words: list) -> None:
    now, words = 0.0, []
    for text, pause, length, speaker in given_words:
        words.append(word(text, now + pause, now + pause + length, speaker))
        now += pause + length
    found = cues(words)
    assert [t for cue in found for line in cue.lines for t in line.split()] == [
        w["text"] for w in words if w["text"].strip()
    ]
    for cue in found:
        assert len(cue.lines) <= LINES
        assert 0 < cue.end - cue.start <= 7001
        for line in (*cue.lines, *cue.lines_with_name):
            assert len(line) <= LINE or len(line.removeprefix(f"{cue.speaker}: ").split()) == 1
    assert sorted(found, key=lambda cue: cue.start) == found


def test_formats_md_is_current() -> None:
    root = Path(__file__).parents[2]
    made = runpy.run_path(str(root / "docs" / "make_formats.py"))["document"]()
    assert (root / "docs" / "formats.md").read_text(encoding="utf-8") == made


def spoken_at_once() -> list:
    """One says a sentence while the other one, on another channel, says another one."""
    records = []
    for channel, (speaker, text, start) in enumerate(
        (("S1", "I think that we should go.", 1.0), ("S2", "Yes, let us all go.", 1.2))
    ):
        for record in synthetic_words([(speaker, None, text)], start=start):
            values = {**record.values, "channel": channel}
            records.append(replace(record, values=values))
        turn = {"speaker": speaker, "score": 0.9, "channel": channel}
        records.append(synthetic_record("turn", start, start + 2.0, **turn))
        voice = {"speaker": speaker, "duration": 2.0, "embedding": [1.0], "channel": channel}
        records.append(synthetic_record("voice", **voice))
    records.append(
        synthetic_record("warning", step="speech", message="no speech on the audio track 0")
    )
    return sorted(records, key=lambda r: r.span.start if r.span else 0.0)


def test_people_who_speak_at_once_on_two_channels_are_told_apart(tmp_path: Path) -> None:
    """Each in one go, with cues that overlap, the channel in RTTM from 1 and in every table from 0."""
    library = one_file(tmp_path, spoken_at_once())
    text = render(library, "text")
    assert 'S1  "I think that we should go."' in text
    assert 'S2  "Yes, let us all go."' in text
    assert "speaker S2: 00:02.0 of speech on channel 1" in text
    assert "warning: no speech on the audio track 0" in text
    assert [line.split()[2] for line in render(library, "rttm").splitlines()] == ["1", "2"]
    for form in ("vtt", "srt"):
        told = pysubs2.SSAFile.from_string(render(library, form))
        assert len(told) == 2
        assert told[0].start < told[1].start < told[0].end
    rows = list(csv.DictReader(io.StringIO(render(library, "csv"))))
    assert {(row["speaker"], row["channel"]) for row in rows} == {("S1", "0"), ("S2", "1")}
    assert [float(row["start"]) for row in rows] == sorted(float(row["start"]) for row in rows)
    tables = json.loads(render(library, "json"))["tables"]
    assert {(w["speaker"], w["channel"]) for w in tables["word"]} == {("S1", 0), ("S2", 1)}
    assert [w["message"] for w in tables["warning"]] == ["no speech on the audio track 0"]


def test_the_same_word_at_the_same_time_on_two_channels_keeps_both_speakers(tmp_path: Path) -> None:
    records = []
    for channel, speaker in enumerate(("S1", "S2")):
        for record in synthetic_words([(speaker, None, "Hello.")]):
            records.append(replace(record, values={**record.values, "channel": channel}))
    library = one_file(tmp_path, records)
    assert sorted(library.words()["speaker"]) == ["S1", "S2"]
    assert len(to_timeline(library, "one.wav").utterances) == 2
    mono = one_file(tmp_path / "mono", synthetic_words([("S1", None, "Hello there.")]))
    assert list(mono.words()["speaker"]) == ["S1", "S1"]
