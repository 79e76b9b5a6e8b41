"""What names the results of a file itself: by its content, or by what is known where it cannot be read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sensorium.adapters.remote.address import is_remote
from sensorium.adapters.remote.opening import forget
from sensorium.adapters.remote.opening import stat as stat_remote
from sensorium.core.record import digest
from sensorium.run.inputs import Input


def media_recipe(subtitles: Sequence[str]) -> dict[str, Any]:
    """The recipe of the records of a file itself, with the subtitle files that lie beside it."""
    return {"name": "media", "version": 2, "subtitles": [_content(path) for path in subtitles]}


def unread_key(uri: str, stat: list[int] | None) -> str:
    """The result that says why a file could not be read."""
    return f"unread/media-{digest([uri, stat])}"


def stat_of(file: Input) -> list[int] | None:
    """Size and time of change (or a number for the version); None for a file that is not there."""
    if is_remote(file.uri):
        forget(file.uri)
        return file.stat or stat_remote(file.uri)
    try:
        stat = os.stat(file.uri)
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns]


def _content(path: str) -> list[str]:
    """Name and digest of a small file; a file that cannot be read counts as empty here."""
    try:
        data = Path(path).read_bytes()
    except OSError:
        data = b""
    return [os.path.basename(path), digest(data.hex())]
