"""Thresholds of who speaks when, found by search on labelled recordings, measured on those left out."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sensorium.core.config import Config
from sensorium.core.errors import UsageError
from sensorium.core.learning import VoicesTuning
from sensorium.learn.voice_data import LabelledVoices, read_voices, told_digest
from sensorium.learn.voice_error import (
    HeldSound,
    Remembered,
    Row,
    change,
    error,
    live_turns,
    total,
    whole_turns,
)
from sensorium.models.registry import load_model
from sensorium.run.config_file import write_config
from sensorium.run.filled import filled, grouped, numbers
from sensorium.run.plan import live_options, whole_options
from sensorium.run.progress import Steps

# What is worth searching, by the names of the options; a name that they do not have is passed over, so that
# the options may change. Lengths of windows and steps are not here: they cost time, no label decides them.
SEARCHED: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "diarization": {
        "telling.distance": (0.4, 0.95),
        "telling.tuned": (0.0, 1.0),
        "telling.smallest": (0.3, 4.0),
        "telling.crowded": (0.1, 0.6),
        "telling.stay": (0.9, 0.999),
        "gap": (0.0, 1.0),
        "shortest": (0.0, 0.5),
    },
    "live": {
        "distance": (0.4, 0.95),
        "heard": (0.1, 0.8),
        "gap": (0.05, 1.0),
        "shortest": (0.05, 0.6),
    },
}
Point = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Tuned:
    """What was found for one side, and what it is worth on files that it was not chosen on.

    `values` are the options that were chosen on all files; they are empty where the search did not beat the
    defaults. `before` and `after` are error rates with the defaults, and cross-validated; `change` is their
    difference with a 95 % interval (None with one file).
    """

    side: str
    values: Mapping[str, float]
    before: Mapping[str, float]
    after: Mapping[str, float]
    change: tuple[float, float | None, float | None]

    def told(self) -> str:
        """In one line."""
        moved, low, high = self.change
        sure = "" if low is None else f" (95 % {low:+.3f} to {high:+.3f})"
        kept = "" if self.values else "; no gain, the defaults stay"
        return (
            f"{self.side}: error {self.before['der']:.3f} with the defaults, {self.after['der']:.3f} "
            f"cross-validated, {moved:+.3f}{sure}, {self.before['files']:.0f} files{kept}"
        )


def tune_voices(
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    progress: Steps | None = None,
    **choices: Any,
) -> list[Tuned]:
    """Searches thresholds on labelled recordings and writes the config file `out` (YAML).

    `data` is a folder of sound files, each with an .rttm of the same name; `choices` are the fields of
    `sensorium.core.learning.VoicesTuning`. `extract`, `listen` and their commands take the file as
    `config`. What the search is worth is measured by cross-validation over files: the thresholds that a
    file is measured with were chosen on others. A side on which that gains nothing keeps its defaults.

    Raises:
        UsageError: recordings that cannot be used, fewer of them than folds, an option that does not exist.
        MissingDependencyError: optuna or pyannote.metrics is not installed.

    >>> tune_voices("calls", "calls.yaml", trials=60)  # doctest: +SKIP
    """
    try:
        wanted = VoicesTuning(**choices)
    except TypeError as wrong:
        raise UsageError(f"tune_voices: {wrong}") from None
    files = read_voices(data)
    if len(files) < wanted.folds:
        raise UsageError(f"folds: expected at most the {len(files)} recordings, got {wanted.folds}")
    models = tuple(
        Remembered(load_model(job, name, wanted.threads))
        for job, name in (
            ("segmenter", wanted.segmenter),
            ("speaker_encoder", wanted.speaker_encoder),
        )
    )
    reader, progress = HeldSound(files), progress or Steps()
    sides = [_Side(name, files, reader, models, wanted) for name in wanted.sides]
    _named(wanted, sides)
    progress.start("tuning")
    total_trials, done = len(sides) * (wanted.folds + 1) * wanted.trials, 0

    def tried(cost: float) -> None:
        nonlocal done
        done += 1
        progress.step(done, total_trials, cost)

    try:
        told = [side.tuned(tried) for side in sides]
    finally:
        progress.stop()
    _write(out, wanted, told, files)
    return told


class _Side:
    """Whole files, or streams: what is searched, and what a set of thresholds costs on a file."""

    def __init__(
        self,
        name: str,
        files: Sequence[LabelledVoices],
        reader: HeldSound,
        models: tuple[Any, ...],
        choices: VoicesTuning,
    ) -> None:
        self.name, self._files, self._choices = name, files, choices
        self._reader, self._models = reader, models
        live = name == "live"
        self._defaults: Any = (
            live_options({}, "live", choices.latency) if live else whole_options({}, "diarization")
        )
        self._turns: Callable[..., Any] = live_turns if live else whole_turns
        own = dict(numbers(self._defaults))
        self.space = {n: width for n, width in SEARCHED[name].items() if n in own}
        self.space |= {n: width for n, width in choices.search.items() if n in own}
        if not self.space:
            raise UsageError(
                f"{name}: nothing to search; name options that it has: {', '.join(own)}"
            )
        self.numbers = own
        self.begin = {name: own[name] for name in self.space}
        self._known: dict[tuple[int, tuple[tuple[str, float], ...]], Row] = {}

    def rows(self, point: Point, which: Sequence[int]) -> list[Row]:
        """The errors of some files with these thresholds; each is computed once."""
        options = filled(self._defaults, grouped(point), self.name)
        key, told = tuple(sorted(point.items())), []
        for index in which:
            if (index, key) not in self._known:
                file = self._files[index]
                turns = self._turns(file, self._reader, self._models, options)
                self._known[index, key] = error(file, turns)
            told.append(self._known[index, key])
        return told

    def tuned(self, tried: Callable[[float], None]) -> Tuned:
        """The best thresholds, and what they are worth."""
        from sensorium.adapters.trainers.threshold_search import search

        choices, every = self._choices, range(len(self._files))

        def best(which: Sequence[int], seed: int) -> Point:
            def cost(point: Point) -> float:
                told = total(self.rows(point, which))["der"]
                tried(told)
                return told

            return search(cost, self.space, self.begin, choices.trials, seed)[0]

        before = self.rows({}, every)
        parts = np.random.default_rng([choices.seed, 4]).permutation(len(self._files))
        found: dict[int, Row] = {}
        for fold in range(choices.folds):
            left_out = [int(i) for i in parts[fold :: choices.folds]]
            point = best([i for i in every if i not in left_out], choices.seed + fold)
            found |= dict(zip(left_out, self.rows(point, left_out), strict=True))
        after = [found[index] for index in every]
        values = best(every, choices.seed + choices.folds)
        worth = total(after)["der"] < total(before)["der"]
        return Tuned(
            self.name, values if worth else {}, total(before), total(after), change(before, after)
        )


def _named(choices: VoicesTuning, sides: Sequence[_Side]) -> None:
    """Raises where an option that is to be searched is one of no side."""
    known = {name for side in sides for name in side.numbers}
    for name in choices.search:
        if name not in known:
            raise UsageError(f"search: expected some of {', '.join(sorted(known))}; got {name!r}")


def _whole_path(model: str) -> str:
    """A model with a file behind its colon, so that the config can be used from anywhere."""
    name, colon, argument = model.partition(":")
    file = Path(argument).expanduser()
    return f"{name}:{file.absolute()}" if colon and file.is_file() else model


def _write(
    out: str | os.PathLike[str],
    choices: VoicesTuning,
    told: Sequence[Tuned],
    files: Sequence[LabelledVoices],
) -> Path:
    """The config, with what it was found on above it."""
    speech: dict[str, Any] = {
        "segmenter": _whole_path(choices.segmenter),
        "speaker_encoder": choices.speaker_encoder,
    }
    speech |= {each.side: grouped(each.values) for each in told if each.values}
    seconds = sum(each.ref.duration or 0.0 for each in files)
    lines = [
        "Thresholds of who speaks when, found by: sensorium train thresholds",
        f"on {len(files)} recordings of {seconds:.0f} s (digest {told_digest(files)}); diarization error "
        "rate without collar, overlap counted",
        *(each.told() for each in told),
    ]
    if "live" in choices.sides:
        lines.append(f"live was tuned at a latency of {choices.latency:g} s")
    return write_config(out, Config.flat(**speech), "\n".join(lines))
