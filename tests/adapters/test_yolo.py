"""YOLO models from ONNX files, whoever trained them, and the detector that takes over."""

import json

import numpy as np
import pytest

from sensorium.adapters.models.vision.yolo import YoloDetector
from sensorium.core.errors import ModelError, UsageError
from sensorium.core.media import Frames
from sensorium.core.record import Provenance
from sensorium.core.vision import Regions
from sensorium.learn.detector_training import read_data
from sensorium.pipelines.people.takeover import Takeover, TakeoverRule, voted
from tiny_graphs import yolo_graph

BOX = (100.0, 40.0, 180.0, 120.0)  # in the picture of 320 x 160 that each test looks at


def look(path, **more):
    frame = Frames(np.zeros((1, 160, 320, 3), np.uint8), np.array([2.0]))
    return YoloDetector(path, **more).detect(frame)[0]


def on_canvas(box, top=40):
    """The box where a model of 160 x 160 sees it: the picture at half its size, 40 pixels down."""
    x0, y0, x1, y1 = (value / 2 for value in box)
    return x0, y0 + top, x1, y1 + top


def centred(box):
    x0, y0, x1, y1 = box
    return (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0


def columns(*rows):
    """As the models give them: one column per place; most places hold nothing."""
    empty = np.zeros((len(rows[0]), 40), np.float32)
    for place, row in enumerate(rows):
        empty[:, place] = row
    return empty


def test_outputs_of_every_kind_mean_the_same_box(tmp_path):
    """ultralytics, YOLOv5, without duplicates, libreyolo (which fits pictures into the corner)."""
    there, corner = on_canvas(BOX), on_canvas(BOX, top=0)
    v8 = columns((*centred(there), 0.1, 0.9), (*centred(there), 0.0, 0.8))
    v5 = columns((*centred(there), 0.95, 0.1, 0.9)).T
    ours = columns((*corner, 0.1, 0.9))
    last = np.zeros((5, 6))
    last[0] = (*there, 0.9, 1)
    kinds = {
        "v8": yolo_graph(tmp_path / "v8.onnx", v8),
        "v5": yolo_graph(tmp_path / "v5.onnx", v5),
        "end": yolo_graph(tmp_path / "end.onnx", last, names="{0: 'Ann', 1: 'Bo', 2: 'Cy'}"),
        "libreyolo": yolo_graph(
            tmp_path / "l.onnx", ours, libreyolo_version="1.6.0", letterbox_pad="topleft"
        ),
    }
    for kind, path in kinds.items():
        found = look(path)
        assert found.label == ("Bo",), kind  # duplicates of it are gone
        np.testing.assert_allclose(found.xyxy[0], BOX, atol=0.01, err_msg=kind)
        assert found.score[0] == pytest.approx(0.855 if kind == "v5" else 0.9)
        assert found.at == 2.0


def test_weak_boxes_are_left_out_and_boxes_end_at_the_border(tmp_path):
    over = on_canvas((250.0, 40.0, 400.0, 120.0))
    path = yolo_graph(
        tmp_path / "m.onnx", columns((*centred(over), 0.9, 0), (*centred(on_canvas(BOX)), 0.1, 0))
    )
    found = look(path)
    assert len(found) == 1
    assert found.xyxy[0, 2] == 320
    assert len(look(path, least_score=0.05)) == 2


def test_classes_and_identities_beside_the_file_come_first(tmp_path):
    path = yolo_graph(tmp_path / "best.onnx", columns((*centred(on_canvas(BOX)), 0.1, 0.9)))
    text = json.dumps({"classes": ["V1", "Ann Lee"], "identities": {"Ann Lee": "V2"}})
    (tmp_path / "detector.json").write_text(text)
    (tmp_path / "best.pt").write_bytes(b"weights that are never read")
    detector = YoloDetector(str(tmp_path / "best.pt"))
    assert detector.classes == ("V1", "Ann Lee")
    assert detector.identities == {"V1": "V1", "Ann Lee": "V2"}
    assert look(path).label == ("Ann Lee",)
    assert detector.provenance.revision.startswith("best.onnx sha256:")


def test_files_that_are_no_model(tmp_path):
    (tmp_path / "alone.pt").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"alone\.onnx beside alone\.pt.*export"):
        _ = YoloDetector(str(tmp_path / "alone.pt")).provenance
    (tmp_path / "bad.onnx").write_bytes(b"x")
    with pytest.raises(ModelError, match="expected an ONNX model"):
        look(str(tmp_path / "bad.onnx"))
    nameless = yolo_graph(tmp_path / "n.onnx", columns((0, 0, 0, 0, 0.9)), names="")
    with pytest.raises(ModelError, match="names of the classes"):
        look(nameless)
    with pytest.raises(ModelError, match="expected an output of 2 classes"):
        look(yolo_graph(tmp_path / "other.onnx", np.zeros((9, 11))))


def test_a_model_of_the_hub_comes_through_its_library(tmp_path, monkeypatch):
    """The hub itself is out of reach here: its library answers with a file of our own."""
    import huggingface_hub

    asked = []

    def download(repository, file):
        asked.append((repository, file))
        return yolo_graph(tmp_path / "m.onnx", columns((*centred(on_canvas(BOX)), 0.9, 0.1)))

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    assert look("hub:ann/heads/onnx/model.onnx").label == ("Ann",)
    assert asked == [("ann/heads", "onnx/model.onnx")]
    with pytest.raises(ModelError, match="OWNER/NAME"):
        look("hub:heads.onnx")

    def away(repository, file):
        raise OSError("no connection")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", away)
    with pytest.raises(ModelError, match="cannot be fetched"):
        look("hub:ann/heads/model.onnx")


class Says:
    """A detector that gives what it is told: (box, score, label) per picture."""

    provenance = Provenance("made-up", "1")

    def __init__(self, *pictures):
        self.pictures, self.num = list(pictures), 0

    def detect(self, frames):
        rows = self.pictures[min(self.num, len(self.pictures) - 1)]
        self.num += 1
        boxes = np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4)
        scores = np.array([score for _, score, _ in rows], np.float32)
        labels = tuple(label for _, _, label in rows)
        none = np.full(len(rows), -1, np.int64)
        return [Regions(boxes, scores, labels, none, float(frames.times[0]))]


def at(seconds):
    return Frames(np.zeros((1, 160, 320, 3), np.uint8), np.array([float(seconds)]))


OTHER = (10.0, 10.0, 60.0, 60.0)


def test_the_trained_model_is_believed_where_it_is_sure():
    """The other one is asked at the start and every two seconds, not in between."""
    general = Says([(BOX, 0.8, "face")])
    both = Takeover(Says([(BOX, 0.9, "Ann")]), general)
    found = [both.detect(at(t / 5))[0] for t in range(11)]
    assert {each.label for each in found} == {("Ann",)}  # one face, though both found it
    assert general.num == 2
    assert found[0].landmarks.shape == (1, 5, 2)


class Pointing:
    """Finds a face with landmarks wherever there is red, in pixels of the picture given."""

    provenance = Provenance("pointing", "1")
    least = 1  # red pixels that it wants

    def __init__(self):
        self.sizes = []

    def detect(self, frames):
        self.sizes.append(frames.pixels.shape[1:3])
        rows, columns = np.nonzero(frames.pixels[0, ..., 0] > 128)
        num = int(len(rows) >= self.least)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if num else []
        boxes = np.array(box, np.float32).reshape(num, 4)
        points = boxes[:, None, :2] + np.full((num, 5, 2), 2, np.float32)
        none = np.full(num, -1, np.int64)
        score = np.full(num, 0.9, np.float32)
        return [Regions(boxes, score, ("face",) * num, none, float(frames.times[0]), points)]


@pytest.mark.parametrize("size", [40, 300])
def test_the_mouth_of_a_known_face_is_looked_for_in_its_box(size):
    """A large face is shown small; what is found comes back in pixels of the picture."""
    pixels = np.zeros((1, 480, 640, 3), np.uint8)
    pixels[0, 90 : 90 + size, 60 : 60 + size] = (255, 0, 0)
    box, near = (60.0, 90.0, 60.0 + size, 90.0 + size), Pointing()
    both = Takeover(Says([(box, 0.9, "Ann")]), Says([]), near=near)
    found = both.detect(Frames(pixels, np.zeros(1)))[0]
    assert found.landmarks[0] == pytest.approx(np.array([[60, 90]] * 5) + 2, abs=size / 20)
    assert max(near.sizes[0]) <= 2 * 96 + 8


def test_where_nothing_is_seen_in_the_box_landmarks_are_where_they_usually_are():
    blind = Pointing()
    blind.least = 10**9
    ((points,),) = (
        each.landmarks
        for each in Takeover(Says([(BOX, 0.9, "Ann")]), Says([]), near=blind).detect(at(0))
    )
    x0, y0, x1, y1 = BOX
    assert ((points >= (x0, y0)) & (points <= (x1, y1))).all()
    assert points[:2, 1].max() < points[2, 1] < points[3:, 1].min()


def test_where_it_is_unsure_the_other_one_is_asked():
    general = Says([(BOX, 0.8, "face")])
    both = Takeover(Says([(BOX, 0.4, "Ann")]), general, TakeoverRule(audit=100))
    assert [both.detect(at(t))[0].label for t in range(3)] == [("face",)] * 3
    assert general.num == 3


def test_strangers_are_followed_while_they_are_there():
    """Who has no class is found at the next look, and then in every picture."""
    known, stranger = (BOX, 0.9, "Ann"), (OTHER, 0.8, "face")
    general = Says([(BOX, 0.8, "face")], [(BOX, 0.8, "face"), stranger])
    both = Takeover(Says([known]), general, TakeoverRule(audit=1.0))
    labels = [both.detect(at(t / 2))[0].label for t in range(5)]
    assert labels == [("Ann",), ("Ann",), ("Ann", "face"), ("Ann", "face"), ("Ann", "face")]


def test_every_file_is_looked_at_by_both_at_its_start():
    """A picture after a picture, and a video after another."""
    general = Says([(BOX, 0.8, "face")])
    both = Takeover(Says([(BOX, 0.9, "Ann")]), general)
    for seconds in (0.0, 0.0, 0.0, 0.2, 0.4, 0.0, 0.2):
        both.detect(at(seconds))
    assert general.num == 4


def test_a_track_is_what_most_of_its_pictures_say():
    classes = {"Ann": "V1", "Bo": "V2"}
    assert voted([("Ann", 0.9), ("face", 0.8), ("Ann", 0.7)], classes) == ("Ann", 0.8)
    assert voted([("Ann", 0.9), ("Bo", 0.8)], classes) is None
    assert voted([("face", 0.9)], classes) is None
    assert voted([], classes) is None


def test_a_detector_of_other_classes_names_nobody(tmp_path):
    """Its classes are followed as things, through cuts not; "person" is no identity."""
    from sensorium.adapters.media.reader import MediaReader
    from sensorium.core.config import Config
    from sensorium.pipelines.vision.objects import Objects
    from sensorium.run.plan import build
    from sensorium.testing.made_media import squares, write_video
    from sensorium.testing.sample_library import synthetic_record

    output = columns((*centred(on_canvas(BOX)), 0.9, 0.0), (*centred(on_canvas(OTHER)), 0.0, 0.8))
    path = yolo_graph(tmp_path / "coco.onnx", output, names="{0: 'person', 1: 'car'}")
    built = build(Config.flat(trained=path), 1)
    faces = next(each for each in built.passes if each.name == "faces")
    assert "takeover" not in str(faces.recipe())
    assert [each.name for each in built.passes].count("objects") == 1
    video = write_video(tmp_path / "a.mp4", squares(100, 160, 320))
    shots = [
        synthetic_record("shot", a, b, index=i) for i, (a, b) in enumerate(((0.0, 2.0), (2.0, 4.0)))
    ]
    ref = MediaReader().probe(str(video))
    found = list(
        Objects(MediaReader(), YoloDetector(path)).run(ref, {"shot": shots}, lambda done: None)
    )
    assert {r.values["label"] for r in found} == {"person", "car"}
    assert {r.values["person"] for r in found} == {None}
    assert len(found) == 2 * 20
    tracks = {(r.values["label"], r.values["shot"]): set() for r in found}
    for record in found:
        tracks[record.values["label"], record.values["shot"]].add(record.values["track"])
    assert [len(numbers) for numbers in tracks.values()] == [1, 1, 1, 1]
    assert len(set.union(*tracks.values())) == 4


def dataset(root, num=6, size=64):
    """Synthetic pictures: a red square is Ann, a blue one is Bo."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for side in ("train", "val"):
        (root / "images" / side).mkdir(parents=True)
        (root / "labels" / side).mkdir(parents=True)
        for number in range(num):
            pixels = rng.integers(60, 90, (size, size, 3), np.uint8)
            left, top = rng.integers(4, size - 30, 2)
            pixels[top : top + 24, left : left + 24] = ((220, 30, 30), (30, 30, 220))[number % 2]
            Image.fromarray(pixels).save(root / "images" / side / f"{number}.jpg", quality=95)
            middle = f"{(left + 12) / size:.4f} {(top + 12) / size:.4f}"
            line = f"{number % 2} {middle} {24 / size:.4f} {24 / size:.4f}\n"
            (root / "labels" / side / f"{number}.txt").write_text(line)
    text = 'path: ""\ntrain: images/train\nval: images/val\nnames: {0: Ann, 1: Bo}\nidentities: {Ann: V1}\n'
    (root / "data.yaml").write_text(text)
    return root


def test_datasets_that_cannot_be_trained_on(tmp_path):
    with pytest.raises(UsageError, match="sensorium dataset"):
        read_data(tmp_path / "away")
    root = dataset(tmp_path / "data")
    assert read_data(root)["names"] == ["Ann", "Bo"]
    label = root / "labels" / "train" / "0.txt"
    for line in ("7 0.5 0.5 0.1 0.1", "0 0.5 0.5 0.1", "0 0.5 0.5 0.1 1.4", "Ann 0 0 1 1"):
        label.write_text(line)
        with pytest.raises(UsageError, match=r"0\.txt line 1"):
            read_data(root)
    label.write_text("")  # a picture without anybody is allowed
    read_data(root)
    for file in (root / "images" / "val").iterdir():
        file.unlink()
    with pytest.raises(UsageError, match="pictures for val"):
        read_data(root)


@pytest.fixture(scope="module")
def libreyolo():
    """libreyolo, on a torchvision that may have been built for another torch."""
    pytest.importorskip(
        "libreyolo", reason="libreyolo is not installed (extra detector)", exc_type=ImportError
    )
    import torchvision_shim

    torchvision_shim.install()


@pytest.fixture(scope="module")
def trained(libreyolo, tmp_path_factory):
    """Two epochs of the smallest model on a synthetic set: enough to see that all parts fit."""
    from sensorium.learn.detector_training import train_detector

    folder = tmp_path_factory.mktemp("yolo")
    data = dataset(folder / "data")
    told = []

    class Progress:
        def start(self, name):
            pass

        def step(self, done, total, loss):
            told.append((done, total))

        def stop(self):
            pass

    choices = {"epochs": 2, "batch": 3, "image_size": 64, "threads": 1, "device": "cpu"}
    best = train_detector(data, folder / "runs", progress=Progress(), **choices)
    return data, best, told


def test_training_leaves_a_detector_and_what_is_to_be_known_of_it(trained):
    _, best, told = trained
    assert told == [(1, 2), (2, 2)]
    about = json.loads(best.with_name("detector.json").read_text())
    assert about["classes"] == ["Ann", "Bo"]
    assert about["identities"] == {"Ann": "V1"}
    assert about["licence of the trainer"] == "MIT"
    for name in ("best.pt", "best.onnx", "metrics.jsonl", "curves.png", "map.png"):
        assert best.with_name(name).stat().st_size > 0, name
    detector = YoloDetector(str(best), least_score=0.0)
    assert detector.identities == {"Ann": "V1", "Bo": "Bo"}


def test_the_onnx_file_says_what_the_trainer_says(trained):
    """The same picture through libreyolo's own prediction and through ours, far from the trainer."""
    from libreyolo import LibreYOLO9
    from PIL import Image

    data, best, _ = trained
    file = data / "images" / "val" / "0.jpg"
    pixels = np.asarray(Image.open(file).convert("RGB"))
    ours = YoloDetector(str(best), least_score=1e-9, most_iou=0.99)
    found = ours.detect(Frames(pixels[None], np.zeros(1)))[0]
    theirs = LibreYOLO9(str(best), size="t", device="cpu")
    said = theirs.predict(str(file), conf=1e-9, iou=0.99, imgsz=64).boxes
    xyxy, conf = np.asarray(said.xyxy), np.asarray(said.conf)
    assert len(found) > 0
    assert len(conf) > 0
    best_one = int(conf.argmax())
    assert found.score[0] == pytest.approx(float(conf[best_one]), rel=0.05)
    np.testing.assert_allclose(found.xyxy[0], xyxy[best_one], atol=2.0)


def test_a_training_that_was_stopped_goes_on_and_no_other_takes_its_place(trained, tmp_path):
    from sensorium.learn.detector_training import summary, train_detector
    from sensorium.run.progress import Steps

    data, best, _ = trained
    with pytest.raises(UsageError, match="--resume"):
        train_detector(data, best.parent, epochs=2)
    assert summary(best.parent)["classes"] == 2

    class Stops(Steps):
        def step(self, done, total, loss):
            if done == 2:
                raise KeyboardInterrupt

    choices = {"epochs": 3, "batch": 3, "image_size": 64, "threads": 1, "device": "cpu"}
    with pytest.raises(KeyboardInterrupt):
        train_detector(data, tmp_path / "runs", progress=Stops(), **choices)
    assert not (tmp_path / "runs" / "best.pt").exists()
    train_detector(data, tmp_path / "runs", resume=True)
    lines = (tmp_path / "runs" / "metrics.jsonl").read_text().splitlines()
    epochs = [json.loads(line)["epoch"] for line in lines]
    assert epochs[-1] == 3
    assert epochs.count(1) == 1  # what was done is not done again
    assert (tmp_path / "runs" / "best.onnx").exists()


def test_a_model_that_there_is_not(libreyolo, tmp_path):
    from sensorium.learn.detector_training import train_detector

    data = dataset(tmp_path / "data")
    with pytest.raises(UsageError, match="yolo9-t"):
        train_detector(data, tmp_path / "runs", model="yolo99")
    with pytest.raises(UsageError, match="multiple of 32"):
        train_detector(data, tmp_path / "runs", image_size=100)
    with pytest.raises(UsageError, match="nonsense"):
        train_detector(data, tmp_path / "runs", nonsense=1)
