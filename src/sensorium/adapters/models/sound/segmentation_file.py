"""Local speaker segmentation from an ONNX file that ``sensorium train voices`` wrote, by onnxruntime."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime

from sensorium.core.errors import ModelError, UsageError
from sensorium.core.features import Features
from sensorium.core.media import Audio
from sensorium.core.record import Provenance
from sensorium.core.time import Axis, Span
from sensorium.ops.speech.powerset import SETS, activity

_RATE = 16_000
_STEP = 270  # samples from row to row
_FIELD = 991  # samples that one row sees


class SegmentationFile:
    """Up to three local speakers in windows of 10 s, two of them at once, every 16.9 ms.

    The file takes ``(window, 1, sample)`` at 16 kHz and gives ``(window, row, 7)`` probabilities: nobody,
    each of three speakers, each pair of them. It is known by its content: other weights give new results.
    """

    window = 10.0

    def __init__(self, path: str, threads: int = 1) -> None:
        self._path = Path(path).expanduser().absolute()
        self._threads = threads

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
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3
        _ = self.provenance  # raises if there is no file
        try:
            session = onnxruntime.InferenceSession(
                str(self._path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime has many classes of errors
            raise ModelError(f"{self._path}: expected an ONNX model; {error}") from None
        shapes = [[len(e.shape), e.shape[-1]] for e in session.get_inputs() + session.get_outputs()]
        if len(shapes) != 2 or shapes[0][0] != 3 or shapes[1] != [3, len(SETS)]:
            raise ModelError(
                f"{self._path}: expected one input (window, 1, sample) and one output (window, row, "
                f"{len(SETS)}), got {shapes}"
            )
        return session

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
        batch = np.stack([each.mono() for each in windows])[:, None]
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
