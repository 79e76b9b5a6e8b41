"""What a model may use to find a name. All of it reads; nothing changes anything, here or elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic_ai import BinaryContent
from rapidfuzz import process

from sensorium.adapters.agents.spending import Spending
from sensorium.adapters.agents.verify import Shown, own_texts
from sensorium.core.errors import SensoriumError
from sensorium.core.people.inquiry import Case
from sensorium.ops.text.passages import passages
from sensorium.ports import PageReader, SearchEngine

_LENGTH = 600  # characters of one search result that are handed on
_RESULTS = 5
_PASSAGES = 6  # of one page
_PAGE_SECONDS = 20.0
_URL = "%:/?#[]@!$&()*+,;=~-._"  # characters that an address keeps: none that ends a fence


class Tools:
    """The tools for one case, and `shown`, all that they gave to the model.

    The model opens only addresses that the search engine gave, so that no page can make it send something
    by an address. Where pages can be opened, what the search engine shows of them is a hint and no evidence.
    """

    def __init__(
        self,
        case: Case,
        search: SearchEngine | None,
        pages: PageReader | None,
        spending: Spending,
        let_out: Callable[[str, str], None],
    ) -> None:
        self.shown: list[Shown] = []
        self._case, self._search, self._spending, self._let_out = case, search, spending, let_out
        self._pages = pages if spending.budget.pages else None
        self._found: dict[str, str] = {}  # addresses that may be opened -> what was asked for
        self._one = threading.Lock()  # a model may call several at once

    def all(self) -> list[Callable[..., Any]]:
        """The tools that this case has."""
        own: list[Callable[..., Any]] = [self.search_cast, self.lines_nearby, self.known_identities]
        own.append(self.pictures)
        if self._search is None:
            return own
        web = [self.search_web, self.open_page] if self._pages is not None else [self.search_web]
        return [*web, *own]

    def search_web(self, query: str) -> str:
        """Searches the web; gives titles and excerpts of pages with their urls."""
        with self._one:
            return self._searched(query)

    def open_page(self, url: str, look_for: str = "") -> str:
        """Opens a page that search_web found; gives the passages that have to do with the names in
        question, what was searched for, and `look_for`. Only these may be quoted.
        """
        with self._one:
            return self._opened(url, look_for)

    def search_cast(self, query: str) -> str:
        """The names of the user's cast list that are most like the query."""
        found = process.extract(query, self._case.candidates, limit=10)
        return self._give("; ".join(name for name, _, _ in found) or "no cast list")

    def lines_nearby(self) -> str:
        """What was said and written near this person, what was claimed of the name, and file names."""
        return "\n".join(map(self._give, own_texts(self._case))) or "nothing"

    def known_identities(self) -> str:
        """Known identities whose face or voice is alike, with the probability of being the same."""
        return self._give("; ".join(f"{who}: {p:.2f}" for who, p in self._case.similar) or "none")

    def pictures(self) -> list[Any]:
        """The best pictures of this person."""
        found = [BinaryContent(each, media_type="image/jpeg") for each in self._case.pictures]
        return found or ["no pictures may be shown"]

    def _give(self, text: str, url: str = "", hint: bool = False) -> str:
        self.shown.append(Shown(text, url, hint))
        return f"<data{f' url={url}' if url else ''}>{clean(text)}</data>"

    def _searched(self, query: str) -> str:
        spending = self._spending
        if self._search is None or spending.searches >= spending.budget.searches:
            return "no searches are left; answer with what there is"
        self._let_out(f"search: {self._search.place}", query)
        spending.searches += 1
        try:
            hits = self._search.search(query, _RESULTS)
        except SensoriumError as error:
            return f"the search engine is away ({clean(str(error))}); go on without it"
        given = []
        for hit in hits:
            if url := _address(hit.url):  # what has no address cannot be cited
                self._found.setdefault(url, query)
                text = f"{hit.title}: {hit.text}"[:_LENGTH]
                given.append(self._give(text, url, hint=self._pages is not None))
        return "\n".join(given) or "no results"

    def _opened(self, url: str, look_for: str) -> str:
        spending = self._spending
        if self._pages is None or url not in self._found:
            return "only a url that search_web gave can be opened"
        if (
            spending.pages >= spending.budget.pages
            or spending.page_bytes >= spending.budget.page_bytes
        ):
            return "no more pages may be opened; answer with what there is"
        self._let_out(f"page: {urlsplit(url).netloc}", url)
        spending.pages += 1
        try:
            seconds = min(_PAGE_SECONDS, max(spending.seconds_left(), 0.1))
            page = self._pages.read(url, seconds)
        except SensoriumError as error:
            return f"the page cannot be read ({clean(str(error))}); go on without it"
        spending.page_bytes += page.num_bytes
        about = [*self._case.candidates, self._found[url], look_for]
        found = passages(page.text, about, _PASSAGES)
        place = _address(page.url)
        return "\n".join(self._give(text, place) for text in found) or "the page holds no text"


def _address(url: str) -> str:
    """An address as it may stand in the fence; empty where it is none of the web."""
    return quote(url, safe=_URL) if url.lower().startswith(("http://", "https://")) else ""


def clean(text: str) -> str:
    """Without control characters, and without what would end the fence about it."""
    kept = "".join(c if c.isprintable() or c == "\n" else " " for c in text)
    return kept.replace("<data", "(data").replace("</data", "(/data")[:4000]
