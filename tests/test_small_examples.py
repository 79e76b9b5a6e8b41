"""The small programs in examples/ run as they stand, are short, and do what they say."""

import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sensorium.adapters.media.reader import MediaReader
from sensorium.testing.made_media import tone, write_sound
from sensorium.testing.sample_library import (
    add_synthetic,
    synthetic_library,
    synthetic_words,
)

ROOT = Path(__file__).resolve().parent.parent
SMALL = ("alike.py", "large_picture.py", "quotes.py", "speaking_time.py", "subtitles.py")


def example(name, *words):
    """The lines that an example prints."""
    command = [sys.executable, str(ROOT / "examples" / name), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize("name", SMALL)
def test_each_is_short_and_says_how_it_is_called(name):
    text = (ROOT / "examples" / name).read_text(encoding="utf-8")
    assert len(text.splitlines()) < 40
    assert f"\npython examples/{name} " in text


def test_subtitles_and_speaking_time(tmp_path):
    library = synthetic_library(tmp_path / "library")
    written = example("subtitles.py", library.path, tmp_path / "out")
    assert written == [str(tmp_path / "out" / "talk show.srt")]
    assert "S1: Good evening." in Path(written[0]).read_text(encoding="utf-8")
    lines = example("speaking_time.py", library.path)
    assert [line.split()[-1] for line in lines] == ["S2", "S1"]  # the one who speaks longest first


def test_quotes_are_cut_out_of_the_file(tmp_path):
    sound = write_sound(tmp_path / "tone.wav", tone(6.0, 16_000), 16_000, "pcm_s16le")
    talk = synthetic_words([("S1", None, "two years")], start=3.0)
    add_synthetic(tmp_path / "library", MediaReader().probe(str(sound)), talk)
    (line,) = example("quotes.py", tmp_path / "library", "years", tmp_path / "out")
    assert line.endswith("two years")
    with wave.open(str(tmp_path / "out" / "000.wav")) as file:
        seconds = file.getnframes() / file.getframerate()
    assert seconds == pytest.approx(0.665 + 1.0, abs=0.02)


@pytest.mark.model
def test_the_most_alike_picture_is_found(tmp_path):
    ramp = np.tile(np.arange(200, dtype=np.uint8)[None, :, None], (150, 1, 3))
    noise = np.random.default_rng(0).integers(0, 255, (150, 200, 3), dtype=np.uint8)
    pictures = {"ramp": ramp, "brighter": ramp + 20, "noise": noise}
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    paths = [str(tmp_path / f"{name}.png") for name in pictures]
    nearest = [line.split()[-1] for line in example("alike.py", *paths)]
    assert nearest[:2] == [paths[1], paths[0]]


def test_a_filter_over_tiles_equals_the_filter_over_the_whole(tmp_path):
    from PIL import ImageFilter

    noise = np.random.default_rng(0).integers(0, 255, (300, 500, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    (line,) = example("large_picture.py", tmp_path / "a.png", tmp_path / "b.png")
    assert "tiles" in line
    whole = np.asarray(Image.fromarray(noise).filter(ImageFilter.MedianFilter(3)), int)
    tiled = np.asarray(Image.open(tmp_path / "b.png"), int)
    assert (np.abs(whole - tiled)[2:-2, 2:-2] <= 1).mean() > 0.95
