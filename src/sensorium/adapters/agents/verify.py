"""An agent's answer held against what it was really shown. A model may be wrong, or led astray by a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from rapidfuzz import fuzz

from sensorium.core.people.inquiry import Answer, Case, Quote
from sensorium.ops.text.tokens import indexed

ONE_HOST, TWO_HOSTS, SUPPORTED = 0.6, 0.75, 0.9


@dataclass(frozen=True, slots=True)
class Shown:
    """One text that a tool gave to the agent: from the web with its address, or from the library. A `hint`
    is what a search engine shows of a page that was not opened.
    """

    text: str
    url: str = ""
    hint: bool = False


def verified(case: Case, name: str, quotes: Sequence[Quote], shown: Sequence[Shown]) -> Answer:
    """The answer with the score that its evidence is worth; unsure where it is worth nothing.

    A quotation counts if it was shown under its address word for word, and holds the name. Pages alone are
    worth 0.6 for one site and 0.75 for more, which is below what names somebody: a page cannot name anybody
    by itself, whatever it says. Only together with what the library itself holds (a line, a claim, a face) it
    may. The same words on two sites are one source. Where as many sites have another of the candidates, and
    not this one, nobody is named; where fewer do, it is worth 0.6.
    """
    real = [quote for quote in quotes if _was_shown(quote, shown) and _holds(quote.text, name)]
    if not real:
        return Answer(None, reason=f"no evidence that was shown names {name!r}")
    web = [quote for quote in real if quote.url]
    sources = min(len({_site(each.url) for each in web}), len({indexed(each.text) for each in web}))
    own = [text for text in own_texts(case) if _holds(text, name)]
    against = _against(case, name, shown)
    if not own and len(against) >= max(sources, 1):
        return Answer(
            None, reason=f"sources contradict each other: {', '.join(sorted(against))} have another"
        )
    likely = name in case.candidates or any(_alike(each, name) for each, _ in case.similar)
    if own and (sources or likely):
        score = SUPPORTED
    elif sources > 1 and not against:
        score = TWO_HOSTS
    else:
        score = ONE_HOST
    return Answer(name, score, tuple(real))


def _against(case: Case, name: str, shown: Sequence[Shown]) -> set[str]:
    """The sites that name another candidate, and never this one."""
    sites: dict[str, str] = {}
    for each in shown:
        if site := _site(each.url):
            sites[site] = f"{sites.get(site, '')} {each.text}"
    others = [each for each in case.candidates if not _alike(each, name)]
    return {
        site
        for site, text in sites.items()
        if not _holds(text, name) and any(_holds(text, other) for other in others)
    }


def own_texts(case: Case) -> list[str]:
    """What the library itself says: lines, claims, file names. The list of candidates is no evidence."""
    return [*case.lines, *(f"{c.name} {c.quote}" for c in case.claims), *case.files]


def _was_shown(quote: Quote, shown: Sequence[Shown]) -> bool:
    """Whether the words of a quotation stand, in this order, in what its address showed."""
    return any(
        each.url == quote.url and not each.hint and _holds(each.text, quote.text) for each in shown
    )


def _holds(text: str, part: str) -> bool:
    """Whether the words of a part stand together in a text: no others between them, none of them cut."""
    words = indexed(part)
    return len(words) >= 2 and f" {words} " in f" {indexed(text)} "


def _alike(a: str, b: str) -> bool:
    return fuzz.ratio(indexed(a), indexed(b)) >= 92


def _site(url: str) -> str:
    """Whose page it is: the last two parts of a name, so that one owner's many names are one."""
    host = urlsplit(url).hostname or ""
    return host if host[-1:].isdigit() else ".".join(host.split(".")[-2:])
