"""Whether sound came through a telephone, which makes voices alike: next to nothing above 4 kHz."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FRAME = 512  # samples
_BAND = (300.0, 3400.0)  # Hz: what a telephone lets through (ITU-T G.712)
_ABOVE = 4300.0  # Hz: beyond the half of its 8 kHz, and what a filter's slope lets by
_LEAST = -35.0  # dB: telephone speech has under -40 up there, other recorded speech over -28


class Band:
    """The energy of sound as it is heard, in the band of a telephone and above it. Memory does not grow."""

    def __init__(self) -> None:
        self._inside, self._above = 0.0, 0.0

    def add(self, samples: NDArray[np.float32], sample_rate: int) -> None:
        """Takes in mono samples; what is loud, as speech is, counts most."""
        num = len(samples) // _FRAME
        if not num:
            return
        frames = samples[: num * _FRAME].reshape(num, _FRAME) * np.hanning(_FRAME)
        power = (np.abs(np.fft.rfft(frames, axis=1)) ** 2).sum(axis=0)
        hertz = np.fft.rfftfreq(_FRAME, 1 / sample_rate)
        self._inside += float(power[(hertz > _BAND[0]) & (hertz < _BAND[1])].sum())
        self._above += float(power[hertz > _ABOVE].sum())

    @property
    def narrow(self) -> bool:
        """Whether there was sound, and next to none of it above 4 kHz.

        >>> band, hertz = Band(), np.array([[700], [6000]])
        >>> tones = np.sin(2 * np.pi * hertz * np.arange(16000) / 16000)
        >>> band.add(tones[0], 16000)
        >>> band.narrow
        True
        >>> band.add(0.1 * tones[1], 16000)
        >>> band.narrow
        False
        """
        return self._above < self._inside * 10 ** (_LEAST / 10)
