"""Short texts of unknown encoding (the tags of old files), told by the letters that come out."""

from __future__ import annotations

import re

# A word that mixes them was decoded wrongly: no language writes "Bjцrk".
_LATIN = re.compile(r"[A-Za-z]")
_OTHER_LETTER = re.compile(r"[^\W\d_A-Za-z]")
_RUSSIAN = re.compile(r"[А-ЯЁЄІЇ]?[а-яёєії]+|[А-ЯЁЄІЇ]{2,}|[АИОУЯВКС]")
_GREEK = re.compile(r"[Α-ΫΆΈΉΊΌΎΏ]?[ΐά-ώ]+|[Α-ΫΆΈΉΊΌΎΏ]{2,}")
# Leading bytes of the common half of each two-byte set, and how much a hit counts: where two sets
# are possible, the one with fewer common characters is the less likely accident.
_EAST = {
    "cp949": (0xB0, 0xC8, 0.95),
    "gb18030": (0xB0, 0xD7, 0.9),
    "big5": (0xA4, 0xC6, 0.85),
    "cp932": (0x88, 0x97, 0.8),
}
_KANA = ("\u3041", "\u30fc")
_SURE = 0.7


_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MARKUP = re.compile(r"\s*(?:<\?xml[^>]*>|<!--.*?-->|\s)*<!?(\w+)", re.S)
# Media whose beginning could be taken for text.
_TEXTLIKE = (b"YUV4MPEG2", b"#!AMR", b"P1", b"P2", b"P3")


def text_kind(head: bytes) -> str | None:
    """What kind of text begins with these bytes: ``"a page of HTML"``, ``"text"``; None for no text.

    >>> text_kind(b"<!DOCTYPE html><html>"), text_kind(b"\\x89PNG\\r\\n\\x1a\\n")
    ('a page of HTML', None)
    """
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head.decode("utf-16", errors="replace")
        if sum(each.isascii() and each >= " " for each in text) < len(text) / 2:
            return None
    elif not head or _CONTROL.search(head) or head.startswith(_TEXTLIKE):
        return None
    else:
        text = head.decode("utf-8-sig", errors="replace")
    found = _MARKUP.match(text)
    name = found.group(1).lower() if found else ""
    if name in ("doctype", "html", "head", "body") and "svg" not in text[:200].lower():
        return "a page of HTML"
    return "an SVG drawing" if "<svg" in text.lower() else "text"


def guessed(data: bytes, beside: bytes = b"") -> str:
    """The text of `data`: UTF-8 where it is that, else the encoding whose letters make words.

    `beside` are other texts of the same file, which are in the same encoding and help to tell it.

    >>> guessed("Café del Mar".encode("latin-1")), guessed("Привет мир".encode("cp1251"))
    ('Café del Mar', 'Привет мир')
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(charset(data + b"\n" + beside), errors="replace")


def charset(data: bytes) -> str:
    """The name of the encoding that `data`, which is not UTF-8, is most likely in."""
    for name, word in (("cp1251", _RUSSIAN), ("koi8-r", _RUSSIAN), ("cp1253", _GREEK)):
        if _words_in(data, name, word):
            return name
    scores = {name: _eastern(data, name) for name in _EAST}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] >= _SURE:
        return best
    western, central = (_oddities(data, name) for name in ("cp1252", "cp1250"))
    return "cp1250" if central < western else "cp1252"


def _words_in(data: bytes, name: str, word: re.Pattern[str]) -> bool:
    """Whether all words that are not ASCII are words of this script, large letters first."""
    try:
        text = data.decode(name)
    except UnicodeDecodeError:
        return False
    words = [each for each in re.findall(r"[^\W\d_]+", text) if not each.isascii()]
    strange = re.search(r"[^\x00-\x7f–—«»„“”’…№]", re.sub(r"[^\W\d_]", "", text))
    # One letter alone is more often an accent on a Latin word than a word.
    enough = sum(map(len, words)) > 2
    return bool(words) and enough and not strange and all(word.fullmatch(each) for each in words)


def _eastern(data: bytes, name: str) -> float:
    """Which part of the characters, 0..1, is common in the script that the encoding is made for."""
    try:
        text = data.decode(name)
    except UnicodeDecodeError:
        return 0.0
    if any(_LATIN.search(word) and _OTHER_LETTER.search(word) for word in text.split()):
        return 0.0
    low, high, value = _EAST[name]
    scores = []
    for character in filter(lambda each: not each.isascii(), text):
        lead, *trail = character.encode(name)
        kana = name == "cp932" and _KANA[0] <= character <= _KANA[1]
        common = low <= lead <= high and bool(trail)
        if name in ("cp949", "gb18030"):  # their first, common version had no ASCII in the second
            common = common and trail[0] >= 0xA1
        scores.append(1.0 if kana else value if common else 0.0)
    return sum(scores) / len(scores) if len(scores) > 1 else 0.0  # one may be an accident


def _oddities(data: bytes, name: str) -> int:
    """Signs that stand beside a letter where letters are expected, as in "noc¹"."""
    text = data.decode(name, errors="replace")
    sign = r"[^\w\s\x00-\x7f–—’‘“”…»«¿¡°©®™´]|[¹³]"
    return len(re.findall(rf"(?<=[^\W\d_])(?:{sign})|(?:{sign})(?=[^\W\d_])", text))
