"""Search by the public engines that the package ddgs asks."""

from __future__ import annotations

from sensorium.core.errors import MissingDependencyError, SearchError
from sensorium.core.people.inquiry import Hit


class DdgsSearch:
    """Asks without an account; engines may refuse who asks too often."""

    place = "public search engines (ddgs)"

    def __init__(self, timeout: float = 10.0) -> None:
        self._timeout = timeout

    def search(self, query: str, num: int = 5) -> list[Hit]:
        """The first `num` results.

        Raises:
            SearchError: no engine answers.
        """
        try:
            from ddgs import DDGS
        except ImportError:
            raise MissingDependencyError(
                "search by ddgs needs the package ddgs, not installed; pip install 'sensorium[agent]'"
            ) from None
        try:
            rows = DDGS(timeout=round(self._timeout)).text(query, max_results=num)
        except Exception as error:  # the package has one class of error per engine
            if "No results found" in str(error):
                return []
            raise SearchError(
                f"ddgs: no search engine answers ({error}); try again later"
            ) from None
        return [Hit(r.get("title", ""), r.get("href", ""), r.get("body", "")) for r in rows[:num]]
