"""Voices and faces of people that there are not, drawn around a centre each. Nothing in them was measured."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sensorium.core.people.identity import Calibration, Kind, Sample

# of the bundled encoders, see models/bundled.py
CALIBRATIONS = {
    "voice": Calibration(21.2, -0.92, -0.39, -4.04),
    "face": Calibration(140.5, 0.0, 0.0, -131.0),
}
# numbers of an embedding, usual cosine of two samples of one person, and of two people
_LIKE: dict[Kind, tuple[int, float, float]] = {"voice": (192, 0.7, 0.12), "face": (128, 0.97, 0.86)}


def made_people(
    num_people: int, num_files: int, seed: int, kinds: tuple[Kind, ...] = ("voice", "face")
) -> Iterator[list[tuple[int, Sample]]]:
    """Files in which one to three people are heard and seen: (person, sample) of each voice and face.

    The embeddings have the size of the bundled encoders' and about their distances. One voice in ten is
    shorter than what founds an identity; every other file with two faces has both in one picture.
    """
    rng = np.random.default_rng(seed)
    centers = {kind: _centers(num_people, kind, rng) for kind in kinds}
    for number in range(num_files):
        there = np.unique(rng.integers(num_people, size=rng.integers(1, 4)))
        found = []
        for kind in kinds:
            letter = "S" if kind == "voice" else "P"
            labels = tuple(f"{letter}{place + 1}" for place in range(len(there)))
            for person, label in zip(there.tolist(), labels, strict=True):
                apart = tuple(each for each in labels if each != label) if number % 2 else ()
                short = kind == "voice" and rng.random() < 0.1
                seconds = rng.uniform(1.0, 2.9) if short else rng.uniform(3.0, 40.0)
                key = f"{number:08d}/{kind}-made/{label}"
                values = _around(centers[kind][person], kind, rng)
                model = f"made {kind}"
                sample = Sample(
                    key, f"/made/{number}.mp4", label, model, round(float(seconds), 2), values, kind,
                    apart if kind == "face" else (),
                )  # fmt: skip
                found.append((person, sample))
        yield found


def _centers(num: int, kind: Kind, rng: np.random.Generator) -> NDArray:
    """Unit vectors whose cosines lie about that of two people."""
    dim, _, others = _LIKE[kind]
    return np.sqrt(others) * _unit(1, dim, rng) + np.sqrt(1 - others) * _unit(num, dim, rng)


def _around(center: NDArray, kind: Kind, rng: np.random.Generator) -> NDArray[np.float32]:
    dim, own, _ = _LIKE[kind]
    # of two samples with so much of the centre each, the cosine is its square
    return (np.sqrt(own) * center + np.sqrt(1 - own) * _unit(1, dim, rng)[0]).astype(np.float32)


def _unit(num: int, dim: int, rng: np.random.Generator) -> NDArray:
    values = rng.standard_normal((num, dim))
    return values / np.linalg.norm(values, axis=1, keepdims=True)
