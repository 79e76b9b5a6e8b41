"""The network of pyannote's segmentation-3.0 in torch, for whoever trains it or runs it there.

Written from its description (Bredin 2023, "pyannote.audio 2.1 speaker diarization pipeline"; SincNet by
Ravanelli and Bengio 2018), so that only the weights come from elsewhere, as tensors and nothing else.
`sensorium.models.graphs.segmentation_graph` writes the same network as ONNX from the same weights.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as fn

_RATE = 16_000
_CLASSES = 7  # nobody, three speakers, three pairs of them


class _Sinc(nn.Module):
    """80 band-pass filters of 251 samples, each given by two frequencies."""

    def __init__(self) -> None:
        super().__init__()
        self.window_: torch.Tensor
        self.n_: torch.Tensor
        self.low_hz_ = nn.Parameter(torch.linspace(30.0, 7000.0, 40)[:, None])
        self.band_hz_ = nn.Parameter(torch.full((40, 1), 100.0))
        self.register_buffer("window_", torch.hamming_window(251, periodic=False)[:125])
        self.register_buffer("n_", 2 * math.pi * torch.arange(-125.0, 0.0)[None] / _RATE)

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


class SegmentationNetwork(nn.Module):
    """(window, 1, sample) at 16 kHz -> (window, row, 7) probabilities of the classes of the powerset.

    `hidden` and `layers` are those of the recurrent part; the published weights have 128 and 4.
    """

    def __init__(self, hidden: int = 128, layers: int = 4) -> None:
        super().__init__()
        self.sincnet = _SincNet()
        self.lstm = nn.LSTM(60, hidden, num_layers=layers, bidirectional=True, batch_first=True)
        self.linear = nn.ModuleList([nn.Linear(2 * hidden, 128), nn.Linear(128, 128)])
        self.classifier = nn.Linear(128, _CLASSES)

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """The same before the softmax."""
        return self.head(self.sincnet(x))

    def head(self, x: torch.Tensor) -> torch.Tensor:
        """(window, 60, row) of the filters in front -> (window, row, 7), before the softmax."""
        x, _ = self.lstm(x.transpose(1, 2))
        for linear in self.linear:
            x = fn.leaky_relu(linear(x))
        return self.classifier(x)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Probabilities."""
        return self.logits(x).softmax(dim=-1)
