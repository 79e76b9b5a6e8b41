"""Models that many clients ask: opened once, each copy asked by one at a time, in the order of the calls."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

from sensorium.core.config import Config, PassName
from sensorium.core.errors import UsageError
from sensorium.core.speech import Transcript
from sensorium.interfaces.server.problems import Problem
from sensorium.models.registry import Deferred
from sensorium.ports import Pass, Reader
from sensorium.run.plan import build, check, listener

Open = Callable[[str, str, int], Any]
Task = Literal["transcribe", "translate"]
_ANY = ("", "whisper-1", "default")  # names for whatever the server has


class Copies:
    """Copies of a model, lent in the order of the calls: no long file starves a live client."""

    def __init__(self, models: Sequence[Any]) -> None:
        self._free = list(models)
        self._lock = threading.Lock()
        self._waiting: deque[tuple[threading.Event, list[Any]]] = deque()

    @contextmanager
    def turn(self) -> Iterator[Any]:
        """Waits for its turn, and has a copy for itself."""
        came, given = threading.Event(), list[Any]()
        with self._lock:
            if self._free:  # then nobody waits
                given.append(self._free.pop())
                came.set()
            else:
                self._waiting.append((came, given))
        came.wait()
        try:
            yield given[0]
        finally:
            with self._lock:
                if self._waiting:
                    following, its = self._waiting.popleft()
                    its.append(given[0])
                    following.set()
                else:
                    self._free.append(given[0])


class Shared:
    """A model as a port, whose every call, and every step of what it yields, waits for its turn."""

    def __init__(self, models: Sequence[Any]) -> None:
        self._any = models[0]  # for what is known without weights
        self._copies = Copies(models)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._any, name)
        if not callable(value):
            return value

        def asked(*args: Any, **kwargs: Any) -> Any:
            with self._copies.turn() as model:
                found = getattr(model, name)(*args, **kwargs)
            return self._stepped(found) if isinstance(found, Iterator) else found

        return asked

    def _stepped(self, rows: Iterator[Any]) -> Iterator[Any]:
        end = object()
        while True:
            with self._copies.turn():
                row = next(rows, end)
            if row is end:
                return
            yield row


class Prompted:
    """A transcriber that is told a text before every piece, as spelling of names."""

    def __init__(self, inner: Any, prompt: str) -> None:
        self._inner, self._prompt = inner, prompt

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def transcribe(self, audio: Any, prompt: str = "", **rest: Any) -> Transcript:
        """As the inner one, with the text in front of `prompt`."""
        told: Transcript = self._inner.transcribe(audio, f"{self._prompt} {prompt}".strip(), **rest)
        return told


class SharedModels:
    """The models of a config, `copies` of each, and what is made of them.

    `opened` gives a model: in tests a fake.
    """

    def __init__(
        self, config: Config, threads: int = 1, copies: int = 1, opened: Open = Deferred
    ) -> None:
        if copies < 1:
            raise UsageError(f"copies: expected 1 or more, got {copies}")
        check(config)
        self._copies = copies
        self.config = config
        self._threads = threads
        self._opened = opened
        self._known: dict[tuple[str, str], Shared] = {}
        self._lock = threading.Lock()

    def get(self, job: str, chosen: str = "", threads: int = 1) -> Any:
        """The model of a job, by default that of the config; opened at first use, then the same for all."""
        key = (job, chosen or self.config.models()[job])
        with self._lock:
            if key not in self._known:
                made = [self._opened(*key, self._threads) for _ in range(self._copies)]
                self._known[key] = Shared(made)
            return self._known[key]

    def named(self, name: str, *jobs: str) -> str:
        """The job of those that the server's model of that name does; nothing else is ever opened.

        Raises:
            Problem: 404, the server has no such model for any of them.
        """
        names = {self.config.models()[job]: job for job in reversed(jobs)}
        if name in _ANY:
            return jobs[0]
        if name not in names:
            raise Problem(
                404,
                f"model: expected {' or '.join(names)}, got {name!r}; which models there are, "
                "the options of sensorium serve say",
                "model",
                code="model_not_found",
            )
        return names[name]

    def hearing(
        self, config: Config, prompt: str, media: Reader, diarized: bool
    ) -> dict[str, Pass]:
        """The passes over speech by name, made for one request; `config` is one of `config_for`."""

        def opened(job: str, name: str, threads: int) -> Any:
            model = self.get(job, name)
            return Prompted(model, prompt) if prompt and job == "transcriber" else model

        wanted: tuple[PassName, ...] = ("speech", "speakers") if diarized else ("speech",)
        built = build(replace(config, passes=wanted), self._threads, opened, media)
        return {each.name: each for each in built.passes}

    def listener(self, config: Config, words: bool, turns: bool, latency: float) -> Any:
        """What hears one stream."""
        return listener(config, words, turns, latency, self.get)


def config_for(config: Config, language: str, task: Task) -> Config:
    """The config that hears a language, and writes it down (or in English): all that is known of both.

    Raises:
        UsageError: the transcriber does not know it.
    """
    chosen = language or config.speech.language
    wanted = replace(config, speech=replace(config.speech, language=chosen, task=task))
    check(wanted)
    return wanted
