"""The API is a promise: names, signatures and what their docstrings say first are pinned.

After a change that is meant: ``python tests/test_public_names.py`` writes ``public_names.txt`` anew.
"""

import inspect
import subprocess
import sys
from pathlib import Path

import sensorium as sm

PINNED = Path(__file__).with_name("public_names.txt")
MODULES = ("learn", "models", "patches")


def described(name, value):
    """A name with its signature and the first line of its docstring, then its methods."""
    first = (inspect.getdoc(value) or "").split("\n\n")[0].replace("\n", " ")
    if inspect.ismodule(value):
        yield f"{name}: {first}"
        return
    error = inspect.isclass(value) and issubclass(value, Exception)
    signature = "(...)" if error else str(inspect.signature(value))
    yield f"{name}{signature}: {first}"
    if inspect.isclass(value):
        for method, of in inspect.getmembers(value, callable):
            function = getattr(of, "__func__", of)
            ours = str(getattr(function, "__module__", "")).startswith("sensorium")
            if ours and not method.startswith("_"):
                yield from described(f"    {name}.{method}", function)


def surface():
    """Every public name, one line each."""
    for name in sm.__all__[1:]:
        yield from described(name, getattr(sm, name))
    for module in MODULES:
        of = getattr(sm, module)
        for name in of.__all__:
            yield from described(f"{module}.{name}", getattr(of, name))


def test_the_surface_is_what_is_promised():
    program = "import test_public_names as t; print('\\n'.join(t.surface()))"
    found = subprocess.run(  # in a process of its own: other tests may have changed defaults
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parent,
    )  # fmt: skip
    assert found.stdout == PINNED.read_text(encoding="utf-8")


def test_everything_says_what_it_is():
    assert not [line for line in surface() if line.rstrip().endswith(":")]


if __name__ == "__main__":
    PINNED.write_text("".join(f"{line}\n" for line in surface()), encoding="utf-8")
