"""ONNX files run by onnxruntime on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from sensorium.core.errors import ModelError


def open_session(
    path: str | Path, threads: int = 1, also: Sequence[str] = (), flush: bool = False
) -> onnxruntime.InferenceSession:
    """The graph of a file, ready to run with so many threads; `also` are inner values to give out.

    With `flush`, weights that are not zero but too small for a normal float (below 1.2e-38) become zero:
    a CPU takes a hundred times longer for a product with one, and no sum in float32 can tell.

    Raises:
        ModelError: no such file, or one that onnxruntime cannot load.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # warnings of the optimiser say nothing to a user
    try:
        graph: str | bytes = str(path)  # a name: onnxruntime maps the file, no copy
        if flush or also:
            graph = (_flushed(path) if flush else Path(path).read_bytes()) + _outputs(also)
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{path}: expected an ONNX model; {error}") from error


def _flushed(path: str | Path) -> bytes:
    import onnx  # slow to import

    model = onnx.load(path)
    constants = (a.t for n in model.graph.node if n.op_type == "Constant" for a in n.attribute)
    for tensor in (*model.graph.initializer, *constants):
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values = onnx.numpy_helper.to_array(tensor)
        lost = (values != 0) & (np.abs(values) < np.finfo(np.float32).tiny)
        if lost.any():
            kept = np.where(lost, np.float32(0), values)
            tensor.CopyFrom(onnx.numpy_helper.from_array(kept, tensor.name))
    return bytes(model.SerializeToString())


def _outputs(names: Sequence[str]) -> bytes:
    """More outputs, to be written after a model: protobuf reads two messages in a row as one.

    ModelProto has its graph as field 7, GraphProto its outputs as field 12, ValueInfoProto its name as
    field 1; each is a tag, a length below 128, and the bytes.
    """
    found = b""
    for name in names:
        inner = name.encode()
        for tag in (b"\x0a", b"\x62", b"\x3a"):
            inner = tag + bytes([len(inner)]) + inner
        found += inner
    return found
