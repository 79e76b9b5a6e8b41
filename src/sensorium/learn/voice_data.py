"""Recordings with the truth of who spoke when: a folder of sound files, each with an .rttm of its name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sensorium.adapters.media.reader import MediaReader
from sensorium.core.errors import MediaError, UsageError
from sensorium.core.media import MediaRef
from sensorium.core.record import digest
from sensorium.core.speech import Turn
from sensorium.ops.learning.voice_windows import RATE, Recording
from sensorium.ops.speech.rttm import parse
from sensorium.run.inputs import KIND_OF

_SLACK = 0.5  # seconds that a turn may reach past the end: labels are written by hand


@dataclass(frozen=True, slots=True)
class LabelledVoices:
    """A sound file and its turns."""

    ref: MediaRef
    turns: Sequence[Turn]

    @property
    def name(self) -> str:
        """The name of the file."""
        return Path(self.ref.uri).name

    @property
    def end(self) -> float:
        """Seconds that are scored: the whole file."""
        return max(self.ref.duration or 0.0, max(turn.span.end for turn in self.turns))


def read_voices(data: str | os.PathLike[str]) -> list[LabelledVoices]:
    """The recordings of a folder and of the folders in it, sorted by name.

    A recording is a sound or video file with an .rttm of the same name beside it.

    Raises:
        UsageError: no folder, no recordings, one of the two is missing, a line that is no RTTM, several
            recordings in one .rttm, or a turn that lies past the end. It names the file, and the line.
    """
    root = Path(data).expanduser()
    if not root.is_dir():
        raise UsageError(f"{root}: expected a folder of recordings with .rttm files, found none")
    files = sorted(
        path
        for path in root.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)
    )
    labels = [path for path in files if path.suffix.lower() == ".rttm"]
    sounds = [path for path in files if path.suffix.lower() in KIND_OF]
    if not labels:
        raise UsageError(f"{root}: expected recordings, each with a .rttm of its name; found none")
    labelled = {path.with_suffix("") for path in labels}
    for path in sounds:
        if path.with_suffix("") not in labelled:
            raise UsageError(
                f"{path}: expected {path.with_suffix('.rttm').name} beside it; write who speaks "
                "when, or take the file out of the folder"
            )
    return [_read(path, [s for s in sounds if s.stem == path.stem and s.parent == path.parent])
            for path in labels]  # fmt: skip


def _read(label: Path, sounds: Sequence[Path]) -> LabelledVoices:
    if len(sounds) != 1:
        found = ", ".join(path.name for path in sounds) or "none"
        raise UsageError(f"{label}: expected one recording of this name beside it, found {found}")
    try:
        ref = MediaReader().probe(str(sounds[0]))
    except MediaError as error:
        raise UsageError(f"{sounds[0]}: expected a recording; {error}") from None
    if not ref.has_sound or not ref.duration:
        raise UsageError(f"{sounds[0]}: expected sound, found none")
    try:
        lines = label.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise UsageError(f"{label}: expected text in UTF-8, got other bytes") from None
    found_turns = parse(lines, str(label))
    if len(found_turns) > 1 and label.stem in found_turns:
        found_turns = {label.stem: found_turns[label.stem]}
    if len(found_turns) > 1:
        raise UsageError(f"{label}: expected one recording, found {', '.join(found_turns)}")
    for number, line in enumerate(lines, start=1):
        fields = line.split()
        if fields and fields[0] == "SPEAKER" and fields[1] in found_turns:
            end = float(fields[3]) + float(fields[4])
            if float(fields[3]) < 0 or end > ref.duration + _SLACK:
                raise UsageError(
                    f"{label}, line {number}: expected a turn inside {sounds[0].name} "
                    f"(0 to {ref.duration:.2f} s), got {fields[3]} to {end:.2f} s"
                )
    [turns] = found_turns.values()
    return LabelledVoices(ref, turns)


def told_digest(files: Sequence[LabelledVoices]) -> str:
    """A name for recordings and their labels, by their content."""
    return digest(
        [
            [each.ref.digest, [[t.span.start, t.span.end, t.speaker] for t in each.turns]]
            for each in files
        ]
    )


def divided(
    files: Sequence[LabelledVoices], parts: Sequence[float], seed: int
) -> list[list[LabelledVoices]]:
    """The files in one group per part (of about that share, at least one), then all others.

    A file, by its content, is in one group only, whatever it is called.

    Raises:
        UsageError: fewer files than groups.
    """
    contents = sorted({each.ref.digest for each in files})
    if len(contents) <= len(parts):
        raise UsageError(
            f"expected at least {len(parts) + 1} recordings, each for one purpose (to be reported, to "
            f"decide when to stop, to learn from), got {len(contents)}; cut long ones into parts"
        )
    left = [contents[i] for i in np.random.default_rng([seed, 2]).permutation(len(contents))]
    groups = []
    for number, part in enumerate(parts):
        most = len(left) - (len(parts) - number)  # one is left for each group that comes
        size = min(max(1, round(part * len(contents))), most)
        groups.append(set(left[:size]))
        left = left[size:]
    groups.append(set(left))
    return [[each for each in files if each.ref.digest in group] for group in groups]


def prepared(files: Sequence[LabelledVoices], folder: Path) -> list[Recording]:
    """The sound of each file as int16 at 16 kHz, in `folder` and mapped into memory: windows lie anywhere."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for each in files:
        path = folder / f"{each.ref.digest[:24]}.npy"
        if not path.exists():
            beside = path.with_suffix(".part")
            with open(beside, "wb") as file:
                np.save(file, sound(each.ref))
            os.replace(beside, path)
        made.append(Recording(each.name, np.load(path, mmap_mode="r"), each.turns))
    return made


def sound(ref: MediaRef) -> NDArray[np.int16]:
    """All samples (sample,), mono, 16 kHz."""
    chunks = [
        np.clip(np.round(chunk.mono() * 32768), -32768, 32767).astype(np.int16)
        for chunk in MediaReader().audio(ref, RATE)
    ]
    return np.concatenate(chunks) if chunks else np.zeros(0, np.int16)
