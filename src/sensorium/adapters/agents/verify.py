"""An agent's answer held against what it was really shown. A model may be wrong, or led astray by a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from rapidfuzz import fuzz

from sensorium.core.people.inquiry import Answer, Case, Quote

_SAME = 85  # of 100: how like a quotation must be to what was shown
_LOCAL = ("lines", "claims", "files", "similar")
ONE_HOST, TWO_HOSTS, SUPPORTED = 0.6, 0.75, 0.9


@dataclass(frozen=True, slots=True)
class Shown:
    """One text that a tool gave to the agent: from the web with its address, or from the library."""

    text: str
    url: str = ""


def verified(case: Case, name: str, quotes: Sequence[Quote], shown: Sequence[Shown]) -> Answer:
    """The answer with the score that its evidence is worth; unsure where it is worth nothing.

    A quotation counts if it was shown and holds the name. Pages alone are worth 0.6 for one host and
    0.75 for more, which is below what names somebody: a page cannot name anybody by itself, whatever
    it says. Only together with what the library itself holds (a line, a claim, a face) it may. Where as
    many hosts have another of the candidates, and not this one, nobody is named.
    """
    real = [quote for quote in quotes if _was_shown(quote, shown) and _holds(quote.text, name)]
    if not real:
        return Answer(None, reason=f"no evidence that was shown names {name!r}")
    hosts = {urlsplit(quote.url).hostname for quote in real if quote.url}
    own = [text for text in own_texts(case) if _holds(text, name)]
    against = _against(case, name, shown)
    if not own and len(against) >= max(len(hosts), 1):
        return Answer(
            None, reason=f"sources contradict each other: {', '.join(sorted(against))} have another"
        )
    likely = name in case.candidates or any(_alike(each, name) for each, _ in case.similar)
    if own and (hosts or likely):
        score = SUPPORTED
    elif len(hosts) > 1:
        score = TWO_HOSTS
    else:
        score = ONE_HOST
    return Answer(name, score, tuple(real))


def _against(case: Case, name: str, shown: Sequence[Shown]) -> set[str]:
    """The hosts whose pages name another candidate, and never this one."""
    pages: dict[str, str] = {}
    for each in shown:
        if host := urlsplit(each.url).hostname:
            pages[host] = f"{pages.get(host, '')} {each.text}"
    others = [each for each in case.candidates if not _alike(each, name)]
    return {
        host
        for host, text in pages.items()
        if not _holds(text, name) and any(_holds(text, other) for other in others)
    }


def own_texts(case: Case) -> list[str]:
    """What the library itself says: lines, claims, file names. The list of candidates is no evidence."""
    return [*case.lines, *(f"{c.name} {c.quote}" for c in case.claims), *case.files]


def _was_shown(quote: Quote, shown: Sequence[Shown]) -> bool:
    text = _flat(quote.text)
    if len(text) < 3:
        return False
    return any(
        (not quote.url or each.url == quote.url)
        and (text in _flat(each.text) or fuzz.partial_ratio(text, _flat(each.text)) >= _SAME)
        for each in shown
        if bool(each.url) == bool(quote.url)
    )


def _holds(text: str, name: str) -> bool:
    words = _flat(name).split()
    there = _flat(text)
    return bool(words) and (
        all(word in there.split() for word in words) or fuzz.partial_ratio(_flat(name), there) >= 92
    )


def _alike(a: str, b: str) -> bool:
    return fuzz.ratio(_flat(a), _flat(b)) >= 92


def _flat(text: str) -> str:
    kept = "".join(c if c.isalnum() else " " for c in text.casefold())
    return " ".join(kept.split())
