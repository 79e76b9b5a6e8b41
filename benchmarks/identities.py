"""Who is who among many: seconds and memory of each step, on people that are made up.

    python benchmarks/identities.py --samples 100000 --people 5000
    python benchmarks/identities.py --peer                # the search alone, against usearch (if installed)

The embeddings are drawn around made centres (`sensorium.testing.made_people`), so this says how long it
takes, and nothing about how often it is right. Every step is asked of the folder of a library, as a run or a
command asks it, with empty results: reading the tables of the files is measured by many.py.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import numpy as np

from sensorium.core.people.identity import Sample
from sensorium.library.gallery import Gallery
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.ops.people.everybody import Everybody
from sensorium.people import match
from sensorium.people.cast import Cast
from sensorium.people.decision import join_clear, keep_links, keep_samples
from sensorium.people.recognise import decided
from sensorium.testing.made_people import CALIBRATIONS, made_people


@contextmanager
def told(step: str) -> Iterator[None]:
    """Prints a row about what happens inside."""
    started, used = time.monotonic(), time.process_time()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"| {step} | {time.monotonic() - started:.1f} | {time.process_time() - used:.1f} | {peak:.0f} |",
        flush=True,
    )


def of_file(file: list[tuple[int, Sample]]) -> tuple[list[Sample], dict[tuple[str, str], float]]:
    """The samples of a file, and the seconds in which each voice was seen to come from its face."""
    samples = [sample for _, sample in file]
    voices = {person: s.key for person, s in file if s.kind == "voice"}
    faces = {person: s.key for person, s in file if s.kind == "face"}
    return samples, {(voices[person], faces[person]): 4.0 for person in voices}


def main() -> None:
    """A table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=5000)
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--work", type=Path, help="folder to work in")
    options = parser.parse_args()
    if options.peer:
        peer(options.people)
        return
    match.calibration_of = lambda model, kind="voice": CALIBRATIONS[kind]
    print("| step | s | s of computing | peak MB |\n|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        steps(Layout(Path(folder) / "library"), options.samples, options.people)


def steps(layout: Layout, num: int, people: int) -> None:
    """The way of a run, then what is read of it."""
    layout.create()
    with told("start"):
        Gallery(layout).known()
    with told(f"drawing {num:,} samples of {people:,} people"):
        files = [of_file(file) for file in made_people(people, num // 4, seed=1)]
    everybody = Everybody()
    with told("deciding whose they are"):
        found = list(decided(everybody, files))
    with told("writing these decisions"):
        gallery = Gallery(layout)
        keep_samples(gallery, found)
    with told("joining voices and faces"):
        keep_links(gallery, gallery.known(), dict(chain(*(link.items() for _, link in files))))
        join_clear(gallery)
    right(files, everybody, found)
    del files, found, everybody
    with told("library.known()"):
        known = Library(layout.root).known()
    print(f"| {len(known.of):,} samples of {len(known.identities):,} identities | | | |")
    with told("a second run: everybody made again"):
        Everybody(known.identities, known.of)
    del known
    with told("library.people()"):
        Library(layout.root).people()
    with told("cast list"):
        Cast(layout.root).table()


def right(files: list, everybody: Everybody, found: list) -> None:
    """Says how many were told at all."""
    total = sum(len(samples) for samples, _ in files)
    sure = sum(score is not None for _, _, score in found)
    print(f"| {len(found):,} of {total:,} told, {sure:,} of them as somebody known | | | |")


def peer(people: int) -> None:
    """One sample after the other against everybody: our product of matrices, and usearch's graph."""
    from usearch.index import Index

    files = list(made_people(people, people, seed=1, kinds=("voice",)))
    samples = [sample for file in files for _, sample in file]
    whose = [f"V{person}" for file in files for person, _ in file]
    everybody, index = Everybody(), Index(ndim=192, metric="cos")
    for sample, identity in zip(samples, whose, strict=True):
        everybody.add(sample, identity)
    places = {identity: number for number, identity in enumerate(dict.fromkeys(whose))}
    model = samples[0].model
    for identity, place in places.items():
        index.add(place, everybody.center(identity, model)[0])
    some = np.random.default_rng(0).permutation(len(samples))[:2048].tolist()

    def exact() -> None:
        for first in range(0, len(some), 512):
            everybody.expect([samples[i] for i in some[first : first + 512]])
            for i in some[first : first + 512]:
                everybody.near(samples[i], CALIBRATIONS["voice"], 1, 0.98)

    def near() -> int:
        return sum(places[whose[i]] in index.search(samples[i].embedding, 16).keys for i in some)

    def moved() -> None:
        for i in some:
            index.remove(places[whose[i]])
            index.add(places[whose[i]], everybody.center(whose[i], model)[0])

    print(f"| {len(places):,} identities | microseconds of computing a sample |\n|---|---:|")
    ways = {"exact, by product of matrices": exact, "usearch: the 16 nearest": near,
            "usearch: one centre moved": moved}  # fmt: skip
    for what, way in ways.items():
        started = time.process_time()
        hits = way() or 0
        print(f"| {what} | {1e6 * (time.process_time() - started) / len(some):.0f} |")
        if hits:
            print(f"| usearch: the right one among the 16 | {hits / len(some):.4f} |")


if __name__ == "__main__":
    main()
