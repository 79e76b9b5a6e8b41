"""Search by a SearXNG server, your own or a public one, through its JSON interface."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException
from typing import Any

from sensorium.adapters.http import OPENER
from sensorium.core.errors import SearchError, UsageError
from sensorium.core.people.inquiry import Hit

_MOST = 2_000_000  # bytes of an answer


class SearxngSearch:
    """Asks ``<address>/search?format=json``; the server's settings must allow the format json."""

    def __init__(self, address: str, timeout: float = 10.0) -> None:
        if not address.startswith(("http://", "https://")):
            raise UsageError(f"search: expected searxng:http://HOST:PORT, got {address!r}")
        self.place = address.rstrip("/")
        self._timeout = timeout

    def search(self, query: str, num: int = 5) -> list[Hit]:
        """The first `num` results.

        Raises:
            SearchError: the server is away, too slow, refuses, or answers something else.
        """
        values = urllib.parse.urlencode({"q": query, "format": "json"})
        try:
            request = urllib.request.Request(f"{self.place}/search?{values}")
            with OPENER.open(request, timeout=self._timeout) as answer:
                text = answer.read(_MOST + 1)
            if len(text) > _MOST:
                raise SearchError(
                    f"{self.place}: expected at most {_MOST} bytes of results, got more"
                )
            found = json.loads(text)
            rows = found["results"]
            return [_hit(row) for row in rows[:num]]
        except urllib.error.HTTPError as error:
            raise SearchError(
                f"{self.place}: the search was refused ({error.code}); is the format json allowed there?"
            ) from None
        except (OSError, HTTPException) as error:
            raise SearchError(f"{self.place}: the search engine is away ({error})") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SearchError(
                f"{self.place}: expected SearXNG's JSON with results ({type(error).__name__}: {error})"
            ) from None


def _hit(row: dict[str, Any]) -> Hit:
    return Hit(*[str(row.get(name) or "") for name in ("title", "url", "content")])
