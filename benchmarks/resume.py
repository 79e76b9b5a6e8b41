"""Kills a run at random moments, goes on, and compares with a run that nobody disturbed.

    python benchmarks/resume.py --kills 20

The folder is the one of thirty inputs of which eight are bad (`sensorium.testing.made_folder`), the models
are the real ones. After each kill the library must be readable, and after the run that follows it must
equal the undisturbed one, byte for byte.
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
from pathlib import Path

from sensorium.core.record import KINDS
from sensorium.library.library import Library
from sensorium.testing.made_folder import make_folder


def start(inputs: list[Path], out: Path) -> subprocess.Popen:
    """The command line in a process group of its own."""
    command = [
        sys.executable,
        "-m",
        "sensorium",
        "extract",
        *map(str, inputs),
        "--out",
        str(out),
        "--quiet",
    ]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def contents(out: Path) -> str:
    """Everything in a library that a user sees."""
    library = Library(out)
    tables = {kind: library.table(kind).to_pylist() for kind in KINDS if kind != "feature"}
    values = [each.values.tolist() for each in library.iter_features()]
    return json.dumps([library.inputs(), tables, values])


def main() -> None:
    """One line per kill, and a verdict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs = make_folder(folder / "in")
        started = time.monotonic()
        assert start(inputs, folder / "whole").wait() == 3
        whole = time.monotonic() - started
        expected = contents(folder / "whole")
        print(f"undisturbed: {whole:.1f} s, {len(expected)} characters of results")
        print("| killed after s | bytes there | equal after the next run |\n|---|---|---|")
        num_equal = 0
        for _ in range(options.kills):
            out = folder / "killed"
            shutil.rmtree(out, ignore_errors=True)
            process = start(inputs, out)
            after = chance.uniform(0.0, whole)
            time.sleep(after)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            there = sum(f.stat().st_size for f in out.glob("*/**/*") if f.is_file())
            if (out / "sensorium.json").exists():
                Library(out).media()
            assert start(inputs, out).wait() == 3
            equal = contents(out) == expected
            num_equal += equal
            print(f"| {after:.1f} | {there} | {'yes' if equal else 'NO'} |", flush=True)
        print(f"{num_equal} of {options.kills} equal")


if __name__ == "__main__":
    main()
