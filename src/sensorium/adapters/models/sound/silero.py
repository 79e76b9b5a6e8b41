"""Voice activity by Silero VAD (MIT), through onnxruntime; weights of the package silero-vad."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from sensorium.adapters.models.onnx_session import open_session
from sensorium.core.features import Features
from sensorium.core.media import Audio
from sensorium.core.record import Provenance
from sensorium.core.time import Axis
from sensorium.models.installing import installed
from sensorium.models.store import revision

_RATE = 16_000
_ROW = 512  # samples a row: what the model was trained on at 16 kHz
_CONTEXT = 64  # samples of the row before that the model sees again


class SileroDetector:
    """Speech probability every 32 ms; its state runs on from chunk to chunk.

    Source: github.com/snakers4/silero-vad, the 16 kHz model.
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    @cached_property
    def provenance(self) -> Provenance:
        """The package and its weights."""
        return Provenance("silero-vad", revision("silero-vad"))

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        # rows are tiny and follow one another: one thread
        return open_session(installed("silero-vad") / "silero_vad.onnx")

    def probabilities(self, chunks: Iterable[Audio]) -> Iterator[Features]:
        """Rows of 32 ms for mono 16 kHz chunks of any length; the last row may reach past the end.

        How the input is cut into chunks makes no difference to the rows.
        """
        state = np.zeros((2, 1, 128), np.float32)
        context = np.zeros(_CONTEXT, np.float32)
        rest = np.zeros(0, np.float32)
        start, num_rows = None, 0
        for chunk in chunks:
            start = chunk.start if start is None else start
            rest = np.concatenate([rest, chunk.mono()])
            whole = len(rest) // _ROW
            if whole:
                values, state, context = self._rows(rest[: whole * _ROW], state, context)
                yield self._features(values, start, num_rows)
                num_rows += whole
                rest = rest[whole * _ROW :]
        if len(rest) and start is not None:
            padded = np.pad(rest, (0, _ROW - len(rest)))
            values, _, _ = self._rows(padded, state, context)
            yield self._features(values, start, num_rows)

    def _rows(
        self, samples: NDArray[np.float32], state: NDArray, context: NDArray
    ) -> tuple[NDArray[np.float32], NDArray, NDArray]:
        values = np.empty((len(samples) // _ROW, 1), np.float32)
        rate = np.array(_RATE, np.int64)
        for index, row in enumerate(samples.reshape(-1, _ROW)):
            seen = np.concatenate([context, row])[None]
            out, state = self._session.run(None, {"input": seen, "state": state, "sr": rate})
            values[index] = out[0]
            context = row[-_CONTEXT:]
        return values, state, context

    def _features(self, values: NDArray, start: float, first: int) -> Features:
        step = _ROW / _RATE
        axis = Axis("time", start + first * step, step, step, "s")
        return Features(values, (axis,), self.provenance.model, "speech")
