"""Files in object stores, and wherever else fsspec reaches; credentials are found as fsspec finds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import fsspec
from fsspec.core import url_to_fs

from sensorium.adapters.remote.origin import PART_SECONDS, About, Trouble, within
from sensorium.core.errors import (
    FetchError,
    MissingDependencyError,
    MissingMediaError,
    SensoriumError,
    UnsupportedMediaError,
    UsageError,
)

_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}
_VERSIONS = (
    "ETag",
    "etag",
    "generation",
    "md5Hash",
    "LastModified",
    "last_modified",
    "mtime",
    "updated",
)


def filesystem(uri: str, address: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it.

    Raises:
        MissingDependencyError: the package for it is not installed.
        UsageError: fsspec knows no such place, or HTTP inside another address.
    """
    if "http" in {
        part.partition("://")[0].lower().removesuffix("s") for part in address.split("::")
    }:
        raise UsageError(f"{uri}: an HTTP address inside another one is not opened; name it alone")
    try:
        return url_to_fs(address)
    except ImportError:
        scheme = address.partition(":")[0].lower()
        needs = f"pip install 'sensorium[{_EXTRAS[scheme]}]'" if scheme in _EXTRAS else (
            "the package that fsspec names for it: " + str(_wanted(scheme))
        )  # fmt: skip
        raise MissingDependencyError(f"{uri}: {scheme}:// needs a package: {needs}") from None
    except ValueError:
        known = "s3://, gs://, https://, or one that fsspec knows"
        raise UsageError(f"{uri}: expected an address of a known kind: {known}") from None


def _wanted(scheme: str) -> str:
    return fsspec.registry.known_implementations.get(scheme, {}).get("err", scheme)


class StoreOrigin:
    """One object; `uri` is how its address may be told."""

    def __init__(self, uri: str, address: str) -> None:
        self._uri = uri
        self._fs, self._path = filesystem(uri, address)
        self._file: Any = None

    def about(self) -> About:
        """Its entry, asked of the store and not of a listing that was kept."""
        self._file = None

        def asked() -> Mapping[str, Any]:
            self._fs.invalidate_cache()
            return self._fs.info(self._path)

        entry = self._within(asked)
        if entry.get("type") == "directory":
            raise UnsupportedMediaError(
                f"{self._uri}: expected a file, found a folder without any files"
            )
        return about(entry)

    def pieces(self, start: int, stop: int | None) -> Iterator[bytes]:
        """The bytes of a range, in one piece."""

        def read() -> bytes:
            if self._file is None:
                self._file = self._fs.open(self._path, "rb", cache_type="none")
            self._file.seek(start)
            return self._file.read(-1 if stop is None else stop - start)

        yield self._within(read)

    def _within(self, function: Callable[[], Any]) -> Any:
        """What a call returns, in our time and with our errors."""
        try:
            return within(PART_SECONDS, function)
        except Trouble:  # a thread that is left behind may still be at the file
            self._file = None
            raise
        except BaseException as error:
            self._file = None
            raise translated(self._uri, error) from None


def about(entry: Mapping[str, Any]) -> About:
    """What an entry of fsspec says."""
    version = next((str(entry[key]) for key in _VERSIONS if entry.get(key)), "")
    size = entry.get("size")
    return About(size, version, ranges=size is not None)


def translated(uri: str, error: BaseException) -> BaseException:
    """Our error for one of a store: no message of theirs is repeated, it may hold what is secret."""
    name = type(error).__name__
    if isinstance(error, SensoriumError) or not isinstance(error, Exception):
        return error
    if isinstance(error, FileNotFoundError):
        return MissingMediaError(f"{uri}: there is no such file")
    if isinstance(error, PermissionError):
        return MissingMediaError(f"{uri}: access is refused; see to the credentials of its store")
    if "Credential" in name or "Profile" in name:
        return MissingMediaError(f"{uri}: no credentials for its store were found ({name})")
    if name == "FileExpired":
        return FetchError(f"{uri}: changed while it was read; try again")
    if isinstance(error, (ValueError, TypeError, NotImplementedError)):
        return MissingMediaError(f"{uri}: its store cannot give it ({name})")
    return Trouble(getattr(error, "strerror", None) or name)
