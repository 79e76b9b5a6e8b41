"""The loop: dataset from made episodes, a YOLO model trained on it on the CPU, the model takes over.

    sh benchmarks/fetch_media.sh MEDIA
    python benchmarks/detector_loop.py MEDIA WORK [--runs RUNS]

Needs the extra detector (libreyolo), ../shared/data, and, beside a CPU build of torch, the shim of
tests/torchvision_shim.py. One episode is held out: it is neither in the dataset's training pictures
nor in its validation. Prints a Markdown table; everything runs in one process on the same pictures.
A second table puts the default detector and the trained one side by side, in `extract`, on the held-out
episode and on a series of three of which the training saw none: turns linked to the right face, faces
with the right identity, time. `--runs` takes a training that is there already.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
import torchvision_shim

torchvision_shim.install()

import characters  # noqa: E402
import episodes  # noqa: E402
import numpy as np  # noqa: E402

import sensorium as sm  # noqa: E402
from sensorium.adapters.media.reader import MediaReader  # noqa: E402
from sensorium.adapters.models.vision.centerface import CenterFaceDetector  # noqa: E402
from sensorium.adapters.models.vision.dlib_faces import DlibFaceEncoder  # noqa: E402
from sensorium.adapters.models.vision.yolo import YoloDetector  # noqa: E402
from sensorium.core.people.identity import Sample  # noqa: E402
from sensorium.learn.detector_training import train_detector  # noqa: E402
from sensorium.learn.exporting import export_dataset  # noqa: E402
from sensorium.ops.learning.choice import ChoiceRule  # noqa: E402
from sensorium.ops.people.everybody import Everybody  # noqa: E402
from sensorium.ops.people.similarity import MatchRule, match  # noqa: E402
from sensorium.ops.vision.boxes import iou  # noqa: E402
from sensorium.people.match import calibration_of  # noqa: E402
from sensorium.run.progress import steps  # noqa: E402

HEARD = ("speech", "speakers", "shots")
PASSES = (*HEARD, "faces", "who")
UNSEEN = 3  # number of the series that no training sees


def pictures(file: Path, every: float) -> list:
    """Pictures of a video at regular times."""
    media = MediaReader()
    ref = media.probe(str(file))
    times = list(np.arange(0.1, (ref.duration or 0) - 0.1, every))
    return list(media.frames(ref, None, times))


def at_time(truth: dict, at: float) -> list[dict]:
    """The faces that are to be seen at a time, by the maker."""
    return truth["faces"][min(round(at * truth["rate"]), len(truth["faces"]) - 1)]


def actors(library: sm.Library, files: list[Path]) -> dict[str, str]:
    """Identity -> the actor it is, by the truth of the files that were trained on."""
    votes: Counter = Counter()
    for file in files:
        truth = json.loads(file.with_suffix(".json").read_text())
        for row in library.regions(str(file)).itertuples():
            if isinstance(row.identity, str):
                box = np.array([[row.x0, row.y0, row.x1, row.y1]])
                seen = at_time(truth, row.start)
                for each in seen:
                    if iou(box, np.array([each["box"]]))[0, 0] >= 0.3:
                        votes[row.identity, each["actor"]] += 1
    best: dict[str, str] = {}
    for (identity, actor), _ in votes.most_common():
        best.setdefault(identity, actor)
    return best


class Slow:
    """What a picture costs without a trained model: detector, embedder, gallery."""

    def __init__(self, library: sm.Library) -> None:
        self.detector, self.encoder = CenterFaceDetector(), DlibFaceEncoder()
        self.known = [who for who in library.known().all() if who.of("face")]
        self.everybody = Everybody({who.id: who for who in self.known})
        self.model = self.known[0].of("face")[0].model
        self.calibration = calibration_of(self.model, "face")

    def __call__(self, frame) -> list[tuple[np.ndarray, str | None]]:
        """(box, identity) of every face."""
        found = self.detector.detect(frame)[0]
        if not len(found):
            return []
        rows = self.encoder.encode(frame, [found])[0]
        samples = [
            Sample(f"x/{i}/P{i}", "", f"P{i}", self.model, 1.0, row, "face")
            for i, row in enumerate(rows)
        ]
        whose = match(samples, self.everybody, self.calibration, MatchRule(least=0.97))
        ids = {who.id for who in self.known}
        return [(b, i if i in ids else None) for b, (i, _) in zip(found.xyxy, whose, strict=True)]


def agreement(answers: list, truth: dict, times: list[float], who: dict) -> tuple[float, float]:
    """(share of true faces found with the right identity, share of what was said that is right)."""
    right = said = true = 0
    for answer, at in zip(answers, times, strict=True):
        seen = at_time(truth, at)
        true += len(seen)
        for box, identity in answer:
            if identity is None:
                continue
            said += 1
            hit = [e for e in seen if iou(box[None], np.array([e["box"]]))[0, 0] >= 0.4]
            right += any(each["actor"] == who.get(identity) for each in hit)
    return right / max(true, 1), right / max(said, 1)


def average_precision(answers: list, truth: dict, times: list[float], who: dict) -> float:
    """mAP50 over the actors of the file, all-points interpolation; answers (box, identity, score)."""
    values = []
    for actor in sorted({each["actor"] for seen in truth["faces"] for each in seen}):
        hits, num = [], 0
        for answer, at in zip(answers, times, strict=True):
            seen = at_time(truth, at)
            mine = [e["box"] for e in seen if e["actor"] == actor]
            num += len(mine)
            left = list(mine)
            for box, identity, score in sorted(answer, key=lambda a: -a[2]):
                if who.get(identity) != actor:
                    continue
                shared = iou(box[None], np.array(left).reshape(-1, 4))[0] if left else np.zeros(0)
                good = len(shared) > 0 and shared.max() >= 0.5
                if good:
                    del left[int(shared.argmax())]
                hits.append((score, good))
        if not num or actor not in who.values():
            continue
        hits.sort(key=lambda each: -each[0])
        good = np.cumsum([h for _, h in hits]) if hits else np.zeros(0)
        precision = good / np.arange(1, len(hits) + 1)
        recall = np.concatenate([[0.0], good / num])
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        values.append(float((np.diff(recall) * envelope).sum()))
    return float(np.mean(values))


def made(media: Path, work: Path, series: int) -> list[Path]:
    """The episodes of a series, side by side with those of the others."""
    folder, files = work / "loop", []
    folder.mkdir(parents=True, exist_ok=True)
    for number in (1, 2, 3):
        source = work / f"series{series}" / f"episode{number}.mp4"
        if not source.with_suffix(".json").exists():
            episodes.main(media, source.parent, series)
        for each in (source, source.with_suffix(".json")):
            shutil.copyfile(each, folder / f"s{series}{each.name}")
        files.append(folder / f"s{series}{source.name}")
    return files


def unseen(folder: Path, files: list[Path], who: dict[str, str], trained: str | None) -> list[str]:
    """What `extract` makes of files that are new to a library: one column of the second table."""
    library = folder / f"library-{'trained' if trained else 'default'}"
    shutil.rmtree(library, ignore_errors=True)
    shutil.copytree(folder / "library", library)
    config = sm.Config.flat(passes=PASSES, trained=trained)
    with contextlib.redirect_stderr(io.StringIO()):
        sm.extract(files, library, config=sm.Config(passes=HEARD), workers=0, progress=False)
        started = time.process_time()
        found = sm.extract(files, library, config=config, workers=0, progress=False)
        spent = time.process_time() - started
    score, right, said, true, length = characters.Score(), 0, 0, 0, 0.0
    for file in map(str, files):
        truth = characters.truth_of(file)
        length += truth["length"]
        whose = characters.faces(found, file, truth, score, 0)
        characters.turns(found, file, truth, whose, score, 0)
        true += sum(len(at_time(truth, at)) for at in sorted(set(found.regions(file)["start"])))
    for pair, num in score.pairs.items():
        identity, actor = (each.removeprefix("0 ") for each in pair)
        right += num * (who.get(identity) == actor)
        said += num
    return [
        characters._share(score.linked),
        characters._share(score.silent),
        f"{right / max(true, 1):.3f}",
        f"{right / max(said, 1):.3f}",
        f"{spent / length:.3f}",
    ]


def side_by_side(folder: Path, files: list[Path], who: dict[str, str], runs: Path) -> None:
    """Prints the second table."""
    rows = (
        "on-screen turns linked to the right face",
        "off-screen turns without a face",
        "true faces with the right identity",
        "right, of the faces with an identity",
        "processor seconds per second, faces and links",
    )
    columns = [unseen(folder, files, who, each) for each in (None, str(runs / "best.pt"))]
    print(
        f"\n| {len(files)} unseen episodes | default detector | trained detector |\n|---|---|---|"
    )
    print("\n".join(f"| {' | '.join(row)} |" for row in zip(rows, *columns, strict=True)))


def main() -> None:
    """Runs the loop and prints what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("media", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument(
        "--runs", type=Path, help="a training on these episodes that is there already"
    )
    choices = parser.parse_args()
    folder = choices.work / "loop"
    files = [file for series in range(3) for file in made(choices.media, choices.work, series)]
    *seen, held = files
    config = sm.Config(passes=PASSES)
    library = sm.extract(seen, folder / "library", config=config, workers=0, progress=False)
    shutil.rmtree(folder / "data", ignore_errors=True)
    told = export_dataset(library, folder / "data", rule=ChoiceRule(split="file"))
    runs, minutes = choices.runs or folder / "runs", float("nan")
    if choices.runs is None:
        shutil.rmtree(runs, ignore_errors=True)
        started = time.perf_counter()
        train_detector(folder / "data", runs, epochs=choices.epochs, progress=steps())
        minutes = (time.perf_counter() - started) / 60
    described = json.loads((runs / "detector.json").read_text())

    yolo = YoloDetector(str(runs / "best.pt"), least_score=0.05)
    truth, who = json.loads(held.with_suffix(".json").read_text()), actors(library, seen)
    frames, slow = pictures(held, 0.4), Slow(library)
    times = [float(frame.times[0]) for frame in frames]
    yolo.detect(frames[0]), slow(frames[0])
    spent = {"fast": 0.0, "slow": 0.0}
    fast_answers, slow_answers = [], []
    for frame in frames:  # in turns, so that the machine is the same for both
        begun = time.perf_counter()
        fast_answers.append(yolo.detect(frame)[0])
        middle = time.perf_counter()
        slow_answers.append(slow(frame))
        spent["fast"] += middle - begun
        spent["slow"] += time.perf_counter() - middle
    scored = [
        [(b, yolo.identities.get(c), s) for b, c, s in zip(a.xyxy, a.label, a.score, strict=True)]
        for a in fast_answers
    ]
    sure = [[(b, i) for b, i, s in answer if s >= 0.6] for answer in scored]
    fast_found, fast_right = agreement(sure, truth, times, who)
    slow_found, slow_right = agreement(slow_answers, truth, times, who)
    same = np.mean([
        any(i == j and iou(a[None], b[None])[0, 0] >= 0.4 for a, i in x)
        for x, y in zip(sure, slow_answers, strict=True) for b, j in y if j
    ])  # fmt: skip
    rate = {name: len(frames) / seconds for name, seconds in spent.items()}
    precision = average_precision(scored, truth, times, who)
    sizes = f"{told['pictures']['train']}, {told['pictures']['val']}"
    found = f"{fast_found:.2f}, {slow_found:.2f}"
    rows = [
        ("pictures for training and validation", sizes, ""),
        ("training on 2 cores of a CPU, minutes", f"{minutes:.1f}", "< 30"),
        ("mAP50 on the validation file, by the trainer", f"{described['measured']['mAP50']:.3f}", ">= 0.8"),
        ("mAP50 on the held-out episode, truth of the maker", f"{precision:.3f}", ">= 0.8"),
        ("pictures per second: trained model", f"{rate['fast']:.1f}", ""),
        ("pictures per second: detector, embedder, gallery", f"{rate['slow']:.1f}", ""),
        ("times faster", f"{rate['fast'] / rate['slow']:.1f}", ">= 5"),
        ("true faces named right: trained model at 0.6, slow path", found, ""),
        ("right of what was said: trained model, slow path", f"{fast_right:.2f}, {slow_right:.2f}", ""),
        ("agreement with the slow path", f"{same:.2f}", ""),
    ]  # fmt: skip
    print("| what | measured | aim |\n|---|---|---|")
    print("\n".join(f"| {' | '.join(row)} |" for row in rows))
    files = [held, *made(choices.media, choices.work, UNSEEN)]
    side_by_side(folder, files, who, runs)


if __name__ == "__main__":
    main()
