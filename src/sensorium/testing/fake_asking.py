"""Those who are asked for names, without a network and without a language model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sensorium.core.errors import MissingMediaError, SearchError
from sensorium.core.people.evidence import Claim, Scene
from sensorium.core.people.inquiry import Answer, Case, Hit, Page, Quote
from sensorium.ops.people.person_names import Names


class FakeSearch:
    """Finds those of its pages that hold a word of the query; `away` makes it fail."""

    place = "nowhere: a fake"

    def __init__(self, pages: Iterable[Hit] = (), away: bool = False) -> None:
        self._pages = list(pages)
        self._away = away
        self.asked: list[str] = []

    def search(self, query: str, num: int = 5) -> list[Hit]:
        self.asked.append(query)
        if self._away:
            raise SearchError("the search engine is away, as it was told to be")
        words = query.lower().split()
        return [
            page
            for page in self._pages
            if any(word in f"{page.title} {page.text}".lower() for word in words)
        ][:num]


class FakePages:
    """Has the pages that it was given, by address."""

    def __init__(self, pages: Mapping[str, str]) -> None:
        self._pages = dict(pages)

    def read(self, url: str, seconds: float) -> Page:
        if url not in self._pages:
            raise MissingMediaError(f"{url}: a fake has only the pages that it was given")
        return Page(url, self._pages[url], len(self._pages[url].encode()))


class FakeAgent:
    """Knows the names that it was told, by identity, and quotes a line of the case for them."""

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        self._names = dict(names or {})
        self.asked: list[Case] = []

    def name(self, case: Case) -> Answer:
        self.asked.append(case)
        name = self._names.get(case.identity)
        line = next((each for each in case.lines if name and name in each), None)
        if name is None or line is None:
            return Answer(None, reason="a fake knows only what it was told and the case shows")
        return Answer(name, 0.9, (Quote(line),))


def title_names_all(scene: Scene, names: Names) -> Iterator[Claim]:
    """Every voice and face of a file goes by the file's title: a source of evidence that is often wrong."""
    keys = dict.fromkeys([*(key for _, key in scene.turns), *(key for _, key in scene.faces)])
    for key in keys if scene.title.strip() else ():
        yield Claim(key, scene.title.strip(), 0.1, "title", scene.uri, None, scene.title)
