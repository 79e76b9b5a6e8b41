"""What a worker is asked, and what it answers: plain data that crosses processes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sensorium.core.config import Config
from sensorium.core.record import Provenance, Record
from sensorium.run.inputs import Input


@dataclass(frozen=True, slots=True)
class Job:
    """One input of a run; picklable, and small.

    `library` is the folder, for a worker that sees the disk it lies on: it looks up there what is finished,
    and adds what it finishes to a journal of its own, named after `run`. If it is empty, the worker sees
    no such disk (`Executor.shares_disk` is False): what is known of this input comes along in `known`, as
    the frames of a journal (`library.store.journal`), and what it finishes goes back in `Outcome.frames`.
    """

    input: Input
    config: Config
    library: str
    threads: int
    retry_failed: bool = False
    side_by_side: bool = (
        False  # sound and pictures at once, where a core is left; no result changes
    )
    progress: str = ""  # file of the asking machine, told how far the work is; empty: nobody asks
    run: str = ""
    known: bytes = b""
    allow_private: bool = False  # an HTTP address may lie in a private network

    def __str__(self) -> str:
        return self.input.uri

    def duration(self) -> float:
        """Seconds of the file as far as the work has told; 0 for a picture, and before it was opened."""
        try:
            return float(json.loads(Path(self.progress).read_text(encoding="utf-8"))["total"] or 0)
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0


class Jobs(Sequence[Job]):
    """The jobs of a run, each made when it is asked for; what they have in common is in `like`.

    `known` gives what comes along with the job of an input whose worker does not see the library.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        like: Job,
        progress: Path,
        known: Callable[[str], bytes] | None = None,
        which: Sequence[int] | None = None,
    ) -> None:
        self._inputs, self._like, self._progress, self._known = inputs, like, progress, known
        self._which = range(len(inputs)) if which is None else which

    def __len__(self) -> int:
        return len(self._which)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return self.only(self._which[place])
        index = self._which[place]
        each = self._inputs[index]
        told = str(self._progress / f"{index}.json")
        known = self._known(each.uri) if self._known else b""
        return replace(self._like, input=each, progress=told, known=known)

    def only(self, which: Sequence[int]) -> Jobs:
        """Some of them, by their number in the run."""
        return Jobs(self._inputs, self._like, self._progress, self._known, which)

    def of(self, run: str, known: Callable[[str], bytes] | None = None) -> Jobs:
        """The same in a run of that name; with `known`, for workers that do not see the library."""
        library = "" if known else self._like.library
        like = replace(self._like, run=run, library=library)
        return Jobs(self._inputs, like, self._progress, known, self._which)


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
    frames: bytes = b""  # results for the library, from a worker that does not see its disk
