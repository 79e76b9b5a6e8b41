"""Cepstra of sound as active-speaker models take them: those of python_speech_features, in numpy."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_RATE, _WINDOW, _HOP, _FFT = 16_000, 400, 160, 512
_FILTERS, _CEPSTRA, _LIFTER = 26, 13, 22
_SMALLEST = np.finfo(np.float64).eps


def cepstra(samples: NDArray) -> NDArray[np.float32]:
    """float32 ``(row, 13)``, one row each 10 ms of mono 16 kHz sound in -1..1, the last padded with zeros.

    Windows of 25 ms without a taper, 26 mel filters over 0 to 8 kHz, liftered; the first value is the log
    energy. The values are those for 16-bit samples, which is what the models were trained on.

    >>> cepstra(np.zeros(16000)).shape
    (99, 13)
    """
    from scipy.fft import dct  # here: a photo does not need it

    sound = np.asarray(samples, np.float64) * 32768
    sound = np.append(sound[:1], sound[1:] - 0.97 * sound[:-1])
    num = 1 if len(sound) <= _WINDOW else 1 + int(np.ceil((len(sound) - _WINDOW) / _HOP))
    padded = np.zeros((num - 1) * _HOP + _WINDOW)
    padded[: len(sound)] = sound
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    power = np.abs(np.fft.rfft(windows, _FFT)) ** 2 / _FFT
    energy = power.sum(axis=1)
    bands = np.maximum(power @ _filters().T, _SMALLEST)
    values = dct(np.log(bands), type=2, axis=1, norm="ortho")[:, :_CEPSTRA]
    values *= 1 + _LIFTER / 2 * np.sin(np.pi * np.arange(_CEPSTRA) / _LIFTER)
    values[:, 0] = np.log(np.maximum(energy, _SMALLEST))
    return values.astype(np.float32)


@lru_cache(maxsize=1)
def _filters() -> NDArray[np.float64]:
    """(filter, frequency): triangles that are even on the mel scale."""
    top = 2595 * np.log10(1 + _RATE / 2 / 700)
    mel = np.linspace(0, top, _FILTERS + 2)
    places = np.floor((_FFT + 1) * 700 * (10 ** (mel / 2595) - 1) / _RATE).astype(int)
    bank = np.zeros((_FILTERS, _FFT // 2 + 1))
    for row, (low, middle, high) in enumerate(zip(places, places[1:], places[2:], strict=False)):
        bank[row, low:middle] = (np.arange(low, middle) - low) / (middle - low)
        bank[row, middle:high] = (high - np.arange(middle, high)) / (high - middle)
    return bank
