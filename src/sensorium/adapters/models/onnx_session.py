"""ONNX files run by onnxruntime on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnxruntime

from sensorium.core.errors import ModelError


def open_session(
    path: str | Path, threads: int = 1, also: Sequence[str] = ()
) -> onnxruntime.InferenceSession:
    """The graph of a file, ready to run with so many threads; `also` are inner values to give out.

    Raises:
        ModelError: no such file, or one that onnxruntime cannot load.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # warnings of the optimiser say nothing to a user
    try:
        graph = Path(path).read_bytes() + _outputs(also) if also else str(path)
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{path}: expected an ONNX model; {error}") from error


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
