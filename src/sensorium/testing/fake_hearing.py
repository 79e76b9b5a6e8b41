"""Models that hear sound made for them: fakes of the ports that live pipelines use.

`script` makes the sound: while a word is said, its samples hold the word's number; what the fakes hear
is read back from the samples, so however the sound is cut, they understand only what is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from sensorium.core.features import Features
from sensorium.core.media import Audio
from sensorium.core.record import Provenance
from sensorium.core.speech import Transcript, Word
from sensorium.core.time import Axis, Span

RATE = 16_000
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


class FakeDetector:
    """Speech wherever the samples are not 0."""

    provenance = Provenance("fake-detector", "1")

    def probabilities(self, chunks: Iterable[Audio]) -> Iterator[Features]:
        """Rows of 32 ms; chunks come in whole rows."""
        for chunk in chunks:
            rows = (np.abs(chunk.mono().reshape(-1, 512)).max(axis=1) > 0).astype(np.float32)
            axis = Axis("time", chunk.start, 512 / RATE, 512 / RATE, "s")
            yield Features(rows[:, None], (axis,), "fake-detector", "speech")


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
            rows = each.mono().reshape(-1, 320)
            values = np.stack([rows.max(axis=1) > 0, rows.min(axis=1) < 0, rows[:, 0] > 9], axis=1)
            axis = Axis("time", each.start, 0.02, 0.02, "s")
            told.append(Features(values.astype(np.float32), (axis,), "fake-segmenter", "activity"))
        return told


class FakeVoices:
    """A voice is the sign of its samples."""

    provenance = Provenance("fake-voices", "1")

    def encode(self, clips: Sequence[Audio]) -> list[Features]:
        """Two dimensions."""
        signs = [float(np.sign(clip.mono().sum(dtype=np.float64))) for clip in clips]
        values = [np.array([sign > 0, sign < 0], np.float32) for sign in signs]
        return [Features(each, (), "fake-voices", "voice") for each in values]
