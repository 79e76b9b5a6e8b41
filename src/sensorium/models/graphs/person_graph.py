"""SSDLite with MobileNetV2 as an ONNX graph that finds persons, from TensorFlow's frozen graph of it.

Sandler et al. 2018, "MobileNetV2" (the network); Liu et al. 2016, "SSD" (anchors, boxes).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray

from sensorium.core.errors import ModelError
from sensorium.models.graphs.frozen_graph import Node
from sensorium.models.graphs.graph import Graph

SIDE = 300
_CELLS = (19, 10, 5, 3, 2, 1)  # of the six maps that boxes are read from
_SCALES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0)
_CLASSES, _PERSON = 2, 1  # nothing, a person
_NAME = "ssdlite_mobilenet_v2"


def person_graph(nodes: Mapping[str, Node]) -> onnx.ModelProto:
    """``pixels`` (1, 300, 300, 3) 0..255 -> ``boxes`` (1917, 4), ``scores`` (1917,) of persons.

    A box is left, top, right, bottom as shares of the picture; there are many for one person.

    Raises:
        ModelError: `nodes` are those of another network.
    """
    graph = Graph()
    translated = _Translated(nodes, graph)
    boxes, scores = [], []
    for index in range(len(_CELLS)):
        places = translated.value(f"BoxPredictor_{index}/BoxEncodingPredictor/BiasAdd")
        kinds = translated.value(f"BoxPredictor_{index}/ClassPredictor/BiasAdd")
        boxes.append(_rows(graph, places, 4))
        scores.append(
            graph.add("Gather", _rows(graph, kinds, _CLASSES), graph.whole(_PERSON), axis=1)
        )
    encoded = graph.add("Concat", *boxes, axis=0)
    score = graph.add("Sigmoid", graph.add("Concat", *scores, axis=0))
    return graph.model(
        {"pixels": (1, SIDE, SIDE, 3)},
        {
            "boxes": (_decoded(graph, encoded), (1917, 4)),
            "scores": (graph.add("Reshape", score, graph.whole(-1)), (1917,)),
        },
    )


def _rows(graph: Graph, x: str, width: int) -> str:
    """(1, anchors of a cell * width, row, column) -> (anchor, width)."""
    return graph.add(
        "Reshape", graph.add("Transpose", x, perm=[0, 2, 3, 1]), graph.whole(-1, width)
    )


def anchors(index: int) -> NDArray[np.float64]:
    """(anchor, 4) of one map: middle down and across, height and width, as shares of the picture."""
    cells, scale, bigger = _CELLS[index], _SCALES[index], _SCALES[index + 1]
    if index == 0:
        shapes = [(0.1, 1.0), (scale, 2.0), (scale, 0.5)]
    else:
        shapes = [(scale, ratio) for ratio in (1.0, 2.0, 0.5, 3.0, 0.3333)]
        shapes.append((float(np.sqrt(scale * bigger)), 1.0))
    sizes = np.array([(each / np.sqrt(ratio), each * np.sqrt(ratio)) for each, ratio in shapes])
    at = (np.arange(cells) + 0.5) / cells
    down, across = np.meshgrid(at, at, indexing="ij")
    middles = np.repeat(np.stack([down, across], axis=-1).reshape(-1, 2), len(sizes), axis=0)
    return np.concatenate([middles, np.tile(sizes, (cells**2, 1))], axis=1)


def _decoded(graph: Graph, encoded: str) -> str:
    """Moves and stretches of anchors -> boxes."""
    every = np.concatenate([anchors(index) for index in range(len(_CELLS))])
    size, middle = every[:, [3, 2]], every[:, [1, 0]]
    moved = graph.add("Gather", encoded, graph.whole(1, 0), axis=1)
    stretched = graph.add("Gather", encoded, graph.whole(3, 2), axis=1)
    center = graph.add(
        "Add", graph.add("Mul", moved, graph.constant(size / 10)), graph.constant(middle)
    )
    grown = graph.add("Exp", graph.add("Mul", stretched, graph.constant([0.2])))
    half = graph.add("Mul", grown, graph.constant(size / 2))
    return graph.add(
        "Concat", graph.add("Sub", center, half), graph.add("Add", center, half), axis=1
    )


class _Translated:
    """The nodes of TensorFlow that a value needs, added to a graph as ONNX, each once."""

    def __init__(self, nodes: Mapping[str, Node], graph: Graph) -> None:
        self._nodes = nodes
        self._graph = graph
        # what stands before the network: channels first, -1..1
        first = graph.add("Transpose", "pixels", perm=[0, 3, 1, 2])
        scaled = graph.add("Mul", first, graph.constant(2 / 255))
        self._done = {"Preprocessor/sub": graph.add("Sub", scaled, graph.constant(1.0))}

    def value(self, name: str) -> str:
        """The name in our graph of a value of theirs."""
        if name not in self._done:
            self._done[name] = self._translated(self._node(name))
        return self._done[name]

    def _node(self, name: str) -> Node:
        node = self._nodes.get(name)
        if node is None:
            raise ModelError(
                f"expected a frozen graph of {_NAME} with {name!r}, found {len(self._nodes)} other "
                "nodes; use the file of that network"
            )
        return node

    def _array(self, name: str) -> NDArray[np.float32]:
        node = self._node(name)
        while node.kind == "Identity":
            node = self._node(node.inputs[0])
        array = node.attributes.get("value")
        if node.kind != "Const" or array is None:
            raise ModelError(f"{_NAME}: expected weights in {name!r}, found {node.kind}")
        return np.asarray(array)

    def _translated(self, node: Node) -> str:
        graph, kind = self._graph, node.kind
        if kind == "Identity":
            return self.value(node.inputs[0])
        if kind in ("Conv2D", "DepthwiseConv2dNative"):
            return self._convolution(node)
        x = self.value(node.inputs[0])
        if kind == "Relu6":
            return graph.add("Clip", x, graph.constant(0.0), graph.constant(6.0))
        if kind == "Add":
            return graph.add("Add", x, self.value(node.inputs[1]))
        if kind == "BiasAdd":
            return graph.add(
                "Add", x, graph.constant(self._array(node.inputs[1])[None, :, None, None])
            )
        if kind == "FusedBatchNorm":
            weights = [graph.constant(self._array(each)) for each in node.inputs[1:5]]
            return graph.add("BatchNormalization", x, *weights, epsilon=node.attributes["epsilon"])
        raise ModelError(f"{_NAME}: expected no operation {kind}; use the file of that network")

    def _convolution(self, node: Node) -> str:
        """Theirs pads at the end where a step is left over, and keeps channels last."""
        weight = self._array(node.inputs[1])
        rows, columns, inner, outer = weight.shape
        alone = node.kind == "DepthwiseConv2dNative"
        if alone:
            weight = weight.transpose(2, 3, 0, 1).reshape(inner * outer, 1, rows, columns)
        else:
            weight = weight.transpose(3, 2, 0, 1)
        return self._graph.convolution(
            self.value(node.inputs[0]),
            weight,
            group=inner if alone else 1,
            strides=node.attributes["strides"][1:3],
            auto_pad="SAME_UPPER",
        )
