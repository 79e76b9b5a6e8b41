"""Whether the channels of a recording are one sound in stereo, or each its own voice, as in a call.

A channel of a call is loud while the other is quiet; what both hold at once has nothing in common, apart
from a faint leak. In stereo the same sound is in both: the waveforms agree up to a delay, or, where a
room has made them unlike, their loudness rises and falls together. The delay is looked for by the
generalised cross-correlation with phase transform (Knapp, Carter 1976), which a room and a filter hardly
disturb.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

RATE = 8_000  # Hz: speech has enough below 4 kHz
ROW = 0.1  # seconds of a row of loudness
_BLOCK = 5  # rows from one comparison of the waveforms to the next
_WINDOW = 10  # rows that are compared
_FFT = 16_384  # samples: a window and as much silence, so that no delay wraps round
_LAG = 4_000  # samples: half a second, what a telephone network delays an echo by
_BAND = (200.0, 3_600.0)  # Hz
_FLOOR = -120.0  # dB of a row of zeros
_ROW_SAMPLES = round(RATE * ROW)


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """When channels count as apart.

    Decibels are below the channel's own loud moments, those that it exceeds for `loud` seconds. `active`:
    what is quieter is a pause; `silent` (of full scale) and `steady` (range): such a channel holds nothing;
    `leak`: sound of a louder channel that is quieter by so much than there, in itself or as the loud
    moments go, is no stereo; `coherent`: 0..1, agreement of two waveforms that is more than chance;
    `shared`: share of the active time in which they may agree; `together`: correlation of the loudness
    up to which two channels go their own ways; `spoken`, `voiced`: seconds of speech, and its share of
    the active time, that a channel needs.
    """

    loud: float = 3.0
    active: float = -20.0
    silent: float = -60.0
    steady: float = 6.0
    leak: float = 15.0
    coherent: float = 0.15
    shared: float = 0.15
    together: float = 0.35
    spoken: float = 1.0
    voiced: float = 0.3


@dataclass(frozen=True, slots=True)
class Measured:
    """Loudness and likeness of all channels.

    `power` float32 ``(channel, row)`` in dB of full scale. For a < b ``{(a, b): float32 (block,)}``:
    `likeness`, 0..1, the peak of the phase transform, which any part that both hold raises; `common`, -1..1,
    the correlation at that delay, which tells how large the part is, below 0 where it is turned over;
    `louder`, dB by which a is louder than b. A row lasts 0.1 s, a block looks at 1 s and begins every 0.5 s:
    230 kB an hour and channel.
    """

    power: NDArray[np.float32]
    likeness: dict[tuple[int, int], NDArray[np.float32]]
    common: dict[tuple[int, int], NDArray[np.float32]]
    louder: dict[tuple[int, int], NDArray[np.float32]]


class Meter:
    """Measures channels that are streamed side by side; holds a second and a half of sound."""

    def __init__(self, num_channels: int) -> None:
        self._pairs = list(combinations(range(num_channels), 2))
        self._rest = np.zeros((num_channels, 0), np.float32)
        self._power: list[NDArray[np.float32]] = []
        self._likeness: list[NDArray[np.float32]] = []
        self._before = np.zeros((num_channels, 0), np.float32)
        self._window = np.hanning(_WINDOW * _ROW_SAMPLES).astype(np.float32)
        bins = np.fft.rfftfreq(_FFT, 1 / RATE)
        self._band = (bins >= _BAND[0]) & (bins <= _BAND[1])

    def add(self, samples: NDArray[np.float32]) -> None:
        """More sound, float32 ``(channel, sample)`` at `RATE`."""
        self._rest = np.concatenate([self._rest, samples], axis=1)
        num = self._rest.shape[1] // (_BLOCK * _ROW_SAMPLES)
        for block in np.split(self._rest[:, : num * _BLOCK * _ROW_SAMPLES], num or 1, axis=1):
            if block.shape[1]:
                self._take(block)
        self._rest = self._rest[:, num * _BLOCK * _ROW_SAMPLES :]

    def so_far(self) -> Measured:
        """What was measured of all that is older than half a second."""
        num = len(self._likeness)
        return self._measured(self._power[:num])

    def finish(self) -> Measured:
        """What was measured; the end is filled up with silence."""
        if self._rest.shape[1]:
            missing = _BLOCK * _ROW_SAMPLES - self._rest.shape[1]
            self._take(np.pad(self._rest, ((0, 0), (0, missing))))
        if self._before.shape[1]:
            self._compare(self._before)
        return self._measured(self._power)

    def _measured(self, rows: Sequence[NDArray[np.float32]]) -> Measured:
        power = np.concatenate(rows, axis=1) if rows else np.zeros((len(self._rest), 0), "f4")
        told = np.array(self._likeness, np.float32).reshape(-1, len(self._pairs), 3)
        pairs = list(enumerate(self._pairs))
        return Measured(
            power, *({pair: told[:, i, part] for i, pair in pairs} for part in range(3))
        )

    def _take(self, block: NDArray[np.float32]) -> None:
        rows = block.reshape(len(block), _BLOCK, _ROW_SAMPLES)
        mean = np.mean(rows * rows, axis=2)
        self._power.append((10 * np.log10(np.maximum(mean, 10 ** (_FLOOR / 10)))).astype("f4"))
        if self._before.shape[1]:
            self._compare(np.concatenate([self._before, block], axis=1))
        self._before = block

    def _compare(self, window: NDArray[np.float32]) -> None:
        """The phase transform of each pair, and the plain correlation where it is highest."""
        spectra = np.fft.rfft(window * self._window[: window.shape[1]], _FFT, axis=1)
        spectra = np.where(self._band, spectra, 0)
        size = np.abs(spectra)
        energy = np.maximum(2 / _FFT * (size * size).sum(axis=1), 1e-12)
        phases = spectra / np.maximum(size, 1e-9)
        whole = 2 * int(self._band.sum()) / _FFT
        told = np.zeros((len(self._pairs), 3), np.float32)
        for index, (a, b) in enumerate(self._pairs):
            peaks = np.abs(np.fft.irfft(phases[a] * phases[b].conj(), _FFT))
            peaks[_LAG + 1 : -_LAG] = 0
            lag = int(np.argmax(peaks))
            plain = np.fft.irfft(spectra[a] * spectra[b].conj(), _FFT)[lag]
            common = np.clip(plain / np.sqrt(energy[a] * energy[b]), -1.0, 1.0)
            told[index] = peaks[lag] / whole, common, 10 * np.log10(energy[a] / energy[b])
        self._likeness.append(told)


def levels(power: NDArray[np.float32], rule: ChannelRule) -> NDArray[np.float32]:
    """``(channel,)`` dB that each channel exceeds for `rule.loud` seconds, a twentieth of a short file."""
    num_rows = power.shape[1]
    if not num_rows:
        return np.full(len(power), _FLOOR, np.float32)
    rank = max(1, min(round(rule.loud / ROW), num_rows // 20))
    return np.partition(power, num_rows - rank, axis=1)[:, num_rows - rank]


def sounding(measured: Measured, rule: ChannelRule) -> list[int]:
    """The channels that hold something: neither silent nor a steady hiss or tone."""
    loud = levels(measured.power, rule)
    if not measured.power.shape[1]:
        return []
    quiet = np.percentile(measured.power, 10, axis=1)
    kept = (loud > rule.silent) & (loud - quiet > rule.steady)
    return [int(channel) for channel in np.flatnonzero(kept)]


def apart(measured: Measured, rule: ChannelRule) -> list[int]:
    """The channels that hold something, if each goes its own way; none if any two belong together.

    That each of them is speech is not looked at here.
    """
    found = sounding(measured, rule)
    if len(found) < 2:
        return []
    for a, b in combinations(found, 2):
        shared, together = likeness(measured, (a, b), rule)
        if shared > rule.shared or together > rule.together:
            return []
    return found


def is_stereo(measured: Measured, num_rows: int, rule: ChannelRule) -> bool:
    """Whether the beginning of a file of `num_rows` rows tells that its channels belong together.

    They do if they share so much already that no rest could make up for it, twice over.
    """
    allowed = 2 * rule.shared * num_rows / _BLOCK
    return any(
        _same(measured, pair, rule)[0].sum() > allowed
        for pair in combinations(sounding(measured, rule), 2)
    )


def likeness(measured: Measured, pair: tuple[int, int], rule: ChannelRule) -> tuple[float, float]:
    """(share of the active time in which two channels hold the same, correlation of their loudness)."""
    same, active = _same(measured, pair, rule)
    shared = float(same.sum() / active.sum()) if active.any() else 1.0
    own = (measured.power - levels(measured.power, rule)[:, None])[list(pair)]
    kernel = np.ones(3, np.float32) / 3
    smooth = np.stack([np.convolve(np.maximum(row, -40.0), kernel, "same") for row in own])
    rows = smooth[:, own.max(axis=0) > rule.active]
    if rows.shape[1] < 2 or not rows.std(axis=1).all():
        return shared, 1.0
    return shared, float(np.corrcoef(rows)[0, 1])


def _same(
    measured: Measured, pair: tuple[int, int], rule: ChannelRule
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """``(block,)`` where both hold the same, louder than a leak; where one of them is active."""
    loud = levels(measured.power, rule)
    blocks = _blocks((measured.power - loud[:, None])[list(pair)])
    active = blocks.max(axis=0) > rule.active
    # how loud in the quieter channel is what the louder one holds
    lost = 20 * np.log10(np.maximum(np.abs(measured.common[pair]), 1e-6))
    raw = measured.louder[pair]
    lost = lost - np.maximum(np.abs(raw), np.abs(raw - (loud[pair[0]] - loud[pair[1]])))
    return active & (measured.likeness[pair] > rule.coherent) & (lost > -rule.leak), active


def _blocks(relative: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean power ``(channel, block)`` in dB of the second that each block looks at."""
    power = (10 ** (relative / 10)).reshape(len(relative), -1, _BLOCK).mean(axis=2)
    following = np.concatenate([power[:, 1:], power[:, -1:]], axis=1)
    return 10 * np.log10(np.maximum((power + following) / 2, 1e-12))


def cancelling(measured: Measured, rule: ChannelRule) -> bool:
    """Whether two channels hold the same sound turned over, so that their average is silence."""
    found = sounding(measured, rule)
    if len(found) != 2:
        return False
    pair = (found[0], found[1])
    _, active = _same(measured, pair, rule)
    turned = (measured.common[pair] < -0.9) & (np.abs(measured.louder[pair]) < 3)
    return bool(turned[active].mean() > 0.5) if active.any() else False


def copies(measured: Measured, rule: ChannelRule) -> list[int]:
    """The channels that hold something, without those that hold the same as one before them."""
    kept: list[int] = []
    for channel in sounding(measured, rule):
        if all(likeness(measured, (each, channel), rule)[0] < 1 - rule.shared for each in kept):
            kept.append(channel)
    return kept


def busy_rows(measured: Measured, channel: int, rule: ChannelRule) -> NDArray[np.bool_]:
    """``(row,)`` True where a channel makes no pause."""
    return measured.power[channel] - levels(measured.power, rule)[channel] > rule.active


def own_rows(
    measured: Measured, channel: int, among: Sequence[int], rule: ChannelRule
) -> NDArray[np.bool_]:
    """``(row,)`` False where a channel holds nothing but what leaks in from another one.

    How much leaks from each channel is measured where it is much louder and the waveforms agree; what is
    louder than that by 6 dB is the channel's own, with a row before and after it.
    """
    power, loud = measured.power, levels(measured.power, rule)
    foreign = np.zeros(power.shape[1], bool)
    for other in among:
        gain = _leak(measured, other, channel, rule) if other != channel else None
        if gain is not None:
            lately = _held(power[other], 3)  # a room goes on sounding
            much = 10 + min(0.0, float(loud[other] - loud[channel]))
            foreign |= (lately - power[channel] > much) & (power[channel] <= lately + gain + 6)
    mine = ~foreign
    return mine | np.roll(mine, 1) | np.roll(mine, -1) if mine.any() else mine


def _leak(measured: Measured, source: int, into: int, rule: ChannelRule) -> float | None:
    """dB by which the sound of one channel is quieter in another one; None if there is none."""
    power = _blocks(measured.power[[source, into]])
    loud = levels(measured.power, rule)[[source, into]]
    relative = power - loud[:, None]
    alike = measured.likeness[min(source, into), max(source, into)] > rule.coherent
    much = 10 + min(0.0, float(loud[0] - loud[1]))
    seen = alike & (relative[0] > rule.active) & (power[0] - power[1] > much)
    return float(np.median((power[1] - power[0])[seen])) if seen.sum() >= 4 else None


def _held(values: NDArray[np.float32], num: int) -> NDArray[np.float32]:
    """The highest of each value and the `num` before it."""
    held = values.copy()
    for shift in range(1, num + 1):
        held[shift:] = np.maximum(held[shift:], values[:-shift])
    return held
