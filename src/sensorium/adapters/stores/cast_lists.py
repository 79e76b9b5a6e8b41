"""Cast lists: a CSV or JSON file, or a folder of portraits."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from sensorium.adapters.remote.address import is_remote, remember
from sensorium.core.errors import UsageError
from sensorium.core.people.members import CastList, Member, Unused

_COLUMNS = ("name", "aliases", "portraits")
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif")


def read_cast(path: str | os.PathLike[str]) -> CastList:
    """The cast of a ``.csv`` or ``.json`` file, or of a folder in which each picture is a portrait.

    CSV: columns `name`, and optionally `aliases` and `portraits`, several separated by ``;``. JSON: a
    list of names, or of objects with `name`, `aliases`, `portraits`. Portraits are paths relative to
    the file, or addresses. In a folder a picture's name is the person's: ``Ann Lee.jpg``, ``Ann Lee 2.jpg``.
    Entries that stand for two people of one name are left out, and said so.

    Raises:
        UsageError: no such file, another format, a file without names.
    """
    place = Path(path).expanduser()
    if place.is_dir():
        rows, base = _folder(place), place
    else:
        rows, base = _rows(place), place.parent
    members, unused = [], []
    times = Counter(str(row.get("name", "")).strip().casefold() for row in rows)
    for number, row in enumerate(rows, 1):
        name = str(row.get("name", "")).strip()
        if not name:
            unused.append(Unused(f"{place.name} row {number}", "expected a name, the row has none"))
        elif times[name.casefold()] > 1:
            unused.append(Unused(f"{place.name} row {number}", f"two people go by {name!r}; tell them "
                                 "apart by their names, such as 'Ann Lee (mother)'"))  # fmt: skip
        else:
            aliases, files = _several(row.get("aliases")), _several(row.get("portraits"))
            paths = tuple(_place(base, file) for file in files)
            members.append(Member(name, aliases, paths))
    if not members and not unused:
        raise UsageError(f"{place}: expected a cast, found no name in it")
    return CastList(tuple(members), tuple(unused))


def _place(base: Path, file: str) -> str:
    return remember(file) if is_remote(file) else str(base / Path(file).expanduser())


def _rows(file: Path) -> list[dict[str, Any]]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file}: expected a cast list; {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: expected UTF-8 ({error}); save it as UTF-8") from None
    if file.suffix.lower() == ".csv":
        reader = csv.DictReader(io.StringIO(text), skipinitialspace=True)
        if "name" not in (reader.fieldnames or ()):
            raise UsageError(
                f"{file}: expected the columns {', '.join(_COLUMNS)}, at least name; "
                f"got {', '.join(reader.fieldnames or ('none',))}"
            )
        return list(reader)
    if file.suffix.lower() == ".json":
        try:
            found = json.loads(text)
        except ValueError as error:
            raise UsageError(f"{file}: cannot be read as JSON; {error}") from None
        rows = [{"name": each} if isinstance(each, str) else each for each in _list(file, found)]
        if not all(isinstance(row, dict) for row in rows):
            raise UsageError(f"{file}: expected names, or objects with a name, in a list")
        return rows
    raise UsageError(f"{file}: expected a cast as .csv or .json, or a folder of portraits")


def _list(file: Path, found: Any) -> list[Any]:
    if not isinstance(found, list):
        raise UsageError(f"{file}: expected a list, got {type(found).__name__}")
    return found


def _folder(folder: Path) -> list[dict[str, Any]]:
    portraits: dict[str, list[str]] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() in _PICTURES:
            name = file.stem.replace("_", " ").rstrip("0123456789 ")
            portraits.setdefault(name, []).append(file.name)
    if not portraits:
        raise UsageError(f"{folder}: expected portraits, found no picture")
    return [{"name": name, "portraits": files} for name, files in portraits.items()]


def _several(value: Any) -> tuple[str, ...]:
    parts = value.split(";") if isinstance(value, str) else value or ()
    return tuple(str(part).strip() for part in parts if str(part).strip())
