"""Names of a package that are loaded when they are first used, so that importing it costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from sensorium.core.errors import MissingDependencyError

_EXTRAS = {"torch": "torch", "transformers": "hub"}


def loaded(where: str) -> Any:
    """What ``"module"`` or ``"module:name"``, below ``sensorium``, stands for.

    For doors that open upwards: a method of a noun below whose work is done in a room above it.
    """
    module, _, attribute = where.partition(":")
    value = import_module(f"sensorium.{module}")
    return getattr(value, attribute) if attribute else value


class Shown:
    """What a notebook shows as pictures, a player or a table, by ``_repr_html_``.

    The markup is made in a room above, which is loaded when something is shown.
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        return loaded("interfaces.notebook.shown:html")(self)


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
        try:
            value = loaded(where[name])
        except ModuleNotFoundError as error:
            extra = _EXTRAS.get(error.name or "")
            if extra is None:
                raise
            raise MissingDependencyError(
                f"{package}.{name}: needs {error.name}, not installed; pip install 'sensorium[{extra}]'"
            ) from None
        setattr(sys.modules[package], name, value)  # the next use does not come here
        return value

    return load
