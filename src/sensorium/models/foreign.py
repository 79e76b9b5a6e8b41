"""Models of a hub or of a local folder in the store, beside those that are known by name."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import quote

from sensorium.core.errors import MissingDependencyError, ModelError, UsageError
from sensorium.core.record import digest
from sensorium.models.installing import appearing, locked
from sensorium.models.manifest import MANIFEST, damage, read_manifest, write_manifest
from sensorium.models.store import Found, State, is_offline, where
from sensorium.models.weights import known
from sensorium.models.wheels import without_logins

OWN = "own--"  # how the folders of these models begin; no name of `weights.json` does
# What models are made of: numbers and text. Pickled weights and code of a hub are never fetched;
# model.bin is the format of CTranslate2, which holds numbers only.
_WANTED = ("*.json", "*.txt", "*.model", "*.safetensors", "*.onnx", "*.onnx_data", "*.tiktoken",
           "model.bin")  # fmt: skip
_SHORT = "Systran/faster-whisper-{}"  # what faster-whisper means by small, base, ...
_WEIGHTS = (".safetensors", ".onnx", "model.bin")
_PICKLE = (b"PK\x03\x04", b"\x80")  # what torch.save writes, now and of old


def own_folder(name: str) -> Path:
    """Where a model of a hub or of a local folder lies, there or not: two names never share a folder."""
    safe = quote(name, safe="")
    return where() / f"{OWN}{f'{safe[:-5]}%2Epart' if safe.endswith('.part') else safe}"


def is_wanted(file: str) -> bool:
    """Whether a file, named by its path in the model's folder, is one that models are made of."""
    return file != MANIFEST and any(fnmatchcase(file, pattern) for pattern in _WANTED)


def located(source: str) -> str:
    """Where the model of a hub name or folder lies: the folder, the store's copy, or the name itself.

    Raises:
        ModelError: a hub name that the store does not hold, while SENSORIUM_OFFLINE is set.
    """
    if Path(source).expanduser().is_dir():
        return str(Path(source).expanduser())
    if place := _kept(source):
        return str(place)
    if is_offline():
        raise ModelError(
            f"{source}: expected a local folder or a model of the store in {where()}, found neither, and "
            "SENSORIUM_OFFLINE is set; run once with a network and without it: sensorium models install "
            f"hub:{source if '/' in source else _SHORT.format(source)}"
        )
    return source


def pinned(source: str) -> str:
    """``"sha256:<12 digits>"`` over the files of a model that the store holds under this name, else nothing.

    It belongs into a provenance: another model under the same name gives other results.
    """
    place = None if Path(source).expanduser().is_dir() else _kept(source)
    return f"sha256:{digest(read_manifest(place)['files'])[:12]}" if place else ""


def _kept(source: str) -> Path | None:
    """The store's copy of a model, by its name or by the short one of faster-whisper."""
    places = map(own_folder, (source, _SHORT.format(source)))
    return next((place for place in places if (place / MANIFEST).is_file()), None)


def install_hub(name: str, revision: str | None = None) -> Path:
    """Fetches a model of the Hugging Face hub into the store; `name` is ``OWNER/NAME``.

    Raises:
        UsageError: no name of a hub's model.
        MissingDependencyError: huggingface_hub is not installed.
        ModelError: no such model, no access, no network, SENSORIUM_OFFLINE, or nothing in it but pickled
            weights.
    """
    if not re.fullmatch(r"(\w[\w.-]*/)?\w[\w.-]*", name, re.ASCII):
        raise UsageError(f"hub: expected OWNER/NAME, got {name!r}")
    if is_offline():
        raise ModelError(
            f"hub:{name}: SENSORIUM_OFFLINE is set, so it is not fetched; run without it, or bring the model "
            "in a file: sensorium models install --from FILE"
        )
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise MissingDependencyError(
            f'hub:{name}: needs huggingface_hub, not installed; pip install "sensorium[hub]"'
        ) from None
    with locked(), appearing(own_folder(name)) as part:
        try:
            snapshot_download(name, revision=revision, local_dir=part, allow_patterns=list(_WANTED),
                              ignore_patterns=[MANIFEST])  # fmt: skip
        except Exception as error:  # the hub's client has many classes of errors
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            # its own words may hold what was sent; the traceback is cut for the same reason
            raise ModelError(f"hub:{name}: cannot be fetched: {_why(error)}") from None
        shutil.rmtree(part / ".cache", ignore_errors=True)  # the client's own notes
        _finish(part, name, f"hub {name}")
    return own_folder(name)


def _why(error: Exception) -> str:
    """The reason in one line, without the token and without logins of a mirror."""
    from huggingface_hub import get_token
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    if isinstance(error, GatedRepoError):
        return "it is gated; accept its terms on its page, then set HF_TOKEN to a token that may read it"
    if isinstance(error, RepositoryNotFoundError):
        return "no such model there, or a private one; check the name, or set HF_TOKEN"
    told = without_logins(str(error))
    if token := get_token():
        told = told.replace(token, "***")
    return f"{told}; check the network, the variable HF_ENDPOINT and HF_TOKEN"


def install_folder(path: str | os.PathLike[str], name: str) -> Path:
    """Copies a local model folder into the store, where `name` stands for it from then on.

    Raises:
        UsageError: no such folder, or a name that means something else already.
        ModelError: no weights in it that are safe to read.
    """
    source = Path(path).expanduser()
    if not source.is_dir():
        raise UsageError(f"{path}: expected a folder with a model, found none")
    if not name or not name.isprintable() or name in known() or name.startswith("hub:"):
        raise UsageError(
            f"name: expected a new one for {source.name}, got {name!r}; those of `sensorium models list` "
            "and hub:... are taken"
        )
    with locked(), appearing(own_folder(name)) as part:
        for file in sorted(source.iterdir()):
            if file.is_file() and is_wanted(file.name):
                shutil.copyfile(file, part / file.name)
        _finish(part, name, f"folder {source.absolute().name}")
    return own_folder(name)


def unfit(place: Path) -> str:
    """Why the files of a folder are no model that is safe to read; empty if they are."""
    if not any(p.name.endswith(_WEIGHTS) for p in place.rglob("*") if p.is_file()):
        found = "none"
    elif pickled := [p for p in place.rglob("model.bin") if _is_pickle(p)]:
        found = pickled[0].name + " of torch"
    else:
        return ""
    return (
        f"expected weights as safetensors, ONNX or CTranslate2, found {found}; pickled weights are not "
        "read, since they can run any program"
    )


def _is_pickle(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(4).startswith(_PICKLE)


def _finish(part: Path, name: str, source: str) -> None:
    if wrong := unfit(part):
        raise ModelError(f"{name}: {wrong}")
    write_manifest(part, {"name": name, "licence": "of the model", "purpose": "", "source": source})


def listed_own(verify: bool = False) -> Iterator[Found]:
    """The models of hubs and folders that the store holds; with `verify` every byte is read."""
    for place in sorted(each.parent for each in where().glob(f"{OWN}*/{MANIFEST}")):
        if place.suffix == ".part":  # in the making, or left by a run that was killed
            continue
        try:
            about = read_manifest(place)
        except ModelError as error:  # one that nobody can read hides no other
            yield Found(place.name, "broken", "", "", "", str(place), 0, str(error))
            continue
        size = sum(each["bytes"] for each in about["files"].values())
        wrong = damage(place) if verify else ""
        state: State = "broken" if wrong else "installed"
        yield Found(about["name"], state, about["licence"], about["purpose"], about["source"],
                    str(place), size, wrong)  # fmt: skip
