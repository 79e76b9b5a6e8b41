"""Whether a file still is the one that the results of a library are of."""

from __future__ import annotations

import os
from collections.abc import Sequence

from sensorium.adapters.remote.address import is_remote
from sensorium.adapters.remote.opening import stat as stat_remote
from sensorium.core.errors import MissingMediaError, SensoriumError
from sensorium.ports import Reader


def changed(uri: str, digest: str, stat: Sequence[int] | None, reader: Reader) -> str:
    """Why the file cannot be shown any more; empty if it is the same.

    `digest` and `stat` (bytes, nanoseconds of its last change) are those of the entry in the library.
    """
    if is_remote(uri):
        return _changed_there(uri, digest, stat, reader)
    try:
        now = os.stat(uri)
        if stat and list(stat) == [now.st_size, now.st_mtime_ns]:
            return ""
        same = reader.probe(uri).digest == digest
    except (FileNotFoundError, MissingMediaError):
        return "the file is no longer there"
    except (SensoriumError, OSError) as error:
        return f"the file can no longer be read: {error}"
    return "" if same else "the file has changed since"


def _changed_there(uri: str, digest: str, stat: Sequence[int] | None, reader: Reader) -> str:
    """The same for a remote file, which is read only if its store tells no versions."""
    now = stat_remote(uri)
    if stat and list(stat) == now:
        return ""
    try:
        same = reader.probe(uri).digest == digest
    except SensoriumError as error:
        return f"the file can no longer be read: {error}"
    return "" if same else "the file has changed since"
