"""Jobs: files into the library, one after the other, by one writer."""

from __future__ import annotations

import asyncio
import json
import queue
import secrets
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from sensorium.adapters.engines.local import LocalPool, Stopped
from sensorium.core.config import Config
from sensorium.interfaces.server.desk import Desk
from sensorium.interfaces.server.entrance import Settings
from sensorium.interfaces.server.problems import LOG, Problem, problem_of
from sensorium.library.layout import Layout
from sensorium.run.extract import Options, run
from sensorium.run.job import Job, Outcome, reasons
from sensorium.run.progress import Watcher

_REMEMBERED = 1000  # jobs that are over


@dataclass
class FileJob(Watcher):
    """One file on its way into the library, and the watcher of its run."""

    path: Path
    uploaded: bool
    name: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    state: str = "waiting"  # then running; then done, failed or cancelled
    message: str = ""
    outcome: Outcome | None = None
    progress: str = ""  # the file in which its run tells how far it is
    given_up: threading.Event = field(default_factory=threading.Event)

    def start(self, jobs: Sequence[Job]) -> None:
        """The run says where its progress lies."""
        self.progress = jobs[0].progress

    def note(self, messages: Sequence[str]) -> None:
        """What could not be used, though the run goes on."""
        for message in messages:
            LOG.warning("job %s: not used: %s", self.name, message)

    @property
    def over(self) -> bool:
        """Whether it is finished, well or badly."""
        return self.state in ("done", "failed", "cancelled")

    def plain(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        told: dict[str, Any] = {"id": self.name, "object": "job", "file": self.path.name}
        told |= {"state": self.state, "progress": None, "message": self.message}
        if self.state == "running" and self.progress:
            told["progress"] = _read(self.progress)
        if self.outcome is not None:
            failures = [f"{steps}: {why}" for steps, why in reasons(self.outcome.failures)]
            told |= {"failures": failures, "warnings": list(self.outcome.warnings)}
        return told


def _read(path: str) -> dict[str, Any] | None:
    """``{"step", "done", "total"}``, seconds of the file; None before it begins."""
    try:
        return dict(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


class FileJobs:
    """The queue, and the thread that works it off; each file in a process that can be ended."""

    def __init__(self, library: Path, config: Config, settings: Settings) -> None:
        self._layout = Layout(library)
        self._config = config
        self._settings = settings
        self._known: dict[str, FileJob] = {}
        self._queue: queue.Queue[FileJob] = queue.Queue()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)
        self._thread.start()

    def all(self) -> list[FileJob]:
        """Those that are known, the newest first."""
        return list(self._known.values())[::-1]

    def find(self, name: str) -> FileJob:
        """The job of that id. Raises Problem."""
        if name not in self._known:
            raise Problem(404, f"there is no job {name[:40]!r}", "id")
        return self._known[name]

    def check_room(self) -> None:
        """Raises Problem if no more can wait."""
        if self._closed:
            raise Problem(503, "the server is ending")
        if sum(not each.over for each in self._known.values()) >= self._settings.jobs:
            raise Problem(
                429, f"{self._settings.jobs} files wait already", headers={"Retry-After": "60"}
            )

    def add(self, job: FileJob) -> FileJob:
        """One more that waits. Raises Problem."""
        self.check_room()
        over = [each.name for each in self._known.values() if each.over]
        for name in over[: max(len(over) - _REMEMBERED, 0)]:
            del self._known[name]
        self._known[job.name] = job
        self._queue.put(job)
        return job

    def uploaded(self, name: str, path: Path) -> FileJob:
        """A job for a file that was sent; it moves into the library, whose results refer to it."""
        self.check_room()
        job = FileJob(Path(name), uploaded=True)
        folder = self._layout.uploads / job.name
        folder.mkdir(parents=True)
        job.path = Path(shutil.move(path, folder / name)).resolve()
        return self.add(job)

    def named(self, path: str) -> FileJob:
        """A job for a file of this machine, in one of the folders that were allowed, after all links.

        Raises:
            Problem: it lies elsewhere, or is none.
        """
        folders = [each.resolve() for each in self._settings.extract_from]
        try:
            file = Path(path).expanduser().resolve()
            allowed = any(file.is_relative_to(each) for each in folders)
            is_file = allowed and file.is_file()
        except (OSError, ValueError, RuntimeError):
            allowed = is_file = False
        if not allowed:
            raise Problem(
                403,
                f"{path[:200]!r}: expected a file in a folder of --allow-extract; nothing else is read",
                "path",
                code="not_allowed",
            )
        if not is_file:
            raise Problem(400, f"{path[:200]!r}: expected a file, there is none", "path")
        return self.add(FileJob(file, uploaded=False))

    def cancel(self, job: FileJob, why: str = "cancelled") -> None:
        """It does not begin, or ends within a second; what it had finished stays."""
        if job.over:
            return
        job.message = why
        job.given_up.set()
        if job.state == "waiting":
            job.state = "cancelled"

    async def finish(self) -> None:
        """Who waits does not begin any more; the one under way gets the grace of the settings."""
        self._closed = True
        running = [each for each in self._known.values() if each.state == "running"]
        for each in self._known.values():
            if each.state == "waiting":
                self.cancel(each, "the server ended before it began")
        for wait, last in ((self._settings.grace, False), (10.0, True)):
            for _ in range(int(wait * 20)):
                if all(each.over for each in running):
                    return
                await asyncio.sleep(0.05)
            for each in running if not last else ():
                self.cancel(each, "the server ended")

    def _work(self) -> None:
        while True:
            job = self._queue.get()
            if job.state == "waiting":
                job.state = "running"
                self._extract(job)
            if (
                job.state == "cancelled"
                and job.uploaded
                and job.outcome is None
                and not job.progress
            ):
                shutil.rmtree(job.path.parent, ignore_errors=True)  # nothing refers to it

    def _extract(self, job: FileJob) -> None:
        options = Options(executor=LocalPool(1, job.given_up))
        try:
            (job.outcome,) = run([job.path], self._layout.root, self._config, options, job)
        except Stopped:
            job.state = "cancelled"
        except Exception as error:
            job.message = str(problem_of(error))
            job.state = "failed"
        else:
            job.state = "failed" if job.outcome.failures else "done"


def job_router(jobs: FileJobs, desk: Desk) -> APIRouter:
    """Add a file, look how far it is, cancel it."""
    router = APIRouter(prefix="/jobs")

    @router.post("", status_code=202)
    async def add(request: Request) -> dict[str, Any]:
        async with desk.place():
            jobs.check_room()
            if request.headers.get("content-type", "").startswith("multipart/form-data"):
                async with desk.form(request) as form:
                    job = await run_in_threadpool(jobs.uploaded, *form.file())
                    return job.plain()
            return jobs.named(await _path(request)).plain()

    @router.get("")
    async def every() -> dict[str, Any]:
        return {"object": "list", "data": [each.plain() for each in jobs.all()]}

    @router.get("/{name}")
    async def one(name: str) -> dict[str, Any]:
        return jobs.find(name).plain()

    @router.post("/{name}/cancel")
    async def cancel(name: str) -> dict[str, Any]:
        job = jobs.find(name)
        jobs.cancel(job)
        return job.plain()

    return router


async def _path(request: Request) -> str:
    try:
        told = await request.json()
        path = told["path"]
    except (ValueError, KeyError, TypeError):
        path = None
    if not isinstance(path, str) or not path:
        raise Problem(400, 'expected {"path": "..."}, or a form with a file', "path")
    return path
