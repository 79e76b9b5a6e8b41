"""Kills a run at random moments, or fills its disk, goes on, and compares with a run that nobody disturbed.

    python benchmarks/resume.py --kills 200 --fakes
    python benchmarks/resume.py --full 20 --fakes

The folder is the one of thirty inputs of which eight are bad (`sensorium.testing.made_folder`), the models
are the real ones. With `--fakes` the runs are forks of this process, and a reader and three passes stand in
for the real ones: a run is short, and most of it is writing.
After each kill the library must be readable and `sensorium check` must find it sound, and after the run that
follows it must equal the undisturbed one, byte for byte. `--full` gives the library a disk (a tmpfs, mounted
by root) of random size that is too small, then one that is large enough.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sensorium.core.config import Config
from sensorium.core.features import Features
from sensorium.core.media import MediaRef
from sensorium.core.record import KINDS, Record
from sensorium.library.gallery import Gallery
from sensorium.library.health.damage import find_damage
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.ports import Earlier, Report
from sensorium.run import work
from sensorium.run.executors import Options
from sensorium.run.extract import run
from sensorium.run.plan import Built
from sensorium.run.progress import Watcher
from sensorium.testing.fake_passes import CountingPass, FakeReader, NoSubtitles
from sensorium.testing.made_folder import make_folder

SOME_FAILED = 3


@dataclass
class Runs:
    """The command line over the same inputs, with the real models or with fakes."""

    inputs: list[Path]

    def start(self, out: Path) -> subprocess.Popen:
        """A run in a process group of its own."""
        command = [sys.executable, "-m", "sensorium", "extract", *map(str, self.inputs)]
        command += ["--out", str(out), "--quiet"]
        return subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def sound(self, out: Path) -> bool:
        """Whether the library is readable as it was left, and nothing in it is damaged."""
        if not (out / "sensorium.json").exists():
            return True
        Library(out).media()
        return not damages(Layout(out))


class Forked:
    """A process of its own that was not started anew; like `subprocess.Popen`."""

    def __init__(self, action: Callable[[], int]) -> None:
        self.pid = os.fork()
        if not self.pid:
            os.setsid()
            code = 1
            try:
                code = action()
            finally:
                os._exit(code)

    def wait(self) -> int:
        """Its exit code, negative for a signal."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class WithFakes(Runs):
    """Runs whose reader and passes cost next to nothing; each pass pauses, so that kills fall everywhere."""

    def start(self, out: Path) -> Forked:
        """A run in a process group of its own."""
        return Forked(lambda: self._extract(out))

    def _extract(self, out: Path) -> int:
        passes = [
            WithTensor("pictures", pause=0.003),
            CountingPass("speech", size=20, pause=0.0005),
            CountingPass("who", ("speech",), size=5),
        ]
        built = Built(FakeReader(), NoSubtitles(), passes)
        work._built = lambda config, threads: built
        outcomes = run(self.inputs, out, Config(), Options(num_workers=0), Watcher())
        return SOME_FAILED if any(each.failures for each in outcomes) else 0


class WithTensor(CountingPass):
    """Gives 16 kB of numbers as well."""

    def run(self, ref: MediaRef, earlier: Earlier, report: Report) -> Iterator[Record | Features]:
        """One record, one tensor."""
        yield from super().run(ref, earlier, report)
        number = float(int(ref.digest[:4], 16))
        yield Features(np.full(4096, number, np.float32), (), self.provenance.model, "class")


def damages(layout: Layout) -> list:
    """What `sensorium check` finds."""
    return find_damage(layout).serious()


def contents(out: Path) -> str:
    """Everything in a library that a user sees, where the tensors lie excepted."""
    library = Library(out)
    tables = {kind: library.table(kind).to_pylist() for kind in KINDS if kind != "feature"}
    values = [each.values.tolist() for each in library.iter_features()]
    return json.dumps([library.inputs(), tables, values, Gallery(Layout(out)).decisions()])


def killed(runs: Runs, folder: Path, kills: int, chance: random.Random) -> None:
    """One line per kill, and a verdict."""
    started = time.monotonic()
    assert runs.start(folder / "whole").wait() == SOME_FAILED
    whole = time.monotonic() - started
    expected = contents(folder / "whole")
    print(f"undisturbed: {whole:.1f} s, {len(expected)} characters of results")
    print("| killed after s | bytes there | sound | equal after the next run |\n|---|---|---|---|")
    num_equal = num_sound = done = 0
    while done < kills:
        out = folder / "killed"
        shutil.rmtree(out, ignore_errors=True)
        process = runs.start(out)
        after = chance.uniform(0.0, whole)
        time.sleep(after)
        os.killpg(process.pid, signal.SIGKILL)
        if process.wait() != -signal.SIGKILL:
            continue  # it had ended by then
        done += 1
        there = sum(f.stat().st_size for f in out.glob("*/**/*") if f.is_file())
        sound = runs.sound(out)
        assert runs.start(out).wait() == SOME_FAILED
        equal = contents(out) == expected
        num_equal, num_sound = num_equal + equal, num_sound + sound
        print(f"| {after:.2f} | {there} | {told(sound)} | {told(equal)} |", flush=True)
    print(f"{num_sound} of {kills} sound, {num_equal} of {kills} equal")


def filled(runs: Runs, folder: Path, times: int, chance: random.Random) -> None:
    """The same with a disk that is full before the end."""
    assert runs.start(folder / "whole").wait() == SOME_FAILED
    expected = contents(folder / "whole")
    with disk(folder / "large", 256 << 20) as large:
        assert runs.start(large / "lib").wait() == SOME_FAILED
        needed = used(large)
    print(f"undisturbed: at most about {needed} bytes of disk at the end")
    print("| bytes of disk | exit | sound | equal after the next run |\n|---|---|---|---|")
    num_equal = num_sound = 0
    for _ in range(times):
        size = chance.randrange(8192, needed, 4096)
        with disk(folder / "disk", size) as small:
            out = small / "lib"
            code = runs.start(out).wait()
            sound = runs.sound(out)
            subprocess.run(["mount", "-o", "remount,size=256m", str(small)], check=True)
            assert runs.start(out).wait() == SOME_FAILED
            equal = contents(out) == expected
        num_equal, num_sound = num_equal + equal, num_sound + sound
        print(f"| {size} | {code} | {told(sound)} | {told(equal)} |", flush=True)
    print(f"{num_sound} of {times} sound, {num_equal} of {times} equal")


def told(well: bool) -> str:
    """For a table."""
    return "yes" if well else "NO"


def used(place: Path) -> int:
    """Bytes of the file system that are taken."""
    at = os.statvfs(place)
    return (at.f_blocks - at.f_bfree) * at.f_frsize


@contextmanager
def disk(place: Path, size: int) -> Iterator[Path]:
    """A file system in memory of so many bytes."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)  # we hold a catalogue open
        place.rmdir()


def main() -> None:
    """See the top of the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--full", type=int, default=0)
    parser.add_argument("--fakes", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kind = WithFakes if options.fakes else Runs
        runs = kind(make_folder(folder / "in"))
        if options.full:
            filled(runs, folder, options.full, random.Random(options.seed))
        else:
            killed(runs, folder, options.kills or 20, random.Random(options.seed))


if __name__ == "__main__":
    main()
