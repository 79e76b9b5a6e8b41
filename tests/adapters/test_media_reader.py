"""What files become: by content, upright, on one clock, nothing lost, and one clear error each."""

import os
import struct
import wave
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from sensorium.adapters.media.reader import MediaReader
from sensorium.core.errors import LimitError, MediaError, MissingMediaError, UnsupportedMediaError
from sensorium.core.limits import Limits
from sensorium.ops.sound.audio_tracks import with_track
from sensorium.testing.made_folder import huge_png, with_cover
from sensorium.testing.made_media import squares, tone, write_sound, write_tracks, write_video


@pytest.fixture
def reader():
    return MediaReader()


def heard(reader, path, rate=16000):
    chunks = list(reader.audio(reader.probe(str(path)), rate))
    for before, after in pairwise(chunks):
        assert after.start == pytest.approx(before.end, abs=1e-9)
    return np.concatenate([chunk.samples[0] for chunk in chunks])


def shown(reader, path, **options):
    ref = reader.probe(str(path))
    return ref, list(reader.frames(ref, options.get("max_side"), options.get("times")))


@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_u8", "pcm_f32le", "pcm_s24le", "flac"])
@pytest.mark.parametrize(("rate", "num_channels"), [(8000, 1), (11025, 2), (48000, 6)])
def test_sound_keeps_its_length_and_level(reader, tmp_path, codec, rate, num_channels):
    """Any format, rate and number of channels: mono at 16 kHz, the right length, in [-1, 1]."""
    name = "tone.flac" if codec == "flac" else "tone.wav"
    write_sound(tmp_path / name, tone(1.3, rate, num_channels), rate, codec)
    samples = heard(reader, tmp_path / name)
    assert len(samples) == pytest.approx(1.3 * 16000, abs=3)
    middle = samples[4000:-4000]
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.02)
    assert np.argmax(np.abs(np.fft.rfft(middle))) * 16000 / len(middle) == pytest.approx(440, abs=2)


def test_channels_are_averaged(reader, tmp_path):
    """A voice in one channel of two is heard at half its level, not lost."""
    samples = tone(1.0, 16000, 2)
    samples[1] = 0
    write_sound(tmp_path / "a.wav", samples, 16000, "pcm_s16le")
    assert np.abs(heard(reader, tmp_path / "a.wav")).max() == pytest.approx(0.25, abs=0.01)


def test_tracks_are_listed_and_one_is_heard(reader, tmp_path):
    """The one marked as default counts; another one is read by number or language."""
    english, german, stereo = tone(1.0, 16000), 0.5 * tone(1.0, 16000), tone(2.0, 16000, 2, 880.0)
    about = [
        {"language": "eng"},
        {"language": "ger", "title": "Kommentar", "default": True},
        {"language": "fra"},
    ]
    tracks = list(zip((english, german, stereo), about, strict=True))
    ref = reader.probe(str(write_tracks(tmp_path / "a.mka", tracks, 16000)))
    told = [
        (t.index, t.codec, t.num_channels, t.sample_rate, t.language, t.title) for t in ref.tracks
    ]
    assert told == [
        (0, "flac", 1, 16000, "eng", ""),
        (1, "flac", 1, 16000, "ger", "Kommentar"),
        (2, "flac", 2, 16000, "fra", ""),
    ]
    assert [t.default for t in ref.tracks] == [False, True, False]
    assert (ref.audio_track, ref.num_channels) == (1, 1)
    assert ref.duration == pytest.approx(2.0, abs=0.1)
    for wanted, level, seconds in ((None, 0.25, 1), (0, 0.5, 1), ("de", 0.25, 1), ("fr", 0.5, 2)):
        chunks = list(reader.audio(with_track(ref, wanted), 16000))
        samples = np.concatenate([chunk.samples[0] for chunk in chunks])
        assert np.abs(samples[2000:-2000]).max() == pytest.approx(level, abs=0.01)
        assert len(samples) == seconds * 16000


def test_without_a_mark_the_track_with_most_channels_is_heard(reader, tmp_path):
    tracks = [(tone(1.0, 16000), {}), (tone(1.0, 16000, 6), {}), (tone(1.0, 16000, 2), {})]
    ref = reader.probe(str(write_tracks(tmp_path / "a.mka", tracks, 16000)))
    assert (ref.audio_track, ref.num_channels) == (1, 6)


def test_variable_frame_rate_keeps_true_times(reader, tmp_path):
    """Times are those of the file, not a count divided by a rate."""
    times = [0.0, 0.1, 0.5, 0.55, 2.0]
    write_video(tmp_path / "a.mkv", squares(5), times=times)
    _, frames = shown(reader, tmp_path / "a.mkv")
    assert [round(float(f.times[0]), 3) for f in frames] == times


def test_sound_and_pictures_of_one_file(reader, tmp_path):
    """Both are found, every picture comes out, and the length is the longer of the two."""
    path = write_video(tmp_path / "a.mp4", squares(30), sound=(tone(1.5, 44100), 44100))
    ref, frames = shown(reader, path)
    assert (ref.kind, ref.has_sound, ref.width, ref.height) == ("video", True, 64, 48)
    assert len(frames) == 30
    assert ref.duration == pytest.approx(1.5, abs=0.05)
    assert len(heard(reader, path)) == pytest.approx(1.5 * 16000, rel=0.03)
    red = frames[0].pixels[0, 14, 8].astype(int)
    assert red[0] > 150 > 100 > red[1]


def turned(path, degrees):
    """Writes a rotation into the track header of an mp4 file, as a telephone does."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    one = 1 << 16
    matrices = {90: (0, one, -one, 0), 180: (-one, 0, 0, -one), 270: (0, -one, one, 0)}
    a, b, c, d = matrices[degrees]
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_rotated_video_is_upright(reader, tmp_path, degrees):
    """A rotation of 90 means: turn clockwise by 90 to see it upright; sizes are as displayed."""
    picture = np.full((48, 64, 3), 90, np.uint8)
    picture[:16, :16] = (220, 30, 30)
    path = write_video(tmp_path / "a.mp4", [picture] * 3)
    turned(path, degrees)
    ref, frames = shown(reader, path)
    pixels = frames[0].pixels[0]
    assert pixels.shape[:2] == (ref.height, ref.width) == ((64, 48) if degrees % 180 else (48, 64))
    corner = {90: (0, -1), 180: (-1, -1), 270: (-1, 0)}[degrees]
    rows = slice(4, 10) if corner[0] == 0 else slice(-10, -4)
    columns = slice(4, 10) if corner[1] == 0 else slice(-10, -4)
    assert pixels[rows, columns, 0].mean() > 150


def test_pictures_at_given_times(reader, tmp_path):
    """The picture on display at each time; before the first, the first; after the last, the last."""
    path = write_video(tmp_path / "a.mp4", squares(400))
    _, frames = shown(reader, path, times=[0.0, 0.05, 7.99, 8.0, 15.5, 99.0])
    assert [round(float(f.times[0]), 2) for f in frames] == [0.0, 0.04, 7.96, 8.0, 15.48, 15.96]


def picture(reader, path):
    return shown(reader, path)[1][0].pixels[0]


def test_exif_orientation_is_honoured(reader, tmp_path):
    """Orientation 6: the picture lies on its side in the file."""
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[:, :5] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    ref = reader.probe(str(tmp_path / "a.png"))
    upright = picture(reader, tmp_path / "a.png")
    assert upright.shape == (30, 20, 3) == (ref.height, ref.width, 3)
    assert upright[:5].min() == 255
    assert upright[5:].max() == 0


def test_modes_become_rgb(reader, tmp_path):
    """Alpha on white, 16 bits by their full range, palette, one bit, CMYK, float: never clipped."""
    rgba = np.zeros((8, 8, 4), np.uint8)
    Image.fromarray(rgba).save(tmp_path / "alpha.png")
    assert picture(reader, tmp_path / "alpha.png").min() == 255
    Image.fromarray(np.full((8, 8), 32896, np.uint16)).save(tmp_path / "deep.png")
    assert set(picture(reader, tmp_path / "deep.png").ravel()) == {128}
    Image.fromarray(np.full((8, 8), 0.5, np.float32)).save(tmp_path / "float.tiff")
    assert set(picture(reader, tmp_path / "float.tiff").ravel()) == {128}
    red = Image.new("RGB", (8, 8), (200, 10, 10))
    for mode, name in (("P", "a.png"), ("CMYK", "a.jpg"), ("L", "b.png"), ("1", "c.png")):
        red.convert(mode).save(tmp_path / name)
        assert picture(reader, tmp_path / name).shape == (8, 8, 3)
    assert picture(reader, tmp_path / "a.jpg")[4, 4].tolist() == pytest.approx(
        [200, 10, 10], abs=12
    )
    flat = Image.new("P", (8, 8), 3)
    flat.putpalette([0, 0, 0] * 256)
    flat.save(tmp_path / "hole.png", transparency=3)
    assert picture(reader, tmp_path / "hole.png").min() == 255


def test_content_decides_not_the_name(reader, tmp_path):
    """A picture named .mp4 is a picture."""
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.mp4")
    assert reader.probe(str(tmp_path / "a.mp4")).kind == "image"


def test_cover_art_does_not_make_a_video(reader, tmp_path):
    """An album track is sound."""
    assert reader.probe(str(with_cover(tmp_path / "a.mp4"))).kind == "audio"


def broken_files(folder):
    """Name -> (path, class of the error, a word of its message)."""
    whole = write_video(folder / "whole.mkv", squares(50), sound=(tone(2.0, 16000), 16000))
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("this is no video at all\n" * 50)
    (folder / "list.m3u8").write_text("#EXTM3U\n#EXTINF:10,\n/etc/passwd\n#EXT-X-ENDLIST\n")
    cut = write_video(folder / "cut.mp4", squares(50))
    cut.write_bytes(cut.read_bytes()[:-600])
    (folder / "cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(
        folder / "b.jpg"
    )
    (folder / "cut.jpg").write_bytes((folder / "b.jpg").read_bytes()[:700])
    with wave.open(str(folder / "silent.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
    return {
        "missing.mp4": (MissingMediaError, "no such file"),
        "empty.mp4": (MediaError, "empty"),
        "text.mp4": (UnsupportedMediaError, "expected"),
        "list.m3u8": (UnsupportedMediaError, "expected"),
        "cut.mp4": (MediaError, "cut short"),
        "cut.mkv": (MediaError, "cut short"),
        "silent.wav": (MediaError, "no samples|0 s"),
    }


def test_every_broken_file_is_one_clear_error(reader, tmp_path):
    """The right class, the name of the file, and what is wrong with it."""
    for name, (kind, word) in broken_files(tmp_path).items():
        with pytest.raises(kind, match=word) as caught:
            reader.probe(str(tmp_path / name))
        assert name in str(caught.value)
    ref = reader.probe(str(tmp_path / "cut.jpg"))
    assert (
        len(list(reader.frames(ref, None))) == 1
    )  # what there is of it, see test_pictures_in_files


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="of POSIX")
def test_a_pipe_and_a_device_are_no_files(reader, tmp_path):
    """Nobody waits for an end that may never come."""
    os.mkfifo(tmp_path / "pipe.wav")
    for path in (str(tmp_path / "pipe.wav"), "/dev/zero"):
        with pytest.raises(UnsupportedMediaError, match=f"{path}: expected a file, found a pipe"):
            reader.probe(path)


def test_a_huge_picture_is_refused_before_it_is_decoded(reader, tmp_path):
    """50,000 x 50,000 pixels in a few bytes: refused by its header, without a warning of Pillow's."""
    (tmp_path / "a.png").write_bytes(huge_png())
    with pytest.raises(LimitError, match=r"a\.png"):
        reader.probe(str(tmp_path / "a.png"))
    small = MediaReader(Limits(max_pixels=1000))
    with pytest.raises(LimitError, match="64 x 48"):
        small.probe(str(write_video(tmp_path / "v.mp4", squares(2))))


def test_not_a_number_in_the_sound_is_an_error(reader, tmp_path):
    """It would poison every model after it."""
    samples = tone(1.0, 16000)
    samples[0, 8000] = np.nan
    write_sound(tmp_path / "a.wav", samples, 16000, "pcm_f32le")
    with pytest.raises(MediaError, match="NaN"):
        heard(reader, tmp_path / "a.wav")


def old_mp3(path, title, artist=b""):
    """An MP3 whose tags are its last 128 bytes, in an encoding that it does not state."""
    write_sound(path, tone(1.0, 16000), 16000, "libmp3lame")
    data = path.read_bytes()
    new_tags = 10 + int.from_bytes(data[6:10], "big") if data.startswith(b"ID3") else 0
    tags = b"TAG" + title.ljust(30, b"\0") + artist.ljust(30, b"\0") + b"\0" * 64 + b"\x0c"
    path.write_bytes(data[new_tags:] + tags)


@pytest.mark.parametrize(
    ("title", "charset"),
    [
        ("Café del Mar", "latin-1"),
        ("Größe", "utf-8"),
        ("Für Elise", "cp1252"),
        ("Łódź nocą", "cp1250"),
        ("Группа крови", "cp1251"),
        ("宇多田ヒカル", "cp932"),
        ("한국어 노래", "cp949"),
        ("周杰伦", "gb18030"),
        ("Ελλάδα", "cp1253"),
    ],
)
def test_titles_of_old_files_come_out_right(reader, tmp_path, title, charset):
    """ID3v1 states no encoding, nor does LIST/INFO of a WAV: the file is read, the letters are right."""
    told = title.encode(charset)
    old_mp3(tmp_path / "a.mp3", told)
    assert reader.probe(str(tmp_path / "a.mp3")).title == title
    assert len(heard(reader, tmp_path / "a.mp3")) == pytest.approx(16000, abs=2000)
    write_sound(tmp_path / "a.wav", tone(1.0, 16000), 16000, "pcm_s16le")
    data = (tmp_path / "a.wav").read_bytes()
    name = told + b"\0" * (2 - len(told) % 2)
    info = b"INFOINAM" + struct.pack("<I", len(name)) + name
    body = data[8:] + b"LIST" + struct.pack("<I", len(info)) + info
    (tmp_path / "a.wav").write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert reader.probe(str(tmp_path / "a.wav")).title == title


def test_other_tags_tell_the_encoding_of_a_short_title(reader, tmp_path):
    """One letter says little; the artist beside it says more."""
    old_mp3(tmp_path / "a.mp3", "Я".encode("cp1251"), "Земфира".encode("cp1251"))
    assert reader.probe(str(tmp_path / "a.mp3")).title == "Я"
