"""Everyone whom a library knows, kept so that whoever comes next is compared with all of them at once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sensorium.core.people.identity import Calibration, Identity, Sample, result_of
from sensorium.core.people.identity import weight as _weight

_MOST = 16_000_000  # similarities that are computed ahead: 64 MB


class Everybody:
    """Whose the samples are, and the centre of each identity: `Known`, made to grow sample by sample.

    `of` says whose a sample is (None: forgotten). A comparison with everyone is one row of a product of
    matrices; `expect` computes many rows at a time, which is many times faster, and `add` keeps them
    right. It is exact: a search that is not was slower up to some ten thousand identities, since every sample
    that is told moves a centre (`benchmarks/identities.py`, docs/scale.md).

    >>> heard = Sample("f/S1", "f.wav", "S1", "m", 8.0, np.array([1.0, 0.0]))
    >>> everybody = Everybody({"V1": Identity("V1", None, (heard,))})
    >>> again = Sample("g/S1", "g.wav", "S1", "m", 8.0, np.array([0.9, 0.1]))
    >>> list(everybody.near(again, Calibration(21.2, -0.92, -0.39, -4.04), 1, 0.98))
    ['V1']
    """

    def __init__(
        self,
        identities: Mapping[str, Identity] | None = None,
        of: Mapping[str, str | None] | None = None,
    ) -> None:
        self.of: dict[str, str | None] = {}
        self._spaces: dict[str, _Space] = {}
        self._of_result: dict[str, list[Sample]] = defaultdict(list)
        self._length: dict[str, list[float]] = {}  # seconds heard, seconds seen
        for identity in (identities or {}).values():
            for sample in identity.samples:
                self.add(sample, identity.id)
        self.of.update(of or {})

    def __contains__(self, identity: object) -> bool:
        """Whether anybody has this id."""
        return identity in self._length

    def add(self, sample: Sample, identity: str) -> None:
        """Counts a sample in as somebody's, who may be new; once is enough."""
        if self.of.get(sample.key) == identity:
            return
        self.of[sample.key] = identity
        self._of_result[result_of(sample)].append(sample)
        heard_or_seen = self._length.setdefault(identity, [0.0, 0.0])
        heard_or_seen[sample.kind != "voice"] += sample.seconds
        if sample.model not in self._spaces:
            self._spaces[sample.model] = _Space(len(sample.embedding))
        self._spaces[sample.model].add(sample, identity)

    def expect(self, samples: Sequence[Sample]) -> None:
        """Compares samples that will be asked for next with everyone, all at once."""
        for model, space in self._spaces.items():
            space.expect([sample for sample in samples if sample.model == model])

    def not_to_be(self, sample: Sample) -> set[str]:
        """The identities that somebody has who surely is another (`Sample.cannot_be`)."""
        beside = self._of_result.get(result_of(sample), ())
        whose = {self.of[other.key] for other in beside if sample.cannot_be(other)}
        return {identity for identity in whose if identity is not None}

    def center(self, identity: str, model: str) -> tuple[NDArray[np.float32], float] | None:
        """(embedding of unit norm, seconds it is taken from) of an identity, as `Identity.centroid`."""
        space = self._spaces.get(model)
        place = space.place.get(identity) if space else None
        return None if space is None or place is None else space.center(place)

    def near(
        self, sample: Sample, calibration: Calibration, num: int, least: float
    ) -> dict[str, float]:
        """Identity -> probability that a sample is of it: all of at least `least`, and the `num` likeliest.

        Whoever it cannot be is left out.
        """
        space = self._spaces.get(sample.model)
        if space is None:
            return {}
        similar = space.similar(sample)
        odds = calibration.log_odds(similar, sample.seconds, space.seconds)
        for identity in self.not_to_be(sample):
            if (place := space.place.get(identity)) is not None:
                odds[place] = -np.inf
        limit = math.log(max(least, 1e-9) / max(1 - least, 1e-9)) - 0.01  # float32 is no limit
        best = np.argpartition(-odds, num - 1)[:num] if num < len(odds) else np.arange(len(odds))
        places = np.union1d(np.flatnonzero(odds >= limit), best[odds[best] > -np.inf])
        likely = calibration.probabilities(
            similar[places], sample.seconds, space.seconds[places]
        ).tolist()
        return {space.ids[place]: p for place, p in zip(places.tolist(), likely, strict=True)}

    def order(self, identity: str) -> tuple[float, float, str]:
        """Sorts as `Known.all` does: the one heard longest first, then the one seen longest."""
        heard, seen = self._length[identity]
        return -heard, -seen, identity


class _Space:
    """The centres of the identities in the space of one model, row by row."""

    def __init__(self, dim: int) -> None:
        self.ids: list[str] = []
        self.place: dict[str, int] = {}
        self._seconds = np.zeros(16, np.float32)
        self._sums = np.zeros((16, dim))
        self._centers = np.zeros((16, dim), np.float32)
        self._rows: dict[str, int] = {}  # of the samples that are expected, by key
        self._expected = np.zeros((0, dim), np.float32)
        self._similar = np.zeros((0, 16), np.float32)

    @property
    def seconds(self) -> NDArray[np.float32]:
        """Of each identity, float32 ``(identity,)``."""
        return self._seconds[: len(self.ids)]

    def center(self, place: int) -> tuple[NDArray[np.float32], float]:
        """The centre of one identity, and its seconds."""
        return self._centers[place].copy(), float(self._seconds[place])

    def add(self, sample: Sample, identity: str) -> None:
        place = self.place.get(identity)
        if place is None:
            place = self.place[identity] = len(self.ids)
            self.ids.append(identity)
            if place == len(self._seconds):
                self._grow()
        self._sums[place] += sample.embedding.astype(np.float64) * _weight(sample)
        self._seconds[place] += _weight(sample)
        norm = max(math.sqrt(self._sums[place] @ self._sums[place]), 1e-12)
        self._centers[place] = self._sums[place] / norm
        self._similar[:, place] = self._expected @ self._centers[place]

    def _grow(self) -> None:
        more = len(self._seconds)
        self._seconds = np.pad(self._seconds, (0, more))
        self._sums = np.pad(self._sums, ((0, more), (0, 0)))
        self._centers = np.pad(self._centers, ((0, more), (0, 0)))
        self._similar = np.pad(self._similar, ((0, 0), (0, more)))

    def expect(self, samples: Sequence[Sample]) -> None:
        samples = samples[: max(1, _MOST // len(self._seconds))]
        self._rows = {sample.key: row for row, sample in enumerate(samples)}
        dim = self._sums.shape[1]
        values = [sample.embedding for sample in samples]
        self._expected = np.array(values, np.float32).reshape(-1, dim)
        self._similar = self._expected @ self._centers.T

    def similar(self, sample: Sample) -> NDArray[np.float32]:
        row = self._rows.get(sample.key)
        if row is None:
            return self._centers[: len(self.ids)] @ sample.embedding
        return self._similar[row, : len(self.ids)]
