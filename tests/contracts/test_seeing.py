"""Whatever sees keeps the promises of its port."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from contracts.active_speaker import ActiveSpeakerContract
from contracts.detector import DetectorContract
from contracts.face_encoder import FaceEncoderContract
from contracts.image_encoder import ImageEncoderContract
from contracts.model import FolderContract, StoredContract, WeightsContract
from sensorium.adapters.models.vision.active_speaker import ActiveSpeakerModel
from sensorium.adapters.models.vision.centerface import CenterFaceDetector
from sensorium.adapters.models.vision.dinov2 import DinoV2Encoder
from sensorium.adapters.models.vision.dlib_faces import DlibFaceEncoder
from sensorium.adapters.models.vision.drawn_heads import DrawnHeads
from sensorium.adapters.models.vision.person_ssd import PersonDetector
from sensorium.adapters.models.vision.rapid_text import RapidTextReader
from sensorium.adapters.models.vision.yolo import YoloDetector
from sensorium.testing.fake_encoders import FakeImageEncoder
from sensorium.testing.fake_seeing import FakeActiveSpeaker, FakeFaceFinder, FakeFaces
from sensorium.testing.made_media import drawn_face, squares
from tiny_graphs import active_speaker_graph, yolo_graph


@pytest.mark.model
class TestDinoV2(StoredContract, ImageEncoderContract):
    tolerance = 0.05  # float16 of values up to 20

    @classmethod
    def made(cls):
        return DinoV2Encoder()


class TestTransformersEncoder(FolderContract, ImageEncoderContract):
    outputs = ("patches", "class", "pooled")

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, random_vision):
        return random_vision["dinov2"]

    @classmethod
    def of(cls, source):
        from sensorium.adapters.models.hub.transformers_vit import TransformersEncoder

        return TransformersEncoder(source)


class TestEncoderWithoutAClassToken(TestTransformersEncoder):
    outputs = ("patches", "pooled")

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, random_vision):
        return random_vision["siglip"]


class TestNativeEncoder(FolderContract, ImageEncoderContract):
    outputs = ("patches", "class", "pooled")
    padded = True

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, random_vision):
        return random_vision["clip"]

    @classmethod
    def of(cls, source):
        from sensorium.adapters.models.hub.transformers_vit import NativeEncoder

        return NativeEncoder(source)


class TestNaflex(FolderContract, ImageEncoderContract):
    outputs = ("patches", "pooled")

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, random_naflex):
        return random_naflex

    @classmethod
    def of(cls, source):
        from sensorium.adapters.models.hub.transformers_naflex import NaflexEncoder

        return NaflexEncoder(source)


class TestFakeImageEncoder(ImageEncoderContract):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return FakeImageEncoder()


def on_gray(picture, height, width, left=40, top=20):
    """The picture on gray."""
    pixels = np.full((height, width, 3), 128, np.uint8)
    pixels[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return pixels


@pytest.mark.model
class TestCenterFace(StoredContract, DetectorContract):
    @classmethod
    def made(cls):
        return CenterFaceDetector(least_score=0.2)  # a drawing is hardly a face to it

    def shown(self):
        return on_gray(drawn_face(100), 240, 320)


@pytest.mark.model
class TestPersons(StoredContract, DetectorContract):
    label = "body"

    @classmethod
    def made(cls):
        return PersonDetector(least_score=0.25)

    def shown(self):
        """No photo of a person may lie here; the network takes this for one, at 0.31."""
        y, x = np.mgrid[:300, :300]
        cone = 255 - abs(x - 150) - abs(y - 150)
        return np.stack([(x * 7 + y * 3) % 256, (x * y) % 251, cone % 256], -1).astype(np.uint8)


@pytest.mark.model
class TestAnimeFaces(WeightsContract, DetectorContract):
    label = "drawn face"
    missing = ImportError

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        pytest.importorskip("animeface")
        return cls.made()

    @classmethod
    def made(cls):
        from sensorium.adapters.models.vision.anime_faces import AnimeFaceDetector

        return AnimeFaceDetector()

    @pytest.fixture
    def spoilt(self, monkeypatch):
        """The weights are compiled into the package."""
        monkeypatch.setitem(sys.modules, "animeface", None)
        return self.made()

    def shown(self):
        return on_gray(drawn_face(200), 240, 320)


@pytest.mark.model
class TestRapidText(WeightsContract, DetectorContract):
    label = "KARL BERG"
    missing = FileNotFoundError

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return RapidTextReader()

    @pytest.fixture
    def spoilt(self, monkeypatch):
        """The weights lie in the package."""

        def gone(**options):
            raise FileNotFoundError("weights")

        monkeypatch.setattr("rapidocr.RapidOCR", gone)
        return RapidTextReader()

    def shown(self):
        picture = Image.new("RGB", (640, 360), (60, 90, 60))
        draw, font = ImageDraw.Draw(picture), ImageFont.load_default(26)
        draw.rectangle((30, 286, 330, 330), fill=(20, 40, 110))
        draw.text((44, 293), self.label, fill=(255, 255, 255), font=font)
        return np.asarray(picture)

    def test_a_batch_is_its_pictures_in_order(self, model):
        """Mirrored text is none: the picture itself in three places instead."""
        from contracts.detector import frames

        found = model.detect(frames(self.blank(), self.shown(), self.blank()))
        assert [(len(each), each.at) for each in found] == [(0, 1.5), (1, 2.5), (0, 3.5)]


class TestYolo(WeightsContract, DetectorContract):
    """A graph that finds its box in whatever is bright enough: in nothing else than `shown`."""

    label = "Bo"

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, tmp_path_factory):
        rows = np.zeros((6, 40), np.float32)
        rows[:, 0] = (70, 60, 40, 40, 0.1, 0.9)
        path = tmp_path_factory.mktemp("yolo") / "m.onnx"
        return YoloDetector(yolo_graph(path, rows, over=0.7))

    @pytest.fixture
    def spoilt(self, tmp_path):
        (tmp_path / "m.onnx").write_bytes(b"no graph")
        return YoloDetector(str(tmp_path / "m.onnx"))

    def shown(self):
        return on_gray(squares(1)[0], 160, 320)


class TestFakeFaceFinder(DetectorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return FakeFaceFinder()

    def shown(self):
        return squares(20)[19]


@pytest.mark.model
class TestDlibFaces(StoredContract, FaceEncoderContract):
    @classmethod
    def made(cls):
        return DlibFaceEncoder()


@pytest.mark.model
class TestDrawnHeads(StoredContract, FaceEncoderContract):
    @classmethod
    def made(cls):
        return DrawnHeads()


class TestFakeFaces(FaceEncoderContract):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return FakeFaces()


class TestActiveSpeakerModel(WeightsContract, ActiveSpeakerContract):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, tmp_path_factory):
        path = tmp_path_factory.mktemp("speaks") / "m.onnx"
        return ActiveSpeakerModel(active_speaker_graph(path, outputs=2))

    @pytest.fixture
    def spoilt(self, tmp_path):
        (tmp_path / "m.onnx").write_bytes(b"no graph")
        return ActiveSpeakerModel(str(tmp_path / "m.onnx"))


class TestFakeActiveSpeaker(ActiveSpeakerContract):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls):
        return FakeActiveSpeaker()
