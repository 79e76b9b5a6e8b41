"""The registry of models by name: what a choice means, and the adapter that it stands for.

A model is one adapter and one `Model` entry in `bundled.py`. Other packages register theirs through the entry
point group ``sensorium.models``, each entry a `Model`.
"""

from __future__ import annotations

from functools import lru_cache, partial
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from sensorium.core.errors import MissingDependencyError, UsageError
from sensorium.models import store
from sensorium.models.bundled import BUNDLED, Model
from sensorium.models.foreign import listed_own
from sensorium.models.store import Found


@lru_cache(maxsize=1)
def models() -> dict[tuple[str, str], Model]:
    """All registered models by (job, name): the bundled ones, then those of other packages."""
    known: dict[tuple[str, str], Model] = {(model.job, model.name): model for model in BUNDLED}
    for entry in entry_points(group="sensorium.models"):
        model = entry.load()
        if not isinstance(model, Model):
            raise UsageError(
                f"entry point {entry.value}: expected a sensorium Model, got {model!r}"
            )
        known.setdefault((model.job, model.name), model)
    return known


def find_model(job: str, chosen: str) -> tuple[Model, str]:
    """The registry entry that a choice means, and what stands after its colon.

    Raises:
        UsageError: an unknown name, an argument that is missing or too many.
        MissingDependencyError: a known model whose packages are not installed.
    """
    name, _, argument = chosen.partition(":")
    model = models().get((job, name))
    if model is None:
        names = ", ".join(known for of, known in models() if of == job)
        raise UsageError(f"{job}: expected one of {names}; got {chosen!r}")
    if bool(argument) != bool(model.argument):
        form = f"{name}:<{model.argument}>" if model.argument else name
        raise UsageError(f"{job}: expected {form}; got {chosen!r}")
    if missing := model.missing():
        install = f"sensorium[{model.extra}]" if model.extra else "sensorium"
        raise MissingDependencyError(
            f"{chosen}: needs {', '.join(missing)}, not installed; pip install {install}"
        )
    return model, argument


def load_model(job: str, chosen: str, threads: int) -> Any:
    """The adapter of a chosen model; its weights are read when it is first used."""
    model, argument = find_model(job, chosen)
    module, _, name = model.load.partition(":")
    adapter = getattr(import_module(module), name)
    return adapter(argument, threads=threads) if argument else adapter(threads=threads)


class Deferred:
    """A model that is opened when something is first asked of it: a photo needs no ears."""

    def __init__(self, job: str, chosen: str, threads: int) -> None:
        self._opened = partial(load_model, job, chosen, threads)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # copying and pickling ask for such before there is anything
            raise AttributeError(name)
        model = self.__dict__.get("_model")
        if model is None:
            model = self.__dict__["_model"] = self._opened()
        return getattr(model, name)


def listed(verify: bool = False) -> list[Found]:
    """All weights that are known or that the store holds; with `verify` every byte is read."""
    return [*store.listed(verify), *listed_own(verify)]


def verify() -> list[Found]:
    """What is wrong with the weights of this machine; every byte is read. None means that all is well."""
    return [each for each in listed(verify=True) if each.problem]
