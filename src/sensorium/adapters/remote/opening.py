"""From an address to what is read: the door to everything remote."""

from __future__ import annotations

import glob
import threading
from collections.abc import Iterator
from typing import IO

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
    """The remote file, opened once for all that read it in turn."""
    with _one_at_a_time:
        if uri not in _open:
            limits = limits or Limits()
            found = Fetched(uri, _origin(uri, limits), limits)
            while len(_open) >= _HELD:
                del _open[next(iter(_open))]
            _open[uri] = found
        return _open[uri]


def source(uri: str) -> str | IO[bytes]:
    """What a library can open: the path, or a file object of a remote file."""
    return fetched(uri).file() if is_remote(uri) else uri


def opened_bytes(uri: str) -> IO[bytes]:
    """The bytes of a file, wherever it lies."""
    return fetched(uri).file() if is_remote(uri) else open(uri, "rb")


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


def expanded(address: str) -> list[str]:
    """The addresses of the files that an address names: a folder's, a pattern's, or the file's own.

    What cannot be listed, or is not there, stays as it is, to be reported with the others. An HTTP
    address is one file. Hidden files inside folders are left out.

    Raises:
        MissingDependencyError: the package for it is not installed.
        UsageError: no address of a known kind.
    """
    if is_http(address):
        return [address]
    from sensorium.adapters.remote.store_origin import filesystem, translated

    uri = shown(address)
    files, path = filesystem(uri, address)

    def listed() -> list[str]:
        try:
            files.invalidate_cache()
            if glob.has_magic(path) and not files.exists(path):
                return [each for name in sorted(files.glob(path)) for each in _below(files, name)]
            return list(_below(files, path))
        except Exception as error:
            raise translated(uri, error) from None

    try:
        found = Patience(uri, Limits().max_fetch).tried(listed)
    except MissingMediaError:
        return [address]
    return [_full(files, address, each) for each in found] or [address]


def _below(files: object, path: str) -> Iterator[str]:
    """The files in a folder, or the one that is meant."""
    if files.isfile(path):  # type: ignore[attr-defined]
        yield path
        return
    start = len(path.rstrip("/")) + 1
    for each in sorted(files.find(path)):  # type: ignore[attr-defined]
        if not any(part.startswith(".") for part in each[start:].split("/")):
            yield each


def _full(files: object, address: str, path: str) -> str:
    """The address of a file beside or below another: the same access, another path."""
    scheme, mark, rest = address.partition("://")
    tail = rest.partition("::")[2]
    if tail:
        return f"{scheme}{mark}{path}::{tail}"
    login = rest.partition("/")[0].rpartition("@")
    protocol_free = path.lstrip("/") if not rest.startswith("/") else path
    return f"{scheme}{mark}{login[0]}{login[1]}{protocol_free}"
