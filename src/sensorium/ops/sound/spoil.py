"""Clean sound made worse on purpose, as the world does it: noise, rooms, telephones, levels.

All of it is decided by the generator of random numbers that is handed in.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt

Noise = Literal["white", "pink", "brown"]
Samples = NDArray[np.float32]
_FALL: dict[str, float] = {"white": 0.0, "pink": 0.5, "brown": 1.0}  # amplitude ~ 1 / f ** fall


def noise(kind: Noise, num_samples: int, rng: np.random.Generator) -> Samples:
    """Noise (sample,) of power 1; pink falls by 3 dB an octave, brown by 6."""
    spectrum = np.fft.rfft(rng.standard_normal(num_samples))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** _FALL[kind]
    spectrum[0] = 0.0  # no offset
    made = np.fft.irfft(spectrum, num_samples)
    power = float((made**2).mean())
    return (made / np.sqrt(power) if power > 0 else made).astype(np.float32)


def with_noise(samples: Samples, added: Samples, ratio: float) -> Samples:
    """`added` at `ratio` dB under the loud parts of `samples`, both (sample,).

    Loud is what is above a tenth of the root mean square of all, so that pauses do not make it quieter.
    """
    level = float(np.sqrt((samples**2).mean()))
    loud = samples[np.abs(samples) > level / 10]
    power = float((loud**2).mean()) if len(loud) else 0.0
    own = float((added**2).mean())
    if power <= 0 or own <= 0:
        return samples
    return samples + added * np.float32(np.sqrt(power / own / 10 ** (ratio / 10)))


def room(
    seconds: float, direct: float, sample_rate: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """An impulse response: the direct path at 0, early reflections, noise that falls by 60 dB in `seconds`.

    `direct` is the energy of the direct path over that of all the rest, in dB. The statistical room of
    Polack 1988; early reflections lie in the first 50 ms.
    """
    num = max(int(seconds * sample_rate), 2)
    falls = 10 ** (-3 * np.arange(num) / num)
    made = rng.standard_normal(num) * falls
    made[: min(int(0.003 * sample_rate), num)] = 0.0
    for _ in range(int(rng.integers(3, 9))):
        at = int(rng.uniform(0.003, 0.05) * sample_rate)
        if at < num:
            made[at] += rng.choice((-1.0, 1.0)) * rng.uniform(2, 6) * falls[at]
    energy = float((made**2).sum())
    if energy > 0:
        made *= np.sqrt(10 ** (-direct / 10) / energy)
    made[0] = 1.0
    return made.astype(np.float32)


def with_echo(samples: Samples, response: NDArray[np.float32]) -> Samples:
    """`samples` (sample,) in that room, as long as before; what is said is not moved in time."""
    return fftconvolve(samples, response)[: len(samples)].astype(np.float32)


@lru_cache(maxsize=8)
def _band(low: float, high: float, sample_rate: int) -> NDArray[np.float64]:
    return np.asarray(butter(4, [low, high], "bandpass", fs=sample_rate, output="sos"))


def telephone(
    samples: Samples, sample_rate: int, low: float = 300.0, high: float = 3400.0
) -> Samples:
    """The band of a telephone in hertz, and its eight bits of mu-law (ITU-T G.711, mu = 255)."""
    heard = sosfilt(_band(low, high, sample_rate), samples)
    peak = float(np.abs(heard).max())
    if peak <= 0:
        return heard.astype(np.float32)
    part = heard / peak
    pressed = np.sign(part) * np.log1p(255 * np.abs(part)) / np.log(256)
    pressed = np.round(pressed * 127) / 127
    return (peak * np.sign(pressed) * (256 ** np.abs(pressed) - 1) / 255).astype(np.float32)


def with_gain(samples: Samples, gain: float) -> Samples:
    """`gain` dB louder, cut off at full scale as a converter does it."""
    return np.clip(samples * np.float32(10 ** (gain / 20)), -1.0, 1.0)
