"""Waves into log-mel rows: as Whisper hears, as AST hears, and as Kaldi defines them.

A `MelRule` says how; `rows` computes. Rows are ``(row, bin)``, one every 10 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError

RATE = 16_000


@dataclass(frozen=True, slots=True)
class MelRule:
    """How rows are made of mono 16 kHz samples; lengths in samples.

    `centered`: row i lies around sample ``i * hop``, the ends mirrored, else it begins there and what fills
    no window gives no row. `slaney` is the mel scale and norm of librosa, else Kaldi's scale from 20 Hz.
    `floor` keeps the logarithm finite; `base10` or natural.
    """

    num_mel: int
    fft: int
    window: Literal["periodic hann", "hann", "povey"]
    centered: bool
    slaney: bool
    emphasis: float
    floor: float
    base10: bool
    width: int = 400
    hop: int = 160

    @property
    def margin(self) -> int:
        """Samples that a row needs before and after the place that it lies around."""
        return self.fft // 2 if self.centered else 0


def whisper(num_mel: int = 80) -> MelRule:
    """Whisper's rows (Radford et al. 2022; openai/whisper `audio.py`): 80 bins, 128 for large-v3."""
    return MelRule(num_mel, 400, "periodic hann", True, True, 0.0, 1e-10, True)


def ast(num_mel: int = 128) -> MelRule:
    """AST's rows (Gong et al. 2021): Kaldi filter banks with a Hann window."""
    return MelRule(num_mel, 512, "hann", False, False, 0.97, 1.192092955078125e-07, False)


def kaldi(num_mel: int = 80) -> MelRule:
    """Kaldi's `compute-fbank-feats` without dither, as speaker embedding models expect it."""
    return MelRule(
        num_mel, 512, "povey", False, False, 0.97, float(np.finfo(np.float32).eps), False
    )


@lru_cache(maxsize=16)
def _window(rule: MelRule) -> NDArray[np.float64]:
    if rule.window == "periodic hann":
        return np.hanning(rule.width + 1)[:-1]
    hann = np.hanning(rule.width)
    return hann**0.85 if rule.window == "povey" else hann


def _to_mel(hz: Any, slaney: bool) -> NDArray[np.float64]:
    hz = np.asarray(hz, np.float64)
    if not slaney:
        return 1127.0 * np.log1p(hz / 700.0)
    high = 15.0 + np.log(np.maximum(hz, 1000.0) / 1000.0) * (27.0 / np.log(6.4))
    return np.where(hz >= 1000.0, high, hz * 3.0 / 200.0)


def _to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's scale backwards."""
    return np.where(mel >= 15, 1000 * np.exp((mel - 15) * np.log(6.4) / 27), mel * 200 / 3)


@lru_cache(maxsize=16)
def triangles(rule: MelRule) -> NDArray[np.float64]:
    """(line, bin): the weight of each spectral line in each bin."""
    hz = np.arange(rule.fft // 2 + 1) * RATE / rule.fft
    lowest = 0.0 if rule.slaney else 20.0
    low, high = (float(_to_mel(f, rule.slaney)) for f in (lowest, RATE / 2))
    edges = np.linspace(low, high, rule.num_mel + 2)
    lines = hz if rule.slaney else _to_mel(hz, False)
    edges = _to_hz(edges) if rule.slaney else edges
    left, center, right = edges[:-2], edges[1:-1], edges[2:]
    rising = (lines[:, None] - left) / (center - left)
    falling = (right - lines[:, None]) / (right - center)
    weights = np.maximum(0.0, np.minimum(rising, falling))
    return weights * (2.0 / (right - left)) if rule.slaney else weights


def num_rows(num_samples: int, rule: MelRule) -> int:
    """How many rows so many samples give."""
    if rule.centered:
        return num_samples // rule.hop
    return max(0, (num_samples - rule.width) // rule.hop + 1)


def mirrored(samples: NDArray[np.float32], rule: MelRule) -> NDArray[np.float32]:
    """The samples with their ends mirrored, where rows are centered."""
    if not rule.margin:
        return samples
    if len(samples) < 2:
        return np.pad(samples, rule.margin)
    return np.pad(samples, rule.margin, mode="reflect")


def rows(samples: NDArray[np.float32], rule: MelRule) -> NDArray[np.float32]:
    """Log-mel rows ``(row, bin)`` of mono 16 kHz samples in [-1, 1].

    >>> rows(np.zeros(16000, np.float32), whisper()).shape
    (100, 80)
    """
    checked(samples)
    return framed(mirrored(samples, rule), num_rows(len(samples), rule), rule)


def checked(samples: NDArray[np.float32]) -> None:
    """Raises what is wrong with samples.

    Raises:
        UsageError: not one-dimensional floats, or a sample that is NaN or infinite.
    """
    if samples.ndim != 1 or samples.dtype.kind != "f":
        raise UsageError(f"samples: expected floats (sample,), got {samples.dtype} {samples.shape}")
    if not np.isfinite(samples.sum()) and not np.isfinite(samples).all():
        first = int(np.argmin(np.isfinite(samples)))
        raise UsageError(
            f"samples: expected finite numbers, sample {first} ({first / RATE:.3f} s) is {samples[first]}"
        )


@lru_cache(maxsize=1)
def _kernels() -> ModuleType | None:
    try:
        from sensorium.ops.sound import mel_kernels
    except ImportError:
        return None
    return mel_kernels


def warm() -> None:
    """Compiles what the passes use, or finds it compiled: for who cannot write to the cache later on."""
    for rule in (whisper(), kaldi()):
        rows(np.zeros(RATE, np.float32), rule)


def framed(padded: NDArray[np.float32], num: int, rule: MelRule) -> NDArray[np.float32]:
    """`num` rows, row i from the samples that begin at ``i * hop``."""
    padded = np.ascontiguousarray(padded, np.float32)
    compiled = _kernels()
    if compiled is None or num == 0:
        return plain(padded, num, rule)
    out = np.empty((num, rule.num_mel), np.float32)
    scale = np.float32(1 / np.log(10) if rule.base10 else 1.0)
    levels = (np.float32(rule.floor), scale)
    compiled.mel_rows(padded, (0, num, rule.hop), _tables(rule), levels, out)
    return out


def plain(padded: NDArray[np.float32], num: int, rule: MelRule) -> NDArray[np.float32]:
    """`framed` in numpy: what the kernel is tested against, and its stand-in without numba."""
    if num == 0:
        return np.zeros((0, rule.num_mel), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(padded, rule.width)[:: rule.hop][:num]
    frames = frames.astype(np.float64)
    if rule.emphasis:
        frames = frames - frames.mean(axis=1, keepdims=True)
        before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
        frames = frames - rule.emphasis * before
    power = np.abs(np.fft.rfft(frames * _window(rule), rule.fft)) ** 2
    logarithm = np.log10 if rule.base10 else np.log
    return logarithm(np.maximum(power @ triangles(rule), rule.floor)).astype(np.float32)


@lru_cache(maxsize=16)
def _tables(rule: MelRule) -> tuple[Any, ...]:
    """What the kernel reads: window, twiddle factors, sparse mel weights."""
    half = rule.fft // 2
    compiled = _kernels()
    twiddles: list[NDArray] = []
    places, m = [], half
    for radix in compiled.RADICES[half] if compiled else ():
        m //= radix
        angle = -2j * np.pi / (m * radix)
        factors = np.exp(angle * np.arange(m)[:, None] * np.arange(1, radix)[None])
        places.append(sum(map(len, twiddles)))
        twiddles.append(np.stack([factors.real, factors.imag], axis=-1).ravel())
    twist = np.exp(-2j * np.pi * np.arange(half + 1) / rule.fft)
    dense = triangles(rule)
    used = [np.flatnonzero(column) for column in dense.T]
    lines = np.array([u[0] if len(u) else 0 for u in used], np.int64)
    spans = [dense[u[0] : u[-1] + 1, b] if len(u) else dense[:0, b] for b, u in enumerate(used)]
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in spans])]).astype(np.int64)
    return (
        _window(rule).astype(np.float32),
        np.float32(rule.emphasis),
        np.concatenate(twiddles).astype(np.float32),
        np.array(places, np.int64),
        np.stack([twist.real, twist.imag], axis=-1).ravel().astype(np.float32),
        np.concatenate(spans).astype(np.float32),
        lines,
        offsets,
    )


def scaled(rows_: NDArray[np.float32]) -> NDArray[np.float32]:
    """Whisper's normalisation of one window of rows: not below its maximum - 8, then (x + 4) / 4."""
    if not len(rows_):
        return rows_
    values = np.maximum(rows_, rows_.max() - np.float32(8))
    values += np.float32(4)
    values *= np.float32(0.25)
    return values


def whisper_window(
    samples: NDArray[np.float32], num_mel: int = 80, seconds: float = 30.0
) -> NDArray[np.float32]:
    """float32 ``(bin, row)``: one window as Whisper takes it, filled up with silence.

    Equal to the ``input_features`` of transformers' `WhisperFeatureExtractor` with the same
    ``chunk_length``.

    Raises:
        UsageError: more samples than the window holds, or samples that are no numbers.

    >>> whisper_window(np.zeros(16000, np.float32)).shape
    (80, 3000)
    """
    size = round(seconds * RATE)
    if len(samples) > size:
        raise UsageError(
            f"samples: expected at most {seconds:g} s ({size} samples), got {len(samples)}; "
            "cut longer sound into windows"
        )
    checked(samples)
    rule = whisper(num_mel)
    padded = np.zeros(size + 2 * rule.margin, np.float32)  # filled up, then mirrored, in one array
    whole = padded[rule.margin : rule.margin + size]
    whole[: len(samples)] = samples
    padded[: rule.margin] = whole[rule.margin : 0 : -1]
    padded[rule.margin + size :] = whole[-2 : -rule.margin - 2 : -1]
    return scaled(framed(padded, num_rows(size, rule), rule)).T


def ast_window(
    samples: NDArray[np.float32],
    max_length: int = 1024,
    mean: float = -4.2677393,
    std: float = 4.5689974,
) -> NDArray[np.float32]:
    """float32 ``(row, bin)``: one window as AST takes it; 1024 rows are 10.24 s.

    Equal to the ``input_values`` of transformers' `ASTFeatureExtractor`: rows are filled up with 0
    before they are normalised.

    Raises:
        UsageError: sound that gives more rows than `max_length`, or samples that are no numbers.

    >>> ast_window(np.zeros(16000, np.float32)).shape
    (1024, 128)
    """
    found = rows(samples, ast())
    if len(found) > max_length:
        raise UsageError(
            f"samples: expected at most {max_length} rows of 10 ms, got {len(found)}; "
            "cut longer sound into windows"
        )
    whole = np.zeros((max_length, found.shape[1]), np.float32)
    whole[: len(found)] = found
    return (whole - np.float32(mean)) / np.float32(2 * std)
