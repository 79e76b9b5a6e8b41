"""Models of a hub or of a local folder in the store, beside those that are known by name."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from sensorium.core.errors import MissingDependencyError, ModelError, UsageError
from sensorium.models.installing import appearing, locked
from sensorium.models.manifest import MANIFEST, damage, read_manifest, write_manifest
from sensorium.models.store import Found, State, is_offline, where

# What models are made of: numbers and text. Pickled weights and code of a hub are never fetched;
# model.bin is the format of CTranslate2, which holds numbers only.
_WANTED = ("*.json", "*.txt", "*.model", "*.safetensors", "*.onnx", "*.tiktoken", "model.bin")
_WEIGHTS = (".safetensors", ".onnx", "model.bin")


def _folder(name: str) -> Path:
    return where() / f"own--{re.sub(r'[^A-Za-z0-9._-]', '--', name)}"


def located(source: str) -> str:
    """Where the model of a hub name or folder lies: the folder, the store's copy, or the name itself.

    Raises:
        ModelError: a hub name that the store does not hold, while SENSORIUM_OFFLINE is set.
    """
    if Path(source).expanduser().is_dir():
        return str(Path(source).expanduser())
    for name in (source, f"Systran/faster-whisper-{source}"):
        if (_folder(name) / MANIFEST).is_file():
            return str(_folder(name))
    if is_offline():
        raise ModelError(
            f"{source}: expected a local folder or a model of the store in {where()}, found neither, and "
            f"SENSORIUM_OFFLINE is set; run once with a network: sensorium models install hub:{source}"
        )
    return source


def install_hub(name: str, revision: str | None = None) -> Path:
    """Fetches a model of the Hugging Face hub into the store; `name` is ``OWNER/NAME``.

    Raises:
        MissingDependencyError: huggingface_hub is not installed.
        ModelError: no such model, no access, no network, or nothing in it but pickled weights.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise MissingDependencyError(
            f'hub:{name}: needs huggingface_hub, not installed; pip install "sensorium[hub]"'
        ) from None
    with locked(), appearing(_folder(name)) as part:
        try:
            snapshot_download(name, revision=revision, local_dir=part, allow_patterns=list(_WANTED))
        except Exception as error:  # the hub's client has many classes of errors
            raise ModelError(
                f"hub:{name}: cannot be fetched: {error}; check the name, the network and, for a gated "
                "model, the variable HF_TOKEN"
            ) from error
        shutil.rmtree(part / ".cache", ignore_errors=True)  # the client's own notes
        _finish(part, name, f"hub {name}")
    return _folder(name)


def install_folder(path: str | os.PathLike[str], name: str) -> Path:
    """Copies a local model folder into the store, where `name` stands for it from then on.

    Raises:
        UsageError: no such folder.
        ModelError: no weights in it that are safe to read.
    """
    source = Path(path).expanduser()
    if not source.is_dir():
        raise UsageError(f"{path}: expected a folder with a model, found none")
    with locked(), appearing(_folder(name)) as part:
        for pattern in _WANTED:
            for file in source.glob(pattern):
                shutil.copyfile(file, part / file.name)
        _finish(part, name, f"folder {source.name}")
    return _folder(name)


def _finish(part: Path, name: str, source: str) -> None:
    if not any(p.name.endswith(_WEIGHTS) for p in part.rglob("*")):
        raise ModelError(
            f"{name}: expected weights as safetensors, ONNX or CTranslate2, found none; pickled weights "
            "are not read, since they can run any program"
        )
    write_manifest(part, {"name": name, "licence": "of the model", "purpose": "", "source": source})


def listed_own(verify: bool = False) -> Iterator[Found]:
    """The models of hubs and folders that the store holds; with `verify` every byte is read."""
    for manifest in sorted(where().glob(f"own--*/{MANIFEST}")):
        about = read_manifest(manifest.parent)
        size = sum(each["bytes"] for each in about["files"].values())
        wrong = damage(manifest.parent) if verify else ""
        state: State = "broken" if wrong else "installed"
        yield Found(about["name"], state, about["licence"], about["purpose"], about["source"],
                    str(manifest.parent), size, wrong)  # fmt: skip
