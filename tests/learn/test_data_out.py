"""A library read back by what it was written for: datasets, DuckDB, Polars, WebDataset, PyTorch."""

import json

import datasets
import duckdb
import numpy as np
import polars
import pytest
import webdataset
from click.testing import CliRunner
from torchdata.stateful_dataloader import StatefulDataLoader

from sensorium.adapters.media.reader import MediaReader
from sensorium.core.errors import UsageError
from sensorium.core.features import Features
from sensorium.core.time import Axis, Span
from sensorium.interfaces.cli.main import main
from sensorium.learn import FeatureStream, export_library
from sensorium.library.library import Library
from sensorium.testing.made_media import tone, write_sound
from sensorium.testing.sample_library import add_synthetic, synthetic_library, synthetic_ref


def heard(number, rows=3):
    """Features of one second that nobody else has."""
    values = np.full((rows, 4), number, np.float16) + np.arange(4, dtype=np.float16)
    axis = Axis("time", 0.0, 0.1, 0.1, "s")
    return Features(values, (axis,), "made", "encoder", Span(float(number), number + 1.0))


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Talk, words and faces, and two sounds with 5 and 6 features of different lengths."""
    root = tmp_path_factory.mktemp("out") / "library"
    synthetic_library(root)
    for name, first, num in (("a", 0, 5), ("b", 5, 6)):
        ref = synthetic_ref(f"/synthetic/{name}.wav", "audio", duration=8.0)
        add_synthetic(root, ref, [heard(n, 2 + n % 3) for n in range(first, first + num)])
    return Library(root)


@pytest.fixture(scope="module")
def folder(library, tmp_path_factory):
    out = tmp_path_factory.mktemp("parquet") / "data"
    told = export_library(library, out, shard_bytes=300)
    assert told["rows"]["words"] == len(library.words())
    assert told["rows"]["features-encoder"] == 11
    return out


def test_datasets_loads_and_streams_the_folder(library, folder, tmp_path):
    """Every table is a config; features keep their numbers and their shape."""
    cache = {"cache_dir": str(tmp_path)}
    words = datasets.load_dataset(str(folder), "words", split="train", **cache)
    assert words["text"] == list(library.words()["text"])
    assert "name" in words.column_names
    stream = datasets.load_dataset(
        str(folder), "features-encoder", split="train", streaming=True, **cache
    )
    rows = sorted(stream, key=lambda row: row["start"])
    for row, mine in zip(rows, map(heard, range(11), [2 + n % 3 for n in range(11)]), strict=True):
        assert np.array_equal(np.reshape(row["values"], row["shape"]), mine.values)
        assert json.loads(row["axes"])[0]["name"] == "time"
    assert stream.num_shards > 1


def test_duckdb_and_polars_read_the_folder_and_the_library(library, folder):
    num = len(library.words())
    assert duckdb.sql(f"select count(*) from '{folder}/words/*.parquet'").fetchall() == [(num,)]
    assert len(polars.scan_parquet(folder / "words").collect()) == num
    arrow = library.table("word")
    (different,) = duckdb.sql("select count(distinct text) from arrow").fetchone()
    assert different == len(set(library.words()["text"]))
    assert polars.from_arrow(arrow).height == num


def test_webdataset_reads_the_shards(library, tmp_path):
    """Samples of tables and arrays, in several tar files, each file of the library once."""
    out = tmp_path / "shards"
    told = export_library(library, out, "webdataset", shard_bytes=10_000)
    assert told["files"] == 5
    assert list(told["left_out"].values()) == ["could not be read"]
    names = sorted(map(str, out.glob("*.tar")))
    assert len(names) == told["shards"] > 1
    samples = list(webdataset.WebDataset(names, shardshuffle=False).decode())
    assert len({sample["__key__"] for sample in samples}) == 5
    found = {sample["json"]["uri"]: sample for sample in samples}
    talk = found["/synthetic/talk show.mp4"]["json"]
    assert [word["text"] for word in talk["words"]] == list(library.words()["text"])
    sound = found["/synthetic/b.wav"]
    for about, number in zip(sound["json"]["features"], range(5, 11), strict=True):
        assert np.array_equal(sound[about["part"]], heard(number, 2 + number % 3).values)
        assert about["start"] == number


def test_originals_go_along_if_they_are_still_the_same(tmp_path):
    """One that was overwritten since is left out and named."""
    for name in ("same", "changed"):
        path = write_sound(
            tmp_path / f"{name}.wav", tone(1, 16_000, hz=300 + len(name)), 16_000, "pcm_s16le"
        )
        add_synthetic(tmp_path / "library", MediaReader().probe(str(path)), [])
    write_sound(path, tone(1, 16_000, hz=500), 16_000, "pcm_s16le")
    out = tmp_path / "shards"
    told = CliRunner().invoke(
        main,
        f"export {tmp_path / 'library'} --out {out} --format webdataset --originals --json".split(),
    )
    assert told.exit_code == 3
    assert json.loads(told.stdout)["left_out"] == {str(path): "the file has changed since"}
    (sample,) = webdataset.WebDataset(str(out / "shard-000000.tar"), shardshuffle=False)
    assert sample["wav"] == (tmp_path / "same.wav").read_bytes()


def test_what_cannot_be_meant(library, tmp_path):
    for wrong, match in (
        ({"form": "lance"}, "expected one of parquet"),
        ({"tables": ["word"]}, r"expected some of media.*got word"),
        ({"features": ["patches"]}, "expected some of encoder; got patches"),
        ({"originals": True}, "webdataset"),
    ):
        with pytest.raises(UsageError, match=match):
            export_library(library, tmp_path / "x", **wrong)
    assert not list(tmp_path.iterdir())


def given(rows):
    return [float(row["start"]) for row in rows]


def test_ranks_and_workers_share_an_epoch(library):
    """Every row once over all of them, and in another order in the next epoch."""
    parts = []
    for rank in range(2):
        stream = FeatureStream(library, seed=3, rank=rank, num_ranks=2)
        loader = StatefulDataLoader(stream, batch_size=None, num_workers=2)
        parts += given(loader)
        stream.set_epoch(1)
        assert sorted(given(loader)) != sorted(parts[-6:])  # another share
    assert sorted(parts) == list(range(11))
    even = [
        len(list(FeatureStream(library, rank=rank, num_ranks=4, even=True))) for rank in range(4)
    ]
    assert even == [2, 2, 2, 2]


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_loader_goes_on_where_it_was_stopped(library, num_workers):
    """Whether in its first or in its second epoch; what follows is what would have followed."""

    def loader(epoch):
        stream = FeatureStream(library, seed=1)
        stream.set_epoch(epoch)
        return StatefulDataLoader(stream, batch_size=None, num_workers=num_workers)

    first, second = given(loader(0)), given(loader(1))
    assert first != second
    half = loader(1)
    rows = iter(half)
    begun = given(next(rows) for _ in range(4))
    resumed = loader(0)
    resumed.load_state_dict(half.state_dict())
    assert begun + given(resumed) == second


def test_a_state_of_something_else_is_refused(library):
    state = FeatureStream(library, seed=1).state_dict()
    with pytest.raises(UsageError, match="same features, seed and rank"):
        FeatureStream(library, seed=2).load_state_dict(state)
    with pytest.raises(UsageError, match=r"expected features 'patches', found none"):
        FeatureStream(library, "patches")
    with pytest.raises(UsageError, match="expected 0 to 1, got 2"):
        FeatureStream(library, rank=2, num_ranks=2)
