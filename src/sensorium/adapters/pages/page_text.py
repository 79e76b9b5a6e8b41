"""The text of a page as a reader sees it, by selectolax, in a process of its own.

A page is a stranger's: 2 MB of nested or crowded tags keep a parser busy for minutes, and a fault in it would
take this process along. So it is parsed behind the fence, without network, and left when its time is over.

    python -c "from sensorium.adapters.pages.page_text import main; main()" < page.html
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from sensorium.core.errors import LimitError, UnsupportedMediaError

_MOST = 500_000  # characters that are kept of a page
_MEMORY = 1e9
_BUSY = 5  # seconds of a processor
# A line of its own; the rest stands within one.
_BLOCKS = frozenset(
    """
    address article aside blockquote br body caption center dd details dialog div dl dt fieldset figcaption
    figure footer form h1 h2 h3 h4 h5 h6 header hr html legend li main menu nav ol option p pre section
    summary table tbody tfoot thead title tr ul
    """.split()  # noqa: SIM905 - a list of quoted words reads worse
)
_CELLS = frozenset({"td", "th"})
_UNSEEN = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "iframe",
        "object",
        "svg",
        "math",
        "canvas",
        "audio",
        "video",
        "select",
        "textarea",
        "datalist",
    ]
)
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(hidden|collapse)|opacity\s*:\s*0*\.?0*\s*(;|!|$)|"
    r"font-size\s*:\s*0[a-z%]*\s*(;|!|$)|text-indent\s*:\s*-\d{3,}|(left|top)\s*:\s*-\d{4,}",
    re.IGNORECASE,
)


def page_text(data: bytes, encoding: str | None, uri: str, seconds: float = 30.0) -> str:
    """The lines of a page of HTML; `encoding`: what its server says, which is believed where it fits.

    Raises:
        UnsupportedMediaError: it cannot be parsed.
        LimitError: not within `seconds`.
    """
    place = Path(__file__).resolve().parents[3]
    paths = os.pathsep.join([str(place), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    program = "from sensorium.adapters.pages.page_text import main; main()"
    try:
        done = subprocess.run(
            [sys.executable, "-c", program, encoding or ""],
            input=data,
            capture_output=True,
            timeout=seconds,
            cwd=place,  # `-c` looks for modules where it is started
            env={**os.environ, "PYTHONPATH": paths},
        )
    except subprocess.TimeoutExpired:
        raise LimitError(f"{uri}: its tags were not read within {seconds:.0f} s") from None
    if done.returncode < 0:  # by a signal: its time or its memory was over
        raise LimitError(
            f"{uri}: its tags take more than {_BUSY} s, or than {_MEMORY:g} bytes, to read"
        )
    if done.returncode:
        raise UnsupportedMediaError(f"{uri}: its tags cannot be read ({done.returncode})")
    return done.stdout.decode()


def main() -> None:
    """Reads a page from the standard input and writes its text; the argument is its encoding."""
    from selectolax.lexbor import LexborHTMLParser

    from sensorium.adapters.fencing.fence import Enclosed
    from sensorium.core.limits import Fence

    Enclosed(Fence(memory=_MEMORY)).enter()
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (_BUSY, _BUSY))
    text = decoded(sys.stdin.buffer.read(), sys.argv[1] or None)
    lines = seen(LexborHTMLParser(text))
    sys.stdout.buffer.write("\n".join(lines)[:_MOST].encode("utf-8", "replace"))


def decoded(data: bytes, encoding: str | None) -> str:
    """The characters of a page: UTF-8 where it is that, else as its server or the page itself says, else
    what makes words.

    >>> decoded("Zoë".encode("latin-1"), "utf-8"), decoded("Zoë".encode(), "latin-1")
    ('Zoë', 'Zoë')
    """
    from sensorium.ops.charset import guessed

    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    stated = re.search(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w-]{1,40})", data[:4096], re.I)
    for name in ("utf-8-sig", encoding or "", stated[1].decode() if stated else ""):
        try:
            return data.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    return guessed(data)


def seen(tree: object) -> list[str]:
    """The lines of a parsed page, without what scripts, attributes and inline styles hide.

    What a style sheet hides, or the colour of its ground, is seen here: no style sheet is read.
    """
    lines: list[list[str]] = [[]]
    node = tree.root  # type: ignore[attr-defined]
    while node is not None:
        tag = node.tag or ""
        if tag == "-text":
            lines[-1].append(node.text_content or "")
        elif tag in _BLOCKS:
            lines.append([])
        elif tag in _CELLS:
            lines[-1].append(" \t ")
        if node.child is not None and not _hidden(node):
            node = node.child
            continue
        while node is not None and node.next is None:
            node = node.parent
            if node is not None and node.tag in _BLOCKS:
                lines.append([])
        node = node.next if node is not None else None
    whole = (" ".join("".join(line).split()) for line in lines)
    return [line for line in whole if line]


def _hidden(node: object) -> bool:
    tag, has = node.tag, node.attributes  # type: ignore[attr-defined]
    if tag in _UNSEEN or "hidden" in has or (has.get("aria-hidden") or "").lower() == "true":
        return True
    return bool(_HIDING.search(has.get("style") or ""))
