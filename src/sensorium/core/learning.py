"""What the user asks of a training, and what a dataset for it holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sensorium.core.errors import UsageError

Split = Literal["train", "val"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """The choices that decide the weights of an adapter.

    `kind`, `factor`, `num_queries`, `num_layers` as in `Adapter`. `output` is the output of the encoder that
    is trained on (``"patches"``, ``"class"``, ``"encoder"``); `prompt` stands before every caption and holds
    one ``<image>`` or ``<audio>`` (empty: that alone). `epochs` passes over all captions in batches of
    `batch`; `learning_rate` is reached after a twentieth of the steps and falls to 0 as a cosine.
    `held_out` is the part of the media (0 to below 1) that is not trained on but measured after every
    epoch. A checkpoint is kept every `checkpoint_every` steps. `seed` decides the first weights and the
    order. `device` is a name of torch, ``"cpu"`` or ``"cuda"``; `threads` of the CPU decide how sums are
    rounded, and so the last digits of the weights.
    """

    kind: str = "linear"
    factor: int = 2
    num_queries: int = 64
    num_layers: int = 2
    output: str = "patches"
    prompt: str = ""
    epochs: int = 10
    batch: int = 8
    learning_rate: float = 1e-3
    held_out: float = 0.0
    checkpoint_every: int = 100
    seed: int = 0
    device: str = "cpu"
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "checkpoint_every", "threads"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if not 0 < self.learning_rate < math.inf:
            raise UsageError(f"learning_rate: expected a number above 0, got {self.learning_rate}")
        if not 0 <= self.held_out < 1:
            raise UsageError(f"held_out: expected a part of 0 to below 1, got {self.held_out}")
        if self.seed < 0:
            raise UsageError(f"seed: expected 0 or above, got {self.seed}")
        if not self.prompt:
            mark = "<audio>" if self.output == "encoder" else "<image>"
            object.__setattr__(self, "prompt", mark)
        if self.prompt.count("<image>") + self.prompt.count("<audio>") != 1:
            raise UsageError(f"prompt: expected one <image> or <audio> in it, got {self.prompt!r}")

    def rate(self, step: int, num_steps: int) -> float:
        """The learning rate of a step, counted from 0.

        >>> choices = Training(learning_rate=1.0)
        >>> [round(choices.rate(step, 100), 3) for step in (0, 4, 5, 52, 99)]
        [0.2, 1.0, 1.0, 0.508, 0.0]
        """
        warm = max(1, num_steps // 20)
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        part = (step - warm) / max(1, num_steps - warm)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * part))


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorTraining:
    """The choices of a training.

    `model` is ``yolo9-t``, ``-s``, ``-m`` or ``-c`` (libreyolo, MIT), or ``ultralytics:<name>.yaml``
    (AGPL-3.0). `image_size`: pixels of the square that pictures are fitted into, a multiple of 32;
    `weights`: a file to start from, None starts from random ones; `device`: ``cpu``, ``cuda``, or
    ``auto`` for a GPU where there is one.
    """

    model: str = "yolo9-t"
    epochs: int = 60
    batch: int = 8
    image_size: int = 256
    learning_rate: float = 0.001
    weights: str | None = None
    device: str = "auto"
    threads: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "threads"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}: expected 1 or more, got {getattr(self, name)}")
        if self.image_size < 32 or self.image_size % 32:
            raise UsageError(f"image_size: expected a multiple of 32, got {self.image_size}")
        if self.device not in ("auto", "cpu") and not self.device.startswith("cuda"):
            raise UsageError(f"device: expected auto, cpu or cuda, got {self.device!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicesTraining:
    """The choices that decide the weights of a segmentation of voices.

    `start`: a ``model.safetensors`` of an earlier training (None: the published weights). `trained` is what
    learns: ``"recurrent"`` all but the filters in front, which is four times as fast on a CPU; ``"head"`` the
    last three layers; ``"all"``. `dropout` between recurrent layers. An epoch is `windows` windows of 10 s
    (None: as many as the recordings are long), in batches of `batch`; `learning_rate` is reached after a
    twentieth of the steps and falls to 0 as a cosine.

    What is done to a window, each with its own probability: `mix` adds a second window of other voices,
    `echo` a room, `noise` white, pink or brown noise at `snr` dB, `telephone` the band of a telephone; the
    level changes by up to `gain` dB. `held_out` and `stopping` are parts of the files: the first is reported
    (`held_out_data`: another folder is), the second decides when to stop (after `patience` epochs without a
    gain) and which epoch is kept; neither is trained on. `seed` decides the division, the order and what is
    done to the windows. `device` is ``"auto"`` (a GPU where there is one), ``"cpu"`` or ``"cuda"``; `threads`
    of the CPU decide how sums are rounded.
    """

    start: str | None = None
    trained: Literal["recurrent", "head", "all"] = "recurrent"
    dropout: float = 0.0
    epochs: int = 10
    windows: int | None = None
    batch: int = 8
    learning_rate: float = 5e-4
    mix: float = 0.2
    echo: float = 0.3
    noise: float = 0.5
    snr: tuple[float, float] = (5.0, 30.0)
    telephone: float = 0.0
    gain: float = 6.0
    held_out: float = 0.25
    held_out_data: str | None = None
    stopping: float = 0.15
    patience: int = 5
    checkpoint_every: int = 50
    seed: int = 0
    device: str = "auto"
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "patience", "checkpoint_every", "threads"):
            _whole(name, getattr(self, name), 1)
        if self.windows is not None:
            _whole("windows", self.windows, 1)
        _whole("seed", self.seed, 0)
        for name in ("dropout", "mix", "echo", "noise", "telephone"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name}: expected 0 to 1, got {getattr(self, name)}")
        for name in ("held_out", "stopping"):
            if not 0 < getattr(self, name) < 1:
                raise UsageError(f"{name}: expected a part above 0 and below 1, got "
                                 f"{getattr(self, name)}")  # fmt: skip
        if not 0 < self.learning_rate < math.inf:
            raise UsageError(f"learning_rate: expected a number above 0, got {self.learning_rate}")
        if not -math.inf < self.snr[0] <= self.snr[1] < math.inf:
            raise UsageError(f"snr: expected low <= high in dB, got {self.snr[0]}..{self.snr[1]}")
        if not 0 <= self.gain < math.inf:
            raise UsageError(f"gain: expected 0 dB or more, got {self.gain}")
        if self.trained not in ("recurrent", "head", "all"):
            raise UsageError(f"trained: expected recurrent, head or all, got {self.trained!r}")
        if self.device not in ("auto", "cpu") and not self.device.startswith("cuda"):
            raise UsageError(f"device: expected auto, cpu or cuda, got {self.device!r}")

    def rate(self, step: int, num_steps: int) -> float:
        """The learning rate of a step, counted from 0."""
        return Training(learning_rate=self.learning_rate).rate(step, num_steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicesTuning:
    """The choices of a search for thresholds.

    `sides` are what is tuned: ``"diarization"`` (whole files), ``"live"`` (streams, at `latency` seconds), or
    both. In each of `folds` the files are divided anew: `trials` sets of thresholds are tried on all but one
    part, and the best is measured on that part. `search` adds or replaces what is searched: name of an option
    -> (least, most), dots for what lies in a group (``"activity.onset"``). `seed` decides folds and trials.
    """

    sides: tuple[Literal["diarization", "live"], ...] = ("diarization", "live")
    segmenter: str = "pyannote-segmentation-3.0"
    speaker_encoder: str = "campplus-zh-en"
    latency: float = 1.0
    trials: int = 40
    folds: int = 4
    search: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    seed: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        for name, least in (("trials", 2), ("folds", 2), ("threads", 1), ("seed", 0)):
            _whole(name, getattr(self, name), least)
        if not self.sides or set(self.sides) - {"diarization", "live"}:
            raise UsageError(f"sides: expected diarization, live or both, got {self.sides!r}")
        for name, (low, high) in self.search.items():
            if not -math.inf < low < high < math.inf:
                raise UsageError(f"search {name}: expected least < most, got {low}..{high}")


def _whole(name: str, value: int, least: int) -> None:
    if value < least:
        raise UsageError(f"{name}: expected at least {least}, got {value}")


@dataclass(frozen=True, slots=True)
class LabelClass:
    """One class of a dataset: an identity of a library, under a `name` that no other class has."""

    identity: str
    name: str


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture of `width` x `height` pixels in the file `name`; without boxes it is a negative.

    `boxes` holds (number of the class from 0, (x0, y0, x1, y1) in pixels inside the picture).
    """

    split: Split
    name: str
    width: int
    height: int
    boxes: tuple[tuple[int, tuple[float, float, float, float]], ...] = ()
