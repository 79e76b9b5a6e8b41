"""What `sensorium train voices` brings on calls that are simulated from real read speech.

    python benchmarks/train_voices.py --data ../shared/data   # train and measure, about 15 CPU minutes
    python benchmarks/train_voices.py --data ../shared/data --tune   # then thresholds

Voices: those of `real_voices.py` (public packages, fetched once) where that lies beside this script, else the
readers in the data folder alone. People are divided into two halves by their names: the calls that are
trained on and those that decide when to stop come from one half, all that is reported comes from the other;
no clip and no person is on both sides. Calls have two to four people, each through a handset of his own:
band, level, echo, noise of the line, mu-law. Everything follows from --seed.
"""

from __future__ import annotations

import argparse
import shutil
import time
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sensorium.pipelines.speech.transcribe.speakers import SpeakersOptions

from sensorium.adapters.media.reader import MediaReader
from sensorium.core.time import Span
from sensorium.learn.voice_data import LabelledVoices, read_voices
from sensorium.learn.voice_error import HeldSound, Row, change, error, total, whole_turns
from sensorium.learn.voice_training import summary, train_voices
from sensorium.learn.voice_tuning import tune_voices
from sensorium.models.registry import load_model
from sensorium.ops.sound import spoil
from sensorium.ops.speech.turns import joined, runs
from sensorium.run.config_file import read_config
from sensorium.run.plan import whole_options
from sensorium.run.progress import steps

RATE = 16_000
Samples = NDArray[np.float32]


def people(data: Path) -> dict[str, list[Samples]]:
    """Name -> clips of that person, read or acted, one voice each."""
    try:
        from real_voices import clips, fetch

        return {who: [c.samples for c in own] for who, own in clips(fetch(), data).items()}
    except ImportError:
        print("real_voices.py is not here: the readers of the data folder alone")
    found: dict[str, list[Samples]] = {}
    media = MediaReader()
    for path in sorted([*data.glob("speech/*.flac"), *data.glob("speech/*.wav")]):
        name = path.stem.replace("ls_", "").replace("libri-", "").split("-")[0][:4]
        if "pyannote" not in path.stem:
            chunks = [chunk.mono() for chunk in media.audio(media.probe(str(path)), RATE)]
            found.setdefault(name, []).append(np.concatenate(chunks))
    return found


def phrases(clips: Sequence[Samples]) -> list[Samples]:
    """What is said without the pauses, all at one level: sound within 30 dB of the loud parts."""
    made = []
    for clip in clips:
        rows = clip[: len(clip) // 160 * 160].reshape(-1, 160)
        level = 10 * np.log10((rows**2).mean(axis=1) + 1e-10)
        active = level > max(np.percentile(level, 95) - 30.0, np.percentile(level, 5) + 6.0)
        loud = float(np.sqrt((rows[active] ** 2).mean())) if active.any() else 1.0
        for span in joined([Span(a / 100, b / 100) for a, b in runs(active)], 0.25):
            if span.duration >= 0.2:
                part = clip[round(span.start * RATE) : round(span.end * RATE)]
                made.append((part * 0.06 / loud).astype(np.float32))
    return made


def call(
    voices: dict[str, list[Samples]], seconds: float, rng: np.random.Generator
) -> tuple[Samples, list[tuple[Span, str]]]:
    """One call: samples, and who speaks when."""
    size = min(int(rng.choice([2, 2, 2, 3, 4])), len(voices))
    names = list(rng.choice(sorted(voices), size=size, replace=False))
    tracks = {name: np.zeros(round(seconds * RATE), np.float32) for name in names}
    said: dict[str, list[Span]] = {name: [] for name in names}
    now, last, overlap = rng.uniform(0.2, 1.5), "", rng.choice([0.0, 0.15, 0.3])
    while now < seconds - 1.0:
        name = str(rng.choice([each for each in names if each != last]))
        start = max(now, said[name][-1].end + 0.1 if said[name] else 0.0)
        for _ in range(int(rng.integers(1, 5))):
            part = voices[name][int(rng.integers(len(voices[name])))][: 6 * RATE]
            first = round(start * RATE)
            part = part[: max(len(tracks[name]) - first, 0)]
            if len(part) < RATE // 10:
                break
            tracks[name][first : first + len(part)] += part
            said[name].append(Span(start, start + len(part) / RATE))
            start = said[name][-1].end + float(rng.uniform(0.1, 0.5))
        last, end = name, start
        early = rng.random() < overlap
        now = max(now + 0.3, end - rng.uniform(0.3, 1.5)) if early else end + rng.exponential(0.5)
    mixed = sum(handset(tracks[name], rng) for name in names)
    mixed = spoil.with_noise(mixed, spoil.noise("pink", len(mixed), rng), rng.uniform(10, 35))
    mixed = spoil.telephone(mixed, RATE, 300.0, 3400.0)
    turns = [(span, name) for name in names for span in joined(said[name], 0.3)]
    return np.clip(mixed * 3, -1, 1), sorted(turns)


def handset(track: Samples, rng: np.random.Generator) -> Samples:
    """One end of the line: room, microphone, level."""
    if rng.random() < 0.5:
        track = spoil.with_echo(
            track, spoil.room(rng.uniform(0.1, 0.5), rng.uniform(0, 9), RATE, rng)
        )
    low, high = round(rng.uniform(200, 500), -1), round(rng.uniform(2600, 3800), -2)
    heard = spoil.telephone(track, RATE, low, high)
    return spoil.with_gain(heard, rng.uniform(-8, 8))


def write(
    folder: Path, voices: dict[str, list[Samples]], count: int, seconds: float, seed: int
) -> Path:
    """`count` calls as .wav and .rttm; what is there already is made anew, and is the same."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        samples, turns = call(voices, float(rng.uniform(0.7, 1.3)) * seconds, rng)
        path = folder / f"call{seed}-{number:03d}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())
        lines = [
            f"SPEAKER {path.stem} 1 {span.start:.3f} {span.duration:.3f} <NA> <NA> {name} <NA> <NA>\n"
            for span, name in turns
        ]
        path.with_suffix(".rttm").write_text("".join(lines))
    return folder


def main() -> None:
    """Makes the calls, trains, prints before and after."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="../shared/data", type=Path)
    parser.add_argument("--work", default=".cache/train_voices", type=Path)
    parser.add_argument("--out", type=Path, help="the run; default: a folder of --work")
    parser.add_argument("--calls", default=120, type=int, help="to train on")
    parser.add_argument("--held", default=24, type=int, help="to report")
    parser.add_argument("--seconds", default=60.0, type=float, help="of a call")
    parser.add_argument("--seed", default=0, type=int)
    parser.add_argument("--epochs", default=5, type=int)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="other choices")
    parser.add_argument("--tune", action="store_true")
    given = parser.parse_args()
    everyone = {who: phrases(clips) for who, clips in people(given.data).items()}
    everyone = {who: own for who, own in everyone.items() if sum(map(len, own)) > 4 * RATE}
    names = sorted(everyone)
    halves = [{name: everyone[name] for name in names[side::2]} for side in (0, 1)]
    print(f"people: {len(halves[0])} to train on, {len(halves[1])} others to report")
    begun = time.process_time()
    taught = write(given.work / "taught", halves[0], given.calls, given.seconds, given.seed)
    held = write(given.work / "held", halves[1], given.held, given.seconds, given.seed + 1)
    del everyone, halves  # more than a gigabyte
    print(f"calls made in {time.process_time() - begun:.0f} CPU seconds")
    out = given.out or given.work / "run"
    more = dict(each.split("=", 1) for each in given.set)
    choices = {name: _value(text) for name, text in more.items()}
    begun = time.process_time()
    train_voices(taught, out, held_out_data=str(held), epochs=given.epochs, seed=given.seed,
                 resume=out.exists(), progress=steps(), device="cpu", **choices)  # fmt: skip
    print(f"trained and measured in {time.process_time() - begun:.0f} CPU seconds")
    told = summary(out)
    print("| | DER | missed | false alarm | confusion | error in windows | voice activity |")
    print("|---|---|---|---|---|---|---|")
    for side in ("before", "after"):
        cells = ("der", "missed", "false_alarm", "confusion", "window_error", "voice_error")
        print(f"| {side} | " + " | ".join(f"{told[side][name]:.3f}" for name in cells) + " |")
    part = told["change"]
    print(f"change {part['der']:+.3f} (95 % {part['low']:+.3f} to {part['high']:+.3f}), "
          f"{len(told['each'])} calls, best epoch {told['best']['epoch']}")  # fmt: skip
    better = sum(after < before for before, after in told["each"].values())
    print(f"better in {better} of {len(told['each'])} calls")
    if (given.data / "ami").is_dir():
        elsewhere(given.data / "ami", told["segmenter"])
    if given.tune:
        thresholds(given.work, held, told["segmenter"])


def thresholds(work: Path, held: Path, trained: str) -> None:
    """Searches on the first third of the calls, reports on the others: both segmentations, two settings."""
    files = sorted(held.glob("*.wav"))
    chosen = work / "chosen"
    shutil.rmtree(chosen, ignore_errors=True)
    chosen.mkdir()
    for path in files[: len(files) // 3]:
        for each in (path, path.with_suffix(".rttm")):
            shutil.copy(each, chosen)
    others = [each for each in read_voices(held) if each.name not in
              {path.name for path in files[: len(files) // 3]}]  # fmt: skip
    for name, segmenter in (("published", "pyannote-segmentation-3.0"), ("trained", trained)):
        config = work / f"{name}.yaml"
        for side in tune_voices(chosen, config, segmenter=segmenter, trials=15,
                                sides=("diarization",), folds=min(4, len(files) // 3)):  # fmt: skip
            print(f"{name}, {side.told()}")
        found = read_config(config).speech.diarization
        usual = errors(others, segmenter, SpeakersOptions())
        tuned = errors(others, segmenter, whole_options(found, config.name))
        moved, low, high = change(usual, tuned)
        print(f"{name}, the other {len(others)} calls: {total(usual)['der']:.3f} with the defaults, "
              f"{total(tuned)['der']:.3f} tuned, {moved:+.3f} ({low:+.3f} to {high:+.3f})")  # fmt: skip


def errors(files: Sequence[LabelledVoices], segmenter: str, options: SpeakersOptions) -> list[Row]:
    """The error of each file."""
    models = (
        load_model("segmenter", segmenter, 1),
        load_model("speaker_encoder", "campplus-zh-en", 1),
    )
    return [error(f, whole_turns(f, HeldSound([f]), models, options)) for f in files]


def elsewhere(folder: Path, segmenter: str) -> None:
    """What became of sound that is no telephone: meetings, heard from afar."""
    files = read_voices(folder)
    rows = [
        errors(files, name, SpeakersOptions()) for name in ("pyannote-segmentation-3.0", segmenter)
    ]
    moved, low, high = change(*rows)
    before, after = (total(each)["der"] for each in rows)
    print(
        f"{folder.name}: {before:.3f} before, {after:.3f} after, {moved:+.3f} ({low:+.3f} to {high:+.3f})"
    )


def _value(text: str) -> object:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


if __name__ == "__main__":
    main()
