"""Ten hours of speech: memory, cost per hour, and whether a voice keeps its label.

    python benchmarks/speech_long.py --data ../shared/data --hours 10

Joins the AMI excerpts in random order, at random levels, until the time is full; the sound is made as it
is read and never lies in memory as a whole. Each length runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from sensorium.adapters.media.reader import MediaReader
from sensorium.core.config import Config
from sensorium.core.media import Audio, MediaRef
from sensorium.core.speech import Turn
from sensorium.core.time import Span
from sensorium.models.registry import load_model
from sensorium.ops.speech.rttm import parse
from sensorium.pipelines.speech.speakers import Speakers, SpeakersOptions

RATE, HOUR = 16_000, 3600.0


class Endless:
    """A reader of the joined excerpts; knows who speaks when."""

    def __init__(self, data: Path, seconds: float) -> None:
        media, rng, at = MediaReader(), np.random.default_rng(0), 0.0
        files = sorted(data.glob("ami/*.wav"))
        self._sound, turns = {}, {}
        for file in files:
            chunks = media.audio(media.probe(str(file)), RATE)
            self._sound[file] = np.concatenate([chunk.mono() for chunk in chunks])
            lines = file.with_suffix(".rttm").read_text().splitlines()
            turns[file] = next(iter(parse(lines, file.name).values()))
        self.order: list[tuple[Path, float]] = []
        self.truth: list[Turn] = []
        while at < seconds:
            for place in rng.permutation(len(files)):
                file = files[place]
                self.order.append((file, float(rng.uniform(0.4, 1.0))))
                self.truth += [
                    Turn(Span(t.span.start + at, t.span.end + at), t.speaker) for t in turns[file]
                ]
                at += len(self._sound[file]) / RATE
        self.seconds = at

    def audio(self, ref: MediaRef, sample_rate: int) -> Iterator[Audio]:
        """The excerpts one after the other."""
        at = 0
        for file, level in self.order:
            samples = self._sound[file] * np.float32(level)
            yield Audio(samples[None], RATE, at / RATE)
            at += len(samples)


def resident() -> float:
    """MB that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def peak() -> float:
    """MB that it held at most."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def child(data: Path, hours: float) -> None:
    """One length; prints JSON."""
    source = Endless(data, hours * HOUR)
    config = Config()
    segmenter = load_model("segmenter", config.speech.segmenter, 1)
    encoder = load_model("speaker_encoder", config.speech.speaker_encoder, 1)
    stage = Speakers(source, segmenter, encoder, SpeakersOptions())  # type: ignore[arg-type]
    ref = MediaRef("joined", "0" * 64, "audio", duration=source.seconds, has_sound=True)
    marks = [(0.0, time.process_time(), resident())]

    def report(done: float) -> None:
        if done >= len(marks) * min(HOUR, source.seconds / 2):
            marks.append((done, time.process_time(), resident()))

    records = list(stage.run(ref, {}, report))
    end = time.process_time()
    turns = [r for r in records if r.kind == "turn"]
    costs = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(marks)]
    print(
        json.dumps(
            {
                "hours": source.seconds / HOUR,
                "peak_mb": peak(),
                "cost_per_hour": [cost * HOUR for cost in costs],
                "grouping_s": end - marks[-1][1],
                "real_time_factor": (end - marks[0][1]) / source.seconds,
                "speakers": len({r.values["speaker"] for r in turns}),
                **labels(turns, source),
            }
        )
    )


def labels(turns, source: Endless) -> dict[str, object]:
    """Label of each person (with a second or more found) in the first and in the last part."""
    part = source.seconds / 10
    told: dict[str, list[str]] = defaultdict(list)
    for low in (0.0, source.seconds - part):
        shared: dict[str, Counter] = defaultdict(Counter)
        mine = [t for t in source.truth if low <= t.span.start < low + part]
        near = [t for t in turns if t.span.end > low and t.span.start < low + part]
        for t in mine:
            for found in near:
                shared[t.speaker][found.values["speaker"]] += found.span.overlap(t.span)
        for person, counted in shared.items():
            if counted and counted.most_common(1)[0][1] >= 1:
                told[person].append(counted.most_common(1)[0][0])
    both = {person: each for person, each in told.items() if len(each) == 2}
    same = sum(a == b for a, b in both.values())
    return {"people_in_both_ends": len(both), "same_label_at_both_ends": same}


def main() -> None:
    """One row per length."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--hours", type=float, default=10)
    parser.add_argument("--child", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.data, options.child)
        return
    for hours in (1 / 6, options.hours):
        command = [sys.executable, __file__, "--data", str(options.data), "--child", str(hours)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        print(done.stdout.splitlines()[-1], flush=True)


if __name__ == "__main__":
    main()
