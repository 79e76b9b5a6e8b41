"""Which input a name means, and which results inputs have."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sensorium.core.errors import UsageError


def choose(known: list[dict[str, Any]], name: str, where: str) -> list[dict[str, Any]]:
    """The one of the entries that `name` (a path, the end of one, or a digest) names, in a list.

    Raises:
        UsageError: no such entry, or several; the message names `where`.
    """
    found = matching(known, name)
    if len(found) != 1:
        what = "no input of that name" if not found else f"{len(found)} inputs of that name"
        names = ", ".join(e["uri"] for e in (found or known)[:5])
        raise UsageError(f"{name!r}: {what} in {where}; there are: {names or 'none'}")
    return found


def matching(known: Sequence[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The entries whose path or digest is `name`; else those whose path ends so."""
    exact = [e for e in known if name in (e["uri"], e["digest"]) or _absolute(name) == e["uri"]]
    return exact or [e for e in known if e["uri"].endswith("/" + name.removeprefix("./"))]


def results_of(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """The results of some inputs, each once: twins have the same ones."""
    return list(dict.fromkeys(key for each in entries for key in each["results"].values()))


def _absolute(name: str) -> str:
    return os.path.abspath(os.path.expanduser(name))
