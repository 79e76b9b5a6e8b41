"""Who may come in, and how much at once: before any endpoint is asked, for HTTP and websockets alike."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sensorium.core.errors import UsageError
from sensorium.core.limits import Fence, Limits
from sensorium.interfaces.server.problems import LOG, Problem

_LIMITS = Limits(max_pixels=50_000_000, max_seconds=4 * 3600.0)
_FENCE = Fence()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Who may ask, and how much at once. Sizes in bytes, times in seconds.

    `token`: what a client must know (empty: nothing); `hosts`: names beside ``localhost`` and addresses under
    which it may be asked; `extract_from`: folders whose files jobs may name. `max_upload` is of one
    request, `max_json` of one without files; `limits` of what is decoded; `fence` around the work on
    jobs; `request_seconds` of one request from its first byte on.
    `running` requests are computed at a time, `waiting` more may wait, `jobs` files may wait. `live`
    sessions at a time; one whose client is gone is kept for `keep` seconds; `ahead` seconds of sound wait
    in memory before a client has to; one that leaves `unread` events unread, or takes nothing for `stall`
    seconds, is dropped. `grace`: for what is under way when the server ends.
    """

    token: str = ""
    hosts: tuple[str, ...] = ()
    extract_from: tuple[Path, ...] = ()
    max_upload: int = 500_000_000
    max_json: int = 32_000_000
    limits: Limits = _LIMITS
    fence: Fence | None = _FENCE
    request_seconds: float = 900.0
    running: int = 2
    waiting: int = 8
    jobs: int = 100
    live: int = 8
    keep: float = 60.0
    ahead: float = 10.0
    unread: int = 2000
    stall: float = 20.0
    grace: float = 30.0

    def __post_init__(self) -> None:
        for name in ("max_upload", "max_json", "request_seconds", "running", "jobs", "live"):
            if getattr(self, name) <= 0:
                raise UsageError(f"{name}: expected more than 0, got {getattr(self, name)}")
        for name in ("waiting", "keep", "grace"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name}: expected 0 or more, got {getattr(self, name)}")


class Guard:
    """Checks the Host header, the origin of browsers, the token, and counts what is uploaded.

    - Host: an address, ``localhost`` or a name that was allowed. Else a page could point its own name at
      this machine and read answers (DNS rebinding).
    - Origin: none, or this very server. Else any page could send files or open the websocket.
    - Token: as Bearer, or as the password of Basic, which browsers ask for.
    - A body is refused as soon as more of it has come than allowed, or before if it says so.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._names = {"localhost", *(each.lower() for each in settings.hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets it through, or answers with an error."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers, log = Headers(scope=scope), _Log(scope, send)
        try:
            self._host(headers)
            self._token(headers)
            body = self._counted(headers, receive)
        except Problem as problem:
            await refuse(problem, scope, receive, log)
            return
        await self._app(scope, body if scope["type"] == "http" else receive, log)

    def _host(self, headers: Headers) -> None:
        host = headers.get("host", "")
        if not self._known(host):
            raise Problem(
                421,
                f"Host: expected an address, localhost or a name given with --allow-host, got {host[:100]!r}",
                code="wrong_host",
            )
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            raise Problem(
                403, "Origin: expected no page of another server to ask", code="wrong_origin"
            )

    def _known(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return True

    def _token(self, headers: Headers) -> None:
        wanted = self._settings.token
        if not wanted:
            return
        given = _given(headers.get("authorization", ""))
        if not secrets.compare_digest(given.encode(), wanted.encode()):
            raise Problem(
                401,
                "expected the token of this server: Authorization: Bearer TOKEN (api_key of a client)",
                headers={"WWW-Authenticate": 'Bearer, Basic realm="sensorium"'},
            )

    def _counted(self, headers: Headers, receive: Receive) -> Receive:
        """The body, of which no more is taken than allowed; what comes is checked while it comes."""
        form = headers.get("content-type", "").startswith("multipart/form-data")
        most = self._settings.max_upload if form else self._settings.max_json
        problem = Problem(413, f"expected at most {most:,} bytes in this request")
        said = headers.get("content-length", "")
        if said.isdigit() and int(said) > most:
            raise problem
        num = 0

        async def counted() -> Message:
            nonlocal num
            message = await receive()
            num += len(message.get("body", b""))
            if num > most:
                raise problem
            return message

        return counted


def _given(authorization: str) -> str:
    """The token of a header: a bearer's, or the password of Basic."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return value.strip() if scheme.lower() == "bearer" else ""


async def refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """The error as the answer; to a websocket as well, which is then never opened."""
    if scope["type"] == "http":
        await problem.response()(scope, receive, send)
        return
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": str(problem)[:120]})
        return
    answer = problem.response()
    await send(
        {
            "type": "websocket.http.response.start",
            "status": answer.status_code,
            "headers": answer.raw_headers,
        }
    )
    await send({"type": "websocket.http.response.body", "body": bytes(answer.body)})


class _Log:
    """Sends, and writes one line a request: no query, no headers, nothing that could be a secret."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._started = time.monotonic()

    async def __call__(self, message: Any) -> None:
        """Passes a message on."""
        status = message.get("status")
        if status is None and message["type"] in ("websocket.accept", "websocket.close"):
            status = message["type"].partition(".")[2]
        if status is not None:
            method, path = self._scope.get("method", "WS"), self._scope["path"]
            taken = time.monotonic() - self._started
            shown = "".join(each if each.isprintable() else "?" for each in path)[:200]
            LOG.info("%s %s %s %.2f s", method, shown, status, taken)
        await self._send(message)
