"""The same voice across files: how a cosine becomes a probability, and how often that is right.

    pip install matplotlib
    python benchmarks/voices.py --data ../shared/data --plot docs/voices-calibration.png

Reads AMI excerpts (with who spoke when) and read speech; leaves out what is not there. People are
split into five parts; each part is scored with a calibration fitted on the other four. Pairs of one
person count only across recordings: two pieces of one recording share its microphone and room.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression

from sensorium.adapters.media.reader import MediaReader
from sensorium.core.config import Config
from sensorium.core.media import Audio
from sensorium.core.people.identity import Calibration, Sample
from sensorium.library.library import Library
from sensorium.models.registry import load_model, models
from sensorium.ops.people.everybody import Everybody
from sensorium.ops.people.similarity import MatchRule, match
from sensorium.ops.speech.rttm import parse
from sensorium.run.executors import Options
from sensorium.run.extract import run
from sensorium.run.progress import Watcher

RATE, PARTS, ENCODER = 16_000, 5, "campplus-zh-en"


class Piece(NamedTuple):
    """Some seconds of one person from one recording."""

    person: str
    recording: str
    seconds: float
    embedding: np.ndarray


def person_of(path: Path) -> str:
    """The speaker, from the corpus' way of naming files."""
    name = path.stem.replace("ls_", "").replace("libri-", "")
    return "LJ" if name.startswith("LJ") else name.split("-")[0]


def recordings(data: Path) -> list[tuple[str, str, np.ndarray]]:
    """(person, recording, samples) of what one person says alone."""
    found, media = [], MediaReader()
    for path in sorted([*data.glob("speech/*.flac"), *data.glob("speech/*.wav")]):
        if "pyannote" not in path.name:
            found.append((person_of(path), path.stem, sound(media, path)))
    for path in sorted(data.glob("ami/*.wav")):
        samples, turns = sound(media, path), truth(path)
        many = np.zeros(len(samples), int)
        mine: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(len(samples), bool))  # noqa: B023
        for turn in turns:
            part = slice(round(turn.span.start * RATE), round(turn.span.end * RATE))
            many[part] += 1
            mine[turn.speaker][part] = True
        found += [(who, path.stem, samples[m & (many == 1)]) for who, m in sorted(mine.items())]
    return found


def sound(media, path: Path) -> np.ndarray:
    """All samples, mono, 16 kHz."""
    chunks = media.audio(media.probe(str(path)), RATE)
    return np.concatenate([chunk.mono() for chunk in chunks])


def truth(path: Path):
    """The reference turns of an excerpt."""
    return next(iter(parse(path.with_suffix(".rttm").read_text().splitlines(), path.name).values()))


def pieces(found, lengths: list[float]) -> list[Piece]:
    """Every recording cut into pieces of each length, and embedded."""
    encoder, made = load_model("speaker_encoder", ENCODER, 1), []
    for person, recording, samples in found:
        for seconds in lengths:
            size = round(seconds * RATE)
            for start in range(0, len(samples) - size + 1, size):
                clip = Audio(samples[None, start : start + size], RATE)
                values = encoder.encode([clip])[0].values
                made.append(Piece(person, recording, seconds, values / np.linalg.norm(values)))
    return made


def pairs(made: list[Piece]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(cosine and log2 of both lengths, same person or not, person numbers) of the pairs that count."""
    values = np.stack([p.embedding for p in made])
    rows, columns = np.triu_indices(len(made), 1)
    who = np.unique([p.person for p in made], return_inverse=True)[1]
    where = np.unique([p.recording for p in made], return_inverse=True)[1]
    length = np.log2([p.seconds for p in made])
    same = who[rows] == who[columns]
    counts = ~(same & (where[rows] == where[columns]))
    low, high = (f(length[rows], length[columns]) for f in (np.minimum, np.maximum))
    told = np.stack([(values @ values.T)[rows, columns], low, high], axis=1)
    return told[counts], same[counts], np.stack([who[rows], who[columns]], axis=1)[counts]


def fit(told: np.ndarray, same: np.ndarray) -> Calibration:
    """Logistic regression with both classes of equal weight."""
    model = LogisticRegression(class_weight="balanced", C=100).fit(told, same)
    return Calibration(*map(float, model.coef_[0]), float(model.intercept_[0]))


def probabilities(calibration: Calibration, told: np.ndarray) -> np.ndarray:
    """Of every pair."""
    c = calibration
    value = told @ np.array([c.similarity, c.shorter, c.longer]) + c.bias
    return 1 / (1 + np.exp(-value))


def held_out(told, same, who) -> np.ndarray:
    """Probability of every pair of which a person is in the part that was not fitted on."""
    result = np.full(len(same), np.nan)
    part = np.arange(who.max() + 1) % PARTS
    for number in range(PARTS):
        fitted = (part[who] != number).all(axis=1)
        scored = (part[who] == number).any(axis=1)
        result[scored] = probabilities(fit(told[fitted], same[fitted]), told[scored])
    return result


def library_test(made: list[Piece], least: float, seed: int) -> tuple[float, float]:
    """(pairs of one person joined, pairs of two people joined) when pieces come in one by one."""
    rng, known, joined = np.random.default_rng(seed), Everybody(), {}
    calibration = models()["speaker_encoder", ENCODER].calibration
    for number in rng.permutation(len(made)):
        piece = made[number]
        sample = Sample(str(number), "", "", "m", piece.seconds, piece.embedding)
        whose, _ = match([sample], known, calibration, MatchRule(least=least))[0]
        if whose is None:
            continue
        joined[number] = whose
        known.add(sample, whose)
    right = wrong = num_same = num_other = 0
    for a in range(len(made)):
        for b in range(a):
            together = a in joined and joined[a] == joined.get(b)
            if made[a].person != made[b].person:
                num_other, wrong = num_other + 1, wrong + together
            elif made[a].recording != made[b].recording:
                num_same, right = num_same + 1, right + together
    return right / max(num_same, 1), wrong / max(num_other, 1)


def excerpts(data: Path) -> list[tuple[str, str]]:
    """Over the AMI excerpts, through `extract`: people with 5 s of speech in two of them."""
    files = sorted(data.glob("ami/*.wav"))
    spoken, heard = defaultdict(dict), defaultdict(dict)
    with tempfile.TemporaryDirectory() as folder:
        config = Config(passes=("speakers",))
        run(files, Path(folder) / "l", config, Options(num_workers=0), Watcher())
        library = Library(Path(folder) / "l")
        for file in files:
            turns = library.turns(str(file))
            for who in {t.speaker for t in truth(file)}:
                mine = [t.span for t in truth(file) if t.speaker == who]
                spoken[who][file.stem] = sum(span.duration for span in mine)
                shared = defaultdict(float)
                for row in turns.itertuples():
                    if isinstance(row.identity, str):
                        over = sum(
                            max(0, min(s.end, row.end) - max(s.start, row.start)) for s in mine
                        )
                        shared[row.identity] += over
                if shared and max(shared.values()) > 0:
                    heard[who][file.stem] = max(shared, key=shared.get)
    cases = right = wrong = other = 0
    told = [(w, f, s) for w, all_ in spoken.items() for f, s in all_.items()]
    for index, (who, file, seconds) in enumerate(told):
        for who2, file2, seconds2 in told[:index]:
            a, b = heard[who].get(file), heard[who2].get(file2)
            if file == file2 or min(seconds, seconds2) < 5:
                continue
            if who == who2:
                cases, right = cases + 1, right + (a is not None and a == b)
            else:
                other, wrong = other + 1, wrong + (a is not None and a == b)
    return [
        ("AMI excerpts: people with 5 s in two, same identity in both", f"{right} of {cases}"),
        ("AMI excerpts: pairs of different people joined", f"{wrong} of {other}"),
    ]


def plot(told, same, chance, path: str) -> None:
    """Cosines of both classes, and how often a stated probability is right."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.2))
    bins = np.linspace(-0.3, 1, 66)
    for kind, label in ((~same, "different people"), (same, "one person, two recordings")):
        left.hist(told[kind, 0], bins, density=True, alpha=0.6, label=label)
    left.set(xlabel="cosine of two embeddings, pieces of 1 to 8 s", ylabel="density")
    left.legend()
    edges, weight = np.linspace(0, 1, 11), np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())
    place = np.clip(np.digitize(chance, edges) - 1, 0, 9)
    stated = [np.average(chance[place == i], weights=weight[place == i]) for i in range(10)]
    true = [np.average(same[place == i], weights=weight[place == i]) for i in range(10)]
    right.plot([0, 1], [0, 1], color="grey", linewidth=1)
    right.plot(stated, true, marker="o")
    right.set(xlabel="stated probability (people not fitted on)", ylabel="share that is one person")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    """The table, and the plot where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--plot", help="write the calibration's picture to this PNG")
    options = parser.parse_args()
    if not options.data.is_dir():
        raise SystemExit(f"{options.data}: not there; nothing to measure")
    found = recordings(options.data)
    told, same, who = pairs(pieces(found, [1, 2, 4, 8]))
    chance = held_out(told, same, who)
    fitted = fit(told, same)
    rows = [
        ("people, recordings", f"{who.max() + 1}, {len({r for _, r, _ in found})}"),
        ("pairs: one person in two recordings, different", f"{same.sum()}, {(~same).sum()}"),
        ("fitted on all", str(fitted)),
    ]
    for seconds in (1, 2, 4, 8):
        of = told[:, 1] == np.log2(seconds)
        for least in (0.8, 0.95):
            missed = (chance[of & same] < least).mean()
            false = (chance[of & ~same] >= least).mean()
            what = f"pairs, the shorter of {seconds} s, at {least}: missed, false (people held out)"
            rows.append((what, f"{missed:.3f}, {false:.4f}"))
    made = pieces(found, [5])
    for least in (0.8, 0.95):
        both = np.array([library_test(made, least, seed) for seed in range(5)])
        what = f"{len(made)} pieces of 5 s one by one, at {least}: same joined, different joined"
        rows.append((what, f"{both[:, 0].mean():.3f}, {both[:, 1].mean():.4f}"))
    rows += excerpts(options.data)
    print("| what | result |\n|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    if options.plot:
        plot(told, same, chance, options.plot)


if __name__ == "__main__":
    main()
