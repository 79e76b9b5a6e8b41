"""Ray: what executors promise, on two machines' worth of processes, one of which is killed."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import ray
from ray import cluster_utils

from contracts import executor
from sensorium.adapters.engines.ray_cluster import RayCluster
from sensorium.core.config import Config
from sensorium.core.errors import UsageError, WorkerError
from sensorium.library.library import Library
from sensorium.run.executors import Options
from sensorium.run.extract import run
from sensorium.run.progress import Watcher
from sensorium.testing.made_media import squares, write_video


@pytest.fixture(scope="module")
def two_nodes():
    """A head with one core, and a second node with two: raylets, stores and processes of their own."""
    for module in (sys.modules[__name__], executor):  # not installed where the workers are
        ray.cloudpickle.register_pickle_by_value(module)
    own = {"object_store_memory": 80_000_000, "include_dashboard": False}
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **own})
    cluster.add_node(num_cpus=2, object_store_memory=own["object_store_memory"])
    yield cluster
    cluster.shutdown()


class TestRayCluster(executor.WorkersContract):
    @pytest.fixture
    def executor(self, two_nodes):
        return RayCluster(two_nodes.address)


class Parcel:
    """Equipment that is a file."""

    def __init__(self, path):
        self._path = path

    def lacks(self):
        return not Path(self._path).exists()

    def packed(self):
        return b"models"

    def unpack(self, data):
        Path(self._path).write_bytes(data)


def test_what_is_needed_is_brought_along(two_nodes, tmp_path):
    there = tmp_path / "there"

    def read(item):
        return there.read_bytes()

    cluster = RayCluster(two_nodes.address, 1, equipment=Parcel(str(there)))
    assert dict(cluster.map(read, [2, 9])) == {0: b"models", 1: b"models"}


def test_a_machine_that_is_lost_costs_nothing(two_nodes):
    """Twelve items on three workers, two of which vanish: each is answered once, and the models stay."""

    def slow(item):
        time.sleep(0.5)
        return item, os.getpid()

    extra = two_nodes.add_node(num_cpus=2, object_store_memory=80_000_000)
    answers = []
    for index, (item, pid) in RayCluster(two_nodes.address).map(slow, list(range(14))):
        answers.append((index, item, pid))
        if len(answers) == 2:
            two_nodes.remove_node(extra, allow_graceful=False)
    assert sorted((index, item) for index, item, _ in answers) == [(i, i) for i in range(14)]
    assert len({pid for *_, pid in answers}) <= 6  # workers live on from item to item


def test_a_cluster_that_is_not_there_is_one_clear_error():
    with pytest.raises(WorkerError, match=r"expected a cluster at 127.0.0.1:1;.*ray start --head"):
        next(iter(RayCluster("127.0.0.1:1").map(str, [1])))


def test_workers_that_cannot_start_end_the_run_with_the_reason(two_nodes):
    class Broken(Parcel):
        def lacks(self):
            raise OSError("no space left")

    with pytest.raises(WorkerError, match=r"no worker could start.*no space left"):
        list(RayCluster(two_nodes.address, 1, equipment=Broken("")).map(str, [1]))


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Videos of several lengths, one that is none, and one that does not exist."""
    folder = tmp_path_factory.mktemp("films")
    for number in range(5):
        write_video(folder / f"{number}.mp4", squares(10 + 8 * number))
    (folder / "bad.mp4").write_bytes(b"no video")
    return [folder, folder / "gone.mp4"]


def tables(library):
    """All rows of a library but their places, in an order of their own."""
    kinds = ("media", "shot", "region", "error")
    return {kind: sorted(map(str, library.table(kind).to_pylist())) for kind in kinds}


def test_a_cluster_makes_the_library_that_one_machine_makes(two_nodes, films, tmp_path):
    """Also when a machine is lost in the middle; and then there is nothing to do, for either."""
    config = Config(passes=("shots",))
    here = Options(num_workers=0)
    run(films, tmp_path / "here", config, here, Watcher())
    extra = two_nodes.add_node(num_cpus=2, object_store_memory=80_000_000)

    class Losing(Watcher):
        lost = False

        def done(self, index, outcome):
            if not self.lost:
                self.lost = True
                two_nodes.remove_node(extra, allow_graceful=False)

    there = Options(engine="ray", address=two_nodes.address)
    outcomes = run(films, tmp_path / "there", config, there, Losing())
    assert [Path(each.uri).name for each in outcomes if each.failures] == ["bad.mp4", "gone.mp4"]
    assert tables(Library(tmp_path / "there")) == tables(Library(tmp_path / "here"))
    for options in (there, here):
        again = run(films, tmp_path / "there", config, options, Watcher())
        assert not any(each.computed for each in again)
    assert tables(Library(tmp_path / "there")) == tables(Library(tmp_path / "here"))


@dataclass(frozen=True)
class Watched:
    """An item whose progress somebody follows."""

    progress: str


def test_how_far_an_item_is_comes_back_while_it_is_worked_on(two_nodes, tmp_path):
    """Over a path that only this side knows; nothing of it is left when the item is finished."""
    told = tmp_path / "0.json"

    def half_done(item):
        assert item.progress != str(told)
        there = Path(item.progress)
        there.write_bytes(b"half")
        ends = time.monotonic() + 30
        while not (tmp_path / "seen").exists() and time.monotonic() < ends:
            time.sleep(0.05)
        there.unlink()
        return (tmp_path / "seen").exists()

    def look():
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            with suppress(FileNotFoundError):
                if told.read_bytes() == b"half":
                    return (tmp_path / "seen").touch()
            time.sleep(0.05)

    looking = threading.Thread(target=look)
    looking.start()
    assert list(RayCluster(two_nodes.address, 1).map(half_done, [Watched(str(told))])) == [
        (0, True)
    ]
    looking.join()
    assert not told.exists()


def test_what_does_not_go_together_is_said_at_once():
    with pytest.raises(UsageError, match="address: expected with the engine ray"):
        Options(address="somewhere:6379")
    with pytest.raises(UsageError, match="fence: expected with the engine local"):
        Options(engine="ray", fence=True)
    with pytest.raises(UsageError, match="engine: expected local or ray, got 'spark'"):
        Options(engine="spark")
