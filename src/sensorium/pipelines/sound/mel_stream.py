"""Log-mel rows of a stream, as soon as they are final."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError
from sensorium.core.media import Audio
from sensorium.ops.sound.mel import RATE, MelRule, checked, framed, num_rows


class MelStream:
    """Mono 16 kHz chunks of any length in; the rows that are final out.

    All rows together are exactly `sensorium.ops.sound.mel.rows` of the whole sound, however it is cut.

    What is final when: a row needs the 25 ms around it (Whisper) or after it (AST, Kaldi). Centered
    rows mirror the ends of the sound, so the first two need its first 25 ms, and the last ones
    wait for `finish`. Rows are before Whisper's clamp to (maximum - 8): that maximum is one of a
    window, so the clamp can only be applied to a whole window (`sensorium.ops.sound.mel.scaled`).
    """

    def __init__(self, rule: MelRule) -> None:
        self._rule = rule
        self._held = np.zeros(0, np.float32)  # from the first sample that a row still needs
        self._begun = False
        self._heard = 0  # samples
        self.num_rows = 0  # rows given out

    def step(self, chunk: Audio) -> NDArray[np.float32]:
        """Rows ``(row, bin)`` that became final, none or many.

        Raises:
            UsageError: another rate than 16 kHz, or samples that are no numbers. The stream goes on
                without this chunk.
        """
        if chunk.sample_rate != RATE:
            raise UsageError(f"mel rows: expected 16000 Hz, got {chunk!r}; resample it first")
        samples = chunk.mono()
        checked(samples)
        self._heard += len(samples)
        self._held = np.concatenate([self._held, samples])
        margin = self._rule.margin
        if not self._begun:
            if self._heard <= 2 * margin:
                return self._rows(0)
            self._held = np.concatenate([self._held[margin:0:-1], self._held])
            self._begun = True
        return self._rows((len(self._held) - self._rule.width) // self._rule.hop + 1)

    def finish(self) -> NDArray[np.float32]:
        """The rows that waited for the end."""
        margin = self._rule.margin
        if margin and not self._begun:
            short = len(self._held) < 2
            self._held = np.pad(self._held, margin, mode="constant" if short else "reflect")
        elif margin:
            self._held = np.concatenate([self._held, self._held[-2 : -margin - 2 : -1]])
        return self._rows(num_rows(self._heard, self._rule) - self.num_rows)

    def _rows(self, num: int) -> NDArray[np.float32]:
        """The next rows; what no later row needs is let go."""
        num = min(max(num, 0), num_rows(self._heard, self._rule) - self.num_rows)
        rows = framed(self._held, num, self._rule)
        self.num_rows += num
        self._held = self._held[num * self._rule.hop :]
        return rows
