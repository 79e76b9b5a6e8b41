"""Ray: what executors promise, on two machines' worth of processes, one of which is killed."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
import ray
from ray import cluster_utils

from contracts import executor
from sensorium.adapters.engines.ray_cluster import RayCluster
from sensorium.core.errors import WorkerError


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
