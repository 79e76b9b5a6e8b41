"""CAM++ as an ONNX graph, from its weights.

Wang et al. 2023, "CAM++: A fast and efficient network for speaker verification using context-aware
masking".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from sensorium.models.graph import Graph, Weights

_BINS = 80
_HEAD = 32  # channels of the two-dimensional convolutions
_GROWTH = 32  # channels that each dense layer adds
_NARROW = 128  # channels inside a dense layer
_BLOCKS = ((12, 1), (24, 2), (16, 2))  # layers and dilation of the three dense blocks
_STRETCH = 100  # rows that share one mask
_NETWORK = "CAM++"


def campplus_graph(weights: Mapping[str, NDArray[Any]]) -> onnx.ModelProto:
    """``rows`` (clip, row, 80) of log-mel values -> ``embedding`` (clip, 192), not of unit norm.

    Clips may be of any number and, all alike, of any length from 3 rows; the deviation over 1 or 2 rows,
    which the network halves to one, is not a number.

    Raises:
        ModelError: `weights`, named as in the checkpoint, lack one or have another shape.
    """
    own, graph = Weights(_NETWORK, weights), Graph()
    x = _head(graph, own, "rows")
    scale, shift = own.norm("xvector.tdnn.nonlinear.batchnorm", _NARROW)
    weight = own.take("xvector.tdnn.linear.weight", _NARROW, -1, 5) * scale[:, None, None]
    x = graph.add("Relu", graph.convolution(x, weight, shift, strides=[2], pads=[2, 2]))
    stretches = _stretches(graph, x)
    channels = _NARROW
    for index, (num_layers, dilation) in enumerate(_BLOCKS, start=1):
        for layer in range(1, num_layers + 1):
            name = f"xvector.block{index}.tdnnd{layer}"
            narrow = _narrow(graph, own, x, name, channels)
            grown = _masked(graph, own, narrow, f"{name}.cam_layer", (dilation, stretches))
            x = graph.add("Concat", x, grown, axis=1)
            channels += _GROWTH
        last = index == len(_BLOCKS)
        x = _transit(graph, own, x, (f"xvector.transit{index}", channels, last))
        channels //= 2
    x = _dense(graph, own, _statistics(graph, x), 2 * channels)
    return graph.model({"rows": ("clip", "row", _BINS)}, {"embedding": (x, ("clip", "dim"))})


def _head(graph: Graph, weights: Weights, x: str) -> str:
    """(clip, row, 80) -> (clip, 320, row): convolutions over (bin, row), strides over bins only."""
    x = graph.add("Unsqueeze", graph.add("Transpose", x, perm=[0, 2, 1]), graph.whole(1))
    x = graph.add("Relu", _square(graph, weights, x, "head.conv1", "head.bn1"))
    for name, stride in (("layer1.0", 2), ("layer1.1", 1), ("layer2.0", 2), ("layer2.1", 1)):
        name = f"head.{name}"
        inner = _square(graph, weights, x, f"{name}.conv1", f"{name}.bn1", stride)
        inner = graph.add("Relu", inner)
        inner = _square(graph, weights, inner, f"{name}.conv2", f"{name}.bn2")
        if stride != 1:
            x = _square(graph, weights, x, f"{name}.shortcut.0", f"{name}.shortcut.1", stride)
        x = graph.add("Relu", graph.add("Add", inner, x))
    x = graph.add("Relu", _square(graph, weights, x, "head.conv2", "head.bn2", 2))
    return graph.add("Reshape", x, graph.whole(0, _HEAD * _BINS // 8, -1))


def _square(
    graph: Graph, weights: Weights, x: str, convolution: str, norm: str, stride: int = 1
) -> str:
    """A convolution 3 x 3 or 1 x 1 with the batch norm behind it, as one."""
    scale, shift = weights.norm(norm, _HEAD)
    weight = weights.take(f"{convolution}.weight", _HEAD, -1, -1, -1)
    edge = weight.shape[-1] // 2
    return graph.convolution(
        x, weight * scale[:, None, None, None], shift, strides=[stride, 1], pads=[edge] * 4
    )


def _rectified(
    graph: Graph, weights: Weights, x: str, norm: str, channels: int
) -> tuple[str, NDArray[np.float64], NDArray[np.float64]]:
    """Batch norm and rectifier in front of a convolution, as (value, scale, shift).

    ``max(scale x + shift, 0)`` is ``scale max(x, -shift / scale) + shift``, with min instead of max
    where the scale is negative. So only the comparison has to be computed; the convolution takes scale
    and shift into its own weights.
    """
    scale, shift = weights.norm(norm, channels)
    scale = np.where(np.abs(scale) < 1e-12, 1e-12, scale)  # a constant channel: the bound rules
    bound, far = (-shift / scale)[:, None], np.finfo(np.float32).max
    x = graph.add("Max", x, graph.constant(np.where(scale[:, None] > 0, bound, -far)))
    if np.any(scale < 0):
        x = graph.add("Min", x, graph.constant(np.where(scale[:, None] < 0, bound, far)))
    return x, scale, shift


def _narrow(graph: Graph, weights: Weights, x: str, name: str, channels: int) -> str:
    """The first half of a dense layer: (clip, channel, row) -> (clip, 128, row)."""
    x, scale, shift = _rectified(graph, weights, x, f"{name}.nonlinear1.batchnorm", channels)
    weight = weights.take(f"{name}.linear1.weight", _NARROW, channels, 1)[..., 0]
    after, bias = weights.norm(f"{name}.nonlinear2.batchnorm", _NARROW)
    bias = after * (weight @ shift) + bias
    weight = after[:, None] * weight * scale
    return graph.add("Relu", graph.convolution(x, weight[..., None], bias))


def _stretches(graph: Graph, x: str) -> tuple[str, str]:
    """What the masks of all layers need to know of the length of `x` (clip, channel, row).

    The first, (row, stretch), makes of rows the mean of all plus the mean of each stretch: a column
    holds 1 / rows, and 1 / (rows of the stretch) more where the row is in the stretch. The last stretch
    may be short. The second, (stretch, row), is 1 there and 0 elsewhere: it repeats for every row what
    its stretch got.
    """
    length = graph.add("Shape", x, start=2, end=3)
    zero, one, width = (graph.constant(n, np.int64) for n in (0, 1, _STRETCH))
    end = graph.add("Squeeze", length)
    row = graph.add("Div", graph.add("Range", zero, end, one), width)
    up = graph.add("Add", end, graph.constant(_STRETCH - 1, np.int64))
    stretch = graph.add("Range", zero, graph.add("Div", up, width), one)
    inside = graph.add(
        "Equal", graph.add("Unsqueeze", stretch, graph.whole(1)), row
    )  # (stretch, row)
    inside = graph.add("Cast", inside, to=onnx.TensorProto.FLOAT)
    counts = graph.add("ReduceSum", inside, graph.whole(1), keepdims=1)
    share = graph.add("Reciprocal", graph.add("Cast", length, to=onnx.TensorProto.FLOAT))
    means = graph.add("Add", graph.add("Div", inside, counts), share)
    return graph.add("Transpose", means, perm=[1, 0]), inside


def _masked(
    graph: Graph, weights: Weights, x: str, name: str, layer: tuple[int, tuple[str, str]]
) -> str:
    """A convolution (clip, 128, row) -> (clip, 32, row), masked by the clip and the stretch of 100 rows.

    `layer` is its dilation, and what `_stretches` gave. The mask is the same for all rows of a stretch,
    so it is computed once for each.
    """
    dilation, (means, inside) = layer
    weight = weights.take(f"{name}.linear_local.weight", _GROWTH, _NARROW, 3)
    local = graph.convolution(x, weight, dilations=[dilation], pads=[dilation, dilation])
    context = graph.add("MatMul", x, means)  # (clip, 128, stretch)
    half = _NARROW // 2
    for part, outer, inner in (("linear1", half, _NARROW), ("linear2", _GROWTH, half)):
        weight = weights.take(f"{name}.{part}.weight", outer, inner, 1)
        context = graph.convolution(context, weight, weights.take(f"{name}.{part}.bias", outer))
        context = graph.add("Relu" if part == "linear1" else "Sigmoid", context)
    return graph.add("Mul", local, graph.add("MatMul", context, inside))


def _transit(graph: Graph, weights: Weights, x: str, layer: tuple[str, int, bool]) -> str:
    """Halves the channels behind a dense block; `layer`: name, channels, and whether it is the last.

    Behind the last one stands a batch norm, which it takes in, and a rectifier.
    """
    name, channels, last = layer
    x, scale, shift = _rectified(graph, weights, x, f"{name}.nonlinear.batchnorm", channels)
    weight = weights.take(f"{name}.linear.weight", channels // 2, channels, 1)[..., 0]
    bias, weight = weight @ shift, weight * scale
    if last:
        after, more = weights.norm("xvector.out_nonlinear.batchnorm", channels // 2)
        bias, weight = after * bias + more, after[:, None] * weight
    x = graph.convolution(x, weight[..., None], bias)
    return graph.add("Relu", x) if last else x


def _statistics(graph: Graph, x: str) -> str:
    """Mean and deviation over rows, the latter with n - 1: (clip, channel, row) -> (clip, 2 channel)."""
    mean = graph.add("ReduceMean", x, axes=[2], keepdims=1)
    apart = graph.add("Sub", x, mean)
    power = graph.add("ReduceSum", graph.add("Mul", apart, apart), graph.whole(2), keepdims=1)
    length = graph.add("Shape", x, start=2, end=3)
    fewer = graph.add("Sub", length, graph.whole(1))
    variance = graph.add("Div", power, graph.add("Cast", fewer, to=onnx.TensorProto.FLOAT))
    both = graph.add("Concat", mean, graph.add("Sqrt", variance), axis=1)
    return graph.add("Squeeze", both, graph.whole(2))


def _dense(graph: Graph, weights: Weights, x: str, channels: int) -> str:
    """(clip, channel) -> (clip, dim), with the batch norm behind it taken in."""
    weight = weights.take("xvector.dense.linear.weight", -1, channels, 1)[..., 0]
    scale, shift = weights.norm("xvector.dense.nonlinear.batchnorm", len(weight), affine=False)
    return graph.linear(x, weight * scale[:, None], shift)
