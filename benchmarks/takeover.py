"""What a takeover makes of turns if the trained detector makes no mistake but trembling boxes.

    python benchmarks/takeover.py MEDIA WORK      # after benchmarks/detector_loop.py, whose library it takes

No training: the boxes are the maker's of the episodes, shaken by 3 % of their size, their class the actor. So
it says nothing of how well a detector learns, and all of what becomes of mouths and turns once it has. The
first row is the default detector in the library of the loop. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import time
from pathlib import Path
from typing import Any, ClassVar

import characters
import numpy as np
from detector_loop import PASSES, actors, at_time

import sensorium as sm
from sensorium.core.media import Frames
from sensorium.core.record import Provenance
from sensorium.core.vision import Regions
from sensorium.pipelines.people.faces import Faces
from sensorium.pipelines.people.takeover import Takeover
from sensorium.run import plan, work


class Truth:
    """Detects what the maker of `episode` put there."""

    provenance = Provenance("truth", "1")
    episode: ClassVar[dict[str, Any]] = {}  # of the file that is read

    def __init__(self, classes: dict[str, str]) -> None:
        self._classes, self._rng = classes, np.random.default_rng(0)

    def detect(self, frames: Frames) -> list[Regions]:
        """One Regions for the one frame."""
        at = float(frames.times[0])
        seen = [e for e in at_time(Truth.episode, at) if e["actor"] in self._classes]
        boxes = np.array([e["box"] for e in seen], np.float32).reshape(-1, 4)
        size = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        boxes = (boxes + size * self._rng.normal(0, 0.03, boxes.shape)).astype(np.float32)
        labels, none = tuple(e["actor"] for e in seen), np.full(len(seen), -1, np.int64)
        return [Regions(boxes, np.full(len(seen), 0.9, np.float32), labels, none, at)]


def faces_pass(classes: dict[str, str]) -> Any:
    """Stands for `sensorium.run.plan._faces`."""

    def made(media: Any, model: Any, config: Any, threads: int) -> Faces:
        finder = model["face_detector"]
        both: Any = Takeover(Truth(classes), finder, near=finder)
        return Faces(media, both, model["face_encoder"], classes=classes)

    return made


def measured(loop: Path, files: list[Path], made: Any) -> list[str]:
    """One row; `made` None: what the library of the loop holds."""
    library, spent, length = sm.Library(loop / "library"), 0.0, 0.0
    if made:
        shutil.rmtree(loop / "takeover", ignore_errors=True)
        shutil.copytree(loop / "library", loop / "takeover")
        plan._faces = made
        work._built.cache_clear()
    score = characters.Score()
    for file in files:
        truth = Truth.episode = characters.truth_of(str(file))
        length += truth["length"]
        if made:
            started = time.process_time()
            with contextlib.redirect_stderr(io.StringIO()):
                library = sm.extract(
                    [file], loop / "takeover", config=sm.Config(passes=PASSES), workers=0
                )
            spent += time.process_time() - started
        whose = characters.faces(library, str(file), truth, score, 0)
        characters.turns(library, str(file), truth, whose, score, 0)
    return [
        characters._share(score.linked),
        characters._share(score.silent),
        f"{spent / length:.2f}" if made else "",
    ]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("media", type=Path)
    parser.add_argument("work", type=Path)
    loop = parser.parse_args().work / "loop"
    *files, _ = sorted(loop.glob("s[012]episode*.mp4"))
    who = actors(sm.Library(loop / "library"), files)
    classes: dict[str, str] = {}
    for identity, actor in who.items():
        classes.setdefault(actor, identity)
    rows = (
        ("default detector", None),
        ("the maker's boxes, shaken, in whole pictures", faces_pass(classes)),
    )
    print(
        "| faces by | on-screen turns linked | off-screen turns without a face | seconds per second |"
    )
    print("|---|---|---|---|")
    for name, made in rows:
        print(f"| {' | '.join([name, *measured(loop, files, made)])} |", flush=True)


if __name__ == "__main__":
    main()
