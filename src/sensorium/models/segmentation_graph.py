"""Pyannote's segmentation-3.0 as an ONNX graph, from its weights.

Bredin 2023, "pyannote.audio 2.1 speaker diarization pipeline" (the network), and Plaquet and Bredin 2023,
"Powerset multi-class cross entropy loss" (its seven classes); the filters in front are those of Ravanelli
and Bengio 2018, "Speaker recognition from raw waveform with SincNet".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from sensorium.models.graph import Graph, Weights

_RATE = 16_000
_HIDDEN = 128  # of each direction of the recurrent layers
_CLASSES = 7
_NETWORK = "segmentation-3.0"


def segmentation_graph(weights: Mapping[str, NDArray[Any]]) -> onnx.ModelProto:
    """``samples`` (window, 1, sample) at 16 kHz -> ``classes`` (window, row, 7) probabilities.

    Windows may be of any number and, all alike, of any length from 1261 samples, which give two rows: a
    single one has no variance. A row stands every 270 samples, the first around sample 495. Classes are
    nobody, each of three speakers, each pair of them.

    Raises:
        ModelError: `weights`, named as in the checkpoint, lack one or have another shape.
    """
    own, graph = Weights(_NETWORK, weights), Graph()
    x = _front(graph, own, "samples")
    x = graph.add("Transpose", x, perm=[2, 0, 1])  # (row, window, channel), as LSTM takes it
    for layer in range(4):
        x = _recurrent(graph, own, x, layer)
    for name, inner in (("linear.0", 2 * _HIDDEN), ("linear.1", 128)):
        weight, bias = own.take(f"{name}.weight", 128, inner), own.take(f"{name}.bias", 128)
        x = graph.add("LeakyRelu", graph.linear(x, weight, bias), alpha=0.01)
    weight = own.take("classifier.weight", _CLASSES, 128)
    x = graph.linear(x, weight, own.take("classifier.bias", _CLASSES))
    x = graph.add("Transpose", graph.add("Softmax", x, axis=-1), perm=[1, 0, 2])
    return graph.model(
        {"samples": ("window", 1, "sample")}, {"classes": (x, ("window", "row", _CLASSES))}
    )


def _front(graph: Graph, weights: Weights, x: str) -> str:
    """(window, 1, sample) -> (window, 60, row): three convolutions, each pooled and normalised."""
    x = _norm(graph, weights, x, "sincnet.wav_norm1d", 1)
    for index, channels in enumerate((80, 60, 60)):
        name = f"sincnet.conv1d.{index}"
        if index == 0:
            x = _pooled_filters(graph, weights, x, name)
        else:
            weight = weights.take(f"{name}.weight", channels, -1, 5)
            x = graph.convolution(x, weight, weights.take(f"{name}.bias", channels))
            x = graph.add("MaxPool", x, kernel_shape=[3], strides=[3])
        x = _norm(graph, weights, x, f"sincnet.norm1d.{index}", channels)
        x = graph.add("LeakyRelu", x, alpha=0.01)
    return x


def _pooled_filters(graph: Graph, weights: Weights, x: str, name: str) -> str:
    """(window, 1, sample) -> (window, 80, row): the largest of three outputs, 10 samples apart.

    The three are computed as three sets of filters with a step of 30, which takes two thirds of the time
    of filters with a step of 10 and pooling behind them.
    """
    filters = _filters(weights, name)
    shifted = [np.pad(filters, ((0, 0), (0, 0), (at, 20 - at))) for at in (0, 10, 20)]
    x = graph.add("Abs", graph.convolution(x, np.concatenate(shifted), strides=[30]))
    x = graph.add("Reshape", x, graph.whole(0, 3, len(filters), -1))
    return graph.add("ReduceMax", x, axes=[1], keepdims=0)


def _norm(graph: Graph, weights: Weights, x: str, name: str, channels: int) -> str:
    """Every channel of every window to mean 0 and variance 1, then scaled and shifted."""
    scale = graph.constant(weights.take(f"{name}.weight", channels))
    shift = graph.constant(weights.take(f"{name}.bias", channels))
    # In digital silence the variance is 0, so that the norm multiplies the error of its mean by 300
    # and more; of values that have lost their mean already, the error is small.
    x = graph.add("Sub", x, graph.add("ReduceMean", x, axes=[2], keepdims=1))
    return graph.add("InstanceNormalization", x, scale, shift, epsilon=1e-5)


def _filters(weights: Weights, name: str) -> NDArray[np.float64]:
    """(80, 1, 251): 40 even and 40 odd band-pass filters, each given by two frequencies in hertz.

    A filter is the difference of two low-pass filters, under a window and divided by the width of its
    band; only the first half of each is kept in the checkpoint.
    """
    name += ".filterbank"
    low = 50.0 + np.abs(weights.take(f"{name}.low_hz_", 40, 1))
    band = 50.0 + np.abs(weights.take(f"{name}.band_hz_", 40, 1))
    high = np.clip(low + band, 50.0, _RATE / 2)
    band = high - low
    window = weights.take(f"{name}.window_", 125)
    time = weights.take(f"{name}.n_", 1, 125)  # 2 pi seconds, all of them before 0
    even = (np.sin(high * time) - np.sin(low * time)) / (time / 2) * window
    odd = (np.cos(low * time) - np.cos(high * time)) / (time / 2) * window
    even = np.concatenate([even, 2 * band, even[:, ::-1]], axis=1)
    odd = np.concatenate([odd, 0 * band, -odd[:, ::-1]], axis=1)
    return (np.concatenate([even, odd]) / (2 * np.concatenate([band, band])))[:, None]


def _recurrent(graph: Graph, weights: Weights, x: str, layer: int) -> str:
    """One LSTM layer in both directions: (row, window, channel) -> (row, window, 256)."""
    gates = 4 * _HIDDEN
    inner = 60 if layer == 0 else 2 * _HIDDEN
    ins, hiddens, biases = [], [], []
    for end in (f"l{layer}", f"l{layer}_reverse"):
        ins.append(_gates(weights.take(f"lstm.weight_ih_{end}", gates, inner)))
        hiddens.append(_gates(weights.take(f"lstm.weight_hh_{end}", gates, _HIDDEN)))
        both = [weights.take(f"lstm.bias_{part}_{end}", gates) for part in ("ih", "hh")]
        biases.append(np.concatenate([_gates(bias) for bias in both]))
    constants = [graph.constant(np.stack(each)) for each in (ins, hiddens, biases)]
    x = graph.add("LSTM", x, *constants, direction="bidirectional", hidden_size=_HIDDEN)
    x = graph.add("Transpose", x, perm=[0, 2, 1, 3])  # from (row, direction, window, channel)
    return graph.add("Reshape", x, graph.whole(0, 0, 2 * _HIDDEN))


def _gates(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Torch keeps the gates as input, forget, cell, output; ONNX as input, output, forget, cell."""
    into, forget, cell, out = np.split(values, 4)
    return np.concatenate([into, out, forget, cell])
