"""ONNX files run by onnxruntime on the CPU."""

from __future__ import annotations

from pathlib import Path

import onnxruntime

from sensorium.core.errors import ModelError


def open_session(path: str | Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """The graph of a file, ready to run with so many threads.

    Raises:
        ModelError: no such file, or one that onnxruntime cannot load.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # warnings of the optimiser say nothing to a user
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{path}: expected an ONNX model; {error}") from error
