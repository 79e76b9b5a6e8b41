"""The people that a user says may be there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """One person or character of a cast list: `name`, other names, and files with a portrait each."""

    name: str
    aliases: tuple[str, ...] = ()
    portraits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unused:
    """Something of a cast list that could not be used, and why."""

    what: str
    message: str


@dataclass(frozen=True, slots=True)
class CastList:
    """A cast list as it was read; what could not be used does not stop the rest."""

    members: tuple[Member, ...] = ()
    unused: tuple[Unused, ...] = ()
