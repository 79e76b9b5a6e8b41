"""A library's identities as a dataset: real video files, invented results, read back by each tool."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

import sensorium as sm
from sensorium.adapters.media.reader import MediaReader
from sensorium.core.errors import UsageError
from sensorium.interfaces.cli.main import main
from sensorium.learn.exporting import GONE, export_dataset
from sensorium.library.library import Library
from sensorium.ops.learning import choice
from sensorium.ops.learning.choice import ChoiceRule
from sensorium.testing.made_media import write_video
from sensorium.testing.sample_library import add_synthetic, synthetic_record

RED, BLUE, GREEN = (220, 30, 30), (30, 60, 220), (30, 190, 60)
COLOURS = {"P1": RED, "P2": BLUE, "P3": GREEN}
WHO = {"P1": ("V3f2a91c0", "Ada", 0.99), "P2": ("Vb0770001", None, None)}  # P3 is not identified
HEIGHT, WIDTH, SHOT = 96, 160, 2.0  # pixels, seconds
# who is in the shots of each film
SHOTS = (("P1",), ("P1", "P2"), ("P2",), ("P1", "P3"), ())


def place(person, at):
    """Where a square of 32 x 40 pixels is at a time; it moves."""
    left = 8.0 + {"P1": 0, "P2": 72, "P3": 100}[person] + 4 * round(at * 5 % 4)
    return left, 20.0, left + 32.0, 60.0


def film(path, seed, still=False, shots=SHOTS):
    """Colours for people before a background that is another one in every picture, or `still`."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(5 * SHOT * len(shots))) / 5
    pictures = []
    for at in times:
        if not pictures or not still:
            cells = np.kron(rng.integers(60, 190, (8, 10)), np.ones((12, 16)))
        pixels = np.repeat(cells[..., None], 3, axis=2).astype(np.uint8)
        for person in shots[int(at // SHOT)]:
            x0, y0, x1, y1 = map(int, place(person, 0.0 if still else at))
            pixels[y0:y1, x0:x1] = COLOURS[person]
        pictures.append(pixels)
    return write_video(path, pictures, times)


def records(shots=SHOTS, still=False):
    found = []
    for index, there in enumerate(shots):
        start = index * SHOT
        found.append(synthetic_record("shot", start, start + SHOT, index=index))
        for step in range(round(5 * SHOT)):
            at = round(start + step / 5, 3)
            for person in there:
                corners = zip(
                    ("x0", "y0", "x1", "y1"), place(person, 0.0 if still else at), strict=True
                )
                values = {"label": "face", "score": 0.9, "person": person, **dict(corners)}
                track = 10 * index + int(person[1])
                found.append(synthetic_record("region", at, at, track=track, shot=index, **values))
    return found


def add(root, path, found=None):
    ref = MediaReader().probe(str(path))
    add_synthetic(root, ref, records() if found is None else found, "faces")
    return ref


def people(self, media=None):
    """What `Library.people` says, from WHO."""
    rows = [
        {"media": entry["digest"], "uri": entry["uri"], "label": person, "kind": "face",
         "identity": identity, "name": name, "score": score}
        for entry in self.inputs()
        for person, (identity, name, score) in WHO.items()
    ]  # fmt: skip
    columns = ["media", "uri", "label", "kind", "identity", "name", "score"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    return [film(folder / f"film {name}.mp4", seed) for seed, name in enumerate("abcde")]


@pytest.fixture
def library(tmp_path, films, monkeypatch):
    monkeypatch.setattr(Library, "people", people)
    for path in films:
        add(tmp_path / "library", path)
    return tmp_path / "library"


def holds(pixels, box, person):
    """Whether a box of a picture has the person's colour inside and not around it."""
    x0, y0, x1, y1 = (round(value) for value in box)
    inside = pixels[y0 + 3 : y1 - 3, x0 + 3 : x1 - 3].reshape(-1, 3).mean(0)
    beside = pixels[y0:y1, max(x0 - 6, 0) : x0 - 3].reshape(-1, 3).mean(0)
    colour = np.array(COLOURS[person])
    return abs(inside - colour).max() < 30 and abs(beside - colour).max() > 40


def test_yolo(library, tmp_path):
    import yaml

    told = export_dataset(library, tmp_path / "data")
    root = tmp_path / "data"
    data = yaml.safe_load((root / "data.yaml").read_text())
    assert data["names"] == {0: "Ada", 1: "Vb0770001"}
    assert data["identities"] == {"Ada": "V3f2a91c0", "Vb0770001": "Vb0770001"}
    # Ultralytics: dataset = data["path"] or the folder of the file
    assert not data["path"]
    assert told["split"] == "file"
    checked, empty, sources = 0, 0, {}
    for split in ("train", "val"):
        pictures = sorted((root / data[split]).glob("*.jpg"))
        labels = sorted((root / "labels" / split).glob("*.txt"))
        assert [each.stem for each in pictures] == [each.stem for each in labels]
        assert len(pictures) == told["pictures"][split] > 0
        sources[split] = {each.name.split("-")[1] for each in pictures}
        for picture, label in zip(pictures, labels, strict=True):
            pixels = np.asarray(Image.open(picture))
            assert pixels.shape == (HEIGHT, WIDTH, 3)
            rows = [line.split() for line in label.read_text().splitlines()]
            empty += not rows
            for number, *values in rows:
                x, y, width, height = np.array(values, float) * (WIDTH, HEIGHT, WIDTH, HEIGHT)
                box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
                assert holds(pixels, box, ("P1", "P2")[int(number)]), (picture.name, box)
                checked += 1
    assert checked == sum(each[split] for each in told["classes"] for split in ("train", "val"))
    assert checked > 40
    assert not sources["train"] & sources["val"]  # whole files
    assert empty == sum(told["negatives"].values()) > 0
    assert told["left_out"][choice.UNKNOWN] == 50  # the shot with P3, in five films
    assert json.loads((root / "dataset.json").read_text()) == told
    assert str(tmp_path) not in (root / "dataset.json").read_text()
    with Image.open(root / "sheet.png") as sheet:
        assert sheet.width > 800
        assert len(sheet.convert("RGB").getcolors(1 << 20)) > 200  # crops are on it


def test_coco(library, tmp_path):
    told = export_dataset(library, tmp_path / "data", "coco")
    for split in ("train", "val"):
        folder = tmp_path / "data" / "images" / split
        read = json.loads(coco_file(tmp_path, split).read_text())
        names = {each["id"]: (each["name"], each["identity"]) for each in read["categories"]}
        assert names == {1: ("Ada", "V3f2a91c0"), 2: ("Vb0770001", "Vb0770001")}
        images = {each["id"]: each for each in read["images"]}
        assert len(images) == told["pictures"][split] == len(list(folder.iterdir()))
        assert len({each["id"] for each in read["annotations"]}) == len(read["annotations"])
        for each in read["annotations"]:
            x, y, width, height = each["bbox"]
            assert each["area"] == pytest.approx(width * height)
            assert each["iscrowd"] == 0
            image = images[each["image_id"]]
            pixels = np.asarray(Image.open(folder / image["file_name"]))
            assert pixels.shape == (image["height"], image["width"], 3)
            assert holds(
                pixels, (x, y, x + width, y + height), ("", "P1", "P2")[each["category_id"]]
            )


def coco_file(folder, split):
    return folder / "data" / "annotations" / f"instances_{split}.json"


def test_coco_with_its_own_tool(library, tmp_path):
    tool = pytest.importorskip("pycocotools.coco")
    from pycocotools.cocoeval import COCOeval

    told = export_dataset(library, tmp_path / "data", "coco")
    for split in ("train", "val"):
        coco = tool.COCO(coco_file(tmp_path, split))
        for number, each in enumerate(told["classes"], 1):
            assert len(coco.getAnnIds(catIds=[number])) == each[split]
        perfect = [{**each, "score": 0.9} for each in coco.loadAnns(coco.getAnnIds())]
        scored = COCOeval(coco, coco.loadRes(perfect), "bbox")
        scored.evaluate()
        scored.accumulate()
        scored.summarize()
        assert scored.stats[0] == pytest.approx(1.0)


def test_huggingface(library, tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    told = export_dataset(library, tmp_path / "data", "huggingface")
    read = datasets.load_dataset(
        "imagefolder", data_dir=str(tmp_path / "data"), cache_dir=str(tmp_path / "cache")
    )
    assert {split: len(rows) for split, rows in read.items()} == {
        "train": told["pictures"]["train"],
        "validation": told["pictures"]["val"],
    }
    classes = json.loads((tmp_path / "data" / "classes.json").read_text())
    assert classes[0] == {"name": "Ada", "identity": "V3f2a91c0"}
    negatives = 0
    for rows in read.values():
        for row in rows:
            negatives += not row["identities"]
            pixels = np.asarray(row["image"])
            for number, (x, y, width, height), identity in zip(
                row["objects"]["categories"], row["objects"]["bbox"], row["identities"], strict=True
            ):
                assert classes[number]["identity"] == identity
                assert holds(pixels, (x, y, x + width, y + height), ("P1", "P2")[number])
    assert negatives == sum(told["negatives"].values()) > 0


def test_one_file_is_divided_by_shot(tmp_path, films, monkeypatch):
    monkeypatch.setattr(Library, "people", people)
    add(tmp_path / "library", films[0])
    told = export_dataset(tmp_path / "library", tmp_path / "data", rule=ChoiceRule(per_shot=3))
    assert told["split"] == "shot"
    shots = {}
    for split in ("train", "val"):
        names = [each.stem for each in (tmp_path / "data" / "images" / split).iterdir()]
        shots[split] = [int(name.split("-")[2]) // 2000 for name in names]
    assert shots["val"]
    assert not set(shots["train"]) & set(shots["val"])
    assert max(shots["train"].count(shot) for shot in set(shots["train"])) == 3


def test_a_picture_that_stands_still_is_taken_once(tmp_path, monkeypatch):
    monkeypatch.setattr(Library, "people", people)
    shots = (("P1",), ("P2",))
    path = film(tmp_path / "still.mp4", 1, still=True, shots=shots)
    add(tmp_path / "library", path, records(shots, still=True))
    told = export_dataset(tmp_path / "library", tmp_path / "data")
    assert sum(told["pictures"].values()) == 2
    assert told["left_out"][choice.ALIKE] == 6


def test_names_only(library, tmp_path):
    told = export_dataset(library, tmp_path / "data", names_only=True)
    assert [each["name"] for each in told["classes"]] == ["Ada"]
    assert told["left_out"][choice.UNKNOWN] == 150  # P2 is a face without a class now


def test_two_identities_of_one_name_are_two_classes(library, tmp_path, monkeypatch):
    monkeypatch.setitem(WHO, "P2", ("Vb0770001", "Ada", 0.95))
    told = export_dataset(library, tmp_path / "data")
    assert [each["name"] for each in told["classes"]] == ["Ada (V3f2a91c0)", "Ada (Vb0770001)"]


def test_a_strange_name_survives_yaml(library, tmp_path, monkeypatch):
    import yaml

    name = 'Zoë "Z" \\ 😀: #1\x7f'
    monkeypatch.setitem(WHO, "P2", ("Vb0770001", name, 0.95))
    export_dataset(library, tmp_path / "data")
    data = yaml.safe_load((tmp_path / "data" / "data.yaml").read_text(encoding="utf-8"))
    assert data["names"][1] == name


def test_a_file_that_is_gone_costs_only_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(Library, "people", people)
    paths = [film(tmp_path / f"{name}.mp4", seed) for seed, name in enumerate("ab")]
    for path in paths:
        add(tmp_path / "library", path)
    paths[0].unlink()
    told = export_dataset(tmp_path / "library", tmp_path / "data")
    assert told["unreadable"] == {str(paths[0]): "the file is no longer there"}
    kept = json.loads((tmp_path / "data" / "dataset.json").read_text())
    assert kept["unreadable"] == {"a.mp4": "the file is no longer there"}
    assert told["left_out"][GONE] > 0
    assert set(told["files"].values()) == {"b.mp4"}


def test_an_image_and_its_unknown_face(tmp_path, monkeypatch, rng):
    monkeypatch.setattr(Library, "people", people)
    for name, others in (("alone", []), ("together", [None])):
        pixels = rng.integers(0, 255, (120, 160, 3), np.uint8)
        pixels[20:80, 30:90] = RED
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        found = []
        for number, person in enumerate(["P1", *others]):
            corners = {"x0": 30.0 + 60 * number, "y0": 20.0, "x1": 90.0 + 60 * number, "y1": 80.0}
            found.append(
                synthetic_record("region", label="face", score=0.9, person=person, **corners)
            )
        add(tmp_path / "library", tmp_path / f"{name}.png", found)
    told = export_dataset(tmp_path / "library", tmp_path / "data")
    assert told["pictures"] == {"train": 1, "val": 0}
    assert told["left_out"] == {choice.LOOSE: 1}
    [label] = (tmp_path / "data" / "labels" / "train").iterdir()
    assert label.read_text() == "0 0.375000 0.416667 0.375000 0.500000\n"


def test_the_same_library_gives_the_same_dataset(library, tmp_path):
    for name in ("one", "two"):
        export_dataset(library, tmp_path / name, "coco")
    files = {
        name: {
            str(file.relative_to(tmp_path / name)): file.read_bytes()
            for file in sorted((tmp_path / name).rglob("*"))
            if file.is_file()
        }
        for name in ("one", "two")
    }
    assert files["one"] == files["two"]


def test_wrong_usage(library, tmp_path, monkeypatch):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    with pytest.raises(UsageError, match="empty folder"):
        export_dataset(library, tmp_path / "full")
    with pytest.raises(UsageError, match="yolo, coco, huggingface"):
        export_dataset(library, tmp_path / "data", "voc")
    with pytest.raises(UsageError, match="none is fit"):
        export_dataset(library, tmp_path / "data", rule=ChoiceRule(smallest=500))
    monkeypatch.setattr(Library, "people", lambda self, media=None: people(self).iloc[:0])
    with pytest.raises(UsageError, match="expected identified persons"):
        export_dataset(sm.open(library), tmp_path / "data")
    assert sorted(os.listdir(tmp_path)) == ["full", "library"]  # nothing half-made stays


def test_command(library, tmp_path):
    out = tmp_path / "data"
    out.mkdir()
    words = ["dataset", str(library), "--format", "coco", "--out", str(out), "--per-shot", "2"]
    done = CliRunner().invoke(main, [*words, "--json", "--quiet"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["rule"]["per_shot"] == 2
    assert (out / "annotations" / "instances_train.json").exists()
    again = CliRunner().invoke(main, words)
    assert again.exit_code == 2
    assert "empty folder" in again.output
