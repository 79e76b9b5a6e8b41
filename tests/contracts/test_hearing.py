"""Whatever hears keeps the promises of its port."""

from __future__ import annotations

import numpy as np
import pytest

from contracts.model import FolderContract, StoredContract
from contracts.segmenter import SegmenterContract
from contracts.sound_encoder import SoundEncoderContract
from contracts.speaker_encoder import SpeakerEncoderContract
from contracts.speech_detector import SpeechDetectorContract
from contracts.transcriber import TranscriberContract
from sensorium.adapters.models.sound.campplus import CamPlusPlus
from sensorium.adapters.models.sound.openai_server import ServerTranscriber
from sensorium.adapters.models.sound.pyannote import PyannoteSegmenter
from sensorium.adapters.models.sound.silero import SileroDetector
from sensorium.adapters.models.sound.whisper import WhisperEncoder, WhisperTranscriber
from sensorium.core.media import Audio
from sensorium.testing.fake_encoders import FakeSoundEncoder
from sensorium.testing.fake_hearing import (
    FakeDetector,
    FakeSegmenter,
    FakeTranscriber,
    FakeVoices,
    script,
)
from small_server import reply, served


@pytest.mark.model
class TestSilero(StoredContract, SpeechDetectorContract):
    @classmethod
    def made(cls):
        return SileroDetector()


class TestFakeDetector(SpeechDetectorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return FakeDetector()


@pytest.mark.model
class TestWhisper(StoredContract, TranscriberContract):
    finds_words = False  # nobody speaks in a tone

    @classmethod
    def made(cls):
        return WhisperTranscriber()


class TestTransformersWhisper(FolderContract, TranscriberContract):
    hears_nothing_in_silence = False

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, random_transcriber):
        return random_transcriber

    @classmethod
    def of(cls, source):
        from sensorium.adapters.models.hub.transformers_whisper import TransformersTranscriber

        return TransformersTranscriber(source)


class TestServer(TranscriberContract):
    """A server that tells words out of order, and beyond the end."""

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        def answer(handler):
            body = handler.rfile.read(int(handler.headers["Content-Length"]))
            sound = body[body.index(b"data", body.index(b"RIFF")) + 8 : body.rindex(b"\r\n--")]
            loud = np.abs(np.frombuffer(sound, "<i2")).max(initial=0) > 0
            words = [
                {"word": " not", "start": 0.9, "end": 77.0},
                {"word": "ask", "start": 0.2, "end": 0.9},
            ]
            reply(handler, {"text": "", "words": words if loud else []})

        with served(answer) as address:
            yield ServerTranscriber(f"{address}#small")


class TestFakeTranscriber(TranscriberContract):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return FakeTranscriber()

    def spoken(self, start=0.0):
        sound = script([(0.2, 0.6), (0.8, 1.4), (1.7, 2.0)], 2.0)
        return Audio(sound.samples, sound.sample_rate, start)


@pytest.mark.model
class TestPyannote(StoredContract, SegmenterContract):
    @classmethod
    def made(cls):
        return PyannoteSegmenter()


class TestFakeSegmenter(SegmenterContract):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return FakeSegmenter()


@pytest.mark.model
class TestCamPlusPlus(StoredContract, SpeakerEncoderContract):
    @classmethod
    def made(cls):
        return CamPlusPlus()


class TestFakeVoices(SpeakerEncoderContract):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return FakeVoices()


@pytest.mark.model
class TestWhisperEncoder(StoredContract, SoundEncoderContract):
    tolerance = 1e-2  # float16

    @classmethod
    def made(cls):
        return WhisperEncoder()


class _TransformersSound(FolderContract, SoundEncoderContract):
    @classmethod
    def of(cls, source):
        from sensorium.adapters.models.hub.transformers_sound import TransformersSoundEncoder

        return TransformersSoundEncoder(source)


class TestTransformersWhisperEncoder(_TransformersSound):
    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, random_whisper):
        return random_whisper


class TestSpectrogramTransformer(_TransformersSound):
    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, random_spectrogram):
        return random_spectrogram


class TestFakeSoundEncoder(SoundEncoderContract):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return FakeSoundEncoder()
