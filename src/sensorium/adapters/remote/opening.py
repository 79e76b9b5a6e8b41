"""From an address to what is read: the door to everything remote."""

from __future__ import annotations

import glob
import os
import threading
from typing import IO, Any

from sensorium.adapters.remote.address import given, is_http, is_remote, is_trusted, shown
from sensorium.adapters.remote.fetched import Fetched
from sensorium.adapters.remote.http_origin import HttpOrigin
from sensorium.adapters.remote.origin import Origin, Patience
from sensorium.core.errors import MissingMediaError, SensoriumError
from sensorium.core.limits import Limits

_HELD = 2  # files that stay open: passes look at one file in turn
_open: dict[str, Fetched] = {}
_one_at_a_time = threading.Lock()


def fetched(uri: str, limits: Limits | None = None) -> Fetched:
    """The remote file, opened once for all that read it in turn; it must be within the limits of each."""
    limits = limits or Limits()
    with _one_at_a_time:
        if uri not in _open:
            found = Fetched(uri, _origin(uri, limits), limits)
            while len(_open) >= _HELD:
                del _open[next(iter(_open))]
            _open[uri] = found
        limits.check_bytes(uri, _open[uri].num_bytes)
        return _open[uri]


def source(uri: str) -> str | IO[bytes]:
    """What a library can open: the path, or a file object of a remote file."""
    return fetched(uri).file() if is_remote(uri) else uri


def opened_bytes(uri: str) -> IO[bytes]:
    """The bytes of a file, wherever it lies."""
    return fetched(uri).file() if is_remote(uri) else open(uri, "rb")


def size_of(uri: str) -> int:
    """How many bytes a file has, wherever it lies."""
    return fetched(uri).num_bytes if is_remote(uri) else os.path.getsize(uri)


def stat(uri: str, limits: Limits | None = None) -> list[int] | None:
    """Size and version of a remote file as it is now; None if they cannot be told."""
    forget(uri)
    try:
        return fetched(uri, limits).about.stat
    except SensoriumError:
        return None


def forget(uri: str) -> None:
    """Lets go of an open file: the next who reads it finds it as it is then."""
    with _one_at_a_time:
        _open.pop(uri, None)


def _origin(uri: str, limits: Limits) -> Origin:
    address = given(uri)
    if is_http(address):
        return HttpOrigin(uri, address, limits.allow_private or is_trusted(uri))
    from sensorium.adapters.remote.store_origin import StoreOrigin

    return StoreOrigin(uri, address)


def expanded(address: str) -> list[tuple[str, list[int] | None]]:
    """The addresses of the files that an address names: a folder's, a pattern's, or the file's own.

    Each with its `stat` where the listing told it, so that nobody asks for each file again. What cannot be
    listed, or is not there, stays as it is, to be reported with the others. An HTTP address is one file.
    Hidden files inside folders are left out.

    Raises:
        MissingDependencyError: the package for it is not installed.
        UsageError: no address of a known kind.
    """
    if is_http(address):
        return [(address, None)]
    from sensorium.adapters.remote.store_origin import about, filesystem, translated

    uri = shown(address)
    files, path = filesystem(uri, address)

    def listed() -> dict[str, Any]:
        try:
            files.invalidate_cache()
            if not glob.has_magic(path) or files.exists(path):
                return _below(files, path)
            found: dict[str, Any] = {}
            for name, entry in sorted(files.glob(path, detail=True).items()):
                found |= {name: entry} if entry["type"] == "file" else _below(files, name)
            return found
        except Exception as error:
            raise translated(uri, error) from None

    try:
        found = Patience(uri, Limits().max_fetch).tried(listed)
    except MissingMediaError:
        return [(address, None)]
    each = [(_full(address, name), about(entry).stat) for name, entry in found.items()]
    return each or [(address, None)]


def _below(files: Any, path: str) -> dict[str, Any]:
    """The entries of the files in a folder, sorted, or of the one that is meant."""
    found = files.find(path, detail=True)
    start = len(path.rstrip("/")) + 1
    return {
        name: entry
        for name, entry in sorted(found.items())
        if not any(part.startswith(".") for part in name[start:].split("/"))
    }


def _full(address: str, path: str) -> str:
    """The address of a file beside or below another: the same access, another path."""
    scheme, mark, rest = address.partition("://")
    tail = rest.partition("::")[2]
    if tail:
        return f"{scheme}{mark}{path}::{tail}"
    login = rest.partition("/")[0].rpartition("@")
    protocol_free = path.lstrip("/") if not rest.startswith("/") else path
    return f"{scheme}{mark}{login[0]}{login[1]}{protocol_free}"
