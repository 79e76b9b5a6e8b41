"""What goes wrong, in OpenAI's shape: ``{"error": {"message", "type", "param", "code"}}``."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from sensorium.core.errors import (
    LibraryError,
    LimitError,
    MediaError,
    ModelError,
    SensoriumError,
    UsageError,
)

LOG = logging.getLogger("sensorium.serve")
_STATUS: tuple[tuple[type[SensoriumError], int], ...] = (
    (LimitError, 413),
    (UsageError, 400),
    (MediaError, 400),
    (LibraryError, 409),
    (ModelError, 503),
)
_CODES = {401: "invalid_api_key", 404: "not_found", 413: "too_large", 429: "rate_limit_exceeded"}


class Problem(Exception):
    """An answer that is an error: HTTP status, our message, and the parameter that it is about."""

    def __init__(
        self,
        status: int,
        message: str,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.headers = dict(headers or {})
        self.code = code or _CODES.get(status)

    def plain(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        kind = {401: "authentication_error", 429: "rate_limit_error"}.get(self.status, kind)
        told = {"message": str(self), "type": kind, "param": self.param, "code": self.code}
        return {"error": told}

    def response(self) -> JSONResponse:
        """As an answer."""
        return JSONResponse(self.plain(), self.status, self.headers)


def problem_of(error: BaseException) -> Problem:
    """What a client is told of an error; of one that is none of ours only that there was one."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, SensoriumError):
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
        return Problem(status, str(error))
    if isinstance(error, HTTPException):
        message = {404: "there is nothing at this path", 405: "this path takes another method"}
        told = message.get(error.status_code, str(error.detail))
        return Problem(error.status_code, told, headers=error.headers)
    if isinstance(error, RequestValidationError):
        return Problem(400, "; ".join(f"{e['loc'][-1]}: {e['msg']}" for e in error.errors()))
    LOG.error("unexpected %s", type(error).__name__, exc_info=error)
    return Problem(500, "an unexpected error; the log of the server says which")


def install_problems(app: FastAPI) -> None:
    """Every error of an endpoint is answered in this shape."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        return problem_of(error).response()

    for kind in (Problem, SensoriumError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, answer)


@contextmanager
def named(path: str, name: str) -> Iterator[None]:
    """Our errors name what the client sent, not where it lies here meanwhile."""
    try:
        yield
    except SensoriumError as error:
        raise type(error)(str(error).replace(path, name)) from None
