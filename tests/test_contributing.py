"""The finished examples of CONTRIBUTING.md run as they stand, and do what they say."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sensorium.testing.made_media import tone, write_sound
from sensorium.testing.sample_library import synthetic_library

ROOT = Path(__file__).resolve().parent.parent


def example(name, *words):
    """What an example prints."""
    command = [sys.executable, str(ROOT / "examples" / name), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def library(tmp_path):
    return synthetic_library(tmp_path / "library")


def test_a_new_model_is_chosen_by_its_name_and_its_features_are_kept(tmp_path):
    left_red = np.zeros((80, 160, 3), np.uint8)
    left_red[:, :80, 0] = 255
    Image.fromarray(left_red).save(tmp_path / "picture.png")
    told = example("new_model.py", tmp_path / "picture.png", tmp_path / "library")
    assert told.startswith("Features(patches, height=8, width=8, dim=3, float32")
    assert "model='colours'" in told


def test_a_new_pass_reads_the_whole_file(tmp_path):
    write_sound(tmp_path / "tone.wav", tone(2.5, 16_000), 16_000, "pcm_s16le")
    lines = example("new_pass.py", tmp_path / "tone.wav").splitlines()
    assert [line.split()[0] for line in lines] == ["0.0", "1.0", "2.0"]


def test_a_new_format_has_every_turn(library):
    lines = example("new_format.py", library.path).splitlines()
    turns = library.turns()
    assert len(lines) == len(turns) > 0
    assert [float(line.split("\t")[0]) for line in lines] == pytest.approx(list(turns["start"]))


def test_a_new_command_counts_every_word(library):
    lines = example("new_command.py", "count", library.path).splitlines()
    assert sum(int(line.split()[0]) for line in lines) == len(library.words()) > 0
