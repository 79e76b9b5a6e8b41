"""Lazy datasets: what is touched is read and encoded, nothing else. The encoders are fakes."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

import sensorium as sm
from sensorium.adapters.media.reader import MediaReader
from sensorium.core.errors import MediaError, UsageError
from sensorium.core.features import Features
from sensorium.core.media import Audio
from sensorium.core.time import Span
from sensorium.embed.transforms import collate
from sensorium.models import registry
from sensorium.models.bundled import Model
from sensorium.testing.fake_encoders import FakeImageEncoder, FakeSoundEncoder
from sensorium.testing.made_media import tone, write_sound

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (10, 20, 30), (200, 100, 50), (1, 2, 3)]


@pytest.fixture(autouse=True)
def fakes() -> Iterator[None]:
    where, known = "sensorium.testing.fake_encoders", registry.models()
    fake = {
        ("image_encoder", "fake"): f"{where}:FakeImageEncoder",
        ("sound_encoder", "fake"): f"{where}:FakeSoundEncoder",
    }
    for (job, name), load in fake.items():
        known[job, name] = Model(name, job, "", "", load)  # type: ignore[arg-type]
    yield
    for key in fake:
        del known[key]


@pytest.fixture
def photos(tmp_path: Path) -> datasets.Dataset:
    paths = []
    for index, colour in enumerate(COLOURS):
        paths.append(str(tmp_path / f"{index}.png"))
        Image.new("RGB", (20 + index % 2, 10), colour).save(paths[-1])
    return datasets.Dataset.from_dict({"image": paths, "id": list(range(len(paths)))})


def image(**choices: Any) -> Any:
    return sm.transforms.image("fake", **choices)


def test_only_what_is_touched_is_read(photos: datasets.Dataset, monkeypatch: Any) -> None:
    read: list[str] = []
    probe = MediaReader.probe

    def counting(self: MediaReader, uri: str) -> Any:
        read.append(Path(uri).name)
        return probe(self, uri)

    monkeypatch.setattr(MediaReader, "probe", counting)
    lazy = photos.with_transform(image(columns={"image": "features"}))
    assert list(lazy.select_columns("id")["id"]) == list(range(6))
    assert not read
    row = lazy[3]
    assert read == ["3.png"]
    np.testing.assert_array_equal(row["features"], np.full((2, 2, 3), COLOURS[3], np.float32))
    assert row["id"] == 3
    assert row["image"].endswith("3.png")
    assert len(lazy[1:3]["features"]) == 2
    assert read == ["3.png", "1.png", "2.png"]


def test_set_transform_streams_and_maps_agree(photos: datasets.Dataset) -> None:
    expected = [np.full((2, 2, 3), colour, np.float32) for colour in COLOURS]
    lazy = photos.with_transform(image())
    np.testing.assert_array_equal([row["image"] for row in lazy], expected)
    photos.set_transform(image())
    np.testing.assert_array_equal(photos[:]["image"], expected)
    photos.reset_format()
    stream = photos.to_iterable_dataset()
    np.testing.assert_array_equal([row["image"] for row in stream.map(image())], expected)
    batched = stream.map(image(), batched=True, batch_size=4)
    np.testing.assert_array_equal([row["image"] for row in batched], expected)
    table = photos.map(image(columns={"image": "features"}), batched=True, batch_size=4)
    np.testing.assert_array_equal(table["features"][:], expected)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_data_loader_with_workers(photos: datasets.Dataset, workers: int) -> None:
    lazy = photos.with_transform(pickle.loads(pickle.dumps(image())))
    loader = DataLoader(lazy, batch_size=4, num_workers=workers)  # type: ignore[arg-type]
    batches = list(loader)
    assert [tuple(batch["image"].shape) for batch in batches] == [(4, 2, 2, 3), (2, 2, 2, 3)]
    seen = torch.cat([batch["image"] for batch in batches])
    assert seen[:, 0, 0].tolist() == [list(map(float, colour)) for colour in COLOURS]


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "f8", "bool"])
@pytest.mark.parametrize(
    "shape", [(8, 10), (8, 10, 1), (8, 10, 3), (8, 10, 4), (3, 8, 10), (2, 8, 10)]
)
def test_arrays_of_any_kind(dtype: str, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    part = rng.integers(0, 2, shape) if dtype == "bool" else rng.integers(0, 256, shape) / 255
    if shape[-1] == 4:
        part[..., 3] = 1
    if shape[0] == 2:
        part[1] = 1
    top = {"u1": 255, "u2": 65535}.get(dtype, 1)
    array = (part * top).round(0 if top > 1 else 9).astype(dtype)
    first = part.transpose(1, 2, 0) if shape[0] in (2, 3) else part.reshape(8, 10, -1)
    rgb = first[..., :3] if first.shape[2] >= 3 else first[..., :1].repeat(3, 2)
    expected = rgb.mean((0, 1)) * 255
    for value in (array, torch.from_numpy(array.astype("i4") if dtype == "u2" else array)):
        found = image(output="class")({"image": value})["image"]
        np.testing.assert_allclose(found, expected, atol=0.51)


def test_whatever_holds_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    picture = Image.new("RGBA", (6, 4), (100, 0, 0, 255))
    picture.save(path)
    held = io.BytesIO(path.read_bytes()).getvalue()
    for value in (
        str(path),
        path,
        held,
        {"bytes": held, "path": None},
        {"bytes": None, "path": str(path)},
        picture,
    ):
        found = image(output="class", form="features")({"image": value})["image"]
        assert isinstance(found, Features)
        assert found.values.tolist() == [100, 0, 0]


def test_datasets_own_pictures(photos: datasets.Dataset) -> None:
    decoded = photos.cast_column("image", datasets.Image()).with_transform(image(output="class"))
    raw = photos.cast_column("image", datasets.Image(decode=False)).with_transform(
        image(output="class")
    )
    for index, colour in enumerate(COLOURS):
        assert decoded[index]["image"].tolist() == raw[index]["image"].tolist() == list(colour)


def test_a_bad_row_is_named_and_stops_nothing(photos: datasets.Dataset, tmp_path: Path) -> None:
    (tmp_path / "2.png").write_bytes((tmp_path / "2.png").read_bytes()[:45])
    strict = photos.with_transform(image())
    assert strict[1]["image"].shape == (2, 2, 3)
    with pytest.raises(
        MediaError, match=r"row 2 \(image='.*2\.png', id=2\), column 'image': .*2\.png"
    ):
        strict[:]
    lenient = photos.with_transform(image(on_error="none"))
    with pytest.warns(UserWarning, match=r"row 2 .*2\.png.*cannot be read"):
        found = lenient[:]["image"]
    assert [each is None for each in found] == [False, False, True, False, False, False]
    batch = collate([{"image": each, "id": i} for i, each in enumerate(found)])
    assert batch["image_mask"].flatten(1).all(1).tolist() == [True, True, False, True, True, True]
    assert batch["id"] == list(range(6))


def test_bytes_that_are_nothing_are_called_by_their_name() -> None:
    value = {"bytes": b"no picture at all", "path": "train/0017.jpg"}
    with pytest.raises(MediaError, match=r"column 'image': train/0017\.jpg: expected"):
        image()({"image": value})


def test_sound_of_any_kind(tmp_path: Path) -> None:
    heard = sm.transforms.audio("fake", form="features")
    wave = tone(5.2, 16_000)
    path = write_sound(tmp_path / "a.wav", wave, 16_000, "pcm_s16le")
    expected = heard({"audio": str(path)})["audio"]
    assert expected.values.shape == (11, 2)
    assert expected.span == Span(0.0, 5.2)
    assert expected.num_valid is None
    np.testing.assert_allclose(expected.values[:10, 1], 0.5 / np.sqrt(2), atol=1e-3)
    decoded = {"array": wave[0], "sampling_rate": 16_000, "path": "a.wav"}

    class Decoder:  # as torchcodec's
        def get_all_samples(self) -> Any:
            return type("Samples", (), {"data": torch.from_numpy(wave), "sample_rate": 16_000})

    for value in (path, path.read_bytes(), {"bytes": path.read_bytes(), "path": "a.wav"}, decoded,
                  Audio(wave, 16_000), Decoder()):  # fmt: skip
        found = heard({"audio": value})["audio"]
        np.testing.assert_allclose(found.values, expected.values, atol=1e-3)


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_sound_is_resampled_and_mixed(rate: int, channels: int) -> None:
    wave = tone(3.0, rate, channels)
    value = {"array": wave, "sampling_rate": rate}
    found = sm.transforms.audio("fake")({"audio": value})["audio"]
    assert found.shape == (6, 2)
    np.testing.assert_allclose(found[1:5, 1], 0.5 / np.sqrt(2), atol=2e-3)


def test_sound_in_batches(tmp_path: Path) -> None:
    paths = [
        str(write_sound(tmp_path / f"{s}.wav", tone(s, 16_000), 16_000, "pcm_s16le"))
        for s in (1.0, 3.0)
    ]
    rows = datasets.Dataset.from_dict({"audio": paths}).with_transform(sm.transforms.audio("fake"))
    [batch] = DataLoader(rows, batch_size=2, collate_fn=collate)  # type: ignore[arg-type]
    assert batch["audio_mask"].sum(1).tolist() == [2, 6]


def test_wrong_use_is_one_clear_error(photos: datasets.Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="image_encoder: expected one of"):
        sm.transforms.image("nothing")
    with pytest.raises(UsageError, match="on_error: expected raise or none"):
        image(on_error="ignore")
    with pytest.raises(UsageError, match="form: expected array or features"):
        image(form="tensor")
    with pytest.raises(UsageError, match="columns: expected picture; the rows have image, id"):
        photos.with_transform(image(columns="picture"))[0]
    with pytest.raises(UsageError, match="output: fake gives patches, class; got 'pooled'"):
        image(output="pooled")({"image": np.zeros((4, 4), np.uint8)})
    with pytest.raises(UsageError, match=r"got an array \(5, 6, 7\)"):
        image()({"image": np.zeros((5, 6, 7))})
    with pytest.raises(UsageError, match="got NoneType"):
        image()({"image": None})
    with pytest.raises(MediaError, match="found NaN"):
        image()({"image": np.full((4, 4), np.nan)})
    with pytest.raises(MediaError, match="the bytes are empty"):
        image()({"image": b""})
    with pytest.raises(MediaError, match="expected sound, found image"):
        sm.transforms.audio("fake", columns="image")(photos[0])
    with pytest.raises(UsageError, match="a plain array does not tell its rate"):
        sm.transforms.audio("fake")({"audio": np.zeros(10)})
    with pytest.raises(UsageError, match=r"sample 0 \(0.000 s\) is NaN"):
        sm.transforms.audio("fake")({"audio": {"array": np.full(9, np.nan), "sampling_rate": 8000}})
    path = str(write_sound(tmp_path / "a.wav", tone(1.0, 16_000), 16_000, "pcm_s16le"))
    with pytest.raises(MediaError, match="expected a still picture, found audio"):
        image()({"image": path})


def test_the_fakes_keep_what_the_ports_promise() -> None:
    [(patches, whole)] = FakeImageEncoder().encode(
        sm.Frames(np.zeros((1, 1, 5, 3), np.uint8), np.zeros(1))
    )
    assert (patches.values.shape, whole.values.shape) == ((2, 2, 3), (3,))
    [(rows,)] = FakeSoundEncoder().encode([Audio(tone(0.7, 16_000), 16_000, 4.0)])
    assert (rows.num_valid, rows.axes[0].start, rows.span) == (2, 4.0, Span(4.0, 4.7))


@pytest.mark.model
def test_the_features_are_those_of_a_library(tmp_path: Path, rng: np.random.Generator) -> None:
    """With the bundled encoders: what a transform gives is what `extract` stores."""
    photo, path = tmp_path / "a.png", tmp_path / "a.wav"
    Image.fromarray(rng.integers(0, 256, (1100, 60, 3), dtype=np.uint8)).save(photo)
    write_sound(path, tone(31.0, 22_050), 22_050, "pcm_s16le")
    config = sm.Config(passes=("pictures", "sound", "shots"))
    library = sm.extract([photo, path], out=tmp_path / "library", config=config)
    [stored] = library.features(photo, "patches")
    found = sm.transforms.image(form="features")({"image": photo})["image"]
    np.testing.assert_array_equal(found.values, stored.values)
    assert found.model == stored.model
    heard = library.features(path, "encoder")
    joined = sm.transforms.audio(form="features")({"audio": path})["audio"]
    np.testing.assert_array_equal(
        joined.values, np.concatenate([each.values[: each.num_valid] for each in heard])
    )
