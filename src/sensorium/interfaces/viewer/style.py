"""The look of a page, and what moves in it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

# Light and dark pair of each colour of a person or speaker, apart in hue and alike in weight.
PALETTE = (
    ("#2f6fb3", "#6aa9ea"),
    ("#b5532a", "#e8925f"),
    ("#3a7d44", "#7cc288"),
    ("#8a4fa3", "#c493dc"),
    ("#a8791a", "#dcb454"),
    ("#b03a5b", "#ec86a3"),
    ("#1f7f86", "#62c2c8"),
    ("#6b6f1d", "#b9bd5c"),
)


def _palette(index: int) -> str:
    return "".join(f".c{n}{{--c:{pair[index]}}}" for n, pair in enumerate(PALETTE))


@cache
def css() -> str:
    """The style sheet, with the colours of persons and speakers as classes c0, c1, ..."""
    dark = f"@media(prefers-color-scheme:dark){{{_palette(1)}}}"
    return f"{_text('page.css')}{_palette(0)}{dark}"


@cache
def script() -> str:
    """Zoom, cursor, highlights; the page can be read without it."""
    return _text("page.js")


def _text(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")
