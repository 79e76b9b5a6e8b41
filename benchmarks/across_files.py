"""The same voice in other files, as `speakers` hears it: how often two people become one, or one two.

    python benchmarks/across_files.py --data ../shared/data          # the table of docs/speech.md
    python benchmarks/across_files.py --data ../shared/data --fit    # the calibration, on the other half

Recordings of the half that nothing was chosen on (see diarization.py): one per clip of people with
several clips, simulated conversations under 100 s, and all AMI excerpts. Each is diarized, its voices
are matched one file after the other as a library does, at the default threshold, in five orders. A voice
counts as the person who speaks most of its turns, if that is six tenths of them. Speech of a person in
two conversations is partly the same sentences in another room: joining those is easier than it should be.

The calibration of models/bundled.py is fitted (`--fit`) on single clips and conversations of the half on
which values are chosen: no person and no recording of it is in the table, and no AMI excerpt is in the fit.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import diarization
import numpy as np
import real_voices
import voices as pieces

from sensorium.core.config import Config
from sensorium.core.media import MediaRef
from sensorium.core.people.identity import LONGEST, Calibration, Sample
from sensorium.core.record import Record
from sensorium.core.speech import Turn
from sensorium.core.time import Span
from sensorium.models.registry import models
from sensorium.ops.people.everybody import Everybody
from sensorium.ops.people.similarity import match
from sensorium.people.match import RULES
from sensorium.pipelines.speech.speakers import Speakers, SpeakersOptions

ORDERS = 5
FITTED = 160  # seconds of the longest conversation that is fitted on
_OWN = 0.6  # share of a voice's turns that one person must speak


class Voice(NamedTuple):
    """One speaker of one recording, who that is, and what kind of recording."""

    person: str
    recording: str
    kind: str
    sample: Sample


def voices_of(made: diarization.Models, recording, kind: str) -> list[Voice]:
    """The speakers of a recording whose person is clear."""
    stage = Speakers(
        diarization.Sounds(recording.samples), made.segmenter, made.encoder, SpeakersOptions(),
        made.detector,
    )  # fmt: skip
    ref = MediaRef("memory", "0", "audio", duration=recording.seconds, has_sound=True)
    records = [r for r in stage.run(ref, {}, lambda done: None) if isinstance(r, Record)]
    found = []
    for record in (r for r in records if r.kind == "voice"):
        label = record.values["speaker"]
        spans = [r.span for r in records if r.kind == "turn" and r.values["speaker"] == label]
        held: dict[str, float] = {}
        for turn in recording.turns:
            shared = sum(span.overlap(turn.span) for span in spans)
            held[turn.speaker] = held.get(turn.speaker, 0.0) + shared
        person = max(held, key=lambda who: held[who])
        if held[person] >= _OWN * max(sum(held.values()), 1e-9):
            key, values = f"{recording.name}/{label}", np.array(record.values["embedding"])
            sample = Sample(key, "", label, "m", record.values["duration"], values)
            found.append(Voice(person, recording.name, kind, sample))
    return found


def singles(people, half: int):
    """(recording, kind): two or three clips of each person of a half, each a recording."""
    for who in real_voices.halves(list(people))[half]:
        clips = [clip for clip in people[who] if len(clip.samples) >= 4 * real_voices.RATE]
        for number, clip in enumerate(clips[:3] if len(clips) < 20 else clips[:2]):
            span = Span(0.0, len(clip.samples) / real_voices.RATE)
            turns = [Turn(span, who)]
            yield diarization.Recording(f"{who}-{number}", clip.samples, turns), "single"


def recordings(data: Path, fitted: bool):
    """(recording, kind) of the half that is fitted on, or of all that is reported."""
    folder = real_voices.fetch()
    people, half = real_voices.clips(folder, data), 0 if fitted else 1
    yield from singles(people, half)
    if not fitted:
        for each in [*diarization.shared_ami(data), *diarization.other_ami(folder)]:
            yield each, "ami"
    for each in diarization.simulated(people, half, FITTED if fitted else diarization.SHORT):
        yield each, "simulated"


def compared(voices: list[Voice]) -> tuple[np.ndarray, np.ndarray]:
    """(pair, 3) cosine and log2 of both lengths, (pair,) same person, across recordings."""
    told, same = [], []
    for one, other in combinations(voices, 2):
        if one.recording != other.recording:
            seconds = [min(max(v.sample.seconds, 0.5), LONGEST) for v in (one, other)]
            cosine = float(one.sample.embedding @ other.sample.embedding)
            told.append((cosine, *np.log2(sorted(seconds))))
            same.append(one.person == other.person)
    return np.array(told), np.array(same)


def joined(voices: list[Voice], calibration: Calibration, seed: int) -> dict[str, str]:
    """Sample -> identity, files in a random order."""
    rng, known, whose = np.random.default_rng(seed), Everybody(), {}
    names = sorted({voice.recording for voice in voices})
    for place in rng.permutation(len(names)):
        samples = [v.sample for v in voices if v.recording == names[place]]
        found = match(samples, known, calibration, RULES["voice"])
        for sample, (identity, _) in zip(samples, found, strict=True):
            if identity is not None:
                whose[sample.key] = identity
                known.add(sample, identity)
    return whose


def table(voices: list[Voice], calibration: Calibration) -> None:
    """Prints how often two people are one, and one is two."""
    counts: dict[str, np.ndarray] = {}
    for seed in range(ORDERS):
        whose = joined(voices, calibration, seed)
        for one, other in combinations(voices, 2):
            if one.recording != other.recording:
                together = whose.get(one.sample.key, 1) == whose.get(other.sample.key, 2)
                row = [together, 1, 0, 0] if one.person != other.person else [0, 0, not together, 1]
                for kind in ("all", one.kind if one.kind == other.kind else "mixed"):
                    counts[kind] = counts.get(kind, np.zeros(4)) + row
    print("| pairs of voices | two people as one | one person as two |\n|---|---|---|")
    for kind, (merged, others, split, same) in sorted(counts.items()):
        print(
            f"| {kind} | {merged / max(others, 1):.4f} of {others / ORDERS:.0f} "
            f"| {split / max(same, 1):.3f} of {same / ORDERS:.0f} |"
        )


def main() -> None:
    """The table, or a calibration and the table on what it was fitted on."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--fit", action="store_true", help="a calibration, on the other half")
    asked = parser.parse_args()
    made, voices = diarization.Models(), []
    for recording, kind in recordings(asked.data, asked.fit):
        voices += voices_of(made, recording, kind)
    calibration = models()["speaker_encoder", Config().models()["speaker_encoder"]].calibration
    if asked.fit:
        calibration = pieces.fit(*compared(voices))
        print(calibration)
    table(voices, calibration)


if __name__ == "__main__":
    main()
