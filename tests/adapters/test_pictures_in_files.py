"""Animations are short videos; pictures cut short give what they have; no picture is one clear error."""

import io
import logging
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sensorium.adapters.media import pillow
from sensorium.adapters.media.notices import heard
from sensorium.adapters.media.reader import MediaReader
from sensorium.adapters.media.values import picture as picture_of
from sensorium.core.errors import LimitError, MediaError, UnsupportedMediaError
from sensorium.core.limits import Limits
from sensorium.ops.charset import text_kind

ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")
DURATIONS = [50, 200, 40, 300]
GRAYS = [10, 100, 200, 250]


@pytest.fixture
def reader():
    return MediaReader()


def written(path, form, grays=GRAYS, durations=None, size=(30, 20), **options):
    """An animation of gray frames; loops for ever, which must not matter."""
    if form in ("WEBP",):
        options["lossless"] = True
    frames = [Image.fromarray(np.full(size[::-1], gray, np.uint8)).convert("RGB") for gray in grays]
    more = {"append_images": frames[1:], "duration": durations, "loop": 0} if durations else {}
    frames[0].save(path, form, save_all=bool(durations), **more, **options)
    return path


@pytest.mark.parametrize("form", ANIMATED)
def test_an_animation_is_a_short_video(reader, tmp_path, form):
    """Every frame at its own time, the length the sum of the durations, once however often it loops."""
    ref = reader.probe(str(written(tmp_path / "a.bin", form, durations=DURATIONS)))
    assert (ref.kind, ref.has_sound, ref.width, ref.height) == ("video", False, 30, 20)
    assert ref.duration == pytest.approx(0.59)
    assert ref.frame_rate == pytest.approx(4 / 0.59)
    frames = list(reader.frames(ref, None))
    assert [float(f.times[0]) for f in frames] == pytest.approx([0.0, 0.05, 0.25, 0.29])
    assert [f.pixels.mean() for f in frames] == pytest.approx(GRAYS, abs=2)
    assert list(reader.audio(ref, 16000)) == []


@pytest.mark.parametrize("form", ANIMATED)
def test_a_still_picture_of_the_same_kind_stays_one(reader, tmp_path, form):
    """One frame is an image without a length."""
    ref = reader.probe(str(written(tmp_path / "a.bin", form)))
    assert (ref.kind, ref.duration, ref.container) == ("image", None, form)


def test_frames_of_an_animation_at_given_times(reader, tmp_path):
    """The one on display; before the first the first, after the end the last; asked twice, given twice."""
    ref = reader.probe(str(written(tmp_path / "a.gif", "GIF", durations=DURATIONS)))
    times = [-1.0, 0.0, 0.049, 0.05, 0.26, 0.26, 0.6, 99.0]
    frames = list(reader.frames(ref, None, times))
    assert [round(float(f.times[0]), 2) for f in frames] == [
        *(0.0, 0.0, 0.0, 0.05, 0.25, 0.25, 0.29, 0.29)
    ]
    assert len(list(reader.frames(ref, 10, [0.1]))) == 1
    assert next(iter(reader.frames(ref, 15))).pixels.shape == (1, 10, 15, 3)


def test_frames_that_state_no_time_are_shown_as_browsers_do(reader, tmp_path):
    """0 and 10 ms are 100 ms, so that no two frames share a moment."""
    path = written(tmp_path / "a.gif", "GIF", durations=[0, 10, 20, 30])
    ref = reader.probe(str(path))
    times = [float(f.times[0]) for f in reader.frames(ref, None)]
    assert times == pytest.approx([0.0, 0.1, 0.2, 0.22])
    assert ref.duration == pytest.approx(0.25)


def test_the_picture_for_old_programs_is_no_frame(reader, tmp_path):
    """An APNG may hold another picture for programs that show no animation."""
    path = tmp_path / "a.png"
    written(path, "PNG", durations=[50, 60, 70], default_image=True)
    ref = reader.probe(str(path))
    frames = list(reader.frames(ref, None))
    assert [round(f.pixels.mean()) for f in frames] == GRAYS[1:]
    assert ref.duration == pytest.approx(0.18)


def test_transparent_parts_of_an_animation_are_white(reader, tmp_path):
    """As in a still picture."""
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    red = Image.new("RGBA", (8, 8), (255, 0, 0, 255))
    clear.save(tmp_path / "a.webp", save_all=True, append_images=[red], duration=100, lossless=True)
    first, second = reader.frames(reader.probe(str(tmp_path / "a.webp")), None)
    assert first.pixels.min() == 255
    assert second.pixels[0, 4, 4].tolist() == [255, 0, 0]


def test_limits_hold_for_animations(tmp_path):
    """Too long or too large is one error; a row of a data set gets the first frame."""
    path = written(tmp_path / "a.gif", "GIF", durations=[60_000] * 4)
    with pytest.raises(LimitError, match=r"a\.gif.*180 s"):
        MediaReader(Limits(max_seconds=150)).probe(str(path))
    with pytest.raises(LimitError, match="30 x 20"):
        MediaReader(Limits(max_pixels=500)).probe(str(path))
    assert picture_of(str(path), MediaReader(), None).pixels.mean() == 10


@given(st.lists(st.integers(11, 5000), min_size=2, max_size=8))
@settings(max_examples=15, deadline=None)
def test_any_durations_come_out(tmp_path_factory, durations):
    """Milliseconds of an APNG are kept to the millisecond."""
    path = tmp_path_factory.mktemp("apng") / "a.png"
    grays = [20 * i for i in range(len(durations))]
    written(path, "PNG", grays, durations, size=(2, 1))
    ref = MediaReader().probe(str(path))
    times = [float(f.times[0]) for f in MediaReader().frames(ref, None)]
    assert times == pytest.approx([sum(durations[:i]) / 1000 for i in range(len(durations))])
    assert ref.duration == pytest.approx(sum(durations) / 1000)


def noise(size=(64, 64)):
    return Image.fromarray(np.random.default_rng(0).integers(1, 255, (*size, 3), np.uint8))


def cut(path, form, part, **options):
    whole = io.BytesIO()
    noise().save(whole, form, **options)
    path.write_bytes(whole.getvalue()[: int(len(whole.getvalue()) * part)])
    return str(path)


@pytest.mark.parametrize(
    ("form", "options"), [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("GIF", {})]
)
def test_a_picture_cut_short_gives_what_it_has(reader, tmp_path, form, options):
    """The upper part is there; one notice says how much is missing, in the same words each time."""
    path = cut(tmp_path / "a.bin", form, 0.7, **options)
    told: list[str] = []
    with heard(path, told):
        ref = reader.probe(path)
        pixels = next(iter(reader.frames(ref, None))).pixels[0].astype(int)
        list(reader.frames(ref, 32))
    assert len(told) == 1
    assert told[0].startswith(f"{path}: the picture is cut short or broken")
    assert ref.kind == "image"
    near = np.abs(pixels[:24] - np.asarray(noise())[:24]).mean()
    assert near < (60 if form != "PNG" else 1)


def test_the_last_bytes_matter_little(reader, tmp_path, caplog):
    """A JPEG without its end mark, as cameras and servers leave them, is all there; a blank one too."""
    path = cut(tmp_path / "a.jpg", "JPEG", 0.999)
    with caplog.at_level(logging.WARNING, "sensorium"):
        pixels = next(iter(reader.frames(reader.probe(path), None))).pixels[0]
    assert pixels[-1].any()
    assert "its last part is not sharp" in caplog.text
    Image.new("RGB", (64, 64), "white").save(tmp_path / "b.jpg")
    (tmp_path / "b.jpg").write_bytes((tmp_path / "b.jpg").read_bytes()[:-4])
    white = next(iter(reader.frames(reader.probe(str(tmp_path / "b.jpg")), None)))
    assert (white.pixels > 250).mean() > 0.9


@pytest.mark.parametrize(
    ("form", "options"), [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {})]
)
def test_a_picture_without_a_row_is_an_error(reader, tmp_path, form, options):
    """A header alone is no picture."""
    whole = io.BytesIO()
    noise().save(whole, form, **options)
    data = whole.getvalue()
    head = data.index(b"\xff\xda") if form == "JPEG" else data.index(b"IDAT") + 6
    (tmp_path / "a.bin").write_bytes(data[:head])
    with pytest.raises(MediaError, match=r"a\.bin.*is it complete"):
        list(reader.frames(reader.probe(str(tmp_path / "a.bin")), None))


def test_an_animation_cut_short_ends_earlier(reader, tmp_path):
    """Its whole frames are used, with a notice; without any it is an error."""
    path = written(tmp_path / "a.gif", "GIF", durations=DURATIONS)
    data = path.read_bytes()
    path.write_bytes(data[:-5])
    told: list[str] = []
    with heard(str(path), told):
        ref = reader.probe(str(path))
        assert len(list(reader.frames(ref, None))) == 3
    assert ref.duration == pytest.approx(0.29)
    assert len(told) == 1
    assert "breaks off at 0.29 s" in told[0]


def test_what_pillow_warns_of_is_a_notice_of_the_file(reader, tmp_path):
    """EXIF that is cut short: told with the name of the file, and no Python warning is left over."""
    exif = Image.Exif()
    exif[0x010E] = "a description that is longer than what is left of it"
    data = exif.tobytes()
    noise().save(tmp_path / "a.jpg", exif=data[: len(data) - 30])
    told: list[str] = []
    with warnings.catch_warnings(), heard(str(tmp_path / "a.jpg"), told):
        warnings.simplefilter("error")
        list(reader.frames(reader.probe(str(tmp_path / "a.jpg")), None))
    assert len(told) == 1
    assert "not quite in order" in told[0]


PAGES = {
    "html": b"<!DOCTYPE html>\n<html><body>Not found</body></html>",
    "latin": "<html><title>Zugriff für Gäste</title></html>".encode("latin-1") * 99,
    "utf16": "<html><body>Not found</body></html>".encode("utf-16"),
    "bom": b"\xef\xbb\xbf<!-- gone --><HTML>",
}


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.mp4", "a.mp3"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_html_is_no_picture(reader, tmp_path, name, page, caplog):
    """Whatever its name: one error that says what it is, and no warnings about packets."""
    (tmp_path / name).write_bytes(PAGES[page])
    with pytest.raises(UnsupportedMediaError, match=rf"{name}.*expected an image.*a page of HTML"):
        reader.probe(str(tmp_path / name))
    assert not caplog.records


def test_garbage_named_as_a_picture_is_one_error(reader, tmp_path, caplog):
    """Bytes that no decoder knows, with names that FFmpeg would go by."""
    data = np.random.default_rng(3).integers(0, 255, 5000, np.uint8).tobytes()
    for name in ("a.jpg", "a.png", "a.webp", "a.bmp", "a.tga", "a.gif"):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UnsupportedMediaError, match=rf"{name}.*expected an image"):
            reader.probe(str(tmp_path / name))
        (tmp_path / name).write_text("no picture at all\n")
        with pytest.raises(UnsupportedMediaError, match=rf"{name}.*found text"):
            reader.probe(str(tmp_path / name))
    assert not caplog.records


@given(st.binary(max_size=300))
def test_any_bytes_have_a_kind(data):
    """Telling text from media never fails."""
    assert text_kind(data) in (None, "text", "a page of HTML", "an SVG drawing")


def test_several_passes_decode_a_picture_once(reader, tmp_path, monkeypatch):
    """The same pixels in any order of sizes; another file, or other bytes of that name, are read anew."""
    path = tmp_path / "a.png"
    noise().save(path)
    ref, num = reader.probe(str(path)), []
    loaded = pillow.read
    monkeypatch.setattr(pillow, "read", lambda *args: num.append(1) or loaded(*args))
    small = next(iter(reader.frames(ref, 16))).pixels
    whole = next(iter(reader.frames(ref, None))).pixels
    assert len(num) == 1
    assert (whole[0] == np.asarray(noise())).all()
    assert (small == next(iter(MediaReader().frames(ref, 16))).pixels).all()
    Image.new("RGB", (8, 8), "white").save(path)
    assert next(iter(reader.frames(reader.probe(str(path)), None))).pixels.min() == 255


def looked_at(path):
    """(what it is, its frames, why not): the first two or the last."""
    try:
        ref = MediaReader(Limits(max_pixels=10_000_000)).probe(str(path))
        return ref, list(MediaReader().frames(ref, None)), ""
    except MediaError as error:
        return None, [], str(error)


@pytest.mark.parametrize("form", [*ANIMATED, "JPEG", "TIFF", "BMP", "JPEG2000", "PPM"])
def test_damaged_pictures_are_read_or_refused(tmp_path, form):
    """Cut anywhere, bytes changed anywhere: pictures of the size that was told, or one MediaError."""
    rng = np.random.default_rng(11)
    whole = io.BytesIO()
    more = {"save_all": True, "append_images": [noise((40, 40))] * 2} if form in ANIMATED else {}
    noise((40, 40)).save(whole, form, **more)
    data = np.frombuffer(whole.getvalue(), np.uint8)
    for number in range(40):
        bad = data[: rng.integers(1, len(data))] if number % 2 else data.copy()
        places = rng.integers(0, len(bad), number % 5)
        bad = bad.copy()
        bad[places] = rng.integers(0, 255, len(places))
        path = tmp_path / f"{number}.bin"
        path.write_bytes(bad.tobytes())
        with heard(str(path), []):
            ref, frames, refused = looked_at(path)
        if ref is None:
            assert str(path) in refused
            continue
        assert frames
        if ref.container == form:
            assert {f.pixels.shape for f in frames} == {(1, ref.height, ref.width, 3)}
        times = [float(f.times[0]) for f in frames]
        assert times == sorted(times)
