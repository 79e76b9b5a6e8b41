"""Who is on screen, who speaks, who is named: measured on made episodes with known truth.

    sh benchmarks/fetch_media.sh MEDIA
    python benchmarks/characters.py MEDIA WORK [--series 3] [--plot docs/characters-curve.png]
    sh benchmarks/fetch_drawings.sh DRAWINGS
    python benchmarks/characters.py DRAWINGS WORK --drawn [--half tried]

Needs ../shared/data for the voices, and matplotlib for the plot. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import drawn_characters
import episodes
import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

import sensorium as sm
from sensorium.ops.vision.boxes import iou

SHARE = 0.3  # IoU from which a found box is an actor's


@dataclass
class Score:
    """Counts over all episodes."""

    true_boxes: int = 0
    found_boxes: int = 0
    pairs: Counter = field(default_factory=Counter)  # (identity, actor) -> boxes
    linked: list[bool] = field(default_factory=list)
    silent: list[bool] = field(default_factory=list)  # off-screen turns without a face
    same: list[bool] = field(default_factory=list)
    units: list[tuple[str, str | None, str]] = field(default_factory=list)  # actor, identity, unit
    names: dict[str, dict[str, float]] = field(default_factory=dict)
    seconds: float = 0.0
    length: float = 0.0


def truth_of(uri: str) -> dict:
    """What the maker of the episode wrote beside it."""
    return json.loads(Path(uri).with_suffix(".json").read_text())


def faces(library: sm.Library, uri: str, truth: dict, score: Score, series: int) -> dict[str, str]:
    """Counts boxes; the actor of each person of the file."""
    regions = library.regions(uri)
    whose: dict[str, Counter] = defaultdict(Counter)
    tracks: dict[int, Counter] = defaultdict(Counter)
    identity_of: dict[int, str | None] = {}
    searched = sorted(set(regions["start"]))
    for at in searched:
        seen = truth["faces"][min(round(at * truth["rate"]), len(truth["faces"]) - 1)]
        score.true_boxes += len(seen)
        for row in regions[regions["start"] == at].itertuples():
            identity = row.identity if isinstance(row.identity, str) else None
            score.found_boxes += identity is not None
            for each in seen:
                box = np.array([[row.x0, row.y0, row.x1, row.y1]])
                if iou(box, np.array([each["box"]]))[0, 0] >= SHARE:
                    if identity:
                        score.pairs[f"{series} {identity}", f"{series} {each['actor']}"] += 1
                    if isinstance(row.person, str):
                        whose[row.person][each["actor"]] += 1
                    if not pd.isna(row.track):
                        tracks[row.track][each["actor"]] += 1
                        identity_of[row.track] = identity
    for track, actors in tracks.items():
        key = f"{series} {identity_of[track]}" if identity_of[track] else None
        score.units.append((actors.most_common(1)[0][0], key, "track"))
    return {person: actors.most_common(1)[0][0] for person, actors in whose.items()}


def turns(
    library: sm.Library, uri: str, truth: dict, whose: dict, score: Score, series: int
) -> None:
    """Counts links of true turns to faces."""
    found = library.turns(uri)
    spoken: dict[str, Counter] = defaultdict(Counter)
    for row in found.itertuples():
        for turn in truth["turns"]:
            shared = min(row.end, turn["end"]) - max(row.start, turn["start"])
            spoken[row.speaker][turn["voice"]] += max(shared, 0.0)
    voice_of = {speaker: each.most_common(1)[0][0] for speaker, each in spoken.items()}
    for turn in truth["turns"]:
        rows = [
            (min(row.end, turn["end"]) - max(row.start, turn["start"]), row)
            for row in found.itertuples()
            if min(row.end, turn["end"]) > max(row.start, turn["start"])
        ]
        mine = [(s, r) for s, r in rows if voice_of[r.speaker] == turn["voice"]] or rows
        faces_: Counter = Counter()
        for seconds, row in mine:
            faces_[whose.get(row.person) if isinstance(row.person, str) else None] += seconds
        best = faces_.most_common(1)[0][0] if faces_ else None
        (score.linked if turn["visible"] else score.silent).append(
            best == (turn["voice"] if turn["visible"] else None)
        )
        heard = max(mine, default=(0.0, None), key=lambda each: each[0])[1]
        known = heard is not None and isinstance(heard.identity, str)
        score.units.append((turn["voice"], f"{series} {heard.identity}" if known else None, "turn"))


def measure(folder: Path, cast: Path, series: int, score: Score) -> None:
    """Extracts one series into a library, and counts."""
    out = folder / "library"
    shutil.rmtree(out, ignore_errors=True)
    files = sorted(folder.glob("episode*.mp4"))
    started = time.perf_counter()
    config = sm.Config.flat(cast=str(cast))
    with contextlib.redirect_stderr(io.StringIO()):
        library = sm.extract(files, out, config=config, workers=0, progress=False)
    score.seconds += time.perf_counter() - started
    per_actor: dict[str, dict[str, str]] = defaultdict(dict)
    for file in map(str, files):
        truth = truth_of(file)
        score.length += truth["length"]
        before = Counter(score.pairs)
        whose = faces(library, file, truth, score, series)
        turns(library, file, truth, whose, score, series)
        new = score.pairs - before
        for actor in {actor for _, actor in new}:
            per_actor[actor][file] = max((n, i) for (i, a), n in new.items() if a == actor)[1]
    for seen in per_actor.values():
        score.same += [a == b for a, b in combinations(seen.values(), 2)]
    for who in library.known().all():
        score.names[f"{series} {who.id}"] = dict(who.names)


def identity_f1(score: Score) -> float:
    """2 TP / (found + true), each identity being the one actor that it matches best (IDF1)."""
    identities = sorted({i for i, _ in score.pairs})
    actors = sorted({a for _, a in score.pairs})
    table = np.array([[score.pairs[i, a] for a in actors] for i in identities])
    rows, columns = linear_sum_assignment(-table)
    return 2 * table[rows, columns].sum() / (score.true_boxes + score.found_boxes)


def named(score: Score, least: float) -> tuple[float, float, int]:
    """(share of the units with a name that are named, share of all named that are right, units).

    Extras and narrators have no name that anybody could know: they count only if they get one.
    """
    total = covered = num_named = right = 0
    for actor, identity, _ in score.units:
        names = score.names.get(identity or "", {})
        best = max(names, key=lambda name: names[name], default=None)
        has_name = not actor.startswith(("extra", "off"))
        total += has_name
        if best is not None and names[best] >= least:
            num_named += 1
            covered += has_name
            right += best == actor
    return covered / total, right / max(num_named, 1), total


def reliability(score: Score) -> list[tuple[str, int, float]]:
    """(range of the best name's probability, tracks and turns, share that is right)."""
    found: dict[int, list[bool]] = defaultdict(list)
    edges = (0.0, 0.5, 0.7, 0.85, 0.93, 1.0)
    for actor, identity, _ in score.units:
        names = score.names.get(identity or "", {})
        if names:
            best = max(names, key=lambda name: names[name])
            found[int(np.searchsorted(edges, names[best], side="right")) - 1].append(best == actor)
    return [
        (f"{edges[i]:.2f} to {edges[i + 1]:.2f}", len(found[i]), float(np.mean(found[i])))
        for i in sorted(found)
    ]


def plot(score: Score, path: str) -> None:
    """Accuracy against coverage, over all thresholds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    points = [(*named(score, t)[:2], t) for t in np.linspace(0.3, 0.99, 70)]
    figure, axes = pyplot.subplots(figsize=(6, 4), dpi=110)
    axes.step([c for c, _, _ in points], [a for _, a, _ in points], where="post", color="#2f6fb3")
    coverage, accuracy, _ = named(score, 0.85)
    axes.plot([coverage], [accuracy], "o", color="#b5532a", label="threshold 0.85")
    axes.axhline(0.9, color="#999", lw=0.8, ls="--")
    axes.axvline(0.6, color="#999", lw=0.8, ls="--")
    axes.set(xlabel="coverage: share of tracks and turns that are named", ylabel="named right")
    axes.set(xlim=(0, 1), ylim=(0.5, 1.02))
    axes.legend(loc="lower left")
    figure.tight_layout()
    figure.savefig(path)


def main() -> None:
    """Makes the series that are not there, extracts them, prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("media", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--series", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="number of the first series")
    parser.add_argument("--plot")
    parser.add_argument("--drawn", action="store_true", help="MEDIA is of fetch_drawings.sh")
    parser.add_argument("--half", choices=("tried", "kept"), action="append")
    choices = parser.parse_args()
    if choices.drawn:
        return drawn_characters.main(choices.media, choices.work, choices.half or ["kept"])
    cast = episodes.portraits(choices.media, choices.work / "cast")
    score = Score()
    for series in range(choices.first, choices.first + choices.series):
        folder = choices.work / f"series{series}"
        if len(list(folder.glob("episode*.json"))) < 3:
            episodes.main(choices.media, folder, series)
        measure(folder, cast, series, score)
        print(f"series {series}: {named(score, 0.85)}", flush=True)
    coverage, accuracy, units = named(score, 0.85)
    rows = [
        ("identity F1 of face tracks", f"{identity_f1(score):.3f}", ">= 0.95"),
        ("on-screen turns linked to the right face", _share(score.linked), ">= 90 %"),
        ("off-screen turns without a face", _share(score.silent), ">= 90 %"),
        ("named right, of what is named", f"{accuracy:.1%}", ">= 90 %"),
        (
            f"coverage, of {units} tracks and turns of those who have a name",
            f"{coverage:.1%}",
            ">= 60 %",
        ),
        ("same identity in two episodes of a series", _share(score.same), ">= 90 %"),
        (
            "seconds of computing per second of video",
            f"{score.seconds / score.length:.2f}",
            "<= 1.0",
        ),
    ]
    print("| what | measured | aim |\n|---|---|---|")
    print("\n".join(f"| {' | '.join(row)} |" for row in rows))
    print("\n| probability of the best name | tracks and turns | right |\n|---|---|---|")
    for told, num, right in reliability(score):
        print(f"| {told} | {num} | {right:.2f} |")
    if choices.plot:
        plot(score, choices.plot)


def _share(values: list[bool]) -> str:
    return f"{sum(values) / max(len(values), 1):.1%} ({sum(values)} of {len(values)})"


if __name__ == "__main__":
    main()
