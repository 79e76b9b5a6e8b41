"""``sensorium check``: whether a library is whole, and what makes it so again."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from sensorium.core.errors import LibraryError
from sensorium.interfaces.cli.terminal.console import (
    EXIT_SOME_FAILED,
    echo_json,
    json_option,
    painted,
    say,
)

if TYPE_CHECKING:
    from sensorium.library.health.damage import Found
    from sensorium.run.recovery.repair import Lost


@click.command()
@click.argument("library")
@click.option("--repair", is_flag=True, help="Mend it, and compute again just what is lost.")
@click.option("--config", metavar="FILE", help="YAML of the choices that it was made with.")
@json_option("Print one JSON report on stdout, nothing else.")
def check(library: str, repair: bool, config: str | None, as_json: bool) -> None:
    """Find what is damaged in a library; every byte of it is read.

    \b
    Exit codes: 0 it is sound (now); 2 wrong usage; 3 it is damaged, or some of it is lost.
    """
    from pathlib import Path

    from sensorium.library.health.damage import find_damage
    from sensorium.library.layout import Layout
    from sensorium.run.recovery.repair import not_computed
    from sensorium.run.recovery.repair import repair as mended

    layout = Layout(library)
    if not Path(layout.root).is_dir():
        raise LibraryError(f"{library}: no such folder; make a library with: sensorium extract")
    if repair:
        from sensorium.run.config_file import as_config
        from sensorium.run.progress import Watcher

        found, lost = mended(layout, as_config(config), Watcher())
    else:
        found = find_damage(layout)
        lost = not_computed(layout, found)
    left = any(each.left for each in lost)
    sound = not left and (repair or not found.serious())
    told = _told(library, found, lost, sound, repair)
    echo_json(told) if as_json else say("\n".join(_lines(told)))
    sys.exit(0 if sound else EXIT_SOME_FAILED)


def _told(
    library: str, found: Found, lost: list[Lost], sound: bool, repaired: bool
) -> dict[str, Any]:
    return {
        "library": library,
        "sound": sound,
        "repaired": repaired,
        "damages": [
            {"path": each.path, "message": each.message, "harmless": each.harmless}
            for each in found.damages
        ],
        "lost": [
            {
                "uri": each.uri,
                "computed": list(each.computed),
                "left": [{"pass": name, "reason": why} for name, why in each.left.items()],
            }
            for each in lost
        ],
    }


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    for each in told["damages"]:
        look = "soft" if each["harmless"] else "failure"
        yield f"{painted(each['path'], look)}: {each['message']}"
    for each in told["lost"]:
        if each["computed"]:
            again = ", ".join(each["computed"])
            yield f"{painted(each['uri'], 'name')}: computed again: {again}"
        reasons: dict[str, list[str]] = {}
        for left in each["left"]:
            reasons.setdefault(left["reason"], []).append(left["pass"])
        for why, names in reasons.items():
            yield f"{painted(each['uri'], 'failure')}: lost: {', '.join(names)}: {why}"
    yield _verdict(told)


def _verdict(told: Mapping[str, Any]) -> str:
    serious = sum(not each["harmless"] for each in told["damages"])
    lost = sum(bool(each["left"]) for each in told["lost"])
    if told["sound"]:
        return "sound again" if told["repaired"] and (serious or told["lost"]) else "sound"
    if told["repaired"]:
        return f"mended, but results of {lost} inputs are lost"
    return f"damaged: {serious} files, results of {lost} inputs lost; see --repair"
