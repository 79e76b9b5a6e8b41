"""Takes requests in: places in the queue, forms with files, work that ends with its client."""

from __future__ import annotations

import asyncio
import math
import shutil
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request

from sensorium.interfaces.server.entrance import Settings
from sensorium.interfaces.server.problems import Problem

T = TypeVar("T")
_FIELDS = 100  # fields of a form
_FILES = 64
_NAME = 120  # characters of a name that are kept


class Stop(threading.Event):
    """Says to work that it shall end, and why."""

    def __init__(self) -> None:
        super().__init__()
        self.problem = Problem(503, "the server is ending")

    def check(self) -> None:
        """Raises the Problem if it is time to end."""
        if self.is_set():
            raise self.problem


@dataclass
class Form:
    """A form: fields by name, and files that lie on disk as long as the request goes on."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: list[tuple[str, Path]] = field(default_factory=list)  # (name that the client gave, path)

    def one(self, name: str, default: str = "") -> str:
        """The last value of a field."""
        return (self.fields.get(name) or [default])[-1]

    def all(self, name: str) -> list[str]:
        """All values of a field, as lists are sent: ``name`` or ``name[]``."""
        return [*self.fields.get(name, []), *self.fields.get(f"{name}[]", [])]

    def file(self) -> tuple[str, Path]:
        """The one file. Raises Problem."""
        if len(self.files) != 1:
            raise Problem(400, f"file: expected one file, got {len(self.files)}", "file")
        return self.files[0]


class Desk:
    """`running` requests are computed at a time and `waiting` more wait in order; more are sent away."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._room = asyncio.Semaphore(settings.running)
        self._num = 0
        self._seconds = 1.0  # what a request took of late
        self._under_way: set[Stop] = set()
        self.closed = False

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place among those who wait, from before the first byte of the body is read.

        Raises:
            Problem: 429, no place is left; 503, the server is ending.
        """
        if self.closed:
            raise Problem(503, "the server is ending", headers={"Retry-After": "30"})
        if self._num >= self._settings.running + self._settings.waiting:
            after = math.ceil(min(max(self._seconds * self._num / self._settings.running, 1), 120))
            raise Problem(
                429,
                f"{self._num} requests are computed or wait, more are not taken; try again in {after} s",
                headers={"Retry-After": str(after)},
            )
        self._num += 1
        try:
            yield
        finally:
            self._num -= 1

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Stop]:
        """The time when it is computed; the work is to look at the `Stop` now and then."""
        stop = Stop()
        async with self._room:
            started = time.monotonic()
            self._under_way.add(stop)
            try:
                yield stop
            finally:
                self._under_way.discard(stop)
                self._seconds += 0.3 * (time.monotonic() - started - self._seconds)

    async def computed(self, request: Request, work: Callable[[Stop], T]) -> T:
        """Runs work in a thread when its turn comes; it is told to stop if the client goes, or time is up."""
        async with self.turn() as stop:
            watch = asyncio.create_task(self.watched(request, stop))
            try:
                return await run_in_threadpool(work, stop)
            finally:
                watch.cancel()

    async def watched(self, request: Request, stop: Stop) -> None:
        """Sets `stop` when the client is gone, or its time is over."""
        most = self._settings.request_seconds
        with anyio.move_on_after(most):
            while (await request.receive())["type"] != "http.disconnect":
                pass
            stop.problem = Problem(499, "the client is gone")
            stop.set()
            return
        stop.problem = Problem(504, f"not done within {most:g} s; for long files: POST /jobs")
        stop.set()

    @asynccontextmanager
    async def form(self, request: Request) -> AsyncIterator[Form]:
        """The form of a request, its files on disk until it is answered.

        Raises:
            Problem: 400, no form; 408, it does not come; 413 by the guard, while it comes.
        """
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            raise Problem(400, "expected multipart/form-data with a file in it", "file")
        with tempfile.TemporaryDirectory(prefix="sensorium-serve-") as folder:
            told, most = Form(), self._settings.request_seconds
            with anyio.move_on_after(most) as scope:
                async with request.form(max_files=_FILES, max_fields=_FIELDS) as form:
                    for name, value in form.multi_items():
                        if isinstance(value, UploadFile):
                            path = Path(folder, f"upload-{len(told.files)}")
                            await run_in_threadpool(_written, value, path)
                            told.files.append((safe_name(value.filename), path))
                        else:
                            told.fields.setdefault(name, []).append(value)
            if scope.cancelled_caught:
                raise Problem(408, f"the request did not come whole within {most:g} s")
            yield told

    def close(self) -> None:
        """Nobody is let in any more."""
        self.closed = True

    def stop(self) -> None:
        """What is under way ends at its next step."""
        for each in list(self._under_way):
            each.set()


def _written(value: UploadFile, path: Path) -> None:
    with open(path, "wb") as file:
        shutil.copyfileobj(value.file, file, 1 << 20)


def safe_name(name: str | None) -> str:
    """The last part of a file's name, that can be no path and no option.

    >>> safe_name("../../etc/passwd"), safe_name("..\\\\a b.wav"), safe_name(".."), safe_name("-x\\n.mp4")
    ('passwd', 'a b.wav', 'upload', 'x.mp4')
    """
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    kept = "".join(each for each in last if each.isprintable()).strip().lstrip(".-")
    stem, dot, ending = kept.rpartition(".")
    kept = f"{stem[: _NAME - len(ending) - 1]}.{ending}" if dot and len(ending) < 20 else kept
    while len(kept.encode()) > 2 * _NAME:  # a disk counts bytes
        kept = kept[1:]
    return kept or "upload"
