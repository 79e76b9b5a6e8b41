"""One writer at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from sensorium.core.errors import LibraryError
from sensorium.library.layout import Layout


@contextmanager
def held(layout: Layout) -> Iterator[None]:
    """The library's lock; it falls with the process that holds it, however that ends.

    Raises:
        LibraryError: another process is writing to the library.
    """
    lock = FileLock(layout.root / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise LibraryError(
            f"{layout.root}: another run is writing to this library; wait for it, or use another --out"
        ) from None
    try:
        yield
    finally:
        lock.release()
