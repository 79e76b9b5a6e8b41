"""Conversations with one side per channel: heard apart and as one; then what `auto` does to stereo.

Reads ../shared/data/speech and ../shared/data/ami (see its MANIFEST.md); says so and ends if it is not there.
Usage: python benchmarks/channels.py [FOLDER for the made files]
"""

from __future__ import annotations

import csv
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from sensorium.adapters.media.reader import MediaReader
from sensorium.adapters.metrics.turn_error import TurnScore
from sensorium.adapters.metrics.word_error import word_errors
from sensorium.core.config import Config
from sensorium.core.speech import Turn
from sensorium.core.time import Span
from sensorium.library.library import Library
from sensorium.models.registry import load_model
from sensorium.pipelines.speech.own_voice import OwnVoices
from sensorium.run.extract import extract
from sensorium.testing.fake_hearing import RATE, FakeSound
from sensorium.testing.made_media import write_sound

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
CALLS = (  # (file, channel) in order
    (("ls_1089-134686-0000.flac", 0), ("2412-153948-0000.flac", 1), ("ls_1089-134686-0001.flac", 0),
     ("ls_1995-1837-0001.wav", 1), ("ls_1089-134691-0001.flac", 0)),
    (("jfk.flac", 0), ("ls_1995-1837-0001.wav", 1), ("ls_6930-75918-0000.flac", 0),
     ("ls_7902-96591-0000.flac", 1)),
    (("2412-153948-0000.flac", 1), ("ls_1089-134691-0001.flac", 0), ("ls_6930-75918-0000.flac", 1),
     ("ls_1089-134686-0000.flac", 0)),
)  # fmt: skip
NOT_IN_TABLE = (
    "IF THE READER WILL EXCUSE ME I WILL SAY NOTHING OF MY ANTECEDENTS NOR OF THE CIRCUMSTANCES WHICH LED "
    "ME TO LEAVE MY NATIVE COUNTRY THE NARRATIVE WOULD BE TEDIOUS TO HIM AND PAINFUL TO MYSELF"
)
Said = list[tuple[int, Span, str]]  # channel, when, file


def load(path: Path) -> NDArray[np.float32]:
    """Mono at 16 kHz."""
    reader = MediaReader()
    return np.concatenate([c.mono() for c in reader.audio(reader.probe(str(path)), RATE)])


def made(call: tuple, overlap: float, leak: float) -> tuple[NDArray[np.float32], Said]:
    """A conversation on two channels: `overlap` is the share of each part in which the next has begun."""
    at, ends, parts = 0.4, [0.0, 0.0], []
    for file, channel in call:
        sound = load(DATA / "speech" / file)
        sound *= 0.08 / np.sqrt(np.mean(sound**2))
        at = max(at, ends[channel] + 0.3)
        ends[channel] = at + len(sound) / RATE
        parts.append((channel, at, file, sound))
        at = ends[channel] - overlap * len(sound) / RATE if overlap else ends[channel] + 0.4
    samples = np.zeros((2, round((max(ends) + 0.6) * RATE)), np.float32)
    for channel, start, _, sound in parts:
        samples[channel, int(start * RATE) : int(start * RATE) + len(sound)] += sound
    samples = samples + leak * np.roll(samples[::-1], 192, axis=1)
    samples += np.random.default_rng(3).standard_normal(samples.shape) * 10 ** (-65 / 20)
    told = [(c, Span(start, start + len(sound) / RATE), file) for c, start, file, sound in parts]
    return np.clip(samples, -1, 1).astype(np.float32), told


def texts() -> dict[str, str]:
    """File -> what is said in it."""
    with open(DATA / "speech" / "transcripts.tsv", encoding="utf-8") as file:
        found = {row["file"]: row["transcript"] for row in csv.DictReader(file, delimiter="\t")}
    return {**found, "2412-153948-0000.flac": NOT_IN_TABLE}


def person(file: str) -> str:
    """Who reads a file."""
    return file.removeprefix("ls_").split("-")[0]


def scored(library: Library, files: dict[str, Said]) -> str:
    """Diarization and word error of some files; of words heard as one by the channel of their voice."""
    turns_of, right, heard, said = TurnScore(), [], [], texts()
    for file, told in files.items():
        rows = library.records("turn", file)
        turns = [Turn(Span(a, b), s) for a, b, s in zip(rows["start"], rows["end"], rows["speaker"],
                                                        strict=True)]  # fmt: skip
        truth = [Turn(span, f"{person(name)} {channel}") for channel, span, name in told]
        turns_of.add(truth, turns, library.records("media", file)["duration"].iloc[0])
        shared: dict[tuple[str, int], float] = defaultdict(float)
        for turn in turns:
            for channel, span, _ in told:
                shared[turn.speaker, channel] += turn.span.overlap(span)
        words = library.words(file).sort_values("start", kind="stable")
        for channel in (0, 1):
            mine = {s for s in set(rows["speaker"]) if shared[s, channel] > shared[s, 1 - channel]}
            apart = words["channel"].notna().any()
            kept = words["channel"] == channel if apart else words["speaker"].isin(mine)
            heard += words["text"][kept].tolist()
            right += [said[name] for where, _, name in told if where == channel]
    total, wrong = turns_of.total(), word_errors(" ".join(right), " ".join(heard))
    return f"diarization error {total['der']:.3f}, word error {wrong['wer']:.3f}"


def in_room(sound: NDArray, seed: int, delay: int = 0, direct: float = 1.0) -> NDArray:
    """As one microphone of a room hears it."""
    num = RATE // 2
    tail = np.random.default_rng(seed).standard_normal(num) * 10 ** (-3 * np.arange(num) / num)
    tail /= np.sqrt(np.sum(tail**2))
    tail[delay] += direct
    return fftconvolve(sound, tail)[: len(sound)]


def stereo(x: NDArray) -> Iterator[tuple[str, NDArray]]:
    """One recording spread over two channels in the ways in which that is done."""
    yield "copy", np.stack([x, x])
    yield "gain", np.stack([x, 0.2 * x])
    yield "pan", np.stack([0.8 * x, 0.2 * x])
    yield "antiphase", np.stack([x, -x])
    yield "room", np.stack([in_room(x, 1), in_room(x, 2, 60)])
    yield "far in a room", np.stack([in_room(x, 3, 0, 0.3), in_room(x, 4, 90, 0.3)])
    yield "wide", np.stack([x + 0.7 * in_room(x, 5), x - 0.7 * in_room(x, 5)])
    yield "one silent", np.stack([x, 0 * x])
    yield "delay", np.stack([x, np.roll(x, 320)])


def main() -> None:
    """Prints both tables."""
    if not DATA.is_dir():
        sys.exit(f"{DATA}: not there; this benchmark needs the shared recordings")
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    for overlap in (0.0, 0.4):
        for leak in (0.0, 0.1):
            files: dict[str, Said] = {}
            for number, call in enumerate(CALLS):
                path = folder / f"call{number}-{overlap:g}-{leak:g}.flac"
                samples, told = made(call, overlap, leak)
                files[str(write_sound(path, samples, RATE, "flac"))] = told
            for choice in ("auto", "mix"):
                config = Config.flat(("speech", "speakers", "who"), channels=choice)
                library = extract(list(files), folder / choice, config=config, workers=0)
                print(f"overlap {overlap:g}, leak {leak:g}, {choice}: {scored(library, files)}")
    detector = load_model("speech_detector", "silero-vad", 1)
    apart: dict[str, list[bool]] = defaultdict(list)
    for file in sorted(DATA.glob("*/*.[wf]*[vc]")):
        for name, samples in stereo(load(file)):
            noise = 1e-4 * np.random.default_rng(1).standard_normal(samples.shape)
            reader = FakeSound((samples + noise).astype(np.float32))
            found = OwnVoices(reader, detector).of(reader.probe(file.name))
            apart[name].append(len(found) > 1)
    for name, verdicts in apart.items():
        print(f"stereo, {name}: {sum(verdicts)} of {len(verdicts)} taken apart")


if __name__ == "__main__":
    main()
