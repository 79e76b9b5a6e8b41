"""Kaldi-style log mel filter banks, as speaker embedding models expect them.

Follows the definition of Kaldi's ``compute-fbank-feats`` (25 ms windows every 10 ms, DC removed, pre-emphasis
0.97, Povey window, power spectrum, triangles on Kaldi's mel scale), without dither.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_RATE = 16_000
_WIDTH, _HOP, _FFT = 400, 160, 512
_PREEMPHASIS = 0.97
_LOWEST_HZ = 20.0


def _mel(hz: NDArray | float) -> NDArray:
    return 1127.0 * np.log1p(np.asarray(hz) / 700.0)


@lru_cache(maxsize=4)
def _triangles(num_bins: int) -> NDArray[np.float32]:
    """(_FFT // 2, num_bins): the weight of each spectral line in each bin."""
    edges = np.linspace(_mel(_LOWEST_HZ), _mel(_RATE / 2), num_bins + 2)
    lines = _mel(np.arange(_FFT // 2) * _RATE / _FFT)[:, None]
    left, center, right = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (lines - left) / (center - left), (right - lines) / (right - center)
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


def fbank(samples: NDArray[np.float32], num_bins: int = 80) -> NDArray[np.float32]:
    """Log mel energies ``(row, num_bins)`` of mono 16 kHz `samples` in [-1, 1].

    Row i covers samples ``[160 i, 160 i + 400)``; what is left at the end and fills no window gives
    no row, as in Kaldi (``snip-edges``).

    >>> fbank(np.zeros(16000, np.float32)).shape
    (98, 80)
    """
    if len(samples) < _WIDTH:
        return np.zeros((0, num_bins), np.float32)
    rows = np.lib.stride_tricks.sliding_window_view(samples, _WIDTH)[::_HOP].astype(np.float32)
    rows = rows - rows.mean(axis=1, keepdims=True)
    before = np.concatenate([rows[:, :1], rows[:, :-1]], axis=1)
    window = np.hanning(_WIDTH) ** 0.85
    shaped = (rows - _PREEMPHASIS * before) * window.astype(np.float32)
    power = np.abs(np.fft.rfft(shaped, _FFT)[:, : _FFT // 2]).astype(np.float32) ** 2
    return np.log(np.maximum(power @ _triangles(num_bins), np.finfo(np.float32).eps))
