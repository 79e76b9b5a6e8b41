"""Conversations made from real read speech, with the truth of who spoke when. Seeded: the same each time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from real_voices import RATE, Clip
from scipy.signal import butter, fftconvolve, sosfilt

from sensorium.core.speech import Turn
from sensorium.core.time import Span
from sensorium.ops.speech.turns import joined, runs

_NOISES = (None, 25.0, 20.0, 15.0, 10.0, 5.0)  # dB
_PHRASE, _PAUSE = 0.15, 0.3  # seconds: shorter sound, and shorter silence, are not counted


@dataclass(frozen=True, slots=True)
class Scene:
    """How a conversation sounds: seconds, voices, overlap 0..1, echo T60 in s, noise in dB, level in dB."""

    name: str
    seed: int
    seconds: float
    voices: int
    overlap: float
    echo: float
    noise: float | None
    telephone: bool
    level: float


@dataclass(slots=True)
class _Said:
    """What is on the tape so far."""

    tracks: dict[str, NDArray[np.float32]]
    turns: list[Turn] = field(default_factory=list)


def scenes(count: int, seed: int) -> list[Scene]:
    """`count` of them: most last 1 to 4 minutes; one 10 and one 30; seven in ten have echo."""
    rng, made = np.random.default_rng(seed), []
    for number in range(count):
        short = number % 5 == 0
        seconds = rng.uniform(30, 60) if short else rng.uniform(60, 240)
        seconds = {count - 2: 600.0, count - 1: 1800.0}.get(number, seconds)
        voices = 2 + number % 7 if not short else 2 + number % 3
        made.append(
            Scene(
                f"sim{seed}-{number:02d}",
                seed * 1000 + number,
                float(seconds),
                min(voices, 3) if seconds < 60 else voices,
                float(rng.choice([0.0, 0.05, 0.1, 0.15, 0.25])),
                float(rng.choice([0.0, 0.2, 0.4, 0.6])) if rng.random() < 0.9 else 0.8,
                _NOISES[int(rng.integers(len(_NOISES)))],
                bool(rng.random() < 0.2),
                float(rng.choice([0.0, -10.0, -25.0])),
            )
        )
    return made


def spoken(samples: NDArray[np.float32]) -> list[Span]:
    """Where clean sound is speech: 30 dB under its loud parts, or less; pauses under 0.3 s count in."""
    step = RATE // 100
    rows = samples[: len(samples) // step * step].reshape(-1, step)
    level = 10 * np.log10((rows**2).mean(axis=1) + 1e-10)
    loud, quiet = np.percentile(level, 95), np.percentile(level, 5)
    active = level > max(loud - 30.0, min(quiet + 6.0, loud - 20.0))
    found = joined([Span(a / 100, b / 100) for a, b in runs(active)], _PAUSE)
    return [span for span in found if span.duration >= _PHRASE]


class _Voice:
    """One person of a conversation: phrases one after the other, begun again when they are used up."""

    def __init__(self, clips: list[Clip], rng: np.random.Generator) -> None:
        self.name = clips[0].person
        self._phrases = []
        for clip in (clips[i] for i in rng.permutation(len(clips))):
            level = max(float(np.sqrt((clip.samples**2).mean())), 1e-5)
            spans = spoken(clip.samples)
            for span in spans:
                part = clip.samples[round(span.start * RATE) : round(span.end * RATE)]
                self._phrases.append(part * np.float32(0.05 / level))
        self._next = int(rng.integers(len(self._phrases)))

    def say(self, seconds: float) -> list[NDArray[np.float32]]:
        """Phrases of about `seconds` together."""
        said, total = [], 0.0
        while total < seconds:
            part = self._phrases[self._next % len(self._phrases)][: round(12 * RATE)]
            if said and total + len(part) / RATE > seconds * 1.5:
                break
            self._next += 1
            said.append(part)
            total += len(part) / RATE
        return said


def conversation(
    scene: Scene, people: dict[str, list[Clip]]
) -> tuple[NDArray[np.float32], list[Turn]]:
    """Samples at 16 kHz, and the turns."""
    rng = np.random.default_rng(scene.seed)
    names = [sorted(people)[i] for i in rng.permutation(len(people))[: scene.voices]]
    voices = [_Voice(people[name], rng) for name in names]
    said = _talk(scene, voices, rng)
    mixed = np.zeros(round(scene.seconds * RATE), np.float32)
    for name in names:
        gain = 10 ** (rng.uniform(-5, 5) / 20)
        mixed += (gain * _echoed(said.tracks[name], scene.echo, rng)).astype(np.float32)
    mixed = _treated(mixed, scene, rng)
    return mixed, sorted(said.turns, key=lambda turn: (turn.span, turn.speaker))


def _talk(scene: Scene, voices: list[_Voice], rng: np.random.Generator) -> _Said:
    length = round(scene.seconds * RATE)
    said = _Said({voice.name: np.zeros(length, np.float32) for voice in voices})
    share = rng.dirichlet(np.full(len(voices), 2.0)) + 0.05
    now, last, ends = rng.uniform(0.2, 2.0), -1, {voice.name: 0.0 for voice in voices}
    waiting = list(rng.permutation(len(voices)))  # everybody speaks once before chance decides
    while now < scene.seconds - 1.0:
        odds = np.where(np.arange(len(voices)) == last, 0.0, share)
        turn = waiting.pop() if waiting else int(rng.choice(len(voices), p=odds / odds.sum()))
        if turn == last:
            continue
        voice, last = voices[turn], turn
        seconds = float(np.clip(rng.lognormal(1.3, 0.7), 0.7, 20.0))
        start = max(now, ends[voice.name] + 0.1)
        end = _put(said, voice, start, seconds, rng)
        ends[voice.name] = end
        talked = end - start
        if rng.random() < min(scene.overlap * 2.5, 0.6):
            now = max(end - rng.uniform(0.2, 0.8) * min(talked, 4.0), now + 0.3)
        else:
            now = max(end, now) + float(np.clip(rng.exponential(0.6), 0.05, 4.0))
    return said


def _put(
    said: _Said, voice: _Voice, start: float, seconds: float, rng: np.random.Generator
) -> float:
    """Places phrases on the track of a voice; when it is done."""
    track, spans = said.tracks[voice.name], []
    for part in voice.say(seconds):
        first = round(start * RATE)
        part = part[: max(len(track) - first, 0)]
        if len(part) < 0.1 * RATE:
            break
        track[first : first + len(part)] += part
        spans.append(Span(start, start + len(part) / RATE))
        start = spans[-1].end + float(rng.uniform(0.1, 0.6))
    said.turns += [Turn(span, voice.name) for span in joined(spans, _PAUSE)]
    return spans[-1].end if spans else start + seconds


def _echoed(
    track: NDArray[np.float32], seconds: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """A direct path, then noise that falls by 60 dB in `seconds` (the usual statistical room)."""
    if not seconds:
        return track
    times = np.arange(round(seconds * RATE)) / RATE
    room = rng.standard_normal(len(times)) * 10 ** (-3 * times / seconds)
    room[: round(0.003 * RATE)] = 0.0
    room *= np.sqrt(10 ** (-rng.uniform(-2, 6) / 10) / (room**2).sum())  # direct to echo, in dB
    room[0] = 1.0
    return fftconvolve(track, room)[: len(track)].astype(np.float32)


def _treated(
    samples: NDArray[np.float32], scene: Scene, rng: np.random.Generator
) -> NDArray[np.float32]:
    if scene.noise is not None:
        spectrum = np.fft.rfft(rng.standard_normal(len(samples)))
        spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))  # 1/f
        noise = np.fft.irfft(spectrum, len(samples))
        active = samples[np.abs(samples) > 1e-4]
        power = float((active**2).mean()) if len(active) else 1e-6
        noise *= np.sqrt(power / (noise**2).mean() / 10 ** (scene.noise / 10))
        samples = samples + noise.astype(np.float32)
    if scene.telephone:
        band = butter(6, [300, 3400], "bandpass", fs=RATE, output="sos")
        samples = sosfilt(band, samples).astype(np.float32)
    samples = samples * np.float32(10 ** (scene.level / 20) * 2)
    return np.clip(np.round(samples * 32768), -32768, 32767).astype(np.float32) / 32768
