"""Patches beside the peers: the same arrays, one process, time and peak memory.

    pip install --no-deps patchify empatches tiler blended-tiling   # patchify asks for numpy < 2
    pip install einops tqdm
    python benchmarks/patches.py --markdown docs/benchmarks-patches.md

Each row is run `--repeat` times (the first, which compiles, is not counted) and the fastest is taken;
it starts from arrays in memory and ends with a new array, as a user would have it. Peak memory is what
numpy and torch hold on top of the inputs, output included: numpy's by tracemalloc in a run of its
own, torch's by its allocator's profile. A peer that is not installed is left out and said so.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from patches_peers import Entry, blended_entry, fold_entry, peer, with_tiler
from patches_sweep import sweep

import sensorium.patches as sm

COPY = "memory copy"


class Row(NamedTuple):
    """One measurement."""

    case: str
    who: str
    seconds: float
    peak: float  # MB; NaN where it was not measured
    exact: bool | None  # whether untouched patches came back


def fastest(run: Callable[[], Any], repeat: int) -> float:
    """Seconds of the quickest of `repeat` runs, after one that is not counted."""
    run()
    best = float("inf")
    for _ in range(repeat):
        gc.collect()
        start = time.perf_counter()
        result = run()
        best = min(best, time.perf_counter() - start)
        del result
    return best


def loop_time(run: Callable[[], Any]) -> float:
    """Seconds of one call of something that takes microseconds."""
    run()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(1000):
            run()
        times.append((time.perf_counter() - start) / 1000)
    return min(times)


def peak(run: Callable[[], Any]) -> float:
    """MB that numpy holds at most while `run` works, its result included."""
    gc.collect()
    tracemalloc.start()
    result = run()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    del result
    return most / 1e6


def measured(case: str, entries: Iterator[Entry], repeat: int) -> Iterator[Row]:
    """A row per entry; one that fails is told and left out."""
    for who, run, right in entries:
        try:
            result = run()
            exact = None if right is None else bool(right(result))
            del result
            seconds = fastest(run, repeat)
            traced = "torch" not in who and "fold" not in who and "blended" not in who
            yield Row(case, who, seconds, peak(run) if traced else float("nan"), exact)
        except Exception as error:
            print(f"{case}, {who}: {type(error).__name__}: {error}", file=sys.stderr)


def views(image: np.ndarray) -> Iterator[Row]:
    """A split to a view, whatever the size."""
    case = f"view, {shape_of(image)}, 256 px"
    yield Row(
        case, "sensorium", loop_time(lambda: sm.split(image, 256, axes="h w c").values), 0, None
    )
    if patchify := peer("patchify"):
        run = lambda: patchify.patchify(image, (256, 256, 3), (256, 256, 3))  # noqa: E731
        yield Row(case, "patchify", loop_time(run), 0, None)
    if einops := peer("einops"):
        run = lambda: einops.rearrange(image, "(i h) (j w) c -> i j h w c", h=256, w=256)  # noqa: E731
        yield Row(case, "einops", loop_time(run), 0, None)


def splits(image: np.ndarray, patch: int) -> Iterator[Entry]:
    """A split to an array of its own."""
    size = image.shape[0] // patch * patch
    assert size == image.shape[0]  # the cases are chosen so that all peers can take part
    yield Entry(COPY, image.copy)
    yield Entry("sensorium", lambda: sm.split(image, patch, axes="h w c").contiguous())
    if patchify := peer("patchify"):
        step = (patch, patch, 3)
        yield Entry("patchify", lambda: np.ascontiguousarray(patchify.patchify(image, step, step)))
    if einops := peer("einops"):
        pattern = "(i h) (j w) c -> i j h w c"
        yield Entry(
            "einops",
            lambda: np.ascontiguousarray(einops.rearrange(image, pattern, h=patch, w=patch)),
        )
    if (empatches := peer("empatches")) and patch > 16 and image.size < 1e8:
        door = empatches.EMPatches()
        yield Entry(
            "empatches", lambda: np.stack(door.extract_patches(image, patch, stride=patch)[0])
        )


def joins(image: np.ndarray, patch: int) -> Iterator[Entry]:
    """A merge without overlap."""
    patches = sm.split(image, patch, axes="h w c")
    values, grid = patches.contiguous(), patches.grid

    def right(result: np.ndarray) -> bool:
        return np.array_equal(result, image)

    yield Entry(COPY, image.copy)
    yield Entry("sensorium", lambda: sm.merge(values, grid), right)
    if patchify := peer("patchify"):
        many = values[:, :, None]
        yield Entry("patchify", lambda: patchify.unpatchify(many, image.shape), right)
    if einops := peer("einops"):
        pattern = "i j h w c -> (i h) (j w) c"
        yield Entry(
            "einops", lambda: np.ascontiguousarray(einops.rearrange(values, pattern)), right
        )
    if (empatches := peer("empatches")) and patch > 16 and image.size < 1e8:
        listed, boxes = empatches.EMPatches().extract_patches(image, patch, stride=patch)
        yield Entry("empatches", lambda: empatches.EMPatches().merge_patches(listed, boxes), right)


def blends(image: np.ndarray, blend: Any) -> Iterator[Entry]:
    """A merge with 50 % overlap, patches of 256."""
    patches = sm.split(image, 256, 128, axes="h w c", edge="error")
    values, grid = patches.contiguous(), patches.grid

    def right(result: Any) -> bool:
        return np.array_equal(np.asarray(result).reshape(image.shape).astype(image.dtype), image)

    yield Entry(COPY, image.copy)
    yield Entry("sensorium", lambda: sm.merge(values, grid, blend), right)
    if (patchify := peer("patchify")) and blend == "mean":
        many = values[:, :, None]
        yield Entry("patchify (crops)", lambda: patchify.unpatchify(many, image.shape), right)
    if (empatches := peer("empatches")) and blend == "mean":
        listed, boxes = empatches.EMPatches().extract_patches(image, 256, stride=128)
        run = lambda: empatches.EMPatches().merge_patches(listed, boxes, "avg")  # noqa: E731
        yield Entry("empatches", run, right)
    if peer("tiler"):
        yield Entry("tiler", lambda: with_tiler(image, values, blend), right)
    if (torch := peer("torch")) and blend == "mean":
        yield fold_entry(torch, image, values, right)
    if peer("blended_tiling") and blend == "mean":
        yield blended_entry(image, values, right)


def video(frames: np.ndarray, back: bool) -> Iterator[Entry]:
    """Frames of 720x1280 in patches of 16 x 16."""
    patches = sm.split(frames, {"h": 16, "w": 16}, axes="t h w c")
    yield Entry(COPY, frames.copy)
    if not back:
        yield Entry("sensorium", patches.contiguous)
    else:
        values, grid = patches.contiguous(), patches.grid
        yield Entry(
            "sensorium", lambda: sm.merge(values, grid), lambda r: np.array_equal(r, frames)
        )
    if einops := peer("einops"):
        there, again = "t (i h) (j w) c -> i j t h w c", "i j t h w c -> t (i h) (j w) c"
        if back:
            run = lambda: np.ascontiguousarray(einops.rearrange(values, again))  # noqa: E731
        else:
            run = lambda: np.ascontiguousarray(  # noqa: E731
                einops.rearrange(frames, there, h=16, w=16)
            )
        yield Entry("einops", run)


def shape_of(array: np.ndarray) -> str:
    """As in 4096x4096x3."""
    return "x".join(map(str, array.shape))


def rows(repeat: int, large: int) -> Iterator[Row]:
    """Every case."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (4096, 4096, 3), dtype=np.uint8)
    yield from views(image)
    for patch in (256, 16):
        name = f"{shape_of(image)}, {patch} px"
        yield from measured(f"split to contiguous, {name}", splits(image, patch), repeat)
        yield from measured(f"merge without overlap, {name}", joins(image, patch), repeat)
    for blend in ("mean", "hann"):
        case = f"merge 50 % overlap, {blend}, {shape_of(image)}, 256 px"
        yield from measured(case, blends(image, blend), max(repeat // 2, 2))
    frames = rng.integers(0, 256, (300, 720, 1280, 3), dtype=np.uint8)
    for back in (False, True):
        case = f"{'merge' if back else 'split'} video, {shape_of(frames)}, 16 px"
        yield from measured(case, video(frames, back), 3)
    del frames
    image = rng.integers(0, 256, (large, large, 3), dtype=np.uint8)
    yield from views(image)
    yield from measured(f"split to contiguous, {shape_of(image)}, 256 px", splits(image, 256), 3)
    yield from measured(f"merge without overlap, {shape_of(image)}, 256 px", joins(image, 256), 3)


def table(found: list[Row]) -> str:
    """Markdown: ratios to the memory copy and of each peer to Sensorium."""
    lines = [
        "| case | who | ms | peak MB | x memory copy | x sensorium | exact |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for row in found:
        same = {other.who: other.seconds for other in found if other.case == row.case}
        copy = f"{row.seconds / same[COPY]:.2f}" if COPY in same else ""
        ours = f"{row.seconds / same['sensorium']:.2f}" if "sensorium" in same else ""
        exact = {None: "", True: "yes", False: "**no**"}[row.exact]
        memory = "" if np.isnan(row.peak) else f"{row.peak:.1f}"
        lines.append(
            f"| {row.case} | {row.who} | {row.seconds * 1e3:.4g} | {memory} | {copy} | {ours} | {exact} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Prints the table, and writes it where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--large", type=int, default=16384, help="side of the largest image")
    parser.add_argument("--markdown", help="write the table to this file")
    parser.add_argument("--only-sweep", action="store_true")
    arguments = parser.parse_args()
    missing = [
        n for n in ("patchify", "empatches", "einops", "tiler", "blended_tiling") if not peer(n)
    ]
    told = sweep()
    if not arguments.only_sweep:
        machine = (
            f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
            f"numpy {np.__version__}; load {os.getloadavg()[0]:.1f} at the start. "
            f"Not installed: {', '.join(missing) or 'none'}."
        )
        told = f"{machine}\n\n{table(list(rows(arguments.repeat, arguments.large)))}\n{told}"
    print(told)
    if arguments.markdown:
        head = "# Patches beside the peers\n\nWritten by `python benchmarks/patches.py --markdown`.\n\n"
        with open(arguments.markdown, "w", encoding="utf-8") as file:
            file.write(head + told)


if __name__ == "__main__":
    main()
