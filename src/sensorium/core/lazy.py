"""Names of a package that are loaded when they are first used, so that importing it costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from sensorium.core.errors import MissingDependencyError

_EXTRAS = {"torch": "torch", "transformers": "hub"}


def lazily(package: str, where: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package whose names lie in other modules.

    A library that only an extra installs is named with that extra.

    `where` maps a name to ``"module"`` (the module itself) or ``"module:name"``, below ``sensorium``.

    >>> lazily("sensorium", {"Span": "core.time:Span"})("Span")
    <class 'sensorium.core.time.Span'>
    """

    def load(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _, attribute = where[name].partition(":")
        try:
            value = import_module(f"sensorium.{module}")
        except ModuleNotFoundError as error:
            extra = _EXTRAS.get(error.name or "")
            if extra is None:
                raise
            raise MissingDependencyError(
                f"{package}.{name}: needs {error.name}, not installed; pip install 'sensorium[{extra}]'"
            ) from None
        value = getattr(value, attribute) if attribute else value
        setattr(sys.modules[package], name, value)  # the next use does not come here
        return value

    return load
