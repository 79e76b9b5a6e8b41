"""``/v1/audio/transcriptions`` and ``/v1/audio/translations``."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import iterate_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from sensorium.core.config import Config
from sensorium.core.errors import SensoriumError, UnsupportedMediaError
from sensorium.interfaces.server.desk import Desk, Form, Stop
from sensorium.interfaces.server.entrance import Settings
from sensorium.interfaces.server.problems import Problem, named, problem_of
from sensorium.interfaces.server.shared_models import SharedModels, Task, config_for
from sensorium.interfaces.server.transcript_told import FORMATS, Heard, diarized, hear, told
from sensorium.ports import Reader

_GRANULARITIES = ("segment", "word")
_MOST_PROMPT = 2000  # characters


@dataclass(frozen=True)
class Wanted:
    """One request, checked."""

    name: str  # of the file, as the client calls it
    path: Path
    form: str
    task: Task
    config: Config
    prompt: str
    granularities: tuple[str, ...]
    stream: bool


class _Streamed(StreamingResponse):
    """A stream that frees what it holds whatever ends it, also where it never began."""

    def __init__(self, content: AsyncIterator[str], stack: AsyncExitStack) -> None:
        super().__init__(content, media_type="text/event-stream")
        self._stack = stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._stack:
            await super().__call__(scope, receive, send)


def audio_router(models: SharedModels, desk: Desk, settings: Settings, media: Reader) -> APIRouter:
    """Speech of an uploaded file as text."""
    router = APIRouter(prefix="/v1/audio")
    ear = _Ear(models, desk, settings, media)

    @router.post("/transcriptions")
    async def transcriptions(request: Request) -> Response:
        return await ear.answer(request, "transcribe")

    @router.post("/translations")
    async def translations(request: Request) -> Response:
        return await ear.answer(request, "translate")

    return router


class _Ear:
    def __init__(self, models: SharedModels, desk: Desk, settings: Settings, media: Reader) -> None:
        self._models, self._desk, self._settings, self._media = models, desk, settings, media

    async def answer(self, request: Request, task: Task) -> Response:
        """A whole answer, or one that streams; the place and the file are held until it is out."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._desk.place())
            wanted = self._wanted(await stack.enter_async_context(self._desk.form(request)), task)
            if wanted.stream:
                stop = await stack.enter_async_context(self._desk.turn())
                return _Streamed(self._events(wanted, stop), stack.pop_all())
            body, kind = await self._desk.computed(request, lambda stop: self._whole(wanted, stop))
            return Response(body, media_type=kind)

    def _wanted(self, form: Form, task: Task) -> Wanted:
        self._models.named(form.one("model"), "transcriber")
        name, path = form.file()
        shape = form.one("response_format", "json")
        if shape not in FORMATS:
            raise Problem(
                400, f"expected one of {', '.join(FORMATS)}; got {shape!r}", "response_format"
            )
        grains = tuple(form.all("timestamp_granularities")) or _GRANULARITIES
        if unknown := set(grains) - set(_GRANULARITIES):
            raise Problem(
                400,
                f"expected word, segment or both, got {sorted(unknown)}",
                "timestamp_granularities",
            )
        try:
            config = config_for(self._models.config, form.one("language"), task)
        except SensoriumError as error:
            raise Problem(400, str(error), "language") from None
        stream = form.one("stream").lower() in ("true", "1")
        if stream and shape not in ("json", "text", "diarized_json"):
            raise Problem(
                400, f"stream: expected json, text or diarized_json, got {shape}", "stream"
            )
        prompt = form.one("prompt")[-_MOST_PROMPT:]
        return Wanted(name, path, shape, task, config, prompt, grains, stream)

    def _pieces(self, wanted: Wanted, stop: Stop, heard: Heard) -> Iterator[str]:
        """The text as it is understood; everything goes to `heard`. Looks at `stop` at every step."""
        with named(str(wanted.path), wanted.name):
            ref = self._media.probe(str(wanted.path))
            if not ref.has_sound:
                raise UnsupportedMediaError(
                    f"{wanted.name}: expected sound, found {ref.kind} without any"
                )
            speakers = wanted.form == "diarized_json"
            passes = self._models.hearing(wanted.config, wanted.prompt, self._media, speakers)
            heard.seconds = ref.duration or 0.0
            stop.check()
            for text in hear(passes, ref, heard):
                stop.check()
                yield text

    def _whole(self, wanted: Wanted, stop: Stop) -> tuple[str, str]:
        heard = Heard()
        for _ in self._pieces(wanted, stop, heard):
            pass
        return told(heard, wanted.form, wanted.task, wanted.granularities)

    async def _events(self, wanted: Wanted, stop: Stop) -> AsyncIterator[str]:
        try:
            async for event in iterate_in_threadpool(self._told(wanted, stop)):
                yield f"data: {json.dumps(event, ensure_ascii=False)}\n\n"
        finally:
            stop.set()

    def _told(self, wanted: Wanted, stop: Stop) -> Iterator[dict[str, Any]]:
        """Server-sent events as OpenAI names them; an error is the last one."""
        heard, most = Heard(), self._settings.request_seconds
        until = time.monotonic() + most
        try:
            for text in self._pieces(wanted, stop, heard):
                if text:
                    yield {"type": "transcript.text.delta", "delta": text}
                if time.monotonic() > until:
                    raise Problem(504, f"not done within {most:g} s; for long files: POST /jobs")
            if wanted.form == "diarized_json":
                yield from diarized(heard)
            yield {"type": "transcript.text.done", "text": heard.text}
        except Exception as error:
            yield problem_of(error).plain()
