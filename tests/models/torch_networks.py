"""The two networks in torch, as reference for the graphs: what they compute is what the graphs must.

Segmentation-3.0 is the network that training uses; CAM++ (Wang et al. 2023) is written here from the
paper and the names of the weights.
"""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
nn = torch.nn
fn = torch.nn.functional

from sensorium.adapters.segmentation_network import SegmentationNetwork as PyanNet  # noqa: E402, F401

_GROWTH = 32
_BLOCKS = ((12, 1), (24, 2), (16, 2))  # layers and dilation of the three dense blocks


class _Nonlinear(nn.Module):
    def __init__(self, channels: int, affine: bool = True, relu: bool = True) -> None:
        super().__init__()
        self.batchnorm = nn.BatchNorm1d(channels, affine=affine)
        self.relu = relu

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.batchnorm(x)
        return fn.relu(x) if self.relu else x


class _Residual(nn.Module):
    """Two 3 x 3 convolutions over (frequency, time); the stride acts on frequency only."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, stride=(stride, 1), padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Sequential()
        if stride != 1:
            convolution = nn.Conv2d(channels, channels, 1, stride=(stride, 1), bias=False)
            self.shortcut = nn.Sequential(convolution, nn.BatchNorm2d(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = self.bn2(self.conv2(fn.relu(self.bn1(self.conv1(x)))))
        return fn.relu(inner + self.shortcut(x))


class _Head(nn.Module):
    """(clip, 80, row) -> (clip, 320, row)."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.layer1 = nn.Sequential(_Residual(channels, 2), _Residual(channels, 1))
        self.layer2 = nn.Sequential(_Residual(channels, 2), _Residual(channels, 1))
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=(2, 1), padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = fn.relu(self.bn1(self.conv1(x[:, None])))
        x = fn.relu(self.bn2(self.conv2(self.layer2(self.layer1(x)))))
        return x.flatten(1, 2)


class _Tdnn(nn.Module):
    def __init__(self, inner: int, outer: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(inner, outer, 5, stride=2, padding=2, bias=False)
        self.nonlinear = _Nonlinear(outer)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.nonlinear(self.linear(x))


class _Cam(nn.Module):
    """A convolution, masked by what the whole clip and the stretch of 100 rows look like."""

    def __init__(self, inner: int, outer: int, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(
            inner, outer, 3, padding=dilation, dilation=dilation, bias=False
        )
        self.linear1 = nn.Conv1d(inner, inner // 2, 1)
        self.linear2 = nn.Conv1d(inner // 2, outer, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        stretches = fn.avg_pool1d(x, 100, 100, ceil_mode=True)
        near = stretches.repeat_interleave(100, dim=-1)[..., : x.shape[-1]]
        context = fn.relu(self.linear1(x.mean(-1, keepdim=True) + near))
        return self.linear_local(x) * self.linear2(context).sigmoid()


class _DenseLayer(nn.Module):
    def __init__(self, inner: int, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = _Nonlinear(inner)
        self.linear1 = nn.Conv1d(inner, 4 * _GROWTH, 1, bias=False)
        self.nonlinear2 = _Nonlinear(4 * _GROWTH)
        self.cam_layer = _Cam(4 * _GROWTH, _GROWTH, dilation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(x))))


class _Transit(nn.Module):
    def __init__(self, inner: int, outer: int) -> None:
        super().__init__()
        self.nonlinear = _Nonlinear(inner)
        self.linear = nn.Conv1d(inner, outer, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(self.nonlinear(x))


class _Dense(nn.Module):
    def __init__(self, inner: int, outer: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(inner, outer, 1, bias=False)
        self.nonlinear = _Nonlinear(outer, affine=False, relu=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.nonlinear(self.linear(x[..., None]))[..., 0]


class CamPlusPlus(nn.Module):
    """(clip, row, 80) -> (clip, 192)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.head = _Head()
        parts: dict[str, nn.Module] = {"tdnn": _Tdnn(320, 128)}
        channels = 128
        for index, (num_layers, dilation) in enumerate(_BLOCKS, start=1):
            layers = {
                f"tdnnd{i + 1}": _DenseLayer(channels + i * _GROWTH, dilation)
                for i in range(num_layers)
            }
            parts[f"block{index}"] = nn.ModuleDict(layers)
            channels += num_layers * _GROWTH
            parts[f"transit{index}"] = _Transit(channels, channels // 2)
            channels //= 2
        parts["out_nonlinear"] = _Nonlinear(channels)
        parts["dense"] = _Dense(2 * channels, dim)
        self.xvector = nn.ModuleDict(parts)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.head(x.transpose(1, 2))
        for name, part in self.xvector.items():
            if isinstance(part, nn.ModuleDict):
                for layer in part.values():
                    x = torch.cat([x, layer(x)], dim=1)
            elif name == "dense":
                x = part(torch.cat([x.mean(-1), x.std(-1)], dim=-1))
            else:
                x = part(x)
        return x
