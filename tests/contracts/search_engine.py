"""SearchEngine: results, or a SearchError."""

from __future__ import annotations

import pytest

from sensorium.core.errors import SearchError
from sensorium.core.people.inquiry import Hit

PAGES = [Hit(f"Talk {n}", f"http://one.example/{n}", f"Ann Lee spoke {n} times") for n in range(8)]


class SearchEngineContract:
    """Of every SearchEngine: `engine` finds PAGES for "talk" and none for "nothing"; `away` fails."""

    def test_it_says_where_queries_go(self, engine):
        assert engine.place
        assert engine.place == engine.place.strip()

    def test_the_first_results_in_order(self, engine):
        assert engine.search("talk", 3) == PAGES[:3]
        assert engine.search("talk") == PAGES[:5]
        assert engine.search("talk", 99) == PAGES

    def test_nothing_found_is_no_error(self, engine):
        assert engine.search("nothing") == []

    def test_an_engine_that_is_away_is_a_search_error(self, away):
        with pytest.raises(SearchError):
            away.search("talk")
