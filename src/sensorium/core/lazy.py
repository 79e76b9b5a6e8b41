"""Names of a package that are loaded when they are first used, so that importing it costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazily(package: str, where: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package whose names lie in other modules.

    `where` maps a name to ``"module"`` (the module itself) or ``"module:name"``, below ``sensorium``.

    >>> lazily("sensorium", {"Span": "core.time:Span"})("Span")
    <class 'sensorium.core.time.Span'>
    """

    def load(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _, attribute = where[name].partition(":")
        value = import_module(f"sensorium.{module}")
        value = getattr(value, attribute) if attribute else value
        setattr(sys.modules[package], name, value)  # the next use does not come here
        return value

    return load
