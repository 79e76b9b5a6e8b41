"""The server: everything that answers, put together, and how it ends."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from sensorium import __version__
from sensorium.adapters.fencing.decoders import Decoders, Unfenced
from sensorium.core.limits import Limits
from sensorium.interfaces.server.audio_routes import audio_router
from sensorium.interfaces.server.desk import Desk
from sensorium.interfaces.server.embedding_routes import embedding_router
from sensorium.interfaces.server.entrance import Guard, Settings
from sensorium.interfaces.server.file_jobs import FileJobs, job_router
from sensorium.interfaces.server.live_socket import Live, live_router
from sensorium.interfaces.server.problems import install_problems
from sensorium.interfaces.server.shared_models import SharedModels
from sensorium.library.layout import Layout
from sensorium.library.library import Library
from sensorium.ports import Reader

_MESSAGE = 1 << 20  # bytes of one message of a websocket
_VIEWER = "sensorium.interfaces.viewer.app"


@dataclass(frozen=True)
class Service:
    """The application, and what must be ended with it."""

    app: ASGIApp
    desk: Desk
    live: Live
    jobs: FileJobs
    settings: Settings


def service(
    folder: str | Path,
    models: SharedModels,
    settings: Settings,
    decoders: Decoders | Unfenced | None = None,
) -> Service:
    """Everything that answers for a library, which is made if the folder is new or empty; `decoders` read
    what clients send (None: in this process, without a fence).

    Raises:
        LibraryError: the folder holds something else.
    """
    layout = Layout(folder)
    layout.create()
    decoders = decoders or Unfenced()
    media = decoders.reader(settings.limits)
    desk, live = Desk(settings), Live(models, settings, decoders.arriving)
    jobs = FileJobs(layout.root.resolve(), models.config, settings)
    app = FastAPI(
        title="sensorium", version=__version__, docs_url=None, redoc_url=None, openapi_url=None
    )
    install_problems(app)
    app.include_router(audio_router(models, desk, settings, media))
    app.include_router(embedding_router(models, desk, media))
    app.include_router(live_router(live, settings))
    app.include_router(job_router(jobs, desk))

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    _mount_viewer(app, Library(layout.root), decoders.reader(Limits()))
    return Service(Guard(app, settings), desk, live, jobs, settings)


def _mount_viewer(app: FastAPI, library: Library, media: Reader) -> None:
    """The viewer's pages, last: no path of theirs hides one of ours."""
    if find_spec(_VIEWER) is not None:
        app.include_router(import_module(_VIEWER).router_for(library, media))


class Serving(uvicorn.Server):
    """A server that lets what is under way end: live sound, requests, the job, each within the grace."""

    def __init__(self, served: Service) -> None:
        self._served = served
        super().__init__(
            uvicorn.Config(
                served.app,
                log_config=None,
                access_log=False,  # it would write queries; the guard writes a line without
                server_header=False,
                ws_max_size=_MESSAGE,
                timeout_graceful_shutdown=max(int(served.settings.grace), 1),
                lifespan="off",
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Nobody new is taken; then everybody who is there is served."""
        served = self._served
        served.desk.close()
        asyncio.get_running_loop().call_later(served.settings.grace, served.desk.stop)
        job = asyncio.create_task(served.jobs.finish())
        await served.live.finish()
        await super().shutdown(sockets)
        await job
        served.desk.stop()


def listening(host: str, port: int) -> socket.socket:
    """A socket that is bound, so that the port is known before anything is served. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
