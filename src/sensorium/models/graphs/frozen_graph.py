"""Reads a frozen graph of TensorFlow 1 (a GraphDef), without TensorFlow: its nodes, weights as arrays.

The format is that of protocol buffers (protobuf.dev, "Encoding"); of the messages only what a network
for inference needs is read: names, operations, inputs, numbers, texts, lists of numbers, float tensors.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorium.core.errors import ModelError

_FLOAT, _INT32 = 1, 3  # of TensorFlow's DataType


@dataclass(frozen=True, slots=True)
class Node:
    """One operation. `attributes` hold float, int, bytes, lists of int, and of a constant its array."""

    kind: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any]


def read_frozen(path: str | Path) -> dict[str, Node]:
    """The nodes of a graph by name.

    Raises:
        ModelError: the file is not one.
    """
    nodes: dict[str, Node] = {}
    try:
        for number, value in _fields(Path(path).read_bytes()):
            if number == 1:
                name, node = _node(value)
                nodes[name] = node
    except (IndexError, ValueError, struct.error, AttributeError, TypeError) as error:
        raise ModelError(
            f"{path}: expected a frozen graph of TensorFlow, cannot read it ({error})"
        ) from error
    return nodes


def _number(data: bytes, at: int) -> tuple[int, int]:
    """(a number of variable length, the place behind it)."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """(number, value) of each field of a message: an int, or the bytes of whatever is no int."""
    at = 0
    while at < len(data):
        key, at = _number(data, at)
        form = key & 7
        if form == 0:
            value, at = _number(data, at)
            yield key >> 3, value
            continue
        if form == 2:
            length, at = _number(data, at)
        elif form in (1, 5):
            length = 8 if form == 1 else 4
        else:
            raise ValueError(f"field of an unknown form {form}")
        if at + length > len(data):
            raise ValueError("it ends in the middle of a field")
        yield key >> 3, data[at : at + length]
        at += length


def _node(data: bytes) -> tuple[str, Node]:
    name, kind, inputs, attributes = "", "", [], {}
    for number, value in _fields(data):
        if number == 1:
            name = value.decode()
        elif number == 2:
            kind = value.decode()
        elif number == 3:
            inputs.append(value.decode().split(":")[0])
        elif number == 5:
            entry = dict(_fields(value))
            attributes[entry[1].decode()] = _attribute(entry[2])
    return name, Node(kind, tuple(inputs), attributes)


def _attribute(data: bytes) -> Any:
    for number, value in _fields(data):
        if number in (2, 3, 5):  # text, int, truth
            return value
        if number == 4:
            return struct.unpack("<f", value)[0]
        if number == 8:
            return _tensor(value)
        if number == 1:
            return _whole_numbers(value)
    return None


def _whole_numbers(data: bytes) -> list[int]:
    """The ints of a list of values, packed or not."""
    found: list[int] = []
    for number, value in _fields(data):
        if number != 3:
            continue
        if isinstance(value, int):
            found.append(value)
            continue
        at = 0
        while at < len(value):
            one, at = _number(value, at)
            found.append(one)
    return found


def _tensor(data: bytes) -> NDArray[Any] | None:
    """An array of float or int32; None for what no weights have."""
    kind, shape, raw, single = 0, [], b"", []
    for number, value in _fields(data):
        if number == 1:
            kind = value
        elif number == 2:
            shape = [dict(_fields(size)).get(1, 0) for of, size in _fields(value) if of == 2]
        elif number == 4:
            raw = value
        elif number == 5:
            single.append(value)
    if kind not in (_FLOAT, _INT32):
        return None
    dtype = np.dtype("<f4") if kind == _FLOAT else np.dtype("<i4")
    if raw or kind == _INT32:
        return np.frombuffer(raw, dtype).reshape(shape) if raw else None
    values = np.frombuffer(b"".join(single), dtype)
    # one value stands for a tensor full of it
    return np.full(shape, values[0]) if len(values) == 1 else values.reshape(shape)
