"""Reads the weights that `torch.save` wrote, as numpy arrays and without torch.

Since PyTorch 1.6 such a file is a zip archive: one pickle that says how the tensors are named and
shaped, and one uncompressed member of raw numbers per storage (pytorch.org, "Serialization semantics").
A pickle may ask for any function of Python; the one here may ask for a handful of names, none of which
does more than describe a tensor.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from sensorium.core.errors import ModelError

_KINDS = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "BFloat16Storage": "bfloat16",  # numpy has no such type; widened to float32
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
    "ComplexDoubleStorage": "c16",
    "ComplexFloatStorage": "c8",
}


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """What `torch.save` wrote into `path`: a dictionary, its tensors as numpy arrays.

    Nested dictionaries stay nested, and so does all else that a plain pickle holds. Arrays have the
    shape and the type of the tensor (bfloat16 becomes float32) and may only be read: tensors that shared
    memory still do.

    Raises:
        ModelError: no such file, not a zip archive of `torch.save`, broken or cut off, a tensor that
            reaches outside its storage, or a pickle that asks for more than tensors.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return _Archive(path, archive).load()
    except ModelError:
        raise
    except FileNotFoundError:
        raise ModelError(f"{path}: expected a checkpoint, found no file; check the path") from None
    except zipfile.BadZipFile as error:
        raise ModelError(
            f"{path}: expected a zip archive as torch.save writes it since 1.6, got another file or "
            f"a part of one ({error}); fetch it again, or save it again with a newer torch"
        ) from error
    except Exception as error:  # a broken pickle may raise nearly everything
        raise ModelError(
            f"{path}: expected a checkpoint of torch.save, it cannot be read "
            f"({type(error).__name__}: {error}); fetch it again"
        ) from error


class _Archive:
    """The members of one checkpoint."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path = path
        self._archive = archive
        self._storages: dict[tuple[str, str], NDArray[Any]] = {}
        found = [n for n in archive.namelist() if n.count("/") == 1 and n.endswith("/data.pkl")]
        if len(found) != 1:
            self.refuse(f"expected one member NAME/data.pkl, found {len(found)}")
        self._folder = found[0].removesuffix("data.pkl")
        # files from before PyTorch 2.1 do not say; they were written on little-endian machines
        name = self._folder + "byteorder"
        order = self._member("byteorder") if name in archive.namelist() else b"little"
        if order not in (b"little", b"big"):
            self.refuse(f"expected byte order little or big, got {order[:20]!r}")
        self._order: Literal["<", ">"] = "<" if order == b"little" else ">"

    def refuse(self, what: str) -> NoReturn:
        """Raises ModelError, which names the file."""
        raise ModelError(f"{self._path}: {what}; fetch a checkpoint as torch.save writes it")

    def load(self) -> dict[str, Any]:
        """The dictionary in the pickle."""
        content = _Unpickler(self._member("data.pkl"), self).load()
        if not isinstance(content, dict):
            self.refuse(f"expected a dictionary of weights, got {type(content).__name__}")
        return content

    def _member(self, name: str, size: int | None = None) -> bytes:
        """The bytes of one member, which must be `size` long if that is given."""
        try:
            info = self._archive.getinfo(self._folder + name)
        except KeyError:
            self.refuse(f"expected member {name!r}, found none")
        # torch.save never compresses; so nothing can grow beyond the size of the file
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            self.refuse(f"expected member {name!r} uncompressed")
        if size is not None and info.file_size != size:
            self.refuse(f"expected {size} bytes in member {name!r}, found {info.file_size}")
        content = self._archive.read(info)
        if len(content) != info.file_size:
            self.refuse(f"expected {info.file_size} bytes in member {name!r}, read {len(content)}")
        return content

    def storage(self, identity: Any) -> NDArray[Any]:
        """The numbers (number,) that the pickle names with ``("storage", kind, key, place, number)``."""
        if not (isinstance(identity, tuple) and len(identity) == 5 and identity[0] == "storage"):
            self.refuse(f"expected the name of a storage, got {identity!r:.80}")
        _, kind, key, _, number = identity
        if kind not in _KINDS.values() or not isinstance(key, str) or not _whole(number):
            self.refuse(f"expected kind, key and length of a storage, got {identity!r:.80}")
        if (key, kind) not in self._storages:
            dtype = np.dtype("u2" if kind == "bfloat16" else kind)
            raw = self._member(f"data/{key}", number * dtype.itemsize)
            values = np.frombuffer(raw, dtype.newbyteorder(self._order)).astype(dtype, copy=False)
            if kind == "bfloat16":  # the upper half of a float32
                values = (values.astype(np.uint32) << 16).view(np.float32)
            self._storages[key, kind] = values
        return self._storages[key, kind]

    def tensor(self, storage: Any, offset: Any, shape: Any, strides: Any) -> NDArray[Any]:
        """A view of `storage`; `offset` and `strides` count numbers, not bytes."""
        sizes = (offset, *shape, *strides)
        if not isinstance(storage, np.ndarray) or storage.ndim != 1 or len(shape) != len(strides):
            self.refuse("expected a storage with as many strides as dimensions for every tensor")
        if not all(map(_whole, sizes)):
            self.refuse(f"expected shape, strides and offset >= 0, got {sizes!r:.80}")
        empty = 0 in shape
        last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
        if (offset if empty else last + 1) > len(storage):
            self.refuse(
                f"expected a tensor inside its storage of {len(storage)} numbers, got shape {shape} "
                f"with strides {strides} from {offset}"
            )
        steps = [step * storage.itemsize for step in strides]
        return as_strided(storage[offset:], shape, steps, writeable=False)


def _whole(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**63


class _Unpickler(pickle.Unpickler):
    """Knows ordered dictionaries, tensors, and nothing else."""

    def __init__(self, content: bytes, archive: _Archive) -> None:
        super().__init__(io.BytesIO(content))
        self._own = archive

    def find_class(self, module: str, name: str) -> Any:
        """One of the few names that are allowed; a kind of storage is a mere word.

        Raises:
            ModelError: any other name.
        """
        # Words and bound methods cannot be changed by a pickle, so that one file has no say in
        # the reading of the next.
        if module == "collections" and name == "OrderedDict":
            return OrderedDict
        if module == "torch._utils" and name == "_rebuild_tensor_v2":
            return self._tensor
        if module == "torch._utils" and name == "_rebuild_parameter":
            return self._parameter
        if module == "torch" and name in _KINDS:
            return _KINDS[name]
        self._own.refuse(f"expected tensors only, but the file asks for {module}.{name}")

    def persistent_load(self, identity: Any) -> NDArray[Any]:
        """The storage of that name."""
        return self._own.storage(identity)

    def _tensor(
        self, storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any
    ) -> NDArray[Any]:
        """`rest`: whether torch wants a gradient, and hooks; no matter here."""
        return self._own.tensor(storage, offset, shape, strides)

    def _parameter(self, values: Any, *rest: Any) -> Any:
        return values
