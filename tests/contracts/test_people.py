"""Whatever finds names keeps the promises of its port."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from contracts.evidence_source import EvidenceSourceContract
from contracts.name_agent import CASE, NameAgentContract
from contracts.page_reader import PageReaderContract
from contracts.search_engine import PAGES, SearchEngineContract
from sensorium.adapters.search.duckduckgo import DdgsSearch
from sensorium.adapters.search.searxng import SearxngSearch
from sensorium.core.people.inquiry import Budget, Price
from sensorium.people.claim import sources
from sensorium.testing.fake_asking import FakeAgent, FakePages, FakeSearch, title_names_all
from small_server import reply, served


class TestSearxng(SearchEngineContract):
    @pytest.fixture
    def engine(self):
        def answer(handler):
            query = parse_qs(urlsplit(handler.path).query)["q"][0]
            rows = [{"title": p.title, "url": p.url, "content": p.text} for p in PAGES]
            reply(handler, {"results": rows if query == "talk" else []})

        with served(answer) as address:
            yield SearxngSearch(address)

    @pytest.fixture
    def away(self):
        return SearxngSearch("http://127.0.0.1:9")


class TestDdgs(SearchEngineContract):
    """The package's own class is replaced: no test asks the public engines."""

    def using(self, monkeypatch, error=None):
        ddgs = pytest.importorskip("ddgs")
        from ddgs.exceptions import DDGSException

        class Engines:
            def __init__(self, timeout):
                pass

            def text(self, query, max_results):
                if error or query != "talk":  # as the package does where there is nothing
                    raise DDGSException(error or "No results found.")
                return [{"title": p.title, "href": p.url, "body": p.text} for p in PAGES]

        monkeypatch.setattr(ddgs, "DDGS", Engines)
        return DdgsSearch()

    @pytest.fixture
    def engine(self, monkeypatch):
        return self.using(monkeypatch)

    @pytest.fixture
    def away(self, monkeypatch):
        return self.using(monkeypatch, "ConnectError")


class TestFakeSearch(SearchEngineContract):
    @pytest.fixture
    def engine(self):
        return FakeSearch(PAGES)

    @pytest.fixture
    def away(self):
        return FakeSearch(PAGES, away=True)


class TestWebPages(PageReaderContract):
    @pytest.fixture
    def place(self):
        def answer(handler):
            there = handler.path == "/page"
            reply(handler, b"<p>Ann <b>Lee</b> spoke.", 200 if there else 404, "text/html")

        with served(answer) as address:
            yield address

    @pytest.fixture
    def reader(self):
        pytest.importorskip("selectolax")
        from sensorium.adapters.pages.web_pages import WebPages

        return WebPages(allow_private=True)

    @pytest.fixture
    def there(self, place):
        return f"{place}/page"

    @pytest.fixture
    def away(self, place):
        return f"{place}/none"


class TestFakePages(PageReaderContract):
    there, away = "http://h/page", "http://h/none"

    @pytest.fixture
    def reader(self):
        return FakePages({self.there: "Ann Lee spoke."})

    @pytest.fixture(name="there")
    def _there(self):
        return self.there

    @pytest.fixture(name="away")
    def _away(self):
        return self.away


class TestPydanticAgent(NameAgentContract):
    """Models that are scripted: one that looks and quotes, one that talks instead of answering."""

    def with_model(self, respond):
        pytest.importorskip("pydantic_ai")
        from pydantic_ai.models.function import FunctionModel

        from sensorium.adapters.agents.pydantic_agent import PydanticAgent

        model = FunctionModel(respond)
        return PydanticAgent(model, None, lambda where, what: True, Budget(), Price())

    @pytest.fixture
    def agent(self):
        def respond(messages, info):
            from pydantic_ai.messages import ModelResponse, ToolCallPart

            if len(messages) == 1:
                return ModelResponse([ToolCallPart("lines_nearby", {})])
            quote = {"quote": CASE.lines[0], "url": ""}
            answer = {"name": "Ann Lee", "evidence": [quote], "reason": ""}
            return ModelResponse([ToolCallPart(info.output_tools[0].name, answer)])

        return self.with_model(respond)

    @pytest.fixture
    def broken(self):
        def respond(messages, info):
            from pydantic_ai.messages import ModelResponse, TextPart

            return ModelResponse([TextPart("I think it is Ann Lee.")])

        return self.with_model(respond)


class TestFakeAgent(NameAgentContract):
    @pytest.fixture
    def agent(self):
        return FakeAgent({"V1": "Ann Lee"})

    @pytest.fixture
    def broken(self):
        return FakeAgent({"V1": "Somebody of whom no line tells"})


class TestSources(EvidenceSourceContract):
    @pytest.fixture(params=["subtitles", "speech", "screen", "file", "detector"])
    def source(self, request):
        return sources()[request.param]


class TestFakeSource(EvidenceSourceContract):
    @pytest.fixture
    def source(self):
        return title_names_all
