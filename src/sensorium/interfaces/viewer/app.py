"""The viewer over HTTP: a router that any FastAPI application can take in at its root."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine
from functools import lru_cache
from importlib.resources import files as packaged
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field

from sensorium.core.errors import LibraryError, MissingMediaError, SensoriumError, UsageError
from sensorium.core.record import digest
from sensorium.interfaces.viewer import deeds, told
from sensorium.interfaces.viewer.doubts import doubts
from sensorium.interfaces.viewer.playback import Playback, media_type
from sensorium.interfaces.viewer.title_page import POLICY, title_parts
from sensorium.library.library import Library
from sensorium.ports import Reader

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_TYPES = {
    "css": "text/css",
    "html": "text/html",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
_STATUS = {MissingMediaError: 410, LibraryError: 409, UsageError: 400}


class _Guarded(APIRoute):
    """A route whose answers carry the headers above, and whose errors are one clear line."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                response = await handle(request)
            except SensoriumError as error:
                status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 500)
                response = JSONResponse({"error": str(error)}, status)
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return guarded


class Deed(BaseModel):
    """One correction; which fields count depends on `do`, see `deeds.DEEDS`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    do: Literal["name", "merge", "split", "apart", "disown", "confirm", "word", "edge"]
    identity: str = ""
    other: str = ""
    name: str = Field("", max_length=200)
    sample: str = ""
    samples: list[str] = []
    file: str = ""
    start: float = 0.0
    end: float = 0.0
    heard: str = ""
    channel: int | None = None
    to: str = Field("", max_length=500)
    speaker: str = ""
    to_start: float = 0.0
    to_end: float = 0.0


class Undo(BaseModel):
    """Which decision to take back; None: the last one."""

    model_config = ConfigDict(extra="forbid")
    number: int | None = None


def router_for(library: Library, reader: Reader | None = None) -> APIRouter:
    """The viewer of one library, to be included at the root of an application.

    It answers ``/``, ``/static/*``, ``/media/*`` and ``/api/*``. No address holds a path: files are named by
    digests, and only inputs of the library are handed out, while they are what they were. Who may ask is
    for the application to say. `reader` reads pictures; by default that of the main job.
    """
    if reader is None:
        from sensorium.adapters.media.reader import MediaReader

        reader = MediaReader()
    router = APIRouter(route_class=_Guarded, include_in_schema=False)
    _add_pages(router)
    _add_media(router, library, reader)
    _add_reading(router, library, Playback(reader))
    _add_deeds(router, library)
    return router


def _add_pages(router: APIRouter) -> None:
    shipped = {
        each.name: each
        for each in (packaged(__package__) / "static").iterdir()
        if each.name.rpartition(".")[2] in _TYPES
    }

    def page(name: str) -> Response:
        if name not in shipped:
            return JSONResponse({"error": f"{name!r}: no such file"}, 404)
        kind = _TYPES[name.rpartition(".")[2]]
        # asked for again each time: after an upgrade no half-old viewer may run
        return Response(
            shipped[name].read_bytes(), media_type=kind, headers={"Cache-Control": "no-cache"}
        )

    @router.get("/")
    def index() -> Response:
        return page("index.html")

    @router.get("/static/{name}")
    def static(name: str) -> Response:
        return page(name)


def _add_media(router: APIRouter, library: Library, reader: Reader) -> None:
    playback = Playback(reader)

    @router.api_route("/media/{file}", methods=["GET", "HEAD"])
    def media(file: str) -> Response:
        entry = told.entry_of(library, file)
        return FileResponse(playback.path(entry), media_type=media_type(entry))

    @lru_cache(maxsize=512)
    def cut(file: str, label: str, results: str) -> bytes | None:
        return told.face(library, told.entry_of(library, file), label, reader)

    @router.get("/title")
    def title(folder: str = "") -> Response:
        page = "".join(title_parts(library, reader, folder or None))
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})

    @router.get("/api/files/{file}/face/{label}")
    def face(file: str, label: str) -> Response:
        found = cut(file, label, digest(told.entry_of(library, file)))
        if found is None:
            return JSONResponse({"error": f"{label!r}: there is no picture of it"}, 404)
        return Response(
            found, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=600"}
        )


def _add_reading(router: APIRouter, library: Library, playback: Playback) -> None:
    @router.get("/api/files")
    def files() -> JSONResponse:
        return JSONResponse({"library": library.path.resolve().name, "files": told.files(library)})

    @router.get("/api/files/{file}")
    def file(file: str) -> JSONResponse:
        entry = told.entry_of(library, file)
        return JSONResponse(told.file(library, entry, playback.missing(entry)))

    @router.get("/api/files/{file}/labels")
    def labels(file: str) -> JSONResponse:
        return JSONResponse(told.labels(library, told.entry_of(library, file)))

    @router.get("/api/find")
    def find(q: str, kind: str = "", speaker: str = "", file: str = "") -> JSONResponse:
        media = told.entry_of(library, file)["uri"] if file else None
        narrow: dict[str, Any] = {"kind": kind or None, "speaker": speaker or None, "media": media}
        hits = library.find(q, limit=200, **narrow).to_dict("records")
        for hit in hits:
            hit["file"] = digest(hit.pop("uri"))
            for key, value in hit.items():
                hit[key] = None if isinstance(value, float) and math.isnan(value) else value
        return JSONResponse(hits)

    @router.get("/api/people")
    def people() -> JSONResponse:
        return JSONResponse(told.people(library))

    @router.get("/api/people/{identity}")
    def person(identity: str) -> JSONResponse:
        return JSONResponse(told.person(library, identity))

    @router.get("/api/review")
    def review(kind: Literal["", "name", "same", "word"] = "") -> JSONResponse:
        return JSONResponse(doubts(library, kind))


def _add_deeds(router: APIRouter, library: Library) -> None:
    @router.post("/api/corrections")
    def correct(deed: Deed) -> JSONResponse:
        return JSONResponse(deeds.decide(library, deed.model_dump()))

    @router.post("/api/undo")
    def undo(wanted: Undo) -> JSONResponse:
        return JSONResponse(deeds.undo(library, wanted.number))

    @router.get("/api/history")
    def history() -> JSONResponse:
        return JSONResponse(deeds.history(library))
