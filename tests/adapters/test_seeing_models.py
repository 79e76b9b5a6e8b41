"""Drawn faces and text on the screen, with the weights that ship in packages."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from sensorium.core.media import Frames
from sensorium.ops.vision.boxes import iou
from sensorium.testing.made_media import drawn_face

pytestmark = pytest.mark.model


def frame(pixels):
    return Frames(np.ascontiguousarray(pixels)[None], np.array([1.5]))


@pytest.fixture(scope="module")
def anime():
    from sensorium.adapters.models.vision.anime_faces import AnimeFaceDetector

    return AnimeFaceDetector()


@pytest.mark.parametrize(("size", "left", "top"), [(200, 20, 10), (300, 300, 50)])
def test_a_drawn_head_is_found_whatever_pillow_is_installed(anime, size, left, top):
    """AnimeFace finds nothing, without a word, with Pillow 12 if it is called as its package does."""
    pixels = np.full((360, 640, 3), 180, np.uint8)
    pixels[top : top + size, left : left + size] = drawn_face(size)
    found = anime.detect(frame(pixels))[0]
    assert found.label == ("drawn face",)
    assert found.at == 1.5
    head = np.array([[left + 0.2 * size, top + 0.15 * size, left + 0.8 * size, top + 0.85 * size]])
    assert iou(found.xyxy, head)[0, 0] > 0.6
    eyes, nose, mouth = found.landmarks[0, :2], found.landmarks[0, 2], found.landmarks[0, 3:]
    assert eyes[0, 0] < nose[0] < eyes[1, 0]
    assert eyes[:, 1].max() < nose[1] < mouth[:, 1].min()


def test_a_large_drawing_is_scaled_down_and_its_box_up_again(anime):
    found = anime.detect(frame(drawn_face(1600)))[0]
    assert len(found) == 1
    assert iou(found.xyxy, np.array([[320, 240, 1280, 1360]]))[0, 0] > 0.6


def test_nothing_drawn_is_nothing_found(anime, rng):
    assert len(anime.detect(frame(rng.integers(0, 255, (200, 300, 3), np.uint8)))[0]) == 0


def test_text_is_read_with_its_place():
    from sensorium.adapters.models.vision.rapid_text import RapidTextReader

    picture = Image.new("RGB", (640, 360), (60, 90, 60))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((30, 286, 330, 330), fill=(20, 40, 110))
    draw.text((44, 293), "KARL BERG", fill=(255, 255, 255), font=ImageFont.load_default(26))
    found = RapidTextReader().detect(frame(np.asarray(picture)))[0]
    assert found.label == ("KARL BERG",)
    assert iou(found.xyxy, np.array([[44, 293, 195, 322]]))[0, 0] > 0.4


def test_a_picture_is_searched_only_if_something_changed_in_it(monkeypatch):
    """Noise is no change; one other letter is."""
    from sensorium.adapters.models.vision.rapid_text import RapidTextReader
    from sensorium.core.media import Frames

    def shown(text, seed):
        picture = Image.new("RGB", (640, 360), (20, 40, 110))
        ImageDraw.Draw(picture).text(
            (44, 293), text, fill=(255, 255, 255), font=ImageFont.load_default(14)
        )
        noise = np.random.default_rng(seed).integers(-6, 7, (360, 640, 3))
        return np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8)

    reader, searched = RapidTextReader(), []
    search = reader._engine.detect_and_crop
    monkeypatch.setattr(
        reader._engine, "detect_and_crop", lambda *a: searched.append(1) or search(*a)
    )
    pixels = [shown("KARL BERG", 0), shown("KARL BERG", 1), shown("KARL BERT", 2)]
    found = reader.detect(Frames(np.stack(pixels), np.arange(3.0)))
    assert [each.label for each in found] == [("KARL BERG",), ("KARL BERG",), ("KARL BERT",)]
    assert len(searched) == 2


def test_weights_too_small_for_a_float_are_flushed(tmp_path):
    import onnx
    from onnx import helper, numpy_helper

    from sensorium.adapters.models.onnx_session import open_session

    weights = numpy_helper.from_array(np.array([1e-39, 2.0, 0.0], np.float32), "w")
    shape = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [3]) for n in "xy"]
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["y"])], "g", shape[:1], shape[1:], [weights]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "small.onnx")
    (made,) = open_session(tmp_path / "small.onnx", flush=True).run(
        None, {"x": np.full(3, 1e30, np.float32)}
    )
    assert made.tolist() == [0.0, np.float32(2e30), 0.0]


def test_drawn_heads_are_told_apart_or_not_by_their_drawing():
    from sensorium.adapters.models.vision.drawn_heads import DrawnHeads
    from sensorium.core.vision import Regions

    def head(**look):
        pixels = drawn_face(200, **look)
        boxes = np.array([[35, 25, 170, 175]], np.float32)
        only = Regions(boxes, np.ones(1, np.float32), ("drawn face",), np.array([-1]), 0.0)
        return encoder.encode(frame(pixels), [only])[0][0]

    encoder = DrawnHeads()
    one = head()
    assert one.shape == (384,)
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)
    other = head(hair=(230, 200, 90), eyes=(150, 40, 40))
    assert one @ head() == pytest.approx(1, abs=1e-4)
    assert one @ other < 0.97
