"""Windows of labelled recordings that a segmentation learns from, and what is done to them.

Every window follows from the seed and the number of its step alone: a training that was killed draws the same
ones again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sensorium.core.learning import VoicesTraining
from sensorium.core.speech import Turn
from sensorium.ops.sound import spoil
from sensorium.ops.voices import powerset

RATE = 16_000
STEP = 270  # samples from row to row of the segmentation
FIELD = 991  # samples that one row sees
_TRIES = 4  # windows that are looked at to be mixed in
Batch = tuple[NDArray[np.float32], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Recording:
    """Sound (sample,) at 16 kHz as int16, which may lie on the disk, and who spoke when in it."""

    name: str
    samples: NDArray[np.int16]
    turns: Sequence[Turn]

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / RATE

    @property
    def speakers(self) -> list[str]:
        """Names, sorted."""
        return sorted({turn.speaker for turn in self.turns})


@dataclass(frozen=True, slots=True)
class _Window:
    samples: NDArray[np.float32]
    active: NDArray[np.bool_]  # (row, speaker)
    names: tuple[str, ...]  # of those who speak in it


def num_rows(num_samples: int) -> int:
    """Rows that the segmentation gives for so many samples."""
    return (num_samples - FIELD) // STEP + 1


def _window(recording: Recording, first: int, num_samples: int) -> _Window:
    """From sample `first` on; silence where the recording is over."""
    part = recording.samples[first : first + num_samples].astype(np.float32) / np.float32(32768)
    part = np.pad(part, (0, num_samples - len(part))).astype(np.float32)
    at = (first + np.arange(num_rows(num_samples)) * STEP + FIELD / 2) / RATE  # middles of the rows
    here = [turn for turn in recording.turns if turn.span.end > at[0] and turn.span.start < at[-1]]
    names = tuple(sorted({turn.speaker for turn in here}))
    active = np.zeros((len(at), len(names)), bool)
    for turn in here:
        inside = (at >= turn.span.start) & (at < turn.span.end)
        active[:, names.index(turn.speaker)] |= inside
    return _Window(part, active, names)


class WindowSource:
    """Draws batches of windows of `seconds` from recordings, longer recordings more often."""

    def __init__(
        self, recordings: Sequence[Recording], choices: VoicesTraining, seconds: float = 10.0
    ) -> None:
        self._recordings = recordings
        self._choices = choices
        self._num_samples = round(seconds * RATE)
        lengths = np.array([each.duration for each in recordings])
        self._share = lengths / lengths.sum()
        windows = choices.windows or max(1, round(lengths.sum() / seconds))
        self.per_epoch = -(-windows // choices.batch)

    def batch(self, step: int) -> Batch:
        """Samples (window, sample) and the classes (window, row) of the truth, of one step from 0."""
        rng = np.random.default_rng([self._choices.seed, 1, step])
        made = [self._made(rng) for _ in range(self._choices.batch)]
        samples, classes = zip(*made, strict=True)
        return np.stack(samples), np.stack(classes)

    def _made(self, rng: np.random.Generator) -> Batch:
        window, choices = self._drawn(rng), self._choices
        if rng.random() < choices.mix:
            window = self._mixed(window, rng)
        samples = window.samples
        if rng.random() < choices.echo:
            response = spoil.room(rng.uniform(0.1, 0.8), rng.uniform(-3, 9), RATE, rng)
            samples = spoil.with_echo(samples, response)
        if rng.random() < choices.noise:
            kind: spoil.Noise = ("white", "pink", "brown")[int(rng.integers(3))]
            added = spoil.noise(kind, len(samples), rng)
            samples = spoil.with_noise(samples, added, rng.uniform(*choices.snr))
        if rng.random() < choices.telephone:
            low, high = rng.uniform(200, 400), rng.uniform(3000, 3700)
            samples = spoil.telephone(samples, RATE, round(low, -1), round(high, -2))
        samples = spoil.with_gain(samples, rng.uniform(-choices.gain, choices.gain))
        return samples, powerset.targets(window.active)

    def _drawn(self, rng: np.random.Generator) -> _Window:
        recording = self._recordings[int(rng.choice(len(self._share), p=self._share))]
        last = max(len(recording.samples) - self._num_samples, 0)
        return _window(recording, int(rng.integers(last + 1)), self._num_samples)

    def _mixed(self, window: _Window, rng: np.random.Generator) -> _Window:
        """With a second window over it whose voices are others, if one is soon found.

        Two windows with a name in common are left alone: it may be one voice, or two people that are
        called alike, and the truth of the mix would be wrong in one of the cases.
        """
        for _ in range(_TRIES):
            other = self._drawn(rng)
            if not other.names or set(other.names) & set(window.names):
                continue
            if len(other.names) + len(window.names) > powerset.SPEAKERS:
                continue
            gain = np.float32(10 ** (rng.uniform(-5, 5) / 20))
            own, added = (float(np.sqrt((x.samples**2).mean())) for x in (window, other))
            if own > 0 and added > 0:
                gain *= np.float32(own / added)
            active = np.concatenate([window.active, other.active], axis=1)
            names = window.names + other.names
            return _Window(window.samples + gain * other.samples, active, names)
        return window


def back_to_back(
    recordings: Sequence[Recording], size: int, seconds: float = 10.0
) -> Iterator[Batch]:
    """All of the recordings as they are, in batches of at most `size` windows."""
    num_samples = round(seconds * RATE)
    places = [
        (recording, first)
        for recording in recordings
        for first in range(0, max(len(recording.samples) - num_samples // 4, 1), num_samples)
    ]
    for begin in range(0, len(places), size):
        windows = [
            _window(each, first, num_samples) for each, first in places[begin : begin + size]
        ]
        samples = np.stack([each.samples for each in windows])
        yield samples, np.stack([powerset.targets(each.active) for each in windows])
