"""dlib's face ResNet as an ONNX graph, from its own file: the same values, several times faster on a CPU.

He et al. 2016; the network is that of dlib's example `dnn_face_recognition_ex`, the format that of its
`serialize`: whole numbers as a byte of length and sign and their bytes, tensors as a version, four sizes
and float32.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from sensorium.core.errors import ModelError
from sensorium.models.graphs.graph import Graph

_SIDE = 150
_MEAN = np.array(
    [122.782, 117.001, 104.298]
)  # of red, green, blue, taken off before all is over 256
_WIDTHS = (
    (32,) * 3 + (64,) * 4 + (128,) * 3 + (256,) * 4
)  # channels of the residual blocks, in order
_DIM = 128
_LAYER = re.compile(rb"\x01\x05con_4|\x01\x07affine_|\x01\x04fc_2")
_EXPECTED = "expected dlib_face_recognition_resnet_model_v1.dat, dlib's face recognition network"


@dataclass(frozen=True, slots=True)
class _Layer:
    """A convolution with what is laid over its output; the weights are in float64."""

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]


def dlib_graph(data: bytes) -> onnx.ModelProto:
    """``faces`` (face, 150, 150, 3) of RGB values 0..255 -> ``embedding`` (face, 128).

    Raises:
        ModelError: `data` is another network, or none.
    """
    values = _values(data)
    first, graph = _layer(values, 32, 3, 7), Graph()
    x = graph.add("Sub", "faces", graph.constant(_MEAN))
    x = graph.add("Div", graph.add("Transpose", x, perm=[0, 3, 1, 2]), graph.constant(256.0))
    x = graph.add("Relu", graph.convolution(x, first.weight, first.bias, strides=[2, 2]))
    x = graph.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2])
    side, channels = (_SIDE - 7) // 2 + 1, 32
    side = (side - 3) // 2 + 1
    for index, width in enumerate(_WIDTHS):
        halves = width != channels or index == len(_WIDTHS) - 1
        x, side = _block(graph, values, x, (channels, width, side, halves))
        channels = width
    x = graph.add("ReduceMean", x, axes=[2, 3], keepdims=0)
    head = next(values)
    if head.size != channels * _DIM or next(values, None) is not None:
        raise ModelError(f"{_EXPECTED}; its last layer is another one")
    x = graph.add("MatMul", x, graph.constant(head.reshape(channels, _DIM)))
    return graph.model({"faces": ("face", _SIDE, _SIDE, 3)}, {"embedding": (x, ("face", _DIM))})


def _block(
    graph: Graph, values: Iterator[NDArray[Any]], x: str, shape: tuple[int, int, int, bool]
) -> tuple[str, int]:
    """One residual block; where it halves the picture, what goes past it is averaged."""
    channels, width, side, halves = shape
    one, two = _layer(values, width, channels, 3), _layer(values, width, width, 3)
    how = {"strides": [2, 2]} if halves else {"pads": [1] * 4}
    inner = graph.add("Relu", graph.convolution(x, one.weight, one.bias, **how))
    inner = graph.convolution(inner, two.weight, two.bias, pads=[1] * 4)
    if halves:
        x = graph.add("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
        lacking = side // 2 - ((side - 3) // 2 + 1)  # dlib adds zeros to whichever is smaller
        inner = _filled(graph, inner, 0, lacking)
        x = _filled(graph, x, width - channels, 0)
        side //= 2
    return graph.add("Relu", graph.add("Add", inner, x)), side


def _filled(graph: Graph, x: str, channels: int, pixels: int) -> str:
    if not channels and not pixels:
        return x
    return graph.add("Pad", x, graph.whole(0, 0, 0, 0, 0, channels, pixels, pixels))


def _layer(values: Iterator[NDArray[Any]], out: int, channels: int, side: int) -> _Layer:
    """The next convolution with its scale and shift worked in."""
    weights, affine = next(values, np.zeros(0)), next(values, np.zeros(0))
    num = out * channels * side * side
    if weights.size != num + out or affine.size != 2 * out:
        raise ModelError(f"{_EXPECTED}; a layer has {weights.size} values, not {num + out}")
    weight = weights[:num].reshape(out, channels, side, side).astype(np.float64)
    scale, shift = affine[:out].astype(np.float64), affine[out:].astype(np.float64)
    return _Layer(weight * scale[:, None, None, None], weights[num:] * scale + shift)


def _values(data: bytes) -> Iterator[NDArray[np.float32]]:
    """The values of every layer that has any, in the order of the file: from the picture on."""
    for found in _LAYER.finditer(data):
        at = found.end()
        if found.group().endswith(b"fc_2"):
            for _ in range(2):  # outputs and inputs
                _, at = _number(data, at)
        sizes = []
        for _ in range(5):
            size, at = _number(data, at)
            sizes.append(size)
        num = int(np.prod(sizes[1:]))
        if sizes[0] != 2 or not 0 < num <= (len(data) - at) // 4:
            raise ModelError(f"{_EXPECTED}; its tensors are in another format")
        yield np.frombuffer(data, "<f4", num, at)


def _number(data: bytes, at: int) -> tuple[int, int]:
    """(whole number, where the next thing begins)."""
    size = data[at] & 0x0F
    return int.from_bytes(data[at + 1 : at + 1 + size], "little"), at + 1 + size
