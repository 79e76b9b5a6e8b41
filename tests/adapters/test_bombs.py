"""Small files that claim to be huge, and files that name others: clear errors, in little memory."""

import gzip
import io
import os
import resource
import struct
import threading
import time
import zlib

import av
import numpy as np
import pytest
from PIL import Image

from sensorium.adapters.media.reader import MediaReader
from sensorium.adapters.media.subtitles import SubtitleFiles
from sensorium.core.errors import LimitError, MediaError, UnsupportedMediaError
from sensorium.testing.made_media import squares, tone, write_sound

WIDE = 60_000
READER = MediaReader()
MOST = 500e6  # bytes over the baseline


@pytest.fixture(autouse=True)
def little_memory():
    """Whatever a test does stays within 500 MB of where it began: the peak of the process is looked at."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    unit = 1 if os.uname().sysname == "Darwin" else 1024
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < MOST


def chunk(kind, data):
    crc = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def zeros(num):
    """Deflated zeros."""
    squeeze, block = zlib.compressobj(9), bytes(1 << 20)
    return b"".join(squeeze.compress(block) for _ in range(num >> 20)) + squeeze.flush()


def png(width, height, *more):
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", head), *more, chunk(b"IDAT", zeros(8 << 20)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(width, height):
    data = zeros(1 << 20)
    tags = [
        (256, width),
        (257, height),
        (258, 1),
        (259, 8),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, height),
    ]
    entries = b"".join(
        struct.pack("<HHII", tag, 4, 1, value) for tag, value in [*tags, (279, len(data))]
    )
    return (
        b"II*\0"
        + struct.pack("<I", 8 + len(data))
        + data
        + struct.pack("<H", 9)
        + entries
        + bytes(4)
    )


def claimed(form, place, width, height):
    """A small picture whose header says another size; `place` finds it in the bytes."""
    written = io.BytesIO()
    options = {"lossless": True} if form == "WEBP" else {}
    Image.new("RGB", (64, 48), (9, 9, 9)).save(written, form, **options)
    data = bytearray(written.getvalue())
    at, sizes = place(data, width, height)
    data[at : at + len(sizes)] = sizes
    return bytes(data)


PICTURES = {
    "a.png": lambda: png(WIDE, WIDE),
    "a.tif": lambda: tiff(WIDE, WIDE),
    "a.gif": lambda: b"GIF89a" + struct.pack("<HHBBB", WIDE, WIDE, 0x80, 0, 0) + bytes(6) + b","
    + struct.pack("<HHHHB", 0, 0, WIDE, WIDE, 0) + b"\x02\x02\x44\x01\x00;",
    "a.webp": lambda: claimed(
        "WEBP", lambda d, w, h: (d.index(b"VP8L") + 9, struct.pack("<I", 16382 | 16382 << 14)), 0, 0),
    "a.jpg": lambda: claimed(
        "JPEG", lambda d, w, h: (d.index(b"\xff\xc0") + 5, struct.pack(">HH", h, w)), WIDE, WIDE),
    "a.bmp": lambda: claimed("BMP", lambda d, w, h: (18, struct.pack("<ii", w, h)), WIDE, WIDE),
    "a.ppm": lambda: b"P5 60000 60000 255\n" + bytes(100),
    "white.png": lambda: png(12_000, 12_000),  # allowed by its size, and next to nothing is in it
}  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_a_small_picture_that_is_huge_is_refused_by_its_header(tmp_path, name):
    """The error names the file, its size and what is allowed; nothing is decoded."""
    (tmp_path / name).write_bytes(PICTURES[name]())
    assert (tmp_path / name).stat().st_size < 100_000
    with pytest.raises(LimitError, match=rf"{name}.*pixels.*expected at most"):
        READER.probe(str(tmp_path / name))


def test_an_avif_that_claims_to_be_huge_is_refused_or_its_true_size_counts(tmp_path):
    """Its decoder goes by the stream, not by the box around it."""
    data = claimed(
        "AVIF", lambda d, w, h: (d.index(b"ispe") + 8, struct.pack(">II", w, h)), WIDE, WIDE
    )
    (tmp_path / "a.avif").write_bytes(data)
    try:
        ref = READER.probe(str(tmp_path / "a.avif"))
        assert [each.pixels.shape for each in READER.frames(ref, None)] == [(1, 48, 64, 3)]
    except MediaError as error:
        told = str(error)
        assert "a.avif" in told


@pytest.mark.parametrize("kind", ["zTXt", "iTXt", "iCCP"])
def test_texts_and_profiles_in_a_png_that_unpack_to_much_are_refused(tmp_path, kind):
    """300 MB of zeros in 300 kB."""
    head = {"zTXt": b"Comment\0\0", "iTXt": b"Comment\0\1\0\0\0", "iCCP": b"x\0\0"}[kind]
    path = tmp_path / "a.png"
    path.write_bytes(png(8, 8, chunk(kind.encode(), head + zeros(300 << 20))))
    with pytest.raises(MediaError, match=r"a\.png.*too large"):
        READER.probe(str(path))


def test_a_drawing_in_gzip_is_not_unpacked(tmp_path):
    """We read no SVG, so nobody has to unpack one."""
    (tmp_path / "a.svgz").write_bytes(gzip.compress(b"<svg>" + bytes(50 << 20) + b"</svg>"))
    with pytest.raises(UnsupportedMediaError, match=r"a\.svgz"):
        READER.probe(str(tmp_path / "a.svgz"))


def test_huge_cover_art_is_not_opened(tmp_path):
    """The picture on a record is no video; of 3,600 million pixels neither."""
    path = write_sound(tmp_path / "a.mp3", tone(1, 44_100), 44_100, "libmp3lame")
    picture = b"\0image/png\0\3\0" + png(WIDE, WIDE)
    frame = b"APIC" + struct.pack(">IH", len(picture), 0) + picture
    size = bytes(len(frame) >> shift & 127 for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\3\0\0" + size + frame + path.read_bytes())
    ref = READER.probe(str(path))
    assert (ref.kind, ref.width) == ("audio", None)
    assert sum(each.duration for each in READER.audio(ref, 16_000)) == pytest.approx(1, abs=0.1)


def silence(path, starts, rate=8000):
    """A tenth of a second of silence at each of some seconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=rate, layout="mono")
        for start in starts:
            part = av.AudioFrame.from_ndarray(np.zeros((1, rate // 10), np.int16), "s16", "mono")
            part.sample_rate, part.pts = rate, round(start * rate)
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


def test_a_recording_of_days_in_a_few_bytes_is_refused(tmp_path):
    """Two time stamps 40 hours apart would be 40 hours of silence for every pass."""
    with pytest.raises(LimitError, match=r"a\.mka: a recording of 144000 s in 3,\d+ bytes"):
        READER.probe(str(silence(tmp_path / "a.mka", [0, 40 * 3600])))


def test_ten_silent_hours_are_a_recording_and_are_read_in_little_memory(tmp_path):
    """A file of 1 kB a second is what a dictaphone writes over night; chunks are short."""
    path = silence(tmp_path / "a.mka", range(0, 36_000, 2))
    ref = READER.probe(str(path))
    assert ref.duration == pytest.approx(35_998.1, abs=0.1)
    longest = 0.0
    for number, each in enumerate(READER.audio(ref, 16_000)):
        longest = max(longest, each.duration)
        if number > 100:
            break
    assert longest <= 10


def test_a_thousand_audio_tracks_are_listed_and_one_is_heard(tmp_path):
    """As many decoders are not open at once."""
    with av.open(str(tmp_path / "a.mka"), "w") as container:
        streams = [container.add_stream("pcm_s16le", rate=8000, layout="mono") for _ in range(1000)]
        for stream in streams:
            part = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
            part.sample_rate, part.pts = 8000, 0
            container.mux(stream.encode(part))
    ref = READER.probe(str(tmp_path / "a.mka"))
    assert len(ref.tracks) == 1000
    assert sum(each.duration for each in READER.audio(ref, 8000)) == pytest.approx(0.1)


def lists(target):
    """Files that name another one, as text and behind bytes that are no text."""
    entry = f"#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n"
    dash = '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>' \
        f"<AdaptationSet><Representation id='1'><BaseURL>{target}</BaseURL>"  # fmt: skip
    return {
        "a.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n{entry}",
        "a.mp4": f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n{entry}",
        "a.m3u": f"#EXTM3U\n{target}\n",
        "a.ffconcat": f"ffconcat version 1.0\nfile '{target}'\n",
        "b.mp4": f"ffconcat version 1.0\nfile '{target}'\n",
        "a.asx": f'<asx version="3.0"><entry><ref href="file://{target}"/></entry></asx>',
        "a.pls": f"[playlist]\nFile1={target}\n",
        "a.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
        "a.mpd": dash,
        "a.mkv": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n",
    }


def test_what_a_playlist_names_is_never_opened(tmp_path):
    """The named file is a pipe: who opens it can be seen."""
    target, opened, over = tmp_path / "secret.wav", [], threading.Event()
    os.mkfifo(target)

    def watch():
        while not over.wait(0.005):
            try:
                os.close(os.open(target, os.O_WRONLY | os.O_NONBLOCK))
                opened.append(time.monotonic())
            except OSError:
                pass

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        for name, text in lists(target).items():
            for tail in (b"", bytes(range(256)) * 8):
                (tmp_path / name).write_bytes(text.encode() + tail)
                with pytest.raises(UnsupportedMediaError, match=name):
                    READER.probe(str(tmp_path / name))
    finally:
        over.set()
        thread.join()
    assert not opened


def test_a_movie_does_not_borrow_its_content_from_another_file(tmp_path):
    """QuickTime may say that its samples lie elsewhere; they are then not there."""
    secret = write_sound(tmp_path / "secret.mov", tone(1, 8000), 8000, "pcm_s16le")
    data = bytearray(write_sound(tmp_path / "a.mov", tone(1, 8000), 8000, "pcm_s16le").read_bytes())
    at = data.index(b"mdat") + 4
    data[at : at + 16_000] = bytes(16_000)
    place = data.index(b"url ", data.index(b"dref")) + 4
    data[place : place + 4] = bytes(4)  # no longer: the content lies in this file
    (tmp_path / "b.mov").write_bytes(data)
    assert secret.stat().st_size == len(data)
    try:
        ref = READER.probe(str(tmp_path / "b.mov"))
        assert max(np.abs(each.samples).max() for each in READER.audio(ref, 8000)) < 1e-3
    except MediaError as error:
        assert "b.mov" in str(error)  # noqa: PT017


def test_subtitles_that_nest_or_repeat_end(tmp_path):
    """Braces without end, twenty thousand styles, an entry of 1 MB, a file of 20 MB."""
    head = "[Script Info]\nScriptType: v4.00+\n[V4+ Styles]\nFormat: Name, Fontname\n"
    events = "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    line = "Dialogue: 0,0:00:00.10,0:00:00.90,Default,Ann,0,0,0,,"
    styles = "".join(f"Style: S{number},Arial\n" for number in range(20_000))
    for body in ("{" * 200_000, "{\\t(" * 50_000 + "x", "a" * 1_000_000, "{\\p1}" * 50_000):
        (tmp_path / "a.ass").write_text(head + styles + events + line + body + "\n")
        with pytest.raises(LimitError, match=r"a\.ass: an entry of [\d,]+ characters at 0\.1 s"):
            SubtitleFiles().read(str(tmp_path / "a.ass"))
    (tmp_path / "a.ass").write_text(head + events + f"{line}{'{' * 4900}\n" * 200)
    assert len(SubtitleFiles().read(str(tmp_path / "a.ass"))) <= 200
    (tmp_path / "a.srt").write_bytes(bytes(20_000_001))
    with pytest.raises(LimitError, match="20,000,000 bytes of subtitles"):
        SubtitleFiles().read(str(tmp_path / "a.srt"))


def test_pictures_that_change_their_size_are_scaled_to_the_first(tmp_path):
    """Two programmes of a broadcast after one another; every pass sees one size."""
    parts = []
    for name, height in (("a.ts", 48), ("b.ts", 96)):
        with av.open(str(tmp_path / name), "w") as container:
            stream = container.add_stream("mpeg2video", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64 * height // 48, height, "yuv420p"
            for pixels in squares(6, height, 64 * height // 48):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(stream.encode(None))
        parts.append((tmp_path / name).read_bytes())
    (tmp_path / "c.ts").write_bytes(b"".join(parts))
    ref = READER.probe(str(tmp_path / "c.ts"))
    sizes = {frames.pixels.shape for frames in READER.frames(ref, None)}
    assert sizes == {(1, ref.height, ref.width, 3)}
