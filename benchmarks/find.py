"""Times search on an invented library: 100 files of 30,000 words each.

    PYTHONPATH=src python benchmarks/find.py [--files 100] [--words 30000] [--folder FOLDER]

Words are drawn by Zipf's law from 20,000 invented ones, said by four voices a file in utterances of about 15.
Every figure is one run (queries: median of 7, the index opened anew each time, as `Library.find` does).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from sensorium.find.likeness import nearest
from sensorium.library.gallery import Gallery
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.testing.sample_library import add_synthetic, synthetic_record, synthetic_ref

_LETTERS = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))


def vocabulary(num: int, rng: np.random.Generator) -> np.ndarray:
    """`num` different words of 2 to 10 letters, short ones first."""
    found: dict[str, None] = {}
    while len(found) < num:
        size = int(rng.integers(2, 4 + 7 * min(1.0, len(found) / 2000)))
        found["".join(rng.choice(_LETTERS[:20], size))] = None
    return np.array(list(found))


def add_file(root: Path, name: str, words: np.ndarray, rng: np.random.Generator, num: int) -> None:
    """One recording of `num` words, written as a pass would."""
    ref = synthetic_ref(f"/invented/{name}.wav", "audio", duration=num * 0.4)
    turns = [
        synthetic_record("turn", at, at + 5.0, speaker=f"S{1 + at // 5 % 4}", score=0.9)
        for at in range(0, int(num * 0.4) - 5, 5)
    ]
    often = 1 / np.arange(1, len(words) + 1)
    rank = rng.choice(len(words), num, p=often / often.sum())
    speaker = np.repeat(rng.integers(1, 5, num // 15 + 1), 15)[:num]
    said = []
    for number in range(num):
        span, text = (number * 0.4, number * 0.4 + 0.36), str(words[rank[number]])
        who = f"S{speaker[number]}"
        said.append(synthetic_record("word", *span, text=text, score=0.9, language="en"))
        said.append(synthetic_record("assignment", *span, text=text, speaker=who))
    add_synthetic(root, ref, [*turns, *said], "speakers")


def name_voices(root: Path) -> None:
    """Four people, each one voice of every file."""
    layout, rows = Layout(root), []
    for entry in Library(root).inputs():
        for number in range(1, 5):
            key = f"{entry['digest'][:32]}/speakers-{'0' * 16}/S{number}"
            sample = {"key": key, "uri": entry["uri"], "label": f"S{number}", "kind": "voice"}
            vector = np.eye(192)[number].tolist()
            rows.append(
                {
                    **sample,
                    "model": "m",
                    "seconds": 9.0,
                    "embedding": vector,
                    "identity": f"V{number}",
                    "score": 1.0,
                }
            )
    Gallery(layout).add("seen", samples=rows)
    for number, name in enumerate(("Ann Ray", "Bo Lee", "Cy Poe", "Di Fox"), 1):
        Gallery(layout).add("named", identity=f"V{number}", name=name)


def timed(call, times: int = 1) -> tuple[float, object]:
    """(median seconds, last result)."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        result = call()
        took.append(time.perf_counter() - began)
    return statistics.median(took), result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--words", type=int, default=30_000)
    parser.add_argument("--folder")
    chosen = parser.parse_args()
    folder = Path(chosen.folder or tempfile.mkdtemp())
    root, rng = folder / "library", np.random.default_rng(7)
    words = vocabulary(20_000, rng)
    for number in range(chosen.files):
        add_file(root, f"{number:04d}", words, rng, chosen.words)
    name_voices(root)
    library, told = Library(root), {}
    rare, rarer, common = words[15000], words[16000], words[0]
    phrase = " ".join(library.records("word", "0000.wav")["text"][200:203])
    told["index build, s"] = timed(lambda: library.find(rare))[0]
    told["memory at most, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told["index, MB"] = os.stat(root / "search.sqlite").st_size / 1e6
    add_file(root, "more", words, rng, chosen.words)
    told["update by one file, s"] = timed(lambda: library.find(rare))[0]
    for name, text, options in (
        ("a rare word", rare, {}),
        ("two words", f"{words[300]} {words[40]}", {}),
        ("a phrase", f'"{phrase}"', {}),
        ("a prefix", f"{rarer[:3]}*", {}),
        ("the most common word", common, {}),
        ("the most common word, one speaker", common, {"speaker": "Ann Ray"}),
        ("a rare word, one file", rare, {"media": "0003.wav"}),
        ("a name", "ann", {"kind": "name"}),
        ("nothing", "zzzz", {}),
    ):
        seconds, hits = timed(lambda: library.find(text, **options), 7)  # noqa: B023
        told[f"query: {name}, ms"] = 1000 * seconds
        told[f"hits: {name}"] = len(hits)
    values = rng.standard_normal((100_000, 384)).astype(np.float32)
    seconds, _ = timed(lambda: nearest(((i, v) for i, v in enumerate(values)), values[:1], 20), 3)
    told["nearest of 100,000 embeddings of 384, ms"] = 1000 * seconds
    print(json.dumps({name: round(float(value), 2) for name, value in told.items()}, indent=1))
    if not chosen.folder:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
