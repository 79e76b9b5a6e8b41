"""What the user named -> the files to work on: files, folders, patterns, in any mix."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sensorium.core.errors import UsageError
from sensorium.core.record import digest

# Only to tell what a file in a folder claims to be. What it is, its content decides.
_PICTURES = ".jpg .jpeg .png .gif .webp .bmp .tif .tiff .ppm .avif .apng .jp2"
_VIDEO = ".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .ts .mts .m2ts .flv .wmv .3gp .ogv"
_SOUND = ".wav .flac .mp3 .m4a .aac .ogg .oga .opus .wma .aif .aiff .mka .ac3 .amr"
_CLAIMS = {"image": _PICTURES, "video": _VIDEO, "audio": _SOUND}
KIND_OF = {suffix: kind for kind, names in _CLAIMS.items() for suffix in names.split()}
SUBTITLE_SUFFIXES = frozenset({".srt", ".vtt", ".ass", ".ssa"})


@dataclass(frozen=True, slots=True)
class Input:
    """One file to work on. `claimed`: the user named it, or its name says that it is media.

    A claimed file that is no media is an error; any other is passed over and counted.
    """

    uri: str
    claimed: bool


def find(
    named: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    leave_out: Path | None = None,
) -> list[Input]:
    """All files that are meant, each once, in the order named, folders sorted by name.

    A name that exists is taken as it is, even if it has ``*`` or ``[`` in it; a pattern that
    matches nothing and a name that does not exist stay in the list, to be reported with the others.
    Hidden files inside folders and the folder `leave_out` (the library) are left out.

    Raises:
        UsageError: nothing was named, or a URL.
    """
    found: dict[str, Input] = {}
    if isinstance(named, (str, os.PathLike)):
        named = [named]
    for each_name in named:
        name = os.fspath(each_name)
        if "://" in name:
            raise UsageError(f"{name}: expected a file, folder or pattern; download it first")
        for each in _expand(name, leave_out):
            before = found.get(each.uri)
            found[each.uri] = each if before is None or each.claimed else before
    if not found:
        raise UsageError("no input: name at least one file, folder or pattern")
    return list(found.values())


def _expand(name: str, leave_out: Path | None) -> Iterator[Input]:
    path = Path(name).expanduser().absolute()
    if not path.exists() and glob.has_magic(name):
        matches = sorted(glob.glob(os.path.expanduser(name), recursive=True))
        if matches:
            for match in matches:
                yield from _named(Path(match).absolute(), leave_out)
            return
    yield from _named(path, leave_out)


def _named(path: Path, leave_out: Path | None) -> Iterator[Input]:
    if path.is_dir():
        yield from _walk(path, leave_out)
    else:
        yield Input(os.path.normpath(path), claimed=True)


def _walk(folder: Path, leave_out: Path | None) -> Iterator[Input]:
    library = leave_out.expanduser().absolute() if leave_out else None
    num_files = 0
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(
            f for f in folders if not f.startswith(".") and Path(parent, f) != library
        )
        for file in sorted(files):
            suffix = Path(file).suffix.lower()
            if file.startswith(".") or suffix in SUBTITLE_SUFFIXES:
                continue
            num_files += 1
            yield Input(os.path.join(parent, file), claimed=suffix in KIND_OF)
    if not num_files:
        yield Input(str(folder), claimed=True)  # reported: a folder with nothing in it


def state_of(uri: str) -> list[int] | None:
    """Size and time of change; None for a file that is not there."""
    try:
        stat = os.stat(uri)
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns]


def name_and_digest(path: str) -> list[str]:
    """Name and digest of a small file; a file that cannot be read counts as empty here."""
    try:
        data = Path(path).read_bytes()
    except OSError:
        data = b""
    return [os.path.basename(path), digest(data.hex())]
