"""What a worker is asked, and what it answers: plain data that crosses processes."""

from __future__ import annotations

from dataclasses import dataclass

from sensorium.core.config import Config
from sensorium.run.inputs import Input


@dataclass(frozen=True, slots=True)
class Job:
    """One input of a run; picklable."""

    input: Input
    config: Config
    library: str
    threads: int
    retry_failed: bool = False
    progress: str = ""  # file that is told how far the work is; empty: nobody asks

    def __str__(self) -> str:
        return self.input.uri


@dataclass(frozen=True, slots=True)
class Failure:
    """What could not be done, and why; `step` is the name of the pass."""

    step: str
    error: str
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one input."""

    uri: str
    kind: str = ""  # image, audio, video; empty if it could not be read
    duration: float | None = None
    computed: tuple[str, ...] = ()  # passes that were computed now
    found: tuple[str, ...] = ()  # passes whose results were there already
    failures: tuple[Failure, ...] = ()
    warnings: tuple[str, ...] = ()  # what is wrong with the file though it was used, each once
    passed_over: bool = False  # found in a folder, and no media
    seconds: float = 0.0
