"""``/v1/listen``: live sound in over a websocket, words and turns out, on models that all clients share."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from sensorium.core.errors import SensoriumError
from sensorium.interfaces.server.entrance import Settings
from sensorium.interfaces.server.live_session import Arrival, Arriving, Pipe, Session, Told
from sensorium.interfaces.server.problems import Problem, problem_of
from sensorium.interfaces.server.shared_models import SharedModels

_PCM, _CONTAINER = "pcm16", "container"
_HELD = 2.0  # seconds of samples between the socket and the decoder
_COMPRESSED = 65_536  # bytes there, where it is not known how long they sound
_PATIENCE = 5.0  # seconds for a closing handshake
_LOOK = 0.25  # seconds between two looks at what piles up while a client does not read
_MOST_GAP = 600.0  # seconds that a client may have lost and still go on
ENDED, GOING, DROPPED, TAKEN = 1000, 1012, 1008, 4000  # why a connection is closed


class Live:
    """The sessions of all clients."""

    def __init__(self, models: SharedModels, settings: Settings, arriving: Arriving) -> None:
        self._models, self._arriving = models, arriving
        self._settings = settings
        self._sessions: dict[str, Session] = {}
        self.closed = False

    def session(self, query: Mapping[str, str]) -> Session:
        """The session that a client names, or a new one.

        Raises:
            Problem: there is none of that name (any more), or there are too many.
        """
        if self.closed:
            raise Problem(503, "the server is ending")
        if name := query.get("session"):
            if name not in self._sessions:
                raise Problem(
                    404,
                    f"session: it ended, or was left for {self._settings.keep:g} s; begin a new one",
                    "session",
                )
            return self._sessions[name]
        self._make_room()
        words, turns = _flag(query, "words"), _flag(query, "turns")
        if not (words or turns):
            raise Problem(400, "expected words, turns or both, got neither", "words")
        latency = _number(query, "latency", 1.0, (0.5, 10.0))
        session = Session(
            self._models.listener(self._models.config, words, turns, latency),
            self._settings,
            self._arriving,
        )
        self._sessions[session.name] = session
        return session

    def _make_room(self) -> None:
        """Forgets who is over and, if there are still too many, who has been away longest."""
        self._sessions = {name: s for name, s in self._sessions.items() if not s.over}
        if len(self._sessions) < self._settings.live:
            return
        away = next((s for s in self._sessions.values() if not s.attached), None)
        if away is None:
            raise Problem(
                429,
                f"{self._settings.live} clients are heard, more are not taken; try again later",
                headers={"Retry-After": "10"},
            )
        self._sessions.pop(away.name).end()

    async def finish(self) -> None:
        """Nobody new; everyone gets what was heard, within the grace of the settings."""
        self.closed = True
        sessions = list(self._sessions.values())
        for each in sessions:
            each.end()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(
                asyncio.gather(*(each.gone() for each in sessions)), self._settings.grace
            )
        for each in sessions:
            each.abandon()


def live_router(live: Live, settings: Settings) -> APIRouter:
    """The websocket."""
    router = APIRouter()

    @router.websocket("/v1/listen")
    async def listen(socket: WebSocket) -> None:
        query = socket.query_params
        try:
            pipe, form = _pipe(query)
            session = live.session(query)
            start = _number(query, "from", session.at, (0.0, session.at + _MOST_GAP))
            after = int(_number(query, "after", session.told_before(start), (0, 1e12)))
        except (Problem, SensoriumError) as error:
            await socket.send_denial_response(problem_of(error).response())
            return
        await socket.accept()
        await _Line(socket, session, settings, live).serve(Arrival(pipe, start, *form), after)

    return router


class _Line:
    """One connection of a session."""

    def __init__(self, socket: WebSocket, session: Session, settings: Settings, live: Live) -> None:
        self._socket, self._session, self._settings = socket, session, settings
        self._live = live

    async def serve(self, arrival: Arrival, after: int) -> None:
        """Until one side ends; the session outlives a connection that breaks."""
        session = self._session
        hello = {"event": "session", "session": session.name, "at": round(session.at, 3)}
        taken = session.attach(arrival, asyncio.get_running_loop())
        reading = asyncio.create_task(self._read(arrival.pipe))
        writing = asyncio.create_task(self._write({**hello, "from": arrival.start}, after, taken))
        try:
            await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
            if writing.done():
                code, reason = writing.result()
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(self._socket.close(code, reason[:120]), _PATIENCE)
        finally:
            for task in (reading, writing):
                task.cancel()
            await asyncio.gather(reading, writing, return_exceptions=True)
            arrival.pipe.close(cut=True)
            session.detach(arrival)

    async def _read(self, pipe: Pipe) -> None:
        """Ends when the client is gone; while the pipe is full nothing is read, so the client must wait."""
        while (message := await self._socket.receive())["type"] == "websocket.receive":
            if message.get("bytes"):
                await pipe.put(message["bytes"])
            elif _says_end(message.get("text")):
                pipe.close(cut=False)

    async def _write(
        self, hello: dict[str, Any], after: int, taken: asyncio.Event
    ) -> tuple[int, str]:
        """Tells events as they come; gives why it ended."""
        session = self._session
        shown: Told | None = None
        try:
            await self._send(hello, after)
            while not taken.is_set() or session.over:
                session.woken.clear()
                over = session.over  # before the last look at what there is
                for each in session.since(after, shown):
                    number, event = each
                    if event["event"] == "tentative":
                        shown = each
                        await self._send(event, after)
                    else:
                        after = number
                        await self._send({"n": number, **event}, after)
                if over:
                    going = self._live.closed
                    return (GOING, "the server is ending") if going else (ENDED, "all was heard")
                await session.woken.wait()
        except LookupError:
            return DROPPED, f"dropped: more than {self._settings.unread} events were not read"
        except asyncio.TimeoutError:
            return DROPPED, f"dropped: nothing was read for {self._settings.stall:g} s"
        except (WebSocketDisconnect, RuntimeError, OSError):
            return ENDED, ""  # the client is gone already
        return TAKEN, "another connection goes on with this session"

    async def _send(self, event: dict[str, Any], after: int) -> None:
        """Until the client has taken it. Raises LookupError if meanwhile more than is kept has piled up."""
        sending = asyncio.ensure_future(
            self._socket.send_text(json.dumps(event, ensure_ascii=False))
        )
        until = asyncio.get_running_loop().time() + self._settings.stall
        try:
            while not (await asyncio.wait({sending}, timeout=_LOOK))[0]:
                self._session.since(after, None)
                if asyncio.get_running_loop().time() > until:
                    raise asyncio.TimeoutError
            sending.result()
        finally:
            sending.cancel()


def _pipe(query: Mapping[str, str]) -> tuple[Pipe, tuple[int, int]]:
    """What takes the bytes, and (rate, channels) of raw samples, 0 where a container says it."""
    form = query.get("format", _PCM)
    if form not in (_PCM, _CONTAINER):
        raise Problem(400, f"expected {_PCM} or {_CONTAINER}, got {form!r}", "format")
    if form == _CONTAINER:
        return Pipe(_COMPRESSED), (0, 0)
    rate = int(_number(query, "rate", 16_000, (4000, 192_000)))
    channels = int(_number(query, "channels", 1, (1, 8)))
    return Pipe(int(_HELD * rate * channels * 2)), (rate, channels)


def _number(
    query: Mapping[str, str], name: str, default: float, bounds: tuple[float, float]
) -> float:
    low, high = bounds
    try:
        value = float(query.get(name, default))
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise Problem(
            400, f"expected a number from {low:g} to {high:g}, got {query.get(name)!r}", name
        )
    return value


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "true").lower() not in ("false", "0", "no")


def _says_end(text: str | None) -> bool:
    """``{"event": "end"}``; anything else in words is not for us."""
    try:
        told = json.loads(text or "")
    except ValueError:
        return False
    return isinstance(told, dict) and told.get("event") == "end"
