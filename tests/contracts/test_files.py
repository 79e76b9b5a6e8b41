"""Whatever opens files keeps the promises of its port."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from contracts.reader import FilmReaderContract, ReaderContract
from contracts.subtitle_reader import SubtitleReaderContract
from sensorium.adapters.media.reader import MediaReader
from sensorium.adapters.media.subtitles import SubtitleFiles
from sensorium.testing.fake_passes import FakeReader, NoSubtitles
from sensorium.testing.made_media import squares, tone, write_sound, write_video


class TestMediaReader(FilmReaderContract):
    @pytest.fixture
    def reader(self):
        return MediaReader()

    @pytest.fixture
    def sound(self, tmp_path):
        return write_sound(tmp_path / "a.wav", tone(35.0, 8000, 2), 8000, "pcm_s16le")

    @pytest.fixture
    def film(self, tmp_path):
        return write_video(tmp_path / "a.mkv", squares(5), times=[0.0, 0.1, 0.5, 0.55, 2.0])

    @pytest.fixture
    def still(self, tmp_path):
        Image.fromarray(np.zeros((30, 50, 3), np.uint8)).save(tmp_path / "a.png")
        return tmp_path / "a.png"

    @pytest.fixture
    def no_media(self, tmp_path):
        (tmp_path / "text.mp4").write_text("this is no video at all\n" * 50)
        return tmp_path / "text.mp4"


class TestFakeReader(ReaderContract):
    @pytest.fixture
    def reader(self):
        return FakeReader()

    @pytest.fixture
    def sound(self, tmp_path):
        (tmp_path / "a.wav").write_text("whatever")
        return tmp_path / "a.wav"

    @pytest.fixture
    def no_media(self, tmp_path):
        (tmp_path / "text.mp4").write_text("no media")
        return tmp_path / "text.mp4"


class TestSubtitleFiles(SubtitleReaderContract):
    @pytest.fixture
    def subtitles(self):
        return SubtitleFiles()


class TestNoSubtitles(SubtitleReaderContract):
    finds = 0

    @pytest.fixture
    def subtitles(self):
        return NoSubtitles()
