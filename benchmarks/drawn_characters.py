"""Which drawn head is whose: features compared, and what `sensorium extract --only drawn` makes of it.

    sh benchmarks/fetch_drawings.sh DRAWINGS
    python benchmarks/characters.py DRAWINGS WORK --drawn [--half tried]

Pairs are pairs of tracks of different shots. The pair error is the mean of the share of equal pairs that are
parted and the share of unequal ones that are joined: for features where both are equal, for the product as it
decides. Naming: one identity of each character, the one with most of its tracks, is given its name.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import drawn_episodes
import numpy as np
import pandas as pd

import sensorium as sm
from sensorium.library.layout import Layout
from sensorium.people import recognise


@dataclass
class Track:
    """One track of a library: who it is in truth, and to the library."""

    episode: int
    shot: int
    actor: str
    identity: str


def tracks(library: sm.Library, files: list[Path]) -> tuple[list[Track], int, int]:
    """The tracks of all episodes; how many true heads were looked at, and how many of them found."""
    found, true, seen = [], 0, 0
    for episode, file in enumerate(files):
        truth = json.loads(file.with_suffix(".json").read_text())
        regions = library.regions(str(file))
        whose: dict[int, Counter] = defaultdict(Counter)
        about: dict[int, tuple[int, str]] = {}
        for at in sorted(set(regions["start"])):
            heads = truth["faces"][min(round(at * truth["rate"]), len(truth["faces"]) - 1)]
            true += len(heads)
            for row in regions[regions["start"] == at].itertuples():
                actor = _nearest(row, heads)
                seen += actor is not None
                if not pd.isna(row.track):
                    whose[int(row.track)][actor or "nobody"] += 1
                    known = isinstance(row.identity, str)
                    about[int(row.track)] = (row.shot, row.identity if known else f"? {row.track}")
        for track, actors in whose.items():
            name = actors.most_common(1)[0][0]
            shot, identity = about[track]
            found.append(Track(episode, shot, name, identity))
    return found, true, seen


def _nearest(row: object, heads: list[dict]) -> str | None:
    x, y = (row.x0 + row.x1) / 2, (row.y0 + row.y1) / 2
    away = []
    for head in heads:
        left, top, right, bottom = head["box"]
        away.append(
            (np.hypot(x - (left + right) / 2, y - (top + bottom) / 2) / (right - left), head)
        )
    best = min(away, default=(9.0, {}), key=lambda each: each[0])
    return best[1]["actor"] if best[0] < 0.75 else None


def pairs(found: list[Track], episode: int | None = None) -> tuple[float, float, int, int]:
    """(equal pairs parted, unequal pairs joined, equal pairs, unequal pairs), of one episode or of all."""
    mine = [t for t in found if t.actor != "nobody" and episode in (None, t.episode)]
    parted, joined = [], []
    for place, one in enumerate(mine):
        for two in mine[:place]:
            if (one.episode, one.shot) != (two.episode, two.shot):
                same = one.identity == two.identity
                (parted if one.actor == two.actor else joined).append(same)
    return 1 - float(np.mean(parted)), float(np.mean(joined)), len(parted), len(joined)


def b_cubed(found: list[Track]) -> tuple[float, float, float]:
    """Precision, recall and F1 over the tracks (Bagga and Baldwin 1998)."""
    mine = [t for t in found if t.actor != "nobody"]
    both = Counter((t.actor, t.identity) for t in mine)
    actors, identities = Counter(t.actor for t in mine), Counter(t.identity for t in mine)
    precision = float(np.mean([both[t.actor, t.identity] / identities[t.identity] for t in mine]))
    recall = float(np.mean([both[t.actor, t.identity] / actors[t.actor] for t in mine]))
    return precision, recall, 2 * precision * recall / (precision + recall)


def naming(found: list[Track]) -> tuple[float, float]:
    """(share of the tracks that are named, share of those that are right)."""
    held: dict[str, Counter] = defaultdict(Counter)
    for t in found:
        if t.actor != "nobody":
            held[t.actor][t.identity] += 1
    names: dict[str, str] = {}
    for actor, identities in sorted(held.items(), key=lambda each: -each[1].total()):
        best = next((i for i, _ in identities.most_common() if i not in names), None)
        if best:
            names[best] = actor
    named = [t for t in found if t.identity in names]
    true = sum(t.actor != "nobody" for t in found)
    return len(named) / true, float(np.mean([names[t.identity] == t.actor for t in named]))


def _extracted(folder: Path, files: list[Path]) -> sm.Library:
    """What a run makes of the episodes if it does not learn."""
    out = folder / "library-False"
    shutil.rmtree(out, ignore_errors=True)
    kept = recognise.metrics
    recognise.metrics = lambda layout: {}
    config = sm.Config.flat(passes=("shots", "drawn"))
    with contextlib.redirect_stderr(io.StringIO()):
        library = sm.extract(files, out, config=config, workers=0, progress=False)
    recognise.metrics = kept
    return library


def _learned(folder: Path, files: list[Path]) -> sm.Library:
    """The same records, decided on anew with learning: heads are found and embedded the same either way."""
    out = folder / "library-True"
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(folder / "library-False", out)
    (out / "decisions.jsonl").unlink()
    recognise.identify(Layout(out), [str(file) for file in files])
    return sm.Library(out)


def measure(media: Path, work: Path, half: str, learning: bool) -> None:
    """Makes three episodes that are not there, and prints a row; that with learning after that without."""
    folder = work / f"drawn-{half}"
    if len(list(folder.glob("episode*.json"))) < 3:
        figures = drawn_episodes.cast(media, half)
        for episode in range(3):
            drawn_episodes.make(figures, media, folder, episode)
    files = sorted(folder.glob("episode*.mp4"))
    library = _learned(folder, files) if learning else _extracted(folder, files)
    found, true, seen = tracks(library, files)
    parted, joined, equal, unequal = pairs(found)
    precision, recall, f1 = b_cubed(found)
    coverage, right = naming(found)
    print(f"| {half}, {'learned' if learning else 'not learned'} | {seen} of {true} | {len(found)} | "
          f"{(parted + joined) / 2:.1%} ({parted:.1%} of {equal}, {joined:.1%} of {unequal}) | "
          f"{precision:.3f}, {recall:.3f}, {f1:.3f} | {right:.1%} at {coverage:.1%} |")  # fmt: skip


def main(media: Path, work: Path, halves: list[str]) -> None:
    """The table of some halves of the cast, without and with learning."""
    print("| cast | heads found | tracks | pair error (parted, joined) | B-cubed | named right |")
    print("|---|---|---|---|---|---|")
    for half in halves:
        for learning in (False, True):
            measure(media, work, half, learning)
