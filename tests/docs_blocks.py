"""The code blocks of a page: what is run, what is only shown, and what needs more than a test machine has.

- ``python`` blocks of one page run in order, in one namespace.
- ``sh`` blocks are lines of `sensorium`; other programs may stand there, and are not run (see `docs_shell`).
- A block without a language, or of a data format, is shown. If it begins with ``$ sensorium`` it is a
  session: the command is run, and what it prints is compared.
- A comment on the line before a fence says what the block needs and why it is not run:
  ``<!-- needs: a microphone -->``.

Everything else is an error, so that no block is left out by a slip of the pen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

RUN = ("python", "sh")
SHOWN = ("", "json", "toml", "yaml")
# What a test machine does not have; a reason without one of these words is no reason.
SCARCE = ("microphone", "hub", "GPU", "vLLM", "server", "training", "weights", "network")

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[^`]*)$")
_MARK = re.compile(r"^ *<!-- *needs\b:?(?P<reason>.*?)-->\s*$")


class PageError(ValueError):
    """A page is not written as this test can read it."""


@dataclass(frozen=True)
class Block:
    """One block; `line` is that of its first line of code, counted from 1."""

    page: str
    line: int
    language: str
    text: str
    needs: str | None = None

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def runs(self) -> bool:
        """Whether anything of it is to be run."""
        return self.needs is None and (self.language in RUN or self.is_session)

    @property
    def is_session(self) -> bool:
        return not self.language and self.text.startswith("$ sensorium ")


def blocks(page: str, text: str) -> list[Block]:
    """All blocks of a page.

    Raises:
        PageError: a block that cannot be read, or a mark that gives no reason.
    """
    return list(_blocks(page, text.splitlines()))


def _blocks(page: str, lines: Sequence[str]) -> Iterator[Block]:
    number = 0
    while number < len(lines):
        line, here = lines[number], f"{page}:{number + 1}"
        fence = _FENCE.match(line)
        number += 1
        if fence:
            end = _end(lines, number, fence["indent"], here)
            needs = _needs(lines[number - 2] if number > 1 else "", here)
            language = _language(fence["language"].strip(), needs, here)
            code = _code(lines[number:end], fence["indent"], language, here)
            yield Block(page, number + 1, language, code, needs)
            number = end + 1
        elif "```" in line or line.lstrip(" \t>").startswith("~~~"):
            raise PageError(f"{here}: expected a fence of three ` alone on its line, got {line!r}")
        elif _MARK.match(line) and not (number < len(lines) and _FENCE.match(lines[number])):
            raise PageError(f"{here}: a mark stands on the line before a fence, this one does not")


def _end(lines: Sequence[str], first: int, indent: str, here: str) -> int:
    for number in range(first, len(lines)):
        if lines[number].rstrip() == f"{indent}```":
            return number
    raise PageError(f"{here}: the block has no end that is indented as its beginning")


def _needs(line: str, here: str) -> str | None:
    mark = _MARK.match(line)
    if not mark:
        return None
    reason = mark["reason"].strip()
    if not any(word in reason for word in SCARCE):
        raise PageError(
            f"{here}: marked as needing {reason!r}; expected one of {', '.join(SCARCE)} in it"
        )
    return reason


def _language(language: str, needs: str | None, here: str) -> str:
    if language not in (*RUN, *SHOWN):
        raise PageError(f"{here}: expected {', '.join(RUN)} or no language, got {language!r}")
    if needs is not None and language not in RUN:
        raise PageError(f"{here}: the block is marked, but it is none that would be run")
    return language


def _code(lines: Sequence[str], indent: str, language: str, here: str) -> str:
    """The lines without the indentation that a block in a list has."""
    if language in RUN and any(line.strip() and not line.startswith(indent) for line in lines):
        raise PageError(f"{here}: a line of the block is indented less than its fence")
    return "".join(f"{line.removeprefix(indent)}\n" for line in lines)
