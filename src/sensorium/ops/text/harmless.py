"""Texts and names from files where programs would take parts of them for orders: terminals, spreadsheets."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def clean(text: str) -> str:
    """Without what steers a terminal or turns the direction of writing: names and texts come from files.

    >>> clean("a\\x1b[31mb"), clean("fdp\\u202e4pm.exe")
    ('a [31mb', 'fdp 4pm.exe')
    """
    return "".join(each if each.isprintable() else " " for each in text)


def clean_lines(text: str) -> str:
    """The same for a text of several lines.

    >>> clean_lines("a\\nb\\x07")
    'a\\nb '
    """
    return "\n".join(map(clean, text.split("\n")))


def cell(text: str) -> str:
    """A text as a cell of a table that a spreadsheet may open: no formula.

    What begins like a formula gets an apostrophe in front, as OWASP advises; numbers are no texts and stay
    as they are. https://owasp.org/www-community/attacks/CSV_Injection

    >>> cell('=HYPERLINK("http://x")'), cell("-- no"), cell("half - half")
    ('\\'=HYPERLINK("http://x")', "'-- no", 'half - half')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text
