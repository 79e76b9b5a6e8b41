"""Options that are given by name, in groups, laid over the defaults of a dataclass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from sensorium.core.errors import UsageError

T = TypeVar("T")


def filled(defaults: T, given: Mapping[str, Any], where: str) -> T:
    """`defaults`, a dataclass, with the values of `given` in place of its own; groups may be given in part.

    `where` is what errors call the place that `given` comes from.

    Raises:
        UsageError: a name that the options do not have, a value of another type, or one out of range.
    """
    own: dict[str, Any] = {each.name: getattr(defaults, each.name) for each in fields(defaults)}  # type: ignore[arg-type]
    new: dict[str, Any] = {}
    for name, value in given.items():
        if name not in own:
            raise UsageError(f"{where}: expected some of {', '.join(own)}; got {name!r}")
        old = own[name]
        if is_dataclass(old):
            if not isinstance(value, Mapping):
                raise UsageError(f"{where}.{name}: expected names with values, got {value!r}")
            new[name] = filled(old, value, f"{where}.{name}")
        else:
            new[name] = _checked(value, old, f"{where}.{name}")
    try:
        return replace(defaults, **new)  # type: ignore[type-var]
    except (UsageError, TypeError, ValueError) as error:
        raise UsageError(f"{where}: {error}") from None


def _checked(value: Any, old: Any, where: str) -> Any:
    if isinstance(old, tuple):
        if not isinstance(value, (list, tuple)) or len(value) != len(old):
            raise UsageError(f"{where}: expected {len(old)} values in a list, got {value!r}")
        return tuple(_checked(new, was, where) for new, was in zip(value, old, strict=True))
    if isinstance(old, Mapping) and not isinstance(value, Mapping):
        raise UsageError(f"{where}: expected names with values, got {value!r}")
    for kind, said in (
        (bool, "true or false"),
        (int, "a whole number"),
        (float, "a number"),
        (str, "text"),
    ):
        if isinstance(old, kind):
            fits = isinstance(value, bool) == (kind is bool) and isinstance(
                value, (int, float) if kind is float else kind
            )
            if not fits:
                raise UsageError(f"{where}: expected {said}, got {value!r}")
            return float(value) if kind is float else value
    return value


def numbers(options: Any, before: str = "") -> Iterator[tuple[str, float]]:
    """(name, value) of all numbers of a dataclass, those of its groups with dots: ``telling.distance``."""
    for each in fields(options):
        value = getattr(options, each.name)
        if is_dataclass(value):
            yield from numbers(value, f"{before}{each.name}.")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield f"{before}{each.name}", value


def grouped(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Names with dots as groups.

    >>> grouped({"gap": 0.5, "telling.distance": 0.7})
    {'gap': 0.5, 'telling': {'distance': 0.7}}
    """
    made: dict[str, Any] = {}
    for name, value in flat.items():
        *groups, last = name.split(".")
        place = made
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    return made
