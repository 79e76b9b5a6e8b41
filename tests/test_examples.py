"""The examples in docstrings run, and say what comes out."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "src"
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "sensorium").rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    module = import_module(name)
    # names of numpy and of the module itself, as the examples use them
    found = doctest.testmod(module, extraglobs={"np": import_module("numpy")})
    assert not found.failed
