"""The rules of the house that a machine can check."""

import ast
import subprocess
import sys
from pathlib import Path

import click
import pytest

import sensorium
from sensorium.interfaces.cli.main import main

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "sensorium"
SOURCE = sorted(PACKAGE.rglob("*.py"))

# A weights file dictates the shape of its network; the parts stay in one place to be read.
MAX_LINES = 300
MAX_FUNCTION_LINES = 40
MAX_PARAMETERS = 7
MAX_MODULES = 12


def functions():
    """(module:function, node) of every function of the product."""
    for path in SOURCE:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield f"{path.relative_to(ROOT)}:{node.name}", node


def code_lines(node):
    """Lines of a function without its docstring."""
    doc = node.body[0] if ast.get_docstring(node) else None
    return node.end_lineno - node.lineno + 1 - (doc.end_lineno - doc.lineno + 1 if doc else 0)


def test_modules_fit_in_a_head():
    """No module has more than 300 lines."""
    long = {
        str(p.relative_to(ROOT)): n
        for p in SOURCE
        if (n := len(p.read_text().splitlines())) > MAX_LINES
    }
    assert not long


def test_functions_fit_in_a_head():
    """No function has more than 40 lines of code."""
    assert not {
        name: n for name, node in functions() if (n := code_lines(node)) > MAX_FUNCTION_LINES
    }


def test_functions_take_few_parameters():
    """At most 7, without self; commands excepted, whose parameters are the command line."""
    many = {}
    for name, node in functions():
        arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
        num = len([a for a in arguments if a.arg not in ("self", "cls")])
        if num > MAX_PARAMETERS:
            many[name] = num
    assert not many


def test_the_top_holds_folders_only():
    """Whoever opens the package sees rooms, and the ports."""
    loose = {path.name for path in PACKAGE.glob("*.py")}
    assert loose == {"__init__.py", "__main__.py", "ports.py"}


def test_rooms_are_small_and_say_what_they_are():
    """Every folder has at most 12 modules, and its `__init__` begins with the one idea that it is."""
    for folder in {path.parent for path in SOURCE} - {PACKAGE}:
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= MAX_MODULES, folder
        idea = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
        assert idea, folder
        assert idea.splitlines()[0].endswith("."), folder


def test_a_module_name_occurs_once():
    """No two modules share a name, nor differ only by a plural or an -ing."""
    names = [path.stem for path in SOURCE if path.stem not in ("__init__", "__main__")]
    stems = [name.removesuffix("ing").removesuffix("s") for name in names]
    assert sorted(names) == sorted(set(names))
    assert not [name for name, stem in zip(names, stems, strict=True) if stems.count(stem) > 1]


def test_public_names():
    """The API is a promise: sorted, at most 25 names, and each can be had."""
    names = sensorium.__all__
    assert len(names) <= 25
    assert names[1:] == sorted(names[1:])
    for name in names:
        assert getattr(sensorium, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        sensorium.nothing  # noqa: B018


def test_import_loads_nothing_heavy():
    """`import sensorium` and the command line's help load no model runtime and no data frames."""
    heavy = (
        "torch onnxruntime av PIL pyarrow pandas datasets transformers faster_whisper numba scipy"
    )
    program = (
        "import sys, sensorium, sensorium.interfaces.cli.main; "
        f"print([m for m in {heavy.split()!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_passes_of_a_photo_load_no_scipy():
    """It takes a second to load, and what needs it imports it when sound or a match is at hand."""
    program = (
        "import sys; from sensorium.run.plan import build; from sensorium.core.config import Config; "
        "build(Config(), 1); print([m for m in sys.modules if m.split('.')[0] == 'scipy'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def commands(group, prefix=()):
    """Every command of the command line with its full name."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*prefix, name))
        else:
            yield " ".join((*prefix, name)), command


def test_every_command_is_documented():
    """Each has a help text, and stands in docs/cli.md with all its options."""
    text = (ROOT / "docs" / "cli.md").read_text()
    for name, command in commands(main):
        assert command.help, name
        assert f"sensorium {name}" in text, name
        for option in command.params:
            if isinstance(option, click.Option):
                assert max(option.opts, key=len) in text, f"{name} {option.opts}"


def test_docs_name_no_machine():
    """No path of a machine and no registry host stands in the repository's texts."""
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *SOURCE]:
        text = path.read_text()
        assert "/work/" not in text, path
        assert "/tmp/" not in text, path
