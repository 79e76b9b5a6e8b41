"""What the user named -> the files to work on: files, folders, patterns, addresses, in any mix."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sensorium.adapters.remote.address import is_remote, local, shown
from sensorium.adapters.remote.opening import expanded
from sensorium.core.errors import UsageError

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

    A claimed file that is no media is an error; any other is passed over and counted. `uri` may be told to
    anybody; `address` is what a remote file is fetched by, with what gives access; `stat` its
    size and version, where a listing told them.
    """

    uri: str
    claimed: bool
    address: str = field(default="", repr=False)
    stat: list[int] | None = None


def find(
    named: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    leave_out: Path | None = None,
) -> list[Input]:
    """All files that are meant, each once, in the order named, folders sorted by name.

    A name that exists is taken as it is, even if it has ``*`` or ``[`` in it; a pattern that
    matches nothing and a name that does not exist stay in the list, to be reported with the others.
    Hidden files inside folders and the folder `leave_out` (the library) are left out.

    Raises:
        UsageError: nothing was named, or an address of an unknown kind.
        MissingDependencyError: the package for a kind of address is not installed.
    """
    found: dict[str, Input] = {}
    if isinstance(named, (str, os.PathLike)):
        named = [named]
    for each_name in named:
        name = os.fspath(each_name)
        for each in _remote(name) if is_remote(name) else _expand(local(name), leave_out):
            before = found.get(each.uri)
            found[each.uri] = each if before is None or each.claimed else before
    if not found:
        raise UsageError("no input: name at least one file, folder or pattern")
    return list(found.values())


def _remote(address: str) -> Iterator[Input]:
    for each, stat in expanded(address):
        suffix = suffix_of(each)
        named = each == address
        if named or suffix not in SUBTITLE_SUFFIXES:
            yield Input(shown(each), named or suffix in KIND_OF, each, stat)


def suffix_of(uri: str) -> str:
    """The ending of a path or an address, such as ``.mp4``; empty if it has none."""
    return Path(uri.partition("?")[0] if is_remote(uri) else uri).suffix.lower()


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
