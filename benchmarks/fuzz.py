"""Breaks files of every kind in every way, extracts each by all passes, and counts what went wrong.

    python benchmarks/fuzz.py --mutants 10000 --workers 2 --out report.json

The models are fakes, so that decoders, passes and the library are what is tried. Each mutant is worked on in
a fenced worker, as `extract --fence` does it. A failure is

- a crash: the worker died, twice; or an error that is none of ours;
- a hang: not done within 20 s;
- a wrong time: a span of a record or a feature before 0, not finite, empty where the kind has a length, or
  beyond the end of the file (half a second is allowed: a damaged file may state another length than its
  streams have);
- an untruth: what is decoded equals what the whole file gives, but the records do not.

The same seed gives the same mutants.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import tempfile
import time
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from sensorium.adapters.media.notices import heard
from sensorium.core.config import Config
from sensorium.core.errors import MediaError, SensoriumError
from sensorium.core.limits import Fence
from sensorium.core.record import INSTANTS, KINDS, Provenance
from sensorium.core.speech import Transcript, Word
from sensorium.core.time import Span
from sensorium.library.layout import Layout
from sensorium.library.store.sink import Carried
from sensorium.run import work
from sensorium.run.executors import pool
from sensorium.run.inputs import Input
from sensorium.run.job import Job
from sensorium.run.plan import Built, build
from sensorium.testing.fake_encoders import FakeImageEncoder, FakeSoundEncoder
from sensorium.testing.fake_hearing import FakeSegmenter, FakeVoices
from sensorium.testing.fake_seeing import FakeFaceFinder, FakeFaces
from sensorium.testing.mutants import mutant, originals

BEYOND = 0.5  # seconds after the end of a damaged file that are no fault
FENCE = Fence(memory=3e9, seconds=20.0, per_second=0.001, file_bytes=1e9)


class _Loud:
    """Speech wherever it is not quite silent, in rows of 32 ms."""

    provenance = Provenance("fake-loud", "1")

    def probabilities(self, chunks: Any) -> Any:
        from sensorium.core.features import Features
        from sensorium.core.time import Axis

        for chunk in chunks:
            samples = chunk.mono()
            rows = np.pad(samples, (0, -len(samples) % 512)).reshape(-1, 512)
            loud = (np.abs(rows).max(axis=1) > 1e-3).astype(np.float32)[:, None]
            axis = Axis("time", chunk.start, 0.032, 0.032, "s")
            if len(loud):
                yield Features(loud, (axis,), "fake-loud", "speech")


class _Words:
    """A word each quarter of a second."""

    provenance = Provenance("fake-words", "1")

    def transcribe(
        self, audio: Any, prompt: str = "", language: str = "", translate: bool = False
    ) -> Transcript:
        starts = np.arange(audio.start, audio.end - 0.2, 0.25).tolist()
        return Transcript(
            tuple(Word("so", Span(t, t + 0.2), 0.9) for t in starts), "en", len(starts)
        )


FAKES = {
    "speech_detector": _Loud, "transcriber": _Words, "segmenter": FakeSegmenter,
    "speaker_encoder": FakeVoices, "sound_encoder": FakeSoundEncoder,
    "image_encoder": FakeImageEncoder, "text_detector": FakeFaceFinder,
    "face_detector": FakeFaceFinder, "face_encoder": FakeFaces,
}  # fmt: skip
CONFIG = Config.flat(transcriber="whisper-tiny.en")


@cache
def _built() -> Built:
    return build(CONFIG, 1, lambda job, name, threads: FAKES[job]())


def examined(item: Any) -> dict[str, Any]:
    """Extracts one mutant into the library, and says what is wrong with the result."""
    path, content = Path(item.path), item.content
    path.write_bytes(content)
    try:
        return _examined(path)
    finally:
        for each in path.parent.glob(f"{path.stem}.*"):
            each.unlink()


def _examined(path: Path) -> dict[str, Any]:
    work._built = lambda config, threads: _built()  # type: ignore[assignment]
    media = path
    if path.suffix in (".srt", ".vtt", ".ass"):  # they lie beside a file
        media = path.with_name(f"{path.stem}.ppm")
        media.write_bytes(b"P6 2 2 255\n" + path.name.encode()[:12].ljust(12))
    job = Job(Input(str(media), True), CONFIG, "", 1, progress=str(path.with_suffix(".json")))
    outcome = work.work_on(job)
    faults = [f"{f.step}: {f.error}: {f.message}" for f in outcome.failures if not _ours(f.error)]
    long = [f.message for f in outcome.failures if str(path.stem) not in f.message]
    faults += [f"names no file: {each}" for each in long]
    times, told = _records(outcome.frames, str(media), outcome.duration)
    state = "failed" if outcome.failures else "warned" if outcome.warnings else "whole"
    return {
        "state": state,
        "faults": faults,
        "times": times,
        "records": told,
        "pixels": _content(media, state),
    }


def _ours(name: str) -> bool:
    """Whether an error of that name says that the file is bad."""
    return name in {"MediaError", *(kind.__name__ for kind in MediaError.__subclasses__())}


def _content(media: Path, state: str) -> str:
    """Digest of all that is decoded, with its times; empty if the file failed."""
    if state == "failed":
        return ""
    try:
        with heard(str(media), []):
            return _digest(str(media))
    except SensoriumError:
        return ""


def _digest(uri: str) -> str:
    total, reader = hashlib.sha256(), _built().reader
    ref = reader.probe(uri)
    for frame in reader.frames(ref, 64):
        total.update(frame.pixels.tobytes() + frame.times.tobytes())
    for chunk in reader.audio(ref, 16_000):
        total.update(chunk.samples.tobytes() + str(chunk.start).encode())
    return f"{total.hexdigest()} {ref.duration} {ref.container} {ref.frame_rate} {ref.title}"


def _records(frames: bytes, uri: str, duration: float | None) -> tuple[list[str], str]:
    """(spans that cannot be, digest of all records but those of the file itself)."""
    found, wrong, told = Carried(frames), list[str](), hashlib.sha256()
    entry = found.entry(uri) or {}
    for name, key in sorted(entry.get("results", {}).items()):
        for kind in sorted(KINDS):
            for record in found.records(key, kind):
                wrong += _wrong(record, duration)
                if name not in ("media", "work") and record.kind != "warning":
                    told.update(f"{record.kind} {record.span} {record.values}".encode())
    return wrong[:5], told.hexdigest()


def _wrong(record: Any, duration: float | None) -> list[str]:
    span = record.span
    if (
        record.kind == "media"
        and duration is not None
        and not 0 < record.values["duration"] < 48 * 3600
    ):
        return [f"duration {duration}"]
    if span is None or record.kind == "subtitle":  # those have times of their own
        return []
    finite = math.isfinite(span.start) and math.isfinite(span.end)
    empty = span.end <= span.start and record.kind not in INSTANTS
    beyond = duration is not None and span.end > duration + BEYOND
    if finite and span.start >= -1e-6 and span.end >= span.start and not empty and not beyond:
        return []
    return [f"{record.kind} [{span.start}, {span.end}) of {duration}"]


class Item:
    """One mutant to be; made again from its seed wherever it is needed."""

    def __init__(self, number: int, seed: int, name: str, data: bytes, folder: str) -> None:
        rng = np.random.default_rng([seed, max(number, 0)])
        self.ways, self.content = ("", data) if number < 0 else mutant(data, rng)
        self.number, self.name = number, name
        self.library = str(Path(folder, "library"))
        self.path = str(Path(folder, "library", "work", "in", f"{number}-{name}"))
        self.progress = str(Path(self.path).with_suffix(".json"))
        self.input = Input(self.path, True)

    def duration(self) -> float:
        """For the fence: no time is added for what the file says of itself."""
        return 0.0

    def __str__(self) -> str:
        return f"{self.number}-{self.name} ({self.ways})"


class Mutants:
    """A list of items that are made when they are asked for: ten thousand files need not be held."""

    def __init__(self, num: int, seed: int, folder: str) -> None:
        Path(folder, "in").mkdir(parents=True)
        self.whole = originals(Path(folder, "in"))
        self._num, self._seed, self._folder, self._names = num, seed, folder, list(self.whole)
        Layout(Path(folder, "library")).create()
        Path(folder, "library", "work", "in").mkdir(exist_ok=True)

    def __len__(self) -> int:
        return self._num

    def __getitem__(self, number: int) -> Item:
        name = self._names[number % len(self._names)]
        return Item(number, self._seed, name, self.whole[name], self._folder)

    def truths(self) -> dict[str, dict[str, Any]]:
        """What the whole files give."""
        made = [Item(-1, 0, name, data, self._folder) for name, data in self.whole.items()]
        return {each.name: examined(each) for each in made}


def judged(item: Item, answer: Any, truth: dict[str, Any]) -> list[tuple[str, str]]:
    """(kind of failure, what) of one answer."""
    if isinstance(answer, Exception):
        kind = "hang" if "not done within" in str(answer) else "crash"
        return [(kind, str(answer))]
    found = [("crash", each) for each in answer["faults"]]
    found += [("wrong time", each) for each in answer["times"]]
    same = answer["pixels"] and answer["pixels"] == truth["pixels"]
    if same and answer["records"] != truth["records"]:
        found.append(("untruth", "other records than the whole file gives"))
    return found


def main() -> None:
    """Runs, prints a line a failure, and the counts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--mutants", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", help="JSON of the counts and failures")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sensorium-fuzz-") as folder:
        mutants, started = Mutants(args.mutants, args.seed, folder), time.monotonic()
        truths = mutants.truths()
        for name, truth in truths.items():
            if truth["state"] == "failed" or truth["faults"] or truth["times"]:
                sys.exit(f"{name}: the whole file must be read: {truth}")
        counts: Counter[str] = Counter()
        failures = []
        executor = pool(args.workers, Layout(Path(folder, "library")), FENCE)
        for index, answer in executor.map(examined, mutants):
            item = mutants[index]
            counts["mutants"] += 1
            counts["died" if isinstance(answer, Exception) else answer["state"]] += 1
            if not isinstance(answer, Exception):
                counts["decoded as the whole file"] += (
                    answer["pixels"] == truths[item.name]["pixels"]
                )
            for kind, what in judged(item, answer, truths[item.name]):
                counts[kind] += 1
                failures.append({"item": str(item), "kind": kind, "what": what[:400]})
                print(f"{kind}: {item}: {what[:300]}", flush=True)
    told = {**counts, "kinds": len(truths), "seconds": round(time.monotonic() - started)}
    print(json.dumps(told))
    if args.out:
        Path(args.out).write_text(json.dumps({"counts": told, "failures": failures}, indent=1))


if __name__ == "__main__":
    import fuzz  # by its name, so that workers find what they are sent

    fuzz.main()
