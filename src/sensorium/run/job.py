"""What a worker is asked, and what it answers: plain data that crosses processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sensorium.core.config import Config
from sensorium.core.record import Provenance, Record
from sensorium.run.inputs import Input


@dataclass(frozen=True, slots=True)
class Job:
    """One input of a run; picklable."""

    input: Input
    config: Config
    library: str
    threads: int
    retry_failed: bool = False
    side_by_side: bool = (
        False  # sound and pictures at once, where a core is left; no result changes
    )
    progress: str = ""  # file that is told how far the work is; empty: nobody asks

    def __str__(self) -> str:
        return self.input.uri


@dataclass(frozen=True, slots=True)
class Failure:
    """What could not be done, and why; `step` is the name of the pass."""

    step: str
    error: str
    message: str


PREPARED = Provenance("sensorium")  # of what is told about a file by no model


def error_record(failure: Failure) -> Record:
    """What a library keeps of a failure."""
    return Record("error", None, asdict(failure), PREPARED)


def warning_records(step: str, messages: Sequence[str]) -> list[Record]:
    """What a library keeps of warnings that a pass met."""
    return [Record("warning", None, {"step": step, "message": m}, PREPARED) for m in messages]


def reasons(failures: Sequence[Failure]) -> list[tuple[str, str]]:
    """(steps, message) of each thing that went wrong: what stopped several passes is told once.

    >>> reasons([Failure("speech", "MediaError", "a.wav: no"), Failure("sound", "MediaError", "a.wav: no")])
    [('speech, sound', 'a.wav: no')]
    """
    steps: dict[str, list[str]] = {}
    for each in failures:
        steps.setdefault(each.message, []).append(each.step)
    return [(", ".join(names), message) for message, names in steps.items()]


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
