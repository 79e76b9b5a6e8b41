"""Mel rows of many windows at once, compiled by numba: 16 windows side by side in every step.

The Fourier transform is a Stockham transform of mixed radix (Swarztrauber 1987) of half the length, the
real input packed as pairs. Each array holds 16 windows next to each other, so every inner loop runs over
neighbours and becomes vector instructions: but only where the compiler knows all distances, so there is a
function of its own for each stage of the two lengths in use. `ops.sound.mel` has the plain numpy version.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

LANES = 16

_compiled = numba.njit(nogil=True, cache=True, fastmath=True, error_model="numpy")

_ROOT, _PLACES = np.int32(0x3F3504F3), np.int32(23)  # 2 ** -0.5 as bits; bits of a mantissa
_C1, _C2 = np.float32(np.cos(2 * np.pi / 5)), np.float32(np.cos(4 * np.pi / 5))
_S1, _S2 = np.float32(np.sin(2 * np.pi / 5)), np.float32(np.sin(4 * np.pi / 5))


def _radix2(m: int, s: int) -> Any:
    """Stage of radix 2 over `m` groups of `s` neighbours."""
    step = m * s

    @_compiled
    def stage(re: Any, im: Any, to_re: Any, to_im: Any, tw: Any) -> None:
        for p in range(m):
            wr, wi = tw[2 * p], tw[2 * p + 1]
            for t in range(s):
                x, y = p * s + t, 2 * p * s + t
                dr, di = re[x] - re[x + step], im[x] - im[x + step]
                sr, si = re[x] + re[x + step], im[x] + im[x + step]
                to_re[y], to_im[y] = sr, si
                to_re[y + s], to_im[y + s] = dr * wr - di * wi, dr * wi + di * wr

    return stage


def _radix4(m: int, s: int) -> Any:
    """Stage of radix 4 over `m` groups of `s` neighbours."""
    step = m * s

    @_compiled
    def stage(re: Any, im: Any, to_re: Any, to_im: Any, tw: Any) -> None:
        for p in range(m):
            w1r, w1i, w2r, w2i = tw[6 * p], tw[6 * p + 1], tw[6 * p + 2], tw[6 * p + 3]
            w3r, w3i = tw[6 * p + 4], tw[6 * p + 5]
            for t in range(s):
                a, y = p * s + t, 4 * p * s + t
                e_r, e_i = re[a] + re[a + 2 * step], im[a] + im[a + 2 * step]
                f_r, f_i = re[a] - re[a + 2 * step], im[a] - im[a + 2 * step]
                g_r, g_i = re[a + step] + re[a + 3 * step], im[a + step] + im[a + 3 * step]
                h_r, h_i = im[a + step] - im[a + 3 * step], re[a + 3 * step] - re[a + step]
                r1, i1, r2, i2 = f_r + h_r, f_i + h_i, e_r - g_r, e_i - g_i
                r3, i3 = f_r - h_r, f_i - h_i
                to_re[y], to_im[y] = e_r + g_r, e_i + g_i
                to_re[y + s], to_im[y + s] = r1 * w1r - i1 * w1i, r1 * w1i + i1 * w1r
                to_re[y + 2 * s], to_im[y + 2 * s] = r2 * w2r - i2 * w2i, r2 * w2i + i2 * w2r
                to_re[y + 3 * s], to_im[y + 3 * s] = r3 * w3r - i3 * w3i, r3 * w3i + i3 * w3r

    return stage


def _radix5(m: int, s: int) -> Any:
    """Stage of radix 5 over `m` groups of `s` neighbours."""
    step = m * s

    @_compiled
    def stage(re: Any, im: Any, to_re: Any, to_im: Any, tw: Any) -> None:
        for p in range(m):
            w1r, w1i, w2r, w2i = tw[8 * p], tw[8 * p + 1], tw[8 * p + 2], tw[8 * p + 3]
            w3r, w3i, w4r, w4i = tw[8 * p + 4], tw[8 * p + 5], tw[8 * p + 6], tw[8 * p + 7]
            for t in range(s):
                x, y = p * s + t, 5 * p * s + t
                pr, pi = re[x + step] + re[x + 4 * step], im[x + step] + im[x + 4 * step]
                qr, qi = re[x + 2 * step] + re[x + 3 * step], im[x + 2 * step] + im[x + 3 * step]
                ur, ui = re[x + step] - re[x + 4 * step], im[x + step] - im[x + 4 * step]
                vr, vi = re[x + 2 * step] - re[x + 3 * step], im[x + 2 * step] - im[x + 3 * step]
                ar, ai = re[x] + _C1 * pr + _C2 * qr, im[x] + _C1 * pi + _C2 * qi
                br, bi = re[x] + _C2 * pr + _C1 * qr, im[x] + _C2 * pi + _C1 * qi
                cr, ci = _S1 * ur + _S2 * vr, _S1 * ui + _S2 * vi
                dr, di = _S2 * ur - _S1 * vr, _S2 * ui - _S1 * vi
                r0, i0 = re[x] + pr + qr, im[x] + pi + qi
                to_re[y], to_im[y] = r0, i0
                r, i = ar + ci, ai - cr
                to_re[y + s], to_im[y + s] = r * w1r - i * w1i, r * w1i + i * w1r
                r, i = br + di, bi - dr
                to_re[y + 2 * s], to_im[y + 2 * s] = r * w2r - i * w2i, r * w2i + i * w2r
                r, i = br - di, bi + dr
                to_re[y + 3 * s], to_im[y + 3 * s] = r * w3r - i * w3i, r * w3i + i * w3r
                r, i = ar - ci, ai + cr
                to_re[y + 4 * s], to_im[y + 4 * s] = r * w4r - i * w4i, r * w4i + i * w4r

    return stage


RADICES = {200: (5, 5, 4, 2), 256: (4, 4, 4, 4)}  # the lengths there are stages for
_a1, _a2, _a3, _a4 = _radix5(40, 16), _radix5(8, 80), _radix4(2, 400), _radix2(1, 1600)
_b1, _b2, _b3, _b4 = _radix4(64, 16), _radix4(16, 64), _radix4(4, 256), _radix4(1, 1024)


@_compiled
def _transform(re: Any, im: Any, re2: Any, im2: Any, twiddles: Any, places: Any) -> None:
    """In place, with the second pair of arrays as scratch; both lengths take four stages."""
    tw = (
        twiddles[places[0] :],
        twiddles[places[1] :],
        twiddles[places[2] :],
        twiddles[places[3] :],
    )
    if len(re) == 200 * LANES:
        _a1(re, im, re2, im2, tw[0])
        _a2(re2, im2, re, im, tw[1])
        _a3(re, im, re2, im2, tw[2])
        _a4(re2, im2, re, im, tw[3])
    else:
        _b1(re, im, re2, im2, tw[0])
        _b2(re2, im2, re, im, tw[1])
        _b3(re, im, re2, im2, tw[2])
        _b4(re2, im2, re, im, tw[3])


@_compiled
def _load(samples: Any, starts: Any, window: Any, re: Any, im: Any) -> None:
    """16 windows as pairs of neighbouring samples."""
    for n in range(len(window) // 2):
        first, second = window[2 * n], window[2 * n + 1]
        for lane in range(LANES):
            at = starts[lane] + 2 * n
            re[n * LANES + lane] = samples[at] * first
            im[n * LANES + lane] = samples[at + 1] * second


@_compiled
def _load_shaped(
    samples: Any, starts: Any, window: Any, emphasis: Any, x: Any, re: Any, im: Any
) -> None:
    """The same with the mean of each window removed and its treble emphasised."""
    width = len(window)
    mean = np.zeros(LANES, np.float32)
    for n in range(width):
        for lane in range(LANES):
            x[n * LANES + lane] = samples[starts[lane] + n]
        for lane in range(LANES):
            mean[lane] += x[n * LANES + lane]
    for lane in range(LANES):
        mean[lane] /= np.float32(width)
    for n in range(width):
        before = max(n - 1, 0) * LANES
        for lane in range(LANES):
            value = x[n * LANES + lane] - mean[lane]
            value -= emphasis * (x[before + lane] - mean[lane])
            if n % 2:
                im[n // 2 * LANES + lane] = value * window[n]
            else:
                re[n // 2 * LANES + lane] = value * window[n]
    for t in range(width // 2 * LANES, len(re)):
        re[t], im[t] = np.float32(0), np.float32(0)


@_compiled
def _power(re: Any, im: Any, twist: Any, power: Any) -> None:
    """|X[k]|^2 of the real input from the transform of its pairs; k from 0 to half inclusive."""
    half = len(re) // LANES
    for k in range(half + 1):
        a, b = (k % half) * LANES, ((half - k) % half) * LANES
        wr, wi = twist[2 * k], twist[2 * k + 1]
        for lane in range(LANES):
            er = np.float32(0.5) * (re[a + lane] + re[b + lane])
            ei = np.float32(0.5) * (im[a + lane] - im[b + lane])
            o_r = np.float32(0.5) * (im[a + lane] + im[b + lane])
            oi = np.float32(0.5) * (re[b + lane] - re[a + lane])
            xr, xi = er + o_r * wr - oi * wi, ei + o_r * wi + oi * wr
            power[k * LANES + lane] = xr * xr + xi * xi


@_compiled
def _logarithm(values: Any, bits: Any, mantissa: Any, scale: np.float32) -> None:
    """In place: log times `scale`, of positive numbers; 1e-7 of the result or better.

    `bits` and `mantissa` are the same memory as `values` and as a scratch array, as integers.
    """
    scratch = mantissa.view(np.float32)
    for t in range(len(values)):
        exponent = np.int32(np.int32(bits[t] - _ROOT) >> _PLACES)
        mantissa[t] = np.int32(bits[t] - np.int32(exponent << _PLACES))
        bits[t] = exponent
    for t in range(len(values)):
        z = (scratch[t] - np.float32(1)) / (scratch[t] + np.float32(1))
        q = z * z
        series = np.float32(2 / 9) * q + np.float32(2 / 7)
        series = series * q + np.float32(2 / 5)
        series = series * q + np.float32(2 / 3)
        series = series * q + np.float32(2)
        scratch[t] = (z * series + np.float32(bits[t]) * np.float32(0.6931471805599453)) * scale
    for t in range(len(values)):
        values[t] = scratch[t]


@_compiled
def _summed(power: Any, weights: Any, lines: Any, offsets: Any, floor: Any, mel: Any) -> None:
    """Mel energies: every bin is a short run of weighted lines."""
    total = np.zeros(LANES, np.float32)
    for b in range(len(lines)):
        for lane in range(LANES):
            total[lane] = np.float32(0)
        for k in range(offsets[b + 1] - offsets[b]):
            weight, line = weights[offsets[b] + k], (lines[b] + k) * LANES
            for lane in range(LANES):
                total[lane] += weight * power[line + lane]
        for lane in range(LANES):
            mel[b * LANES + lane] = max(total[lane], floor)


@_compiled
def mel_rows(samples: Any, bounds: Any, tables: Any, levels: Any, out: Any) -> None:
    """Log-mel rows ``first`` to ``last`` of `samples` into `out` (row, bin).

    `bounds` is (first, last, hop); `tables` (window, emphasis, twiddles, their starts, twist, mel weights,
    first line and first weight of each bin); `levels` (floor, scale of the logarithm).
    """
    first, last, hop = bounds
    window, emphasis, twiddles, places, twist, weights, lines, offsets = tables
    size = (len(twist) // 2 - 1) * LANES
    x, power = np.zeros(2 * size, np.float32), np.zeros(size + LANES, np.float32)
    re, im = np.zeros(size, np.float32), np.zeros(size, np.float32)
    re2, im2 = np.zeros(size, np.float32), np.zeros(size, np.float32)
    mel, scratch = np.zeros(len(lines) * LANES, np.float32), np.zeros(len(lines) * LANES, np.int32)
    starts = np.zeros(LANES, np.int64)
    for group in range(first, last, LANES):
        for lane in range(LANES):
            starts[lane] = min(group + lane, last - 1) * hop
        if emphasis > 0:
            _load_shaped(samples, starts, window, emphasis, x, re, im)
        else:
            _load(samples, starts, window, re, im)
        _transform(re, im, re2, im2, twiddles, places)
        _power(re, im, twist, power)
        _summed(power, weights, lines, offsets, levels[0], mel)
        _logarithm(mel, mel.view(np.int32), scratch, levels[1])
        for lane in range(min(LANES, last - group)):
            for b in range(len(lines)):
                out[group + lane - first, b] = mel[b * LANES + lane]
