"""The examples in docstrings run, and say what comes out."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "src"
ROOMS = ("core", "ops", "pipelines", "adapters/metrics", "adapters/language", "interfaces")
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for room in ROOMS
    for path in (ROOT / "sensorium" / room).rglob("*.py")
    if ">>> " in path.read_text()
)


@pytest.mark.parametrize("name", [*MODULES, "sensorium.embed.encode"])
def test_examples_run(name):
    module = import_module(name)
    # names of numpy and of the module itself, as the examples use them
    found = doctest.testmod(module, extraglobs={"np": import_module("numpy")})
    assert not found.failed
