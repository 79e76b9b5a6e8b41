"""The models of a store in one file, for machines without a network and for every worker of a cluster.

The file is an uncompressed tar of ``FOLDER/FILE``, as in the store. It may come from anywhere: nothing that
it says of itself is believed where the registry knows better.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from sensorium.core.errors import ModelError, UsageError
from sensorium.models.foreign import OWN, is_wanted, own_folder, unfit
from sensorium.models.installing import appearing, locked
from sensorium.models.manifest import MANIFEST, damage, read_manifest
from sensorium.models.store import folder, is_there, where
from sensorium.models.weights import Weights, find, known

_END = bytes(1024)  # a tar ends so; without it the end is missing
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE)
Content = Mapping[str, tarfile.TarInfo]  # path in the model's folder -> member


def pack(file: str | os.PathLike[str], names: Sequence[str] = ()) -> Path:
    """Writes models of the store (all that are installed, for no names) into one tar file.

    Models that a runtime's own package carries are left out: they come with it. The file appears whole
    or not at all.

    Raises:
        UsageError: nothing is installed, or a model that is not.
        ModelError: a model that is damaged, or a disk that is full.
    """
    places = [_place(name) for name in dict.fromkeys(names)] or sorted(_folders())
    if not places:
        raise UsageError(
            f"pack: no models in {where()}; install some first: sensorium models install"
        )
    for place in places:
        if wrong := damage(place):
            raise ModelError(f"{place.name}: {wrong}; run: sensorium models verify")
    target = Path(file).expanduser().absolute()
    beside = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with tarfile.open(beside, "w", dereference=True) as tar:
            for place in places:
                for name in [*read_manifest(place)["files"], MANIFEST]:
                    tar.add(place / name, f"{place.name}/{name}", filter=_plain)
        os.replace(beside, target)
    except OSError as error:
        raise ModelError(f"{target}: cannot be written: {error}; choose another place") from error
    finally:
        beside.unlink(missing_ok=True)
    return target


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """The same file for the same models: who packed it and when is nobody's business."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member


def _ours() -> dict[str, Weights]:
    """Those that lie in the store, by their folder there; its name changes with their bytes."""
    return {folder(each.name).name: each for each in known().values() if not each.carried}


def _folders() -> Iterator[Path]:
    """The folders of the store that hold a model; not those of another version's weights."""
    ours = _ours()
    for manifest in where().glob(f"*/{MANIFEST}"):
        name = manifest.parent.name
        if name in ours or (name.startswith(OWN) and not name.endswith(".part")):
            yield manifest.parent


def _place(name: str) -> Path:
    if name not in known() and (own_folder(name) / MANIFEST).is_file():
        return own_folder(name)
    weights = find(name)
    if weights.carried:
        raise UsageError(f"pack: {name} comes with {weights.source}; leave it out")
    if not is_there(name):
        raise UsageError(
            f"pack: {name} is not installed; install it first: sensorium models install {name}"
        )
    return folder(name)


def unpack(file: str | os.PathLike[str]) -> list[Path]:
    """Installs the models of a file of `pack` and returns their folders.

    What the registry knows must have its checksums, other files those of the manifest beside them; what the
    store made of weights (graphs) is as good as who packed it. What is installed and whole is left as it is.

    Raises:
        UsageError: no such file, or no file of `pack`; nothing was written.
        ModelError: a model in it is damaged or another one than its name says, or a disk is full. Models
            that were finished before stay.
    """
    source = Path(file).expanduser()
    try:
        with tarfile.open(source, "r:") as tar:
            models = _models(tar, source)
            missing = [name for name in models if not _is_whole(where() / name)]
            if missing:  # a store that is complete may be one that cannot be written
                with locked():
                    for name in missing:
                        _unpack(tar, name, models[name], source)
            return [where() / name for name in models]
    except FileNotFoundError:
        raise UsageError(f"{file}: expected a file of sensorium models pack, found none") from None
    except tarfile.TarError as error:
        raise UsageError(
            f"{file}: expected a file of sensorium models pack, it is none or is cut short ({error})"
        ) from None
    except OSError as error:
        raise UsageError(f"{file}: expected a file of sensorium models pack; {error}") from None


def _models(tar: tarfile.TarFile, source: Path) -> dict[str, Content]:
    """Folder -> its members, all looked at before anything is written."""
    found: dict[str, dict[str, tarfile.TarInfo]] = {}
    for each in tar.getmembers():
        name, inside = _parts(each, source)
        if inside in found.setdefault(name, {}):
            raise UsageError(f"{source}: expected every file once, got {each.name!r} twice")
        found[name][inside] = each
    with open(source, "rb") as file:
        file.seek(tar.offset)
        if file.read(len(_END)) != _END:  # tarfile takes a header that it cannot read for the end
            raise tarfile.ReadError("its end is missing")
    if not found:
        raise UsageError(f"{source}: expected a file of sensorium models pack, it has no models")
    ours = _ours()
    for name, files in found.items():
        others = set(files) - {MANIFEST}
        wanted = set(ours[name].kept) if name in ours else {f for f in others if is_wanted(f)}
        if name not in ours and not name.startswith(OWN):
            raise UsageError(
                f"{source}: {name!r} is no model that this version of Sensorium knows; pack it with the same "
                "version"
            )
        if odd := sorted(others ^ wanted):
            raise UsageError(f"{source}: {name}: {odd[0]!r} is missing or does not belong there")
    return dict(found)


def _parts(member: tarfile.TarInfo, source: Path) -> tuple[str, str]:
    """(folder, path below it): a foreign file's members are plain files, and never lead out of the store."""
    name = member.name
    parts = PurePosixPath(name).parts
    if (
        len(parts) < 2
        or PurePosixPath(name).is_absolute()
        or ".." in parts
        or parts[0].endswith(".part")  # the next process would clear it
        or "\\" in name
        or not name.isprintable()
    ):
        raise UsageError(f"{source}: expected names FOLDER/FILE in it, got {name!r}")
    if member.type not in _FILES or member.issparse():
        raise UsageError(f"{source}: expected plain files in it, {name!r} is none")
    return parts[0], "/".join(parts[1:])


def _is_whole(place: Path) -> bool:
    return not damage(place) and not _distrust(place, place.name)


def _unpack(tar: tarfile.TarFile, name: str, files: Content, source: Path) -> None:
    if _is_whole(where() / name):
        return  # another process was faster
    with appearing(where() / name) as part:
        for inside, member in files.items():
            content = tar.extractfile(member)
            path = part / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "wb") as copy:
                while content and (block := content.read(1 << 20)):
                    copy.write(block)
                copy.flush()
                os.fsync(copy.fileno())
        if wrong := damage(part) or _distrust(part, name):
            raise ModelError(
                f"{source}: {name}: {wrong}; nothing of it was installed; pack it again"
            )


def _distrust(place: Path, name: str) -> str:
    """How a folder whose manifest is kept differs from what its name promises; empty if it does not."""
    about = read_manifest(place)
    inside = {p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file()}
    if odd := inside - {MANIFEST} - set(about["files"]):
        return f"{min(odd)} is not in its manifest"
    if weights := _ours().get(name):
        for file in weights.files:
            if file.keep and about["files"].get(file.name, {}).get("sha256") != file.sha256:
                return f"{file.name} is not that of {weights.source}"
        return ""
    if own_folder(about["name"]).name != name:
        return f"its manifest is that of {about['name']!r}"
    return unfit(place)
