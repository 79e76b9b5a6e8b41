"""The pieces that our ONNX graphs are made of: weights checked and taken, nodes added one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from sensorium.core.errors import ModelError

# Old enough for every onnxruntime from 1.20 on, whatever version of onnx writes the graph.
_OPSET = 17
_IR_VERSION = 8

Shape = Sequence[int | str]


class Weights:
    """Named arrays of one network; says which one is missing or of another shape."""

    def __init__(self, network: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._network = network
        self._arrays = arrays

    def take(self, name: str, *shape: int) -> NDArray[np.float64]:
        """The array `name`, in float64 so that what is computed from it is rounded only once.

        Raises:
            ModelError: there is none, or it has another shape than `shape` (-1: any length).
        """
        found = self._arrays.get(name)
        if found is None:
            raise ModelError(
                f"expected weights of {self._network} with {name!r}, found {len(self._arrays)} others; "
                "use the checkpoint of that network"
            )
        values = np.asarray(found, dtype=np.float64)
        if len(values.shape) != len(shape) or any(
            want not in (-1, got) for want, got in zip(shape, values.shape, strict=True)
        ):
            raise ModelError(
                f"expected {name!r} of {self._network} in shape {shape}, got {values.shape}; "
                "use the checkpoint of that network"
            )
        return values

    def norm(
        self, name: str, channels: int, affine: bool = True
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Batch norm `name` of a trained network as (scale, shift), (channel,) each."""
        mean = self.take(f"{name}.running_mean", channels)
        scale = 1 / np.sqrt(self.take(f"{name}.running_var", channels) + 1e-5)
        if not affine:
            return scale, -mean * scale
        scale = scale * self.take(f"{name}.weight", channels)
        return scale, self.take(f"{name}.bias", channels) - mean * scale


class Graph:
    """A graph under construction. Values go by name; every method that adds a node returns its output."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._tensors: list[onnx.TensorProto] = []

    def constant(self, values: Any, dtype: type = np.float32) -> str:
        """The name of a constant; equal ones are kept once."""
        array: NDArray[Any] = np.array(values, dtype=dtype)  # float64 is rounded here
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = f"constant_{len(self._constants)}"
            self._tensors.append(numpy_helper.from_array(array, name))
            self._constants[key] = name
        return self._constants[key]

    def whole(self, *values: int) -> str:
        """A constant list of whole numbers, as shapes and axes are given."""
        return self.constant(values, np.int64)

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """A node of `kind` with one output."""
        output = f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def convolution(
        self, x: str, weight: NDArray[Any], bias: NDArray[Any] | None = None, **attributes: Any
    ) -> str:
        """`x` (clip, channel, ...) with `weight` (out, channel, ...)."""
        constants = [self.constant(weight)] + ([] if bias is None else [self.constant(bias)])
        return self.add("Conv", x, *constants, **attributes)

    def linear(self, x: str, weight: NDArray[Any], bias: NDArray[Any]) -> str:
        """`x` (..., channel) with `weight` (out, channel)."""
        return self.add("Add", self.add("MatMul", x, self.constant(weight.T)), self.constant(bias))

    def model(
        self, inputs: Mapping[str, Shape], outputs: Mapping[str, tuple[str, Shape]]
    ) -> onnx.ModelProto:
        """The finished model, float32 in and out.

        `inputs` gives the shape of each by name, a dimension that may vary as a word; `outputs` gives,
        by the name that callers use, the value and its shape.
        """
        nodes = self._nodes + [
            helper.make_node("Identity", [value], [name]) for name, (value, _) in outputs.items()
        ]
        graph = helper.make_graph(
            nodes,
            "sensorium",
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
            [
                helper.make_tensor_value_info(n, TensorProto.FLOAT, s)
                for n, (_, s) in outputs.items()
            ],
            self._tensors,
        )
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
            producer_name="sensorium",
        )
