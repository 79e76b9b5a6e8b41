"""How a run tells how far it is: bars on a terminal, plain lines anywhere else, or nothing."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from sensorium.run.job import Job, Outcome, reasons

_SHOWN = 3  # warnings of one file that are shown as they come


class Watcher:
    """Is told how a run goes; this one says nothing."""

    silent = True

    def start(self, jobs: Sequence[Job]) -> None:
        """The run begins."""

    def done(self, index: int, outcome: Outcome) -> None:
        """One input is finished, well or badly."""

    def note(self, messages: Sequence[str]) -> None:
        """What could not be used, though the run goes on."""
        for message in messages:
            print(f"not used: {message}", file=sys.stderr, flush=True)

    def stop(self) -> None:
        """The run is over, whatever ended it."""


def watcher(stream: TextIO | None = None) -> Watcher:
    """Bars if `stream` (stderr) is a terminal, else lines."""
    stream = stream or sys.stderr
    return Bars() if stream.isatty() else Lines(stream)


def line(outcome: Outcome) -> str:
    """What became of one input, in one line (more, if more than one thing failed)."""
    name = outcome.uri
    if outcome.passed_over:
        return f"passed over  {name}  (no media)"
    failed = [f"FAILED  {name}  {steps}: {why}" for steps, why in reasons(outcome.failures)]
    if failed and not outcome.computed and not outcome.found:
        return "\n".join(failed)
    did = ", ".join(outcome.computed) or "nothing to compute, all there"
    warned = [f"warning  {message}" for message in outcome.warnings[:_SHOWN]]
    if (more := len(outcome.warnings) - _SHOWN) > 0:
        warned.append(f"warning  {name}: {more} more, see library.warnings()")
    length = f"{outcome.duration:.1f} s of " if outcome.duration else ""
    done = f"done  {name}  {length}{outcome.kind} in {outcome.seconds:.1f} s: {did}"
    return "\n".join([done, *failed, *warned])


class Lines(Watcher):
    """One line per input when it is finished."""

    silent = False

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._total = 0
        self._num_done = 0

    def start(self, jobs: Sequence[Job]) -> None:
        self._total = len(jobs)
        print(f"{self._total} inputs", file=self._stream, flush=True)

    def done(self, index: int, outcome: Outcome) -> None:
        self._num_done += 1
        print(f"[{self._num_done}/{self._total}] {line(outcome)}", file=self._stream, flush=True)


class Bars(Watcher):
    """A bar over all inputs, and one for each that is being worked on."""

    silent = False

    def start(self, jobs: Sequence[Job]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._jobs, self._folder = jobs, Path(jobs[0].progress).parent
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        count = TextColumn("{task.fields[count]}")
        self._bars = Progress(*columns, count, console=Console(stderr=True), transient=True)
        self._all = self._bars.add_task("all inputs", total=len(jobs), count=f"0/{len(jobs)}")
        self._each: dict[int, Any] = {}
        self._finished: set[int] = set()
        self._stopped = threading.Event()
        self._bars.start()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def done(self, index: int, outcome: Outcome) -> None:
        self._finished.add(index)
        if index in self._each:
            self._bars.remove_task(self._each.pop(index))
        self._bars.console.print(line(outcome), markup=False, highlight=False, soft_wrap=True)
        count = f"{len(self._finished)}/{len(self._jobs)}"
        self._bars.update(self._all, completed=len(self._finished), count=count)

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()
        self._bars.stop()

    def _follow(self) -> None:
        """Reads what the workers wrote of their progress, five times a second."""
        while not self._stopped.is_set():
            for file in self._folder.glob("*.json"):
                self._show(int(file.stem), file)
            time.sleep(0.2)

    def _show(self, index: int, file: Path) -> None:
        try:
            state = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return  # not begun
        if index in self._finished:
            return
        if index not in self._each:
            self._each[index] = self._bars.add_task("", total=None, count="")
        description = f"{Path(self._jobs[index].input.uri).name[-32:]}: {state['step']}"
        self._bars.update(
            self._each[index],
            description=description,
            completed=state["done"],
            total=state["total"],
        )


class Steps:
    """Is told how a training goes; this one says nothing."""

    def start(self, name: str) -> None:
        """The training begins."""

    def step(self, done: int, total: int, loss: float) -> None:
        """So many steps are done."""

    def stop(self) -> None:
        """The training is over, whatever ended it."""


def steps(stream: TextIO | None = None) -> Steps:
    """A bar if `stream` (stderr) is a terminal, else lines."""
    stream = stream or sys.stderr
    return StepBar() if stream.isatty() else StepLines(stream)


class StepLines(Steps):
    """A line about every twentieth of the steps."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def step(self, done: int, total: int, loss: float) -> None:
        if done == total or done % max(1, total // 20) == 0:
            print(f"step {done}/{total}  loss {loss:.4f}", file=self._stream, flush=True)


class StepBar(Steps):
    """A bar over all steps, with the loss."""

    def start(self, name: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        told = TextColumn("{task.completed}/{task.total}  {task.fields[loss]}")
        self._bar = Progress(*columns, told, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(name, total=None, loss="")
        self._bar.start()

    def step(self, done: int, total: int, loss: float) -> None:
        self._bar.update(self._task, completed=done, total=total, loss=f"loss {loss:.4f}")

    def stop(self) -> None:
        self._bar.stop()
