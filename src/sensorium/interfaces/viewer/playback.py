"""Which original may be handed out: an input of the library, and only while it is unchanged."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Mapping
from typing import Any

from sensorium.adapters.remote.address import is_remote
from sensorium.core.errors import MissingMediaError
from sensorium.library.originals import changed
from sensorium.ports import Reader

_LIKELY = {"video": "video/mp4", "audio": "audio/mpeg"}


class Playback:
    """Finds originals; a file without a known time of change is read once to see that it is the same."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._seen: dict[tuple[str, str, int, int], str] = {}

    def path(self, entry: Mapping[str, Any]) -> str:
        """Where the original of one of `Library.inputs` lies.

        Raises:
            MissingMediaError: it is gone, has changed, or never was a file that could be read.
        """
        uri, why = entry["uri"], ""
        if is_remote(uri):
            raise MissingMediaError(f"{uri}: lies elsewhere and is not played here")
        if not entry["digest"] or not os.path.isfile(uri):
            raise MissingMediaError(f"{uri}: the file is no longer there, or could not be read")
        now = os.stat(uri)
        key = (uri, entry["digest"], now.st_size, now.st_mtime_ns)
        why = self._seen.get(key) or ""
        if key not in self._seen:
            why = changed(uri, entry["digest"], entry.get("stat"), self._reader)
            self._seen[key] = why
        if why:
            raise MissingMediaError(f"{uri}: {why}; extract it again to see it here")
        return uri

    def missing(self, entry: Mapping[str, Any]) -> str:
        """Why the original cannot be played; empty if it can."""
        try:
            self.path(entry)
        except MissingMediaError as error:
            return str(error)
        return ""


def media_type(entry: Mapping[str, Any]) -> str:
    """What a browser is told that a file is: sound, pictures or bytes, and never a document with scripts."""
    guess = mimetypes.guess_type(entry["uri"])[0] or ""
    if guess.split("/")[0] in ("audio", "video", "image") and "svg" not in guess:
        return guess
    return _LIKELY.get((entry.get("ref") or {}).get("kind", ""), "application/octet-stream")
