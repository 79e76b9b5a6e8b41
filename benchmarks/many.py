"""What many small files cost a library: files, bytes, seconds and memory, step by step.

    python benchmarks/many.py --inputs 1000 10000 100000      # models are fakes: the cost of the files alone
    python benchmarks/many.py --inputs --real 1000            # the bundled models

Half of the inputs are pictures of 64x64 pixels with a face of one of inputs / 20 people, half are sounds of
1 s with three words; no two are the same. Each step is a command or a line of Python in a process of its
own, so its seconds include the start of Python; on a busy machine look at its seconds of computing. Memory
is the largest sum over the process and its workers, of which pages that they share are counted once (PSS,
looked at four times a second; Linux only).
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import many_fakes
import numpy as np
import psutil
from PIL import Image

_UNIT = 1e-4  # of `sensorium.testing.fake_hearing`: amplitude of word number 1
_WORDS = """
import sys, sensorium as sm
library = sm.open(sys.argv[1])
words = library.words(*sys.argv[2:])
assert len(words)
"""


class Cost(NamedTuple):
    """What a step took."""

    seconds: float
    computing: float  # seconds of CPU time, of it and its workers
    peak_mb: float
    stdout_bytes: int


def make_picture(path: Path, number: int, person: int) -> None:
    """A red face of a person on noise that only this picture has; in squares, for a flat one is not sharp."""
    pixels = np.random.default_rng(number).integers(0, 60, (64, 64, 3), np.uint8)
    bright = (np.arange(48)[:, None] // 4 + np.arange(48) // 4) % 2 == 0
    pixels[8:56, 8:56][bright] = (255, person >> 7 & 127, person & 127)
    Image.fromarray(pixels).save(path, compress_level=1)


def make_sound(path: Path, number: int) -> None:
    """1 s of 16 kHz with three words that spell its number."""
    samples = np.zeros(16_000)
    for place in range(3):
        word = 1 + number // 60**place % 60
        samples[800 + 5000 * place : 4800 + 5000 * place] = word * _UNIT
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(np.round(samples * 32768).astype("<i2").tobytes())


def make(folder: Path, first: int, last: int, people: int) -> None:
    """Inputs number `first` to `last`, in folders of a thousand."""
    for number in range(first, last):
        where = folder / f"{number // 1000:04d}"
        where.mkdir(parents=True, exist_ok=True)
        if number % 2:
            make_sound(where / f"{number}.wav", number)
        elif not (path := where / f"{number}.png").exists():
            make_picture(path, number, int(np.random.default_rng(number).integers(people)))


def measured(command: Sequence[str], path: Sequence[str], out: Path) -> Cost:
    """Runs a command to its end; what it prints goes to `out`."""
    started, used, peak = time.monotonic(), _used(), 0.0
    with open(out, "wb") as told:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
        process = psutil.Popen(command, stdout=told, env=environment)
        while process.poll() is None:
            peak = max(peak, _memory(process))
            time.sleep(0.25 if time.monotonic() - started > 2 else 0.05)
    seconds = time.monotonic() - started
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: ended with {process.returncode}")
    return Cost(seconds, _used() - used, peak / 1e6, out.stat().st_size)


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _memory(process: psutil.Process) -> int:
    total = 0
    for each in [process, *_children(process)]:
        try:
            total += each.memory_full_info().pss
        except psutil.Error:
            continue  # it ended between two looks
    return total


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def size(library: Path) -> tuple[int, int]:
    """(files, bytes) of a folder."""
    found = [os.path.join(at, name) for at, _, names in os.walk(library) for name in names]
    return len(found), sum(os.path.getsize(each) for each in found)


def steps(work: Path, inputs: Path, num: int, workers: int, fakes: bool) -> None:
    """Prints the rows of one size."""
    library, out, path = work / "library", work / "out", many_fakes.path_of(work)
    sensorium = [sys.executable, "-m", "sensorium"]
    config = ["--config", str(work / "fakes.yaml")] if fakes else []
    extract = [*sensorium, "extract", str(inputs), "--out", str(library), "--quiet",
               "--workers", str(workers), *config]  # fmt: skip
    sound = str(inputs / "0000" / "1.wav")

    def row(step: str, command: Sequence[str]) -> None:
        cost = measured(command, path, out)
        files, stored = size(library)
        print(
            f"| {num:,} | {step} | {cost.seconds:.1f} | {cost.computing:.1f} | {cost.peak_mb:.0f} "
            f"| {files:,} | {stored / 1e6:.1f} | {stored / _inputs(inputs) / 1e3:.1f} |",
            flush=True,
        )

    row("first run", extract)
    row("nothing to do", extract)
    make(inputs, num, num + num // 100, num // 20)
    row("1 % more", extract)
    row("show one file", [*sensorium, "show", str(library), "--media", sound])
    row("cast list --json", [*sensorium, "cast", "list", "--library", str(library), "--json"])
    row("words of one file", [sys.executable, "-c", _WORDS, str(library), sound])
    row("words of all files", [sys.executable, "-c", _WORDS, str(library)])
    row("show --format csv", [*sensorium, "show", str(library), "--format", "csv"])


def _inputs(folder: Path) -> int:
    return size(folder)[0]


def main() -> None:
    """A table of all sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, nargs="*", default=[1000, 10_000, 100_000])
    parser.add_argument("--real", type=int, nargs="*", default=[], help="sizes with real models")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--work", type=Path, help="folder to work in; else a new one, deleted after"
    )
    options = parser.parse_args()
    print("| inputs | step | s | s of computing | peak MB | files | MB | kB an input |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|")
    for fakes, sizes in ((True, options.inputs), (False, options.real)):
        if not fakes and sizes:
            print("| | **real models** | | | | | | |")
        for num in sizes:
            with tempfile.TemporaryDirectory(dir=options.work) as name:
                work = Path(name)
                many_fakes.plugin(work)
                make(work / "in", 0, num, max(num // 20, 1))
                steps(work, work / "in", num, options.workers, fakes)


if __name__ == "__main__":
    main()
