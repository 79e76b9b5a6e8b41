"""Whatever runs keeps the promises of its port: executors, and passes on fakes."""

from __future__ import annotations

import pytest

from contracts.executor import ExecutorContract, WorkersContract
from contracts.file_pass import PassContract
from sensorium.adapters.engines.local import InProcess, LocalPool
from sensorium.adapters.media.reader import MediaReader
from sensorium.pipelines.people.faces import Faces
from sensorium.pipelines.people.speaking import Speaking
from sensorium.pipelines.people.who import Who
from sensorium.pipelines.sound.hear import Sound
from sensorium.pipelines.speech.speakers import Speakers
from sensorium.pipelines.speech.transcribe import Speech
from sensorium.pipelines.vision.objects import Objects
from sensorium.pipelines.vision.pictures import Pictures
from sensorium.pipelines.vision.shots import Shots
from sensorium.pipelines.vision.texts import Texts
from sensorium.testing.fake_encoders import FakeImageEncoder, FakeSoundEncoder
from sensorium.testing.fake_hearing import (
    FakeDetector,
    FakeSegmenter,
    FakeTranscriber,
    FakeVoices,
    script,
)
from sensorium.testing.fake_passes import CountingPass
from sensorium.testing.fake_seeing import FakeActiveSpeaker, FakeFaceFinder, FakeFaces
from sensorium.testing.made_media import squares, write_sound, write_video
from sensorium.testing.sample_library import synthetic_record


class TestInProcess(ExecutorContract):
    @pytest.fixture
    def executor(self):
        return InProcess()


class TestLocalPool(WorkersContract):
    @pytest.fixture
    def executor(self):
        return LocalPool(2)


WORDS = [(0.4, 0.9), (1.1, 1.6), (1.7, 2.3)]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A red square that moves for 3 s, with sound."""
    path = tmp_path_factory.mktemp("film") / "a.mp4"
    sound = (script(WORDS, 3.0).samples * 500, 16_000)
    return MediaReader().probe(str(write_video(path, squares(75), sound=sound)))


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """Sound in which the fake recogniser understands three words."""
    path = tmp_path_factory.mktemp("talk") / "a.wav"
    sound = script(WORDS, 3.0).samples
    return MediaReader().probe(str(write_sound(path, sound, 16_000, "pcm_f32le")))


@pytest.fixture(scope="module")
def silent(tmp_path_factory):
    """A video without sound."""
    path = tmp_path_factory.mktemp("silent") / "a.mp4"
    return MediaReader().probe(str(write_video(path, squares(10))))


class _OfSound(PassContract):
    @pytest.fixture
    def ref(self, talk):
        return talk

    @pytest.fixture
    def other(self, silent):
        return silent

    @pytest.fixture
    def earlier(self):
        return {}


class TestSpeech(_OfSound):
    @pytest.fixture
    def made(self):
        return lambda: Speech(MediaReader(), FakeDetector(), FakeTranscriber())


class TestSpeakers(_OfSound):
    @pytest.fixture
    def made(self):
        return lambda: Speakers(MediaReader(), FakeSegmenter(), FakeVoices())


class TestSound(_OfSound):
    @pytest.fixture
    def made(self):
        return lambda: Sound(MediaReader(), FakeSoundEncoder())


class TestWho(_OfSound):
    @pytest.fixture
    def made(self):
        return Who

    @pytest.fixture
    def earlier(self):
        turn = synthetic_record("turn", 0.4, 2.4, speaker="S1", score=0.9)
        alone = synthetic_record("exclusive_turn", 0.4, 2.4, speaker="S1")
        motion = [0.1, 5.0] * 18
        mouth = synthetic_record("mouth", 0.0, 3.0, track=1, person="P1", rate=12.5, motion=motion)
        words = [
            synthetic_record("word", start, end, text="so", score=0.9, language="en")
            for start, end in WORDS
        ]
        return {"turn": [turn], "exclusive_turn": [alone], "mouth": [mouth], "word": words}


class TestCountingPass(_OfSound):
    @pytest.fixture
    def made(self):
        return lambda: CountingPass("speech", size=3)

    @pytest.fixture
    def other(self):
        """It takes whatever comes."""


class _OfPictures(PassContract):
    @pytest.fixture
    def ref(self, film):
        return film

    @pytest.fixture
    def other(self, talk):
        return talk

    @pytest.fixture
    def earlier(self):
        return {"shot": [synthetic_record("shot", 0.0, 3.0, index=0)]}


class TestShots(_OfPictures):
    @pytest.fixture
    def made(self):
        return lambda: Shots(MediaReader())


class TestPictures(_OfPictures):
    @pytest.fixture
    def made(self):
        return lambda: Pictures(MediaReader(), FakeImageEncoder())


class TestFaces(_OfPictures):
    @pytest.fixture
    def made(self):
        return lambda: Faces(MediaReader(), FakeFaceFinder(), FakeFaces())


class TestObjects(_OfPictures):
    @pytest.fixture
    def made(self):
        return lambda: Objects(MediaReader(), FakeFaceFinder())


class TestTexts(_OfPictures):
    @pytest.fixture
    def made(self):
        return lambda: Texts(MediaReader(), FakeFaceFinder())


class TestSpeaking(_OfPictures):
    @pytest.fixture
    def made(self):
        return lambda: Speaking(MediaReader(), FakeActiveSpeaker())

    @pytest.fixture
    def earlier(self):
        box = {"x0": 2.0, "y0": 8.0, "x1": 40.0, "y1": 20.0}
        what = {"label": "face", "score": 0.9, "track": 1, "person": "P1", "shot": 0}
        times = [0.2 * i for i in range(14)]
        return {"region": [synthetic_record("region", at, at, **what, **box) for at in times]}
