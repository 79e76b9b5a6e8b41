"""The models of a store in one file, for machines without a network and for every worker of a cluster."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from sensorium.core.errors import ModelError, UsageError
from sensorium.models.installing import appearing, locked
from sensorium.models.manifest import MANIFEST, damage
from sensorium.models.store import folder, is_there, where
from sensorium.models.weights import find


def pack(file: str | os.PathLike[str], names: Sequence[str] = ()) -> Path:
    """Writes models of the store (all that are installed, for no names) into one tar file.

    Models that a runtime's own package carries are left out: they come with it. The file appears whole
    or not at all.

    Raises:
        UsageError: nothing is installed, or a model that is not.
        ModelError: a model that is damaged, or a disk that is full.
    """
    places = [_place(name) for name in names] or sorted(_folders())
    if not places:
        raise UsageError(
            f"pack: no models in {where()}; install some first: sensorium models install"
        )
    for place in places:
        if wrong := damage(place):
            raise ModelError(f"{place.name}: {wrong}; run: sensorium models verify")
    target = Path(file).expanduser().absolute()
    beside = target.with_name(f"{target.name}.part")
    try:
        with tarfile.open(beside, "w") as tar:
            for place in places:
                for path in sorted(p for p in place.rglob("*") if p.is_file()):
                    tar.add(path, f"{place.name}/{path.relative_to(place).as_posix()}")
        os.replace(beside, target)
    except OSError as error:
        raise ModelError(f"{target}: cannot be written: {error}; choose another place") from error
    finally:
        beside.unlink(missing_ok=True)
    return target


def _folders() -> Iterator[Path]:
    """The folders of the store that hold a whole model."""
    return (manifest.parent for manifest in where().glob(f"*/{MANIFEST}"))


def _place(name: str) -> Path:
    weights = find(name)
    if weights.carried or not is_there(name):
        why = "comes with its runtime" if weights.carried else "is not installed"
        raise UsageError(f"pack: {name} {why}; install it first: sensorium models install {name}")
    return folder(name)


def unpack(file: str | os.PathLike[str]) -> list[Path]:
    """Installs the models of a file of `pack`, each checked against its manifest; returns their folders.

    What is installed and whole is left as it is.

    Raises:
        UsageError: no such file, or no file of `pack`.
        ModelError: a model in it is damaged, or a disk is full. Models that were finished before stay.
    """
    source = Path(file).expanduser()
    try:
        with tarfile.open(source, "r:") as tar, locked():
            members = [each for each in tar.getmembers() if each.isfile()]
            names = list(dict.fromkeys(_parts(each.name, source)[0] for each in members))
            return [_unpacked(tar, name, members, source) for name in names]
    except FileNotFoundError:
        raise UsageError(f"{file}: expected a file of sensorium models pack, found none") from None
    except tarfile.TarError as error:
        raise UsageError(
            f"{file}: expected a file of sensorium models pack, it is none or is cut short ({error})"
        ) from None


def _parts(name: str, source: Path) -> tuple[str, ...]:
    """(folder, path below it): names of a foreign file never lead out of the store."""
    parts = PurePosixPath(name).parts
    if len(parts) < 2 or PurePosixPath(name).is_absolute() or ".." in parts or "\\" in name:
        raise UsageError(f"{source}: expected names FOLDER/FILE in it, got {name!r}")
    return parts


def _unpacked(
    tar: tarfile.TarFile, name: str, members: Sequence[tarfile.TarInfo], source: Path
) -> Path:
    target = where() / name
    if (target / MANIFEST).is_file() and not damage(target):
        return target
    with appearing(target) as part:
        for each in members:
            parts = _parts(each.name, source)
            content = tar.extractfile(each) if parts[0] == name else None
            if content is not None:
                path = part.joinpath(*parts[1:])
                path.parent.mkdir(parents=True, exist_ok=True)
                with open(path, "wb") as copy:
                    while block := content.read(1 << 20):
                        copy.write(block)
        if wrong := damage(part):
            raise ModelError(f"{source}: {name}: {wrong}; pack it again")
    return target
