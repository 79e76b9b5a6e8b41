"""A frozen graph of TensorFlow is read without it, and its network computes what TensorFlow does."""

import struct

import numpy as np
import pytest

from sensorium.core.errors import ModelError
from sensorium.models.graphs.frozen_graph import read_frozen
from sensorium.models.graphs.person_graph import anchors, person_graph


def field(number, value):
    """One field of a message: a whole number, or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value):
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def attribute(name, value):
    return field(5, field(1, name) + field(2, value))


def tensor(shape, values):
    sizes = b"".join(field(2, field(1, size)) for size in shape)
    return field(8, field(1, 1) + field(2, sizes) + values)


def node(name, kind, *inputs, attributes=b""):
    told = field(1, name) + field(2, kind) + b"".join(field(3, each) for each in inputs)
    return field(1, told + attributes)


def test_nodes_weights_and_numbers(tmp_path):
    raw = np.arange(6, dtype="<f4").tobytes()
    one = b"\x2d" + struct.pack("<f", 0.5)  # field 5 of four bytes
    strides = field(1, field(3, b"\x01\x02\x02\x01"))
    path = tmp_path / "graph.pb"
    path.write_bytes(
        node(b"w", b"Const", attributes=attribute(b"value", tensor((2, 3), field(4, raw))))
        + node(b"s", b"Const", attributes=attribute(b"value", tensor((), one)))
        + node(b"full", b"Const", attributes=attribute(b"value", tensor((2, 2), one)))
        + node(b"y", b"Conv2D", b"x:0", b"w", attributes=attribute(b"strides", strides))
        + node(b"n", b"Norm", attributes=attribute(b"epsilon", b"\x25" + struct.pack("<f", 0.25)))
    )
    nodes = read_frozen(path)
    np.testing.assert_array_equal(nodes["w"].attributes["value"], np.arange(6).reshape(2, 3))
    assert nodes["s"].attributes["value"] == np.float32(0.5)
    np.testing.assert_array_equal(nodes["full"].attributes["value"], np.full((2, 2), 0.5))
    assert (nodes["y"].kind, nodes["y"].inputs) == ("Conv2D", ("x", "w"))
    assert nodes["y"].attributes["strides"] == [1, 2, 2, 1]
    assert nodes["n"].attributes["epsilon"] == 0.25


@pytest.mark.parametrize("content", [b"no graph at all", b"\x0a\xff\x01cut", b"\xff" * 20])
def test_another_file_is_named(tmp_path, content):
    path = tmp_path / "graph.pb"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="graph"):
        person_graph(read_frozen(path))


def test_anchors_are_those_of_ssd():
    """1917 of them; the first map has three a cell, the others six."""
    every = [anchors(index) for index in range(6)]
    assert [len(each) for each in every] == [1083, 600, 150, 54, 24, 6]
    np.testing.assert_allclose(every[0][0], [0.5 / 19, 0.5 / 19, 0.1, 0.1])


@pytest.mark.model
def test_the_network_computes_what_tensorflow_does():
    """TensorFlow 2.21 on the same file and picture: anchors of all sizes, best and worst."""
    from sensorium.adapters.models.onnx_session import open_session
    from sensorium.models.installing import installed

    y, x = np.mgrid[:300, :300]
    cone = 255 - abs(x - 150) - abs(y - 150)
    pixels = np.stack([(x * 7 + y * 3) % 256, (x * y) % 251, cone % 256], axis=-1)
    session = open_session(installed("person-ssdlite") / "persons.onnx", 1)
    boxes, scores = session.run(None, {"pixels": pixels[None].astype(np.float32)})
    assert np.argsort(-scores)[:3].tolist() == [1868, 1865, 1867]
    rows = [0, 700, 1400, 1700, 1868, 1900, 1916]
    expected = [8.7e-05, 7e-06, 3.9e-05, 0.000389, 0.31459, 0.004292, 0.188552]
    np.testing.assert_allclose(scores[rows], expected, atol=1e-5)
    places = [
        (-0.00519, -0.00281, 0.03849, 0.10435),
        (0.12899, 0.55663, 0.44689, 0.73856),
        (0.02832, 0.32042, 0.4498, 0.90111),
        (0.21692, -0.02139, 0.80719, 0.4992),
        (0.43998, 0.00987, 0.99745, 0.98319),
        (-0.01471, 0.38367, 0.85142, 0.99404),
        (0.14527, 0.01585, 0.92466, 1.00197),
    ]
    np.testing.assert_allclose(boxes[rows], places, atol=1e-4)
