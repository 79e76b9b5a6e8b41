"""A page must open by itself, show what the records say, and never run what a file name says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sensorium.core.errors import MissingMediaError, UsageError
from sensorium.core.media import Audio, Frames, MediaRef
from sensorium.interfaces.text.timeline import to_timeline
from sensorium.interfaces.viewer import page as page_module
from sensorium.interfaces.viewer.page import write_page, write_sheet
from sensorium.interfaces.viewer.thumbnails import AT_MOST, colours, faces, pictures, plan
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.testing.sample_library import (
    add_synthetic,
    synthetic_library,
    synthetic_record,
    synthetic_ref,
    synthetic_talk,
    synthetic_words,
)

EVIL = '"><script>alert(1)</script>&'


class GreyReader:
    """Hands out grey pictures of the right shape, at most `num` of a file; counts what was asked."""

    def __init__(self, digest: str = "", num: int = 10_000) -> None:
        self.digest = digest
        self.num = num
        self.asked: list[float] = []

    def probe(self, uri: str) -> MediaRef:
        return MediaRef(uri, self.digest, "video")

    def audio(self, ref: MediaRef, sample_rate: int) -> Iterator[Audio]:
        return iter(())

    def frames(
        self, ref: MediaRef, max_side: int | None, times: Sequence[float] | None = None
    ) -> Iterator[Frames]:
        self.asked += times or []
        for at in (times or [0.0])[: self.num]:
            yield Frames(np.full((1, 180, 320, 3), 90, np.uint8), np.array([at]))


class GoneReader(GreyReader):
    def probe(self, uri: str) -> MediaRef:
        raise MissingMediaError(f"{uri}: no such file")


def video(folder: Path, records: list, name: str = "clip.mp4", **changes: object) -> Library:
    file = folder / name
    file.write_bytes(b"synthetic")
    add_synthetic(folder / "library", synthetic_ref(str(file), **changes), records)
    return Library(folder / "library")


def reader_of(library: Library, **choices: int) -> GreyReader:
    return GreyReader(library.inputs()[0]["digest"], **choices)


class Parsed(HTMLParser):
    """Checks that every element is closed in order; keeps addresses, text and tags."""

    VOID = ("meta", "img", "link", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        self.addresses += [v or "" for k, v in attrs if k in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(path: Path) -> Parsed:
    found = Parsed(path.read_text(encoding="utf-8"))
    assert found.open == []
    return found


def test_a_page_needs_nothing_beside_it(tmp_path: Path) -> None:
    library = video(tmp_path, synthetic_talk(synthetic_ref("x")))
    out = write_page(library, tmp_path / "new" / "page.html", reader_of(library))
    found = parsed(out)
    assert all(a.startswith(("data:image/jpeg;base64,", "#")) for a in found.addresses)
    assert "url(" not in out.read_text(encoding="utf-8")
    assert "@import" not in out.read_text(encoding="utf-8")
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.parametrize(("place", "address"), [(".", "./clip%20%23.mp4"), ("new", None)])
def test_the_original_plays_where_it_lies_beside_the_page(
    tmp_path: Path, place: str, address: str | None
) -> None:
    library = video(tmp_path, synthetic_talk(synthetic_ref("x")), "clip #.mp4")
    found = parsed(write_page(library, tmp_path / place / "page.html", reader_of(library)))
    assert [a["src"] for tag, a in found.seen if tag == "video"] == ([address] if address else [])
    assert ("To hear it here" in found.text) == (address is None)
    changed = parsed(write_page(library, tmp_path / "page.html", GreyReader("another")))
    assert not [tag for tag, _ in changed.seen if tag == "video"]


def test_every_word_stands_in_lane_and_transcript_under_one_number(tmp_path: Path) -> None:
    library = video(tmp_path, synthetic_talk(synthetic_ref("x")))
    found = parsed(write_page(library, tmp_path / "page.html", reader_of(library)))
    numbers = {
        tag: [a["data-n"] for t, a in found.seen if t == tag and "data-n" in a] for tag in "iu"
    }
    assert numbers["i"] == numbers["u"] == [str(n) for n in range(len(library.words()))]
    for text in ("P1 seen", "S2 (P2)", "0:15.0 on screen", "begin."):
        assert text in found.text


def test_pictures_and_their_boxes_are_of_one_time(tmp_path: Path) -> None:
    library = video(tmp_path, synthetic_talk(synthetic_ref("x")))
    timeline = to_timeline(library, "clip.mp4")
    times, num_all = plan(timeline)
    assert len(times) == num_all >= 8
    shown = pictures(timeline, reader_of(library), 320, times)
    assert all(each.pixels is not None for each in shown)
    assert [{row["start"] for row in each.boxes} for each in shown] == [{at} for at in times]
    row, place = next(shown[0].places())
    assert place == pytest.approx((120 / 640, 80 / 360, 120 / 640, 150 / 360))
    assert row["person"] == "P1"


def test_every_shot_is_shown_and_a_long_file_is_capped_and_says_so(tmp_path: Path) -> None:
    def shots(num: int) -> list:
        return [synthetic_record("shot", float(n), n + 1.0, index=n) for n in range(num)]

    few = video(tmp_path, shots(30))
    times, _ = plan(to_timeline(few, "clip.mp4"))
    assert [int(at) for at in times] == list(range(30))
    many = video(tmp_path, shots(300), "long.mp4", duration=300.0)
    times, num_all = plan(to_timeline(many, "long.mp4"))
    assert (len(times), num_all) == (AT_MOST, 300)
    assert times[0] < 5 < 295 < times[-1]
    out = write_page(many, tmp_path / "page.html", GoneReader(), "long.mp4")
    assert "60 of 300 pictures are shown." in parsed(out).text


@pytest.mark.parametrize("write", [write_page, write_sheet])
def test_a_file_that_is_gone_still_gives_a_page(tmp_path: Path, write: object) -> None:
    library = synthetic_library(tmp_path / "library")
    out = write(library, tmp_path / "out", GoneReader())  # type: ignore[operator]
    if write is write_page:
        found = parsed(out)
        assert found.text.count("the file is no longer there") >= 9
        assert "cut short; copy it again" in found.text
        assert "Let" in found.text
    else:
        assert Image.open(out).size[0] == 1280


def test_another_file_in_the_old_place_is_not_shown_as_the_old_one(tmp_path: Path) -> None:
    library = video(tmp_path, synthetic_talk(synthetic_ref("x")))
    reader = GreyReader("another digest")
    found = parsed(write_page(library, tmp_path / "page.html", reader))
    assert "the file has changed since" in found.text
    assert reader.asked == []


def test_a_video_that_ends_early_gives_grey_fields_for_the_rest(tmp_path: Path) -> None:
    library = video(tmp_path, [])
    timeline = to_timeline(library, "clip.mp4")
    shown = pictures(timeline, reader_of(library, num=2), 320, [1.0, 2.0, 3.0])
    assert [each.missing for each in shown] == ["", "", "no picture at this time"]


def test_text_from_outside_never_becomes_markup(tmp_path: Path) -> None:
    records = synthetic_words([(EVIL, EVIL, EVIL)])
    records.append(synthetic_record("turn", 1.0, 2.0, speaker=EVIL, score=1.0))
    records.append(synthetic_record("voice", speaker=EVIL, duration=1.0, embedding=[1.0]))
    records.append(synthetic_record("subtitle", 1.0, 2.0, text=EVIL, name=EVIL, source=EVIL))
    box = {"x0": 1.0, "y0": 1.0, "x1": 50.0, "y1": 50.0}
    values = {"person": EVIL, "duration": 1.0, "at": 1.0, "num_tracks": 1, "embedding": [1.0]}
    records.append(synthetic_record("person", 1.0, 2.0, **values, **box))
    region = {"label": EVIL, "person": EVIL, "track": 1, "shot": 0, "score": 1.0}
    records.append(synthetic_record("region", 1.0, 1.0, **region, **box))
    records.append(synthetic_record("error", step=EVIL, error=EVIL, message=EVIL))
    name = EVIL.replace("/", "") + ".mp4"
    library = video(tmp_path, records, name)
    found = parsed(write_page(library, tmp_path / "page.html", reader_of(library)))
    assert [tag for tag, _ in found.seen].count("script") == 1
    assert not any(
        "alert" in (v or "") for t, a in found.seen for k, v in a.items() if k.startswith("on")
    )
    assert name in found.text


def test_a_page_of_one_input_holds_no_other(tmp_path: Path) -> None:
    library = synthetic_library(tmp_path / "library")
    found = parsed(write_page(library, tmp_path / "page.html", GoneReader(), "song.wav"))
    assert "song.wav" in found.text
    assert "talk show" not in found.text
    with pytest.raises(UsageError, match=r"none\.mp4"):
        write_page(library, tmp_path / "page.html", GoneReader(), "none.mp4")


def test_an_empty_library_gives_an_empty_page_and_sheet(tmp_path: Path) -> None:
    Layout(tmp_path / "library").create()
    library = Library(tmp_path / "library")
    assert (
        "nothing in it yet" in parsed(write_page(library, tmp_path / "p.html", GoneReader())).text
    )
    assert Image.open(write_sheet(library, tmp_path / "p.png", GoneReader())).format == "PNG"


def test_a_page_that_has_its_fill_of_pictures_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "PICTURES", 10)
    video(tmp_path, [], "a.mp4")
    library = video(tmp_path, [], "b.mp4")
    found = parsed(write_page(library, tmp_path / "page.html", GoneReader()))
    assert found.text.count("this page has 10 already") == 1


def test_a_failed_page_leaves_the_old_one(tmp_path: Path) -> None:
    class Broken(GreyReader):
        def probe(self, uri: str) -> MediaRef:
            raise RuntimeError("out of order")

    library = video(tmp_path, [])
    out = tmp_path / "page.html"
    out.write_text("the old one")
    with pytest.raises(RuntimeError):
        write_page(library, out, Broken())
    assert out.read_text() == "the old one"
    assert not list(tmp_path.glob("*.part"))


def test_faces_are_cut_out_with_room_and_never_beyond_the_picture(tmp_path: Path) -> None:
    library = video(tmp_path, synthetic_talk(synthetic_ref("x")))
    cut = faces(to_timeline(library, "clip.mp4"), reader_of(library))
    assert {person: pixels.shape for person, pixels in cut.items()} == {
        "P1": (112, 112, 3),  # 1.5 x 150 pixels at half the size, to the even
        "P2": (112, 112, 3),
    }


def test_a_voice_has_the_colour_of_its_face(tmp_path: Path) -> None:
    told = colours(to_timeline(video(tmp_path, synthetic_talk(synthetic_ref("x"))), "clip.mp4"))
    assert told["S1"] == told["P1"] != told["S2"] == told["P2"]


def test_a_sheet_shows_the_pictures(tmp_path: Path) -> None:
    library = video(tmp_path, synthetic_talk(synthetic_ref("x")))
    sheet = np.asarray(Image.open(write_sheet(library, tmp_path / "s.png", reader_of(library))))
    assert sheet.shape[1:] == (1280, 3)
    assert (sheet == 90).all(axis=2).mean() > 0.1


def test_style_and_script_are_whole(tmp_path: Path) -> None:
    library = synthetic_library(tmp_path / "library")
    text = write_page(library, tmp_path / "page.html", GoneReader()).read_text(encoding="utf-8")
    style = re.search(r"<style>(.*?)</style>", text, re.S)
    assert style is not None
    assert style[1].count("{") == style[1].count("}") > 50
    assert "function board" in text
