"""H 64..199, patch 32, six steps: how often what was split comes back."""

from __future__ import annotations

import multiprocessing
from typing import Any

import numpy as np
from patches_peers import peer

import sensorium.patches as sm

STEPS = (8, 16, 20, 24, 31, 32)


def sweep() -> str:
    """H 64..199, patch 32, six steps: how often patchify and the replacement come back right."""
    from sensorium.patches import patchify as ours

    counts: dict[str, dict[str, int]] = {}
    settings = [(h, s) for h in range(64, 200) for s in STEPS]
    for height, step in settings:
        image = np.random.default_rng(height).integers(1, 256, (height, 64), dtype=np.uint8)
        found = {"sensorium split and merge": outcome_of(image, step)}
        found["sensorium.patches.patchify"] = drop_in(ours, image, step)
        if peer("patchify"):
            found["patchify"] = guarded(height, step)
        for who, what in found.items():
            counts.setdefault(who, {}).setdefault(what, 0)
            counts[who][what] += 1
    lines = [
        f"- {who}: " + ", ".join(f"{count} {what}" for what, count in sorted(each.items()))
        for who, each in counts.items()
    ]
    return (
        f"Sweep of {len(settings)} settings (height 64..199, width 64, patch 32, steps {STEPS}):\n\n"
        + "\n".join(lines)
        + "\n"
    )


def outcome_of(image: np.ndarray, step: int) -> str:
    """The whole image must come back."""
    patches = sm.split(image, 32, step)
    return "exact" if np.array_equal(sm.merge(patches), image) else "wrong"


def drop_in(module: Any, image: np.ndarray, step: int) -> str:
    """What the patches cover must come back; the rest, which patchify drops, is 0."""
    patches = module.patchify(image, (32, 32), step)
    expected = np.zeros_like(image)
    for i, j in np.ndindex(*patches.shape[:2]):
        window = (slice(i * step, i * step + 32), slice(j * step, j * step + 32))
        expected[window] = image[window]
    return "exact" if np.array_equal(module.unpatchify(patches, image.shape), expected) else "wrong"


def original(height: int, step: int) -> str:
    """patchify itself, on the same image."""
    import patchify

    image = np.random.default_rng(height).integers(1, 256, (height, 64), dtype=np.uint8)
    try:
        return drop_in(patchify, image, step)
    except Exception:
        return "errors"


def guarded(height: int, step: int, seconds: float = 0.5) -> str:
    """`original` in a process of its own, which is ended if it never returns."""
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    work = context.Process(target=lambda: queue.put(original(height, step)))
    work.start()
    work.join(seconds)
    if work.is_alive():
        work.terminate()
        work.join()
        return "endless loops"
    return queue.get()
