"""Where a stream has a voice: a detector that runs along with it, as music is nobody's turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sensorium.core.media import Audio
from sensorium.core.time import Axis
from sensorium.ops.voices.crowd import near_voice, on_grid
from sensorium.ports import SpeechDetector

_ROW = 512  # samples: the detector gets whole rows, and gives as many back at once
_HELD = 15.0  # seconds of probabilities: more than any latency and what lies around it


class Along:
    """Mono 16 kHz chunks of any length in; where a voice is heard within two seconds, out.

    Memory does not grow. Without a detector a voice is everywhere.
    """

    def __init__(self, detector: SpeechDetector | None, least: float) -> None:
        """`least`: probability that must be reached within two seconds."""
        self._fed: deque[Audio] = deque()
        self._rows = detector.probabilities(self._chunks()) if detector else None
        self._least = least
        self._rest: Audio | None = None  # less than a row
        self._axis: Axis | None = None  # of what is held
        self._values = np.zeros(0, np.float32)

    def _chunks(self) -> Iterator[Audio]:
        while True:  # the detector asks once per chunk of whole rows, never more
            yield self._fed.popleft()

    def step(self, chunk: Audio) -> None:
        """Hears the next chunk."""
        if self._rows is None:
            return
        heard = chunk if self._rest is None else self._rest.followed_by(chunk)
        cut = heard.samples.shape[1] // _ROW * _ROW
        at = heard.start + cut / heard.sample_rate
        self._rest = Audio(heard.samples[:, cut:], heard.sample_rate, at)
        if not cut:
            return
        self._fed.append(Audio(heard.samples[:, :cut], heard.sample_rate, heard.start))
        found = next(self._rows)
        axis = found.axes[0]
        start = axis.start if self._axis is None else self._axis.start
        self._values = np.concatenate([self._values, found.values[:, 0].astype(np.float32)])
        gone = max(len(self._values) - round(_HELD / axis.step) - len(found.values), 0)
        self._values = self._values[gone:]
        self._axis = Axis("time", start + gone * axis.step, axis.step, axis.width, "s")

    def voiced(self, grid: Axis, num_rows: int, until: float) -> NDArray[np.bool_]:
        """(row,) whether a voice is heard within two seconds of each of the first rows of `grid`.

        Nothing after `until` is asked: how a stream is cut into chunks makes no difference.
        """
        known = self._known(until)
        if self._axis is None or not len(known):
            return np.full(num_rows, self._rows is None)
        near = near_voice(known, self._axis.step, self._least)
        return on_grid(near, self._axis, grid, num_rows)

    def chance(self, grid: Axis, num_rows: int, until: float) -> NDArray[np.float32]:
        """(row,) probability of a voice in each of the first rows of `grid`; 1 without a detector."""
        known = self._known(until)
        if self._axis is None or not len(known):
            return np.full(num_rows, self._rows is None, np.float32)
        return on_grid(known, self._axis, grid, num_rows)

    def _known(self, until: float) -> NDArray[np.float32]:
        axis = self._axis
        known = 0 if axis is None else int((until - axis.start) / axis.step + 1e-6)
        return self._values[: max(known, 0)]
