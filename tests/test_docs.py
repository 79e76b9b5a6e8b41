"""Every example of the documentation runs: README.md, CONTRIBUTING.md, docs/*.md and the tutorial.

How a page is read: `docs_blocks`. Each page starts in the same folder, under the same path: `docs_folder`.
"""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

import docs_shell
import sensorium
from docs_blocks import Block, PageError, blocks
from docs_folder import make_folder, make_libraries

pytest.importorskip("torch")
pytest.importorskip("transformers")

ROOT = Path(__file__).resolve().parent.parent
_DOCS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
PAGES = ["README.md", "CONTRIBUTING.md", *_DOCS]
# Not of the package: a file of a library, a group of entry points.
NO_NAMES = {"sensorium.json", "sensorium.evidence"}
_OURS = re.compile(r"sm(\.\w+)+")
_IDENTITY = re.compile(r"\b[VFD][0-9a-f]{8}\b")


def read(page: str) -> list[Block]:
    """The blocks of a page of the repository."""
    return blocks(page, (ROOT / page).read_text(encoding="utf-8"))


def _marked() -> Iterator[Block]:
    """Blocks that need something; a page that cannot be read is told of by its own test."""
    for page in PAGES:
        try:
            yield from (block for block in read(page) if block.needs is not None)
        except PageError:
            continue


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(where pages run, what is there when one begins)."""
    root = tmp_path_factory.mktemp("docs")
    captions = next(b.text for b in read("docs/language-models.md") if b.text.startswith("{"))
    make_folder(root / "work", captions)
    make_libraries(root / "work")
    return root / "work", Path(shutil.copytree(root / "work", root / "fresh"))


@pytest.fixture(name="place")
def _place(folder: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh working folder; what would start processes of its own works in this one."""
    from sensorium.adapters.engines.local import InProcess

    work, fresh = folder
    shutil.rmtree(work)
    shutil.copytree(fresh, work)
    monkeypatch.chdir(work)
    monkeypatch.setattr("sensorium.run.extract.executor_for", lambda *_: InProcess())
    return work


@pytest.mark.model
@pytest.mark.network
@pytest.mark.filterwarnings("error:.*inputs failed")
@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run(page: str, request: pytest.FixtureRequest) -> None:
    """In order; without any, the page can at least be read."""
    todo = [block for block in read(page) if block.runs]
    if todo:
        request.getfixturevalue("place")
    names = {"__name__": "docs"}
    for block in todo:
        if block.language == "python":
            code = "\n" * (block.line - 1) + block.text  # so that errors name the line of the page
            exec(compile(code, str(ROOT / block.page), "exec"), names)
        elif block.is_session:
            _compare(block)
        else:
            for line in docs_shell.commands(block.text):
                docs_shell.run(line)


def _compare(block: Block) -> None:
    """What the commands of a session print is what the page says, but for ids and folders."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        printed = docs_shell.run(command)
        assert _comparable(printed) == _comparable(expected), block.where


def _comparable(text: str) -> str:
    """Without the folders of paths; identities as numbers in order, so that equal ones stay equal."""
    known: dict[str, str] = {}
    text = re.sub(r"^( *)/.*/", r"\1", text.strip(), flags=re.MULTILINE)
    return _IDENTITY.sub(lambda found: known.setdefault(found[0], f"identity-{len(known)}"), text)


@pytest.mark.parametrize("block", [pytest.param(b, id=b.where) for b in _marked()])
def test_what_is_not_run_is_written_right(block: Block) -> None:
    """The names and options must be there; then it is listed among the skipped, with what it needs."""
    if block.language == "python":
        assert not _unknown(ast.parse(block.text)), block.where
    else:
        for line in docs_shell.commands(block.text):
            docs_shell.check(line)
    pytest.skip(f"{block.where} needs {block.needs}")


def _unknown(tree: ast.Module) -> list[str]:
    """Names of ours that a block imports or reaches through `sm`, and that there are not."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sensorium"):
            module = importlib.import_module(node.module or "")
            found += [each.name for each in node.names if not hasattr(module, each.name)]
        elif isinstance(node, ast.Attribute) and _OURS.fullmatch(chain := ast.unparse(node)):
            found += [] if _is_there(chain) else [chain]
    return found


def _is_there(chain: str) -> bool:
    """Whether ``sm.a.b`` or ``sensorium.a.b`` can be reached, as far as it goes through modules."""
    place = sensorium
    for name in chain.split(".")[1:]:
        try:
            found = getattr(place, name, None) or importlib.import_module(
                f"{place.__name__}.{name}"
            )
        except ImportError:
            return False
        if not isinstance(found, types.ModuleType):
            break
        place = found
    return True


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_speaks_of_is_there(page: str) -> None:
    """Names of the package, modules and scripts by their path or its end, and links to files."""
    text = (ROOT / page).read_text(encoding="utf-8")
    names = {found[0] for found in re.finditer(r"\b(sm|sensorium)(\.\w+)+", text)} - NO_NAMES
    assert not [name for name in names if not _is_there(name)]
    folders = ("src", "tests", "benchmarks", "examples", "docs")
    scripts = [f"/{path.relative_to(ROOT)}" for of in folders for path in (ROOT / of).rglob("*.py")]
    told = set(re.findall(r"(?<![\w/.])[\w/]+\.py\b", text))
    assert not [name for name in told if not any(each.endswith(f"/{name}") for each in scripts)]
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    assert not [link for link in links if not ((ROOT / page).parent / link).exists()]


GOOD = """
<!-- needs: a microphone -->
```sh
sensorium listen microphone   # speak
```

1. In a list:

   ```python
   for x in range(2):
       print(x)
   ```

```
a tree
```

```
$ sensorium models
Whisper
```
"""


def test_a_page_is_read_block_by_block() -> None:
    marked, listed, tree, session = blocks("a.md", GOOD)
    assert (marked.needs, marked.where, marked.runs) == ("a microphone", "a.md:4", False)
    assert (listed.text, listed.line, listed.runs) == (
        "for x in range(2):\n    print(x)\n",
        10,
        True,
    )
    assert not tree.runs
    assert session.runs
    assert docs_shell.commands("sensorium a \\\n  --model http://x/v1#y  # why\n# no\n") == [
        "sensorium a    --model http://x/v1#y"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- needs: -->\n```sh\nsensorium models\n```", "marked as needing ''"),
        (
            "<!-- needs: good will -->\n```sh\nsensorium models\n```",
            "marked as needing 'good will'",
        ),
        ("<!-- needs: a GPU -->\n\n```sh\nsensorium models\n```", "line before a fence"),
        ("<!-- needs: a GPU -->\n```\na tree\n```", "none that would be run"),
        ("```bash\nsensorium models\n```", "got 'bash'"),
        ("- ```python\n  1\n  ```", "alone on its line"),
        ("~~~python\n1\n~~~", "alone on its line"),
        ("   ```python\n   1\n```", "no end"),
        ("   ```python\n 1\n   ```", "indented less"),
        ("```python\n1", "no end"),
    ],
)
def test_what_cannot_be_read_is_an_error(text: str, message: str) -> None:
    with pytest.raises(PageError, match=message):
        blocks("a.md", text)


@pytest.mark.parametrize(
    "line",
    [
        "sensorium show nowhere",
        "cat nothing | sensorium models",
        "sensorium models | grep -q nobody",
        "ffmpeg -i a b",
        "make nothing",
        'pip install "sensorium[nothing]"',
        "python benchmarks/nothing.py",
    ],
)
def test_a_line_that_fails_fails_the_test(line: str) -> None:
    with pytest.raises(AssertionError):
        docs_shell.run(line)


@pytest.mark.parametrize("line", ["sensorium dance", "sensorium show a --colour red", "ls"])
def test_what_is_not_run_must_be_there(line: str) -> None:
    with pytest.raises(AssertionError):
        docs_shell.check(line)


def test_names_that_are_not_there_are_found_without_running() -> None:
    code = (
        "from sensorium.people.ask import ask, beg\nsm.learn.train_choir(sm.Cast('a').b)\nsm.patch"
    )
    assert set(_unknown(ast.parse(code))) == {"beg", "sm.learn.train_choir", "sm.patch"}
