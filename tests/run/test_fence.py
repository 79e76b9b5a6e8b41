"""The fence: what a worker cannot do any more, and that a fault costs one file whatever it is."""

import ctypes
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sensorium.adapters.engines.local import LocalPool
from sensorium.adapters.fencing import kernel_fence
from sensorium.adapters.fencing.fence import Enclosed
from sensorium.core.config import Config
from sensorium.core.errors import UsageError, WorkerError
from sensorium.core.limits import Fence
from sensorium.library.library import Library
from sensorium.run.executors import Options
from sensorium.run.extract import run
from sensorium.run.progress import Watcher
from sensorium.testing.made_media import squares, tone, write_video

linux = pytest.mark.skipif(sys.platform != "linux", reason="of the Linux kernel")
landlock = pytest.mark.skipif(
    sys.platform != "linux" or kernel_fence.landlock_version() < 2, reason="needs Landlock"
)
SMALL = Fence(memory=1e9, seconds=120, per_second=1, file_bytes=1e6)
IMPATIENT = replace(SMALL, seconds=9)


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Runs functions of this module, by name, in fenced workers; gives their answers."""
    library = tmp_path_factory.mktemp("library")

    def asked(*items, fence=SMALL):
        def late(item, seconds):  # only who never ends is, however slow the machine
            return fence.late(str(item), seconds, 0) if item[1] == "loop" else ""

        pool = LocalPool(2, fence=Enclosed(fence, (str(library),)), late=late)
        return dict(pool.map(act, [(str(library), *item) for item in items]))

    return asked


def act(item):
    """One deed of a worker; what it is told, or the exception."""
    library, deed, *rest = item
    return globals()[deed](library, *rest)


def refused(deed, *arguments, **options):
    """The name of the error that an attempt ends with; None if it succeeds."""
    try:
        deed(*arguments, **options)
    except OSError as error:
        return type(error).__name__
    return None


def network(library, address):
    """Every way to a socket, from Python and from a library in C, from this thread and a new one."""
    libc = ctypes.CDLL(None, use_errno=True)
    kinds = [socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK]
    told = [refused(socket.socket, kind, socket.SOCK_STREAM) for kind in kinds]
    told.append(refused(socket.create_connection, tuple(address), timeout=2))
    found = []
    thread = threading.Thread(target=lambda: found.append(libc.socket(2, 2, 0)))
    thread.start()
    thread.join()
    return [*told, *found, libc.syscall(425, 8, None)]


def programs(library):
    """Starting a program, forking, signals to the parent."""
    return [
        refused(subprocess.run, ["true"]),
        refused(os.system, "true") or os.system("true") != 0,
        refused(os.fork),
        refused(os.kill, os.getppid(), 0),
        refused(os.execv, "/bin/true", ["true"]),
    ]


def writes(library, outside):
    """What can be written, made, cut, removed and renamed, and where."""
    inside = Path(library, "made")
    inside.mkdir(exist_ok=True)
    (inside / "a").write_text("a")
    os.rename(inside / "a", Path(library, "b"))
    there = Path(outside, "there")
    return [
        refused(Path(outside, "new").write_text, "x"),
        refused(there.write_text, "x"),
        refused(os.truncate, there, 0),
        refused(there.unlink),
        refused(os.rename, Path(library, "b"), Path(outside, "b")),
        refused(os.symlink, "/etc/passwd", Path(outside, "link")),
        refused(os.mkdir, Path(outside, "folder")),
        there.read_text(),
    ]


def large(library, num):
    """A large file; then a small one."""
    told = refused(Path(library, "large").write_bytes, bytes(num))
    Path(library, "small").write_text("x")
    return told


def memory(library, num):
    """Memory from Python; in C, where nobody looks at what malloc returns."""
    try:
        np.ones(num, np.uint8)
    except MemoryError:
        return "MemoryError"
    return None


def loop(library):
    """A loop in native code that holds the interpreter's lock and never ends."""
    ctypes.PyDLL(None).pause()


def crash(library):
    """A fault of memory, as in a decoder."""
    ctypes.string_at(8)


def abort(library):
    """What C++ does when nobody catches bad_alloc."""
    os.abort()


def well(library, number):
    time.sleep(0.05)
    return number


@linux
def test_a_worker_reaches_no_network_and_no_other_process(ask):
    """Neither by Python nor by a call of C, and not through io_uring."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        told = ask(("network", server.getsockname()), ("programs",))
    assert told[0] == ["PermissionError"] * 5 + [-1, -1]
    assert told[1] == ["PermissionError", True, *["PermissionError"] * 3]


@landlock
def test_a_worker_writes_in_its_library_alone(ask, tmp_path):
    """Reading stays as it is; files elsewhere are neither made nor changed nor removed."""
    (tmp_path / "there").write_text("kept")
    told = ask(("writes", str(tmp_path)))[0]
    assert all(told[:7])
    assert told[7] == "kept"
    assert os.listdir(tmp_path) == ["there"]


def test_each_fault_costs_its_own_item_and_says_which_limit(ask):
    """A crash, an abort, a loop that never ends; those beside it are answered."""
    told = ask(
        ("well", 1), ("crash",), ("well", 2), ("loop",), ("abort",), ("well", 3), fence=IMPATIENT
    )
    assert [told[i] for i in (0, 2, 5)] == [1, 2, 3]
    assert all(isinstance(told[i], WorkerError) for i in (1, 3, 4))
    assert "SIGSEGV" in str(told[1])
    assert "not done within 9 s, the time that the fence leaves" in str(told[3])
    assert "SIGABRT" in str(told[4])
    assert "more memory than the fence allows (1 GB)" in str(told[4])


@linux
def test_memory_and_size_of_files_are_limited(ask):
    """What is too large is an error that can be caught, and the next thing works."""
    told = ask(("memory", 2_000_000_000), ("memory", 1_000_000), ("large", 2_000_000))
    assert [told[i] for i in range(3)] == ["MemoryError", None, "OSError"]


def test_a_fence_needs_a_worker_and_sane_limits(tmp_path):
    """Who asks for it and cannot have it is told; where nobody asked there is none for own files."""
    with pytest.raises(UsageError, match="1 worker or more"):
        run([tmp_path], tmp_path / "out", Config(), Options(0, fence=True), Watcher())
    with pytest.raises(UsageError, match=r"Fence\.memory: expected more than 0"):
        Fence(memory=0)


def test_results_are_the_same_inside(tmp_path):
    """Decoders, kernels that are compiled, the library: all of them work inside, and nothing changes."""
    write_video(tmp_path / "a.mp4", squares(12), sound=(tone(1, 16000), 16000))
    (tmp_path / "b.wav").write_bytes(b"no sound at all")
    config, found = Config(passes=("shots", "sound")), []
    for name, fence in (("in", True), ("out", False)):
        inputs, out = [tmp_path / "a.mp4", tmp_path / "b.wav"], tmp_path / name
        good, bad = run(inputs, out, config, Options(1, fence=fence), Watcher())
        assert good.computed == ("media", "sound", "shots")
        assert [each.error for each in bad.failures] == ["UnsupportedMediaError"]
        library = Library(out)
        found.append([library.table(kind).to_pylist() for kind in ("media", "shot", "error")])
        found[-1].append([each.values.tolist() for each in library.features()])
        assert not list((out / "work").iterdir())
    assert found[0] == found[1]
