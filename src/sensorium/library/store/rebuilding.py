"""Making the catalogue again from the shards alone."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path

from sensorium.core.record import digest
from sensorium.library.layout import Layout
from sensorium.library.store.catalogue import Catalogue, Change
from sensorium.library.store.shard import about, read_change


def alive(layout: Layout) -> list[int]:
    """The shards that count: those that no other one replaces."""
    found = {int(f.name): about(f)["replaces"] for f in sorted(layout.shards.glob("[0-9]*"))}
    gone = {each for replaced in found.values() for each in replaced}
    return [number for number in found if number not in gone]


def catch_up(layout: Layout, catalogue: Catalogue) -> None:
    """Takes up the shards that a catalogue does not know yet, and lets those go that do not count."""
    count, known = alive(layout), catalogue.shards()
    for number in count:
        if number not in known:
            catalogue.apply(read_change(layout.shard(number)))
    gone = [number for number in catalogue.shards() if number not in count]
    if gone:
        catalogue.apply(Change(None, [], [], gone, {}))


def rebuilt(layout: Layout) -> Path:
    """A new catalogue, in the library or, if that cannot be written to, in a folder for this user."""
    for place in (layout.catalogue, _elsewhere(layout)):
        part = place.with_name(f"{place.name}.{os.getpid()}.part")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            part.unlink(missing_ok=True)
            made = Catalogue(part, new=True)
            catch_up(layout, made)
            made.close()
            os.replace(part, place)
        except (sqlite3.OperationalError, OSError):
            continue  # read-only, full, or gone
        return place
    raise sqlite3.DatabaseError("it is missing, and cannot be made again here: the disk is full")


def _elsewhere(layout: Layout) -> Path:
    mine = f"sensorium-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
    return Path(tempfile.gettempdir()) / mine / f"{digest(str(layout.root.absolute()))}.sqlite"
