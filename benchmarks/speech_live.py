"""Streaming speech: words against the same model offline, turns against offline turns.

    python benchmarks/speech_live.py --data ../shared/data

Words: read speech with transcripts, joined with short pauses in random order to five minutes and more,
fed in chunks of 1 s with a simulated clock. Latency of a word is the time at which it is settled less
the time at which it ends; computation-unaware counts the sound that was heard, computation-aware
adds the time that computing took (each update may start when the one before it is done).
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from sensorium.adapters.media.reader import MediaReader
from sensorium.adapters.metrics.turn_error import TurnScore
from sensorium.adapters.metrics.word_error import word_errors
from sensorium.core.config import Config
from sensorium.core.events import WordEvent
from sensorium.core.media import Audio, MediaRef
from sensorium.core.record import Record
from sensorium.models.registry import load_model
from sensorium.ops.speech.rttm import parse
from sensorium.pipelines.live.listener import Listener
from sensorium.pipelines.live.live_turns import LiveTurns, LiveTurnsOptions
from sensorium.pipelines.live.live_words import LiveWords
from sensorium.pipelines.speech.transcribe import Speech

RATE = 16_000
Row = tuple[str, str]


def model(job: str):
    """The default model of a job, one thread."""
    return load_model(job, Config().models()[job], 1)


def read(path: Path) -> np.ndarray:
    """All samples, mono, 16 kHz."""
    media = MediaReader()
    return np.concatenate([c.mono() for c in media.audio(media.probe(str(path)), RATE)])


def joined(data: Path, seconds: float) -> tuple[np.ndarray, str]:
    """(samples, text) of read speech, the clips again and again in random order."""
    with open(data / "speech" / "transcripts.tsv", encoding="utf-8") as file:
        clips = [(row["file"], row["transcript"]) for row in csv.DictReader(file, delimiter="\t")]
    sounds = {name: read(data / "speech" / name) for name, _ in clips}
    rng, parts, texts, length = np.random.default_rng(0), [], [], 0
    while length < seconds * RATE:
        for place in rng.permutation(len(clips)):
            name, text = clips[place]
            pause = np.zeros(round(rng.uniform(0.4, 1.5) * RATE), np.float32)
            parts += [sounds[name], pause]
            texts.append(text)
            length += len(sounds[name]) + len(pause)
    return np.concatenate(parts), " ".join(texts)


def chunks(samples: np.ndarray, size: Callable[[], float]) -> Iterator[Audio]:
    """The sound in chunks of so many seconds."""
    first = 0
    while first < len(samples):
        num = max(round(size() * RATE), 1)
        yield Audio(samples[None, first : first + num], RATE, first / RATE)
        first += num


class Whole:
    """A reader of one sound that lies in memory."""

    def __init__(self, samples: np.ndarray) -> None:
        self._samples = samples

    def audio(self, ref: MediaRef, sample_rate: int) -> Iterator[Audio]:
        """In chunks of 10 s."""
        yield from chunks(self._samples, lambda: 10.0)


def offline(samples: np.ndarray) -> str:
    """The text of the same models with all of the sound at hand."""
    ref = MediaRef("joined", "0" * 64, "audio", duration=len(samples) / RATE, has_sound=True)
    speech = Speech(Whole(samples), model("speech_detector"), model("transcriber"))
    found = speech.run(ref, {}, lambda done: None)
    kept = [r for r in found if isinstance(r, Record) and r.kind == "word"]
    return " ".join(record.values["text"] for record in kept)


def streamed(
    samples: np.ndarray, size: Callable[[], float]
) -> tuple[str, list[float], list[float]]:
    """(text, latencies computation-unaware, computation-aware)."""
    heard = Listener(LiveWords(model("speech_detector"), model("transcriber")), None)
    told, unaware, aware, free = [], [], [], 0.0

    def take(events, clock: float) -> None:
        for event in events:
            if isinstance(event, WordEvent):
                told.append(event.word.text)
                unaware.append(event.at - event.word.span.end)
                aware.append(clock - event.word.span.end)

    for chunk in chunks(samples, size):
        begun = time.perf_counter()
        events = heard.step(chunk)
        free = max(free, chunk.end) + time.perf_counter() - begun
        take(events, free)
    take(heard.finish(), free)
    return " ".join(told), unaware, aware


def words(data: Path, seconds: float) -> Iterator[Row]:
    """Word error rate offline and streamed, and latencies."""
    samples, text = joined(data, seconds)
    yield "read speech, seconds", f"{len(samples) / RATE:.0f}"
    yield "word error rate, offline", f"{word_errors(text, offline(samples))['wer']:.3f}"
    rng = np.random.default_rng(1)
    for name, size in (
        ("1 s chunks", lambda: 1.0),
        ("chunks of 20 ms to 5 s", lambda: float(np.exp(rng.uniform(np.log(0.02), np.log(5.0))))),
    ):
        found, unaware, aware = streamed(samples, size)
        yield f"word error rate, {name}", f"{word_errors(text, found)['wer']:.3f}"
        for kind, values in (("unaware", unaware), ("aware", aware)):
            mean, high = np.mean(values), np.percentile(values, 95)
            yield f"latency computation-{kind}, {name}: mean, 95 %", f"{mean:.2f} s, {high:.2f} s"


def nothing(minutes: float) -> Iterator[Row]:
    """Words in sound without speech."""
    num, rng = round(minutes * 60 * RATE), np.random.default_rng(0)
    t = np.arange(num) / RATE
    notes = 220 * 2 ** (rng.integers(0, 24, num // 4000 + 1) / 12)
    melody = np.sin(2 * np.pi * np.cumsum(np.repeat(notes, 4000)[:num]) / RATE)
    sounds = {
        "silence": np.zeros(num),
        "hum of 50 Hz with overtones": sum(
            0.1 / k * np.sin(2 * np.pi * 50 * k * t) for k in range(1, 6)
        ),
        "white noise": 0.05 * rng.standard_normal(num),
        "melody with noise": 0.2 * melody * (1 + np.sin(2 * np.pi * t)) / 2
        + 0.02 * rng.standard_normal(num),
    }
    for name, samples in sounds.items():
        found, _, _ = streamed(samples.astype(np.float32), lambda: 1.0)
        yield f"words in {minutes:g} min of {name}", str(len(found.split()))


def turns(data: Path) -> Iterator[Row]:
    """Diarization error rate over the AMI excerpts by latency, and the time of a step."""
    segmenter, encoder = model("segmenter"), model("speaker_encoder")
    for latency in (0.5, 1.0, 2.0, 5.0):
        score, costs = TurnScore(), []
        for path in sorted(data.glob("ami/*.wav")):
            samples = read(path)
            truth = next(
                iter(parse(path.with_suffix(".rttm").read_text().splitlines(), "").values())
            )
            stage, found = LiveTurns(segmenter, encoder, LiveTurnsOptions(latency=latency)), []
            for chunk in chunks(samples, lambda: 0.5):
                begun = time.perf_counter()
                found += stage.step(chunk)
                costs.append(time.perf_counter() - begun)
            score.add(truth, [*found, *stage.finish()], len(samples) / RATE)
        told = score.total()
        parts = ", ".join(f"{n} {told[n]:.3f}" for n in ("missed", "false_alarm", "confusion"))
        yield (
            f"AMI, diarization error rate at {latency:g} s latency",
            f"{told['der']:.3f} ({parts})",
        )
        yield f"a step of 0.5 s at {latency:g} s latency, 95 %", f"{np.percentile(costs, 95):.3f} s"


def main() -> None:
    """One table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--minutes", type=float, default=10, help="of sound without speech")
    parser.add_argument("--only", choices=("words", "nothing", "turns"))
    options = parser.parse_args()
    print("| what | result |\n|---|---|")
    parts = {
        "turns": lambda: turns(options.data),
        "words": lambda: words(options.data, 300),
        "nothing": lambda: nothing(options.minutes),
    }
    for name, part in parts.items():
        if options.only in (None, name):
            for row in part():
                print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
