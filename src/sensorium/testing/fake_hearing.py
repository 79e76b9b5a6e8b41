"""Models that hear sound made for them: fakes of the ports that live pipelines use.

`script` makes the sound: while a word is said, its samples hold the word's number; what the fakes hear
is read back from the samples, so however the sound is cut, they understand only what is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import UsageError
from sensorium.core.features import Features
from sensorium.core.media import Audio, Frames, MediaRef, Track
from sensorium.core.record import Provenance
from sensorium.core.speech import Transcript, Word
from sensorium.core.time import Axis, Span

RATE = 16_000
_ROW = 512  # samples of a row of the detector
_UNIT = 1e-4  # amplitude of word number 1


def script(words: Sequence[tuple[float, float]], seconds: float) -> Audio:
    """Sound of `seconds` in which word i (from 1) is said from start to end."""
    samples = np.zeros((1, round(seconds * RATE)), np.float32)
    for number, (start, end) in enumerate(words, start=1):
        samples[:, round(start * RATE) : round(end * RATE)] = number * _UNIT
    return Audio(samples, RATE)


def text(number: int) -> str:
    """What word `number` is called; every seventh ends a sentence."""
    return f"w{number}." if number % 7 == 0 else f"w{number}"


def _at_our_rate(audio: Audio) -> Audio:
    if audio.sample_rate != RATE:
        raise UsageError(f"expected sound at {RATE} Hz, got {audio!r}")
    return audio


class FakeSound:
    """A reader of sound that was made: ``(channel, sample)`` at 16 kHz, per audio track.

    Sound at other rates, which must divide 16 kHz, is every second, third, ... sample.
    """

    def __init__(self, *tracks: np.ndarray) -> None:
        self._tracks = tracks
        self.walks: list[int | None] = []  # the channels that were read, in order

    def probe(self, uri: str) -> MediaRef:
        first = self._tracks[0]
        return MediaRef(
            uri,
            "made",
            "audio",
            duration=first.shape[1] / RATE,
            sample_rate=RATE,
            num_channels=len(first),
            has_sound=True,
            tracks=tuple(
                Track(index, num_channels=len(each)) for index, each in enumerate(self._tracks)
            ),
            audio_track=0,
        )

    def audio(self, ref: MediaRef, sample_rate: int, channel: int | None = None) -> Iterator[Audio]:
        self.walks.append(channel)
        samples = self._tracks[ref.audio_track or 0]
        mono = samples.mean(axis=0) if channel is None else samples[channel]
        mono = np.asarray(mono[:: RATE // sample_rate], np.float32)[None]
        size = 8 * sample_rate
        for first in range(0, mono.shape[1], size):
            yield Audio(mono[:, first : first + size], sample_rate, first / sample_rate)

    def frames(
        self, ref: MediaRef, max_side: int | None, times: Sequence[float] | None = None
    ) -> Iterator[Frames]:
        return iter(())


class FakeDetector:
    """Speech wherever the samples are not 0."""

    provenance = Provenance("fake-detector", "1")

    def probabilities(self, chunks: Iterable[Audio]) -> Iterator[Features]:
        """Rows of 32 ms; the last one may reach past the end."""
        rest, start, num_rows = np.zeros(0, np.float32), None, 0
        for chunk in chunks:
            start = chunk.start if start is None else start
            heard = np.concatenate([rest, _at_our_rate(chunk).mono()])
            whole = len(heard) // _ROW * _ROW
            if whole:
                yield self._rows(heard[:whole], start + num_rows * _ROW / RATE)
                num_rows += whole // _ROW
            rest = heard[whole:]
        if len(rest) and start is not None:
            yield self._rows(np.pad(rest, (0, _ROW - len(rest))), start + num_rows * _ROW / RATE)

    def _rows(self, samples: NDArray[np.float32], start: float) -> Features:
        rows = (np.abs(samples.reshape(-1, _ROW)).max(axis=1) > 0).astype(np.float32)
        axis = Axis("time", start, _ROW / RATE, _ROW / RATE, "s")
        return Features(rows[:, None], (axis,), "fake-detector", "speech")


class FakeTranscriber:
    """Understands each word that is whole in the sound; one that is cut at the end is garbled."""

    provenance = Provenance("fake-transcriber", "1")

    def __init__(self) -> None:
        self.longest = 0.0
        self.asked: list[tuple[Span, str, bool]] = []  # (sound, language, translate) of every call

    def transcribe(
        self, audio: Audio, prompt: str = "", language: str = "", translate: bool = False
    ) -> Transcript:
        """The words in the sound."""
        if _at_our_rate(audio).duration > 30 + 1e-6:
            raise UsageError(f"transcribe: expected at most 30 s, got {audio!r}")
        self.longest = max(self.longest, audio.duration)
        self.asked.append((Span(audio.start, audio.end), language, translate))
        numbers = np.round(audio.mono() / _UNIT).astype(int)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], numbers, [0]])))
        words = []
        for first, last in pairwise(edges):
            number = numbers[first] if first < len(numbers) else 0
            if not number or (first == 0 and last - first < 800):
                continue  # silence, or the end of a word whose beginning is gone
            cut = last == len(numbers)
            span = Span(audio.start + first / RATE, audio.start + last / RATE)
            words.append(Word(f"{text(number)}-garbled" if cut else text(number), span, 0.9))
        return Transcript(tuple(words), language or "en", len(words))


class FakeLanguages:
    """Knows what is spoken when: (from second, language -> probability), in order of time."""

    provenance = Provenance("fake-languages", "1")

    def __init__(self, *spoken: tuple[float, Mapping[str, float]]) -> None:
        self._spoken = spoken
        self.asked: list[Span] = []

    def languages(self, audio: Audio) -> list[tuple[str, float]]:
        """What is spoken in the middle of the sound."""
        self.asked.append(Span(audio.start, audio.end))
        middle = (audio.start + audio.end) / 2
        told = [each for start, each in self._spoken if start <= middle][-1]
        return sorted(told.items(), key=lambda pair: -pair[1])


class FakeSegmenter:
    """One local speaker wherever the samples are above 0, a second one below 0."""

    provenance = Provenance("fake-segmenter", "1")
    window = 10.0

    def segment(self, windows: Sequence[Audio]) -> list[Features]:
        """Rows of 20 ms."""
        told = []
        for each in windows:
            rows = _at_our_rate(each).mono().reshape(-1, 320)
            values = np.stack([rows.max(axis=1) > 0, rows.min(axis=1) < 0, rows[:, 0] > 9], axis=1)
            axis = Axis("time", each.start, 0.02, 0.02, "s")
            told.append(Features(values.astype(np.float32), (axis,), "fake-segmenter", "activity"))
        return told


class FakeVoices:
    """A voice is the sign of its samples; what has none is as near to one as to the other."""

    provenance = Provenance("fake-voices", "1")

    def encode(self, clips: Sequence[Audio]) -> list[Features]:
        """Two dimensions."""
        return [Features(self._voice(clip), (), "fake-voices", "voice") for clip in clips]

    def _voice(self, clip: Audio) -> NDArray[np.float32]:
        if _at_our_rate(clip).duration < 0.5:
            raise UsageError(f"encode: expected at least 0.5 s, got {clip!r}")
        sign = np.sign(clip.mono().sum(dtype=np.float64))
        values = np.array([sign >= 0, sign <= 0], np.float32)
        return values / np.float32(np.linalg.norm(values))
