"""Wheels of the package index: fetched by pip, checked, and read like the archives that they are."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from sensorium.core.errors import ModelError
from sensorium.models.manifest import sha256_of
from sensorium.models.weights import Wheel

_BLOCK = 1 << 20


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
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"),
        *("--disable-pip-version-check", "--no-input", "--dest", str(folder)),
        *(("--progress-bar", "on") if shown else ("--progress-bar", "off", "--quiet")),
        *_tags(wheel),
        f"{wheel.package}=={wheel.version}",
    ]
    # stdout belongs to the command that needs the model; pip's lines go where progress goes
    done = subprocess.run(
        command, stdout=sys.stderr.fileno() if shown else subprocess.PIPE, stderr=subprocess.PIPE
    )
    found = list(folder.glob(f"{wheel.package.replace('-', '_')}-*.whl"))
    if done.returncode or len(found) != 1:
        raise ModelError(_why(wheel, done.stderr.decode("utf-8", "replace")))
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


def _why(wheel: Wheel, told: str) -> str:
    name = f"{wheel.package} {wheel.version}"
    if "No module named pip" in told:
        return (
            f"{name}: pip fetches it and is not installed here; run: python -m ensurepip; or bring the "
            "models in a file: sensorium models install --from FILE"
        )
    lines = [line for line in told.splitlines() if line.startswith("ERROR")] or told.splitlines()
    if "No space left on device" in told:
        lines = ["the disk is full"]
    reason = lines[-1].removeprefix("ERROR: ") if lines else "pip gave no reason"
    return (
        f"{name}: pip could not fetch the wheel: {reason}; check the network and pip's index, or bring the "
        "models in a file: sensorium models pack FILE there, sensorium models install --from FILE here"
    )


def extract(archive: Path, member: str, target: Path) -> None:
    """Appends one member of a wheel to the file `target`, in blocks.

    Raises:
        ModelError: no such member.
    """
    with zipfile.ZipFile(archive) as wheel:
        try:
            inside = wheel.open(member)
        except KeyError:
            raise ModelError(f"{archive.name}: expected {member} in it, found none") from None
        with inside, open(target, "ab") as file:
            while block := inside.read(_BLOCK):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
