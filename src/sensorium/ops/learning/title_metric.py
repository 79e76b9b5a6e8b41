"""What tells the characters of one title apart, learned from its own tracks, without labels.

Two crops of one track are the same character, two tracks in one picture are two. The first say in which
directions an embedding wanders while the character stays (expression, pose, light), and these are scaled
down (within-class covariance normalisation, Hatch et al. 2006); the second say from which cosine on two
are one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorium.core.people.identity import Calibration

LEAST_TRACKS, LEAST_APART = 24, 12
SLOPE = 70.0  # of the logistic that makes a probability of a cosine
_DIRECTIONS = 24
_TAIL = (
    2.0  # standard deviations above the mean cosine of those that are two: one is as likely there
)
_SHRINK = 0.1  # of the covariance towards a sphere: tracks are few, and each shows little


@dataclass(frozen=True, slots=True, eq=False)
class TitleMetric:
    """A projection ``(dim, kept)`` of embeddings less their mean ``(dim,)``, and what its cosines mean.

    `tracks` and `apart` are the sure pairs it rests on: tracks of several crops, and pairs of tracks that
    share a picture.
    """

    middle: NDArray[np.float32]
    matrix: NDArray[np.float32]
    calibration: Calibration
    tracks: int = 0
    apart: int = 0

    def seen(self, embeddings: NDArray) -> NDArray[np.float32]:
        """``(..., dim)`` to ``(..., kept)`` of unit norm."""
        moved = (np.asarray(embeddings, np.float32) - self.middle) @ self.matrix
        return moved / np.maximum(np.linalg.norm(moved, axis=-1, keepdims=True), 1e-12)

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        means = self.calibration
        return {
            "middle": np.round(self.middle, 5).tolist(),
            "matrix": np.round(self.matrix, 5).tolist(),
            "calibration": [means.similarity, means.shorter, means.longer, means.bias],
            "tracks": self.tracks,
            "apart": self.apart,
        }

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> TitleMetric:
        """What `plain` wrote."""
        middle, matrix = (np.array(plain[key], np.float32) for key in ("middle", "matrix"))
        means = Calibration(*plain["calibration"])
        return cls(middle, matrix, means, plain["tracks"], plain["apart"])


def learned(
    tracks: Sequence[NDArray], apart: Sequence[tuple[int, int]], slope: float = SLOPE
) -> TitleMetric | None:
    """The metric of a title: from the crops ``(crop, dim)`` of its tracks, and the tracks that are two.

    `slope` is that of the calibration, which no title is large enough to tell. None with fewer than
    `LEAST_TRACKS` tracks of several crops or `LEAST_APART` pairs: then nothing is known of the title.

    >>> learned([np.eye(4)[:2]], []) is None
    True
    """
    several = [each for each in tracks if len(each) > 1]
    if len(several) < LEAST_TRACKS or len(apart) < LEAST_APART:
        return None
    middles = np.stack([each.mean(axis=0) for each in tracks]).astype(np.float64)
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)  # as samples are
    middle = middles.mean(axis=0)
    kept = min(_DIRECTIONS, len(middles) - 1, middles.shape[1])
    basis = np.linalg.svd(middles - middle, full_matrices=False)[2][:kept].T
    wandered = np.concatenate([each - each.mean(axis=0) for each in several]) @ basis
    within = wandered.T @ wandered / sum(len(each) - 1 for each in several)
    sphere = np.trace(within) / kept * np.eye(kept)
    values, vectors = np.linalg.eigh((1 - _SHRINK) * within + _SHRINK * sphere)
    matrix = basis @ (vectors / np.sqrt(np.maximum(values, 1e-12))) @ vectors.T
    plain = TitleMetric(
        middle.astype(np.float32), matrix.astype(np.float32), Calibration(slope, 0.0, 0.0, 0.0)
    )
    threshold = _threshold(plain, middles, apart)
    means = Calibration(slope, 0.0, 0.0, -slope * threshold)
    return TitleMetric(plain.middle, plain.matrix, means, len(several), len(apart))


def _threshold(metric: TitleMetric, middles: NDArray, apart: Sequence[tuple[int, int]]) -> float:
    """The cosine at which two are as likely one as two: above what those that are surely two have."""
    looks = metric.seen(middles)
    unlike = np.array([float(looks[a] @ looks[b]) for a, b in apart])
    return float(max(np.mean(unlike) + _TAIL * np.std(unlike), np.quantile(unlike, 0.99)))
