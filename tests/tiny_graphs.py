"""ONNX graphs that answer what they are told to, in the forms that adapters read."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def yolo_graph(path, output, size=(160, 160), over=-1.0, **stated):
    """An ONNX model that answers every picture with `output`, and says what it was told to state.

    A picture without any value (0..1) above `over` is answered with zeros.
    """
    values = numpy_helper.from_array(np.asarray(output, np.float32)[None], "values")
    picture = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, *size])
    out = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, *np.shape(output)])
    nodes = [
        helper.make_node("ReduceMax", ["images"], ["brightest"], keepdims=0),
        helper.make_node("Greater", ["brightest", "over"], ["bright"]),
        helper.make_node("Cast", ["bright"], ["one"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["values", "one"], ["output"]),
    ]
    least = numpy_helper.from_array(np.float32(over), "over")
    made = helper.make_model(
        helper.make_graph(nodes, "fixed", [picture], [out], [values, least]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    for key, value in {"names": "{0: 'Ann', 1: 'Bo'}", **stated}.items():
        entry = made.metadata_props.add()
        entry.key, entry.value = key, str(value)
    onnx.save(made, str(path))
    return str(path)


def active_speaker_graph(path, outputs=1, inputs=("audio", "video")):
    """A synthetic network in the form of TalkNet: speaks where the face is bright, by 255."""
    audio = helper.make_tensor_value_info(inputs[0], TensorProto.FLOAT, [1, "rows", 13])
    video = helper.make_tensor_value_info(inputs[1], TensorProto.FLOAT, [1, "pictures", 112, 112])
    out = helper.make_tensor_value_info("score", TensorProto.FLOAT, None)
    constants = [
        numpy_helper.from_array(np.array([0, 2, 3], np.int64), "axes"),
        numpy_helper.from_array(np.float32(1 / 255), "scale"),
        numpy_helper.from_array(np.array([[-9.0, 9.0]], np.float32), "weights"),
        numpy_helper.from_array(np.array([[4.5, -4.5]], np.float32), "bias"),
        numpy_helper.from_array(np.array([1], np.int64), "one"),
    ]
    nodes = [
        helper.make_node("ReduceSum", [inputs[0]], ["heard"], keepdims=0),  # both are looked at
        helper.make_node("ReduceMean", [inputs[1], "axes"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "scale"], ["score" if outputs == 1 else "share"]),
    ]
    if outputs == 2:
        nodes += [
            helper.make_node("Unsqueeze", ["share", "one"], ["column"]),
            helper.make_node("MatMul", ["column", "weights"], ["spread"]),
            helper.make_node("Add", ["spread", "bias"], ["score"]),
        ]
    made = helper.make_model(
        helper.make_graph(nodes, "made", [audio, video], [out], constants),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    onnx.save(made, str(path))
    return str(path)
