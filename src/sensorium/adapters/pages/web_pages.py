"""Pages by HTTP, by the rules of everything remote, and by those that their servers set for robots."""

from __future__ import annotations

import time
from email.message import Message
from importlib.metadata import version
from urllib.parse import urlsplit

from protego import Protego

from sensorium.adapters.pages.page_text import decoded, page_text
from sensorium.adapters.remote.http_origin import HttpOrigin, Whole
from sensorium.adapters.remote.origin import Trouble, within
from sensorium.core.errors import FetchError, LimitError, MissingMediaError, UnsupportedMediaError
from sensorium.core.people.inquiry import Page
from sensorium.ops.charset import text_kind

NAME = "sensorium"  # that robots.txt may call it by
_MOST = 2_000_000  # bytes of a page
_MOST_RULES = 500_000  # and of a robots.txt
_KINDS = ("text/html", "application/xhtml+xml", "text/plain")


class WebPages:
    """Reads one page after the other, from public addresses alone unless `allow_private`."""

    def __init__(self, allow_private: bool = False) -> None:
        self._allow = allow_private
        self._agent = f"{NAME}/{version(NAME)} (reads pages for one user's question)"
        self._rules: dict[tuple[str, str], Protego] = {}

    def read(self, url: str, seconds: float) -> Page:
        """What a reader would see of a page.

        Raises:
            MissingMediaError: not there, at a private address, or closed to robots.
            FetchError: the network, or too slow.
            LimitError: more than 2 MB, or tags that take too long.
            UnsupportedMediaError: no text, such as a PDF.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise MissingMediaError(f"{url}: expected http://HOST/... without a login")
        until = time.monotonic() + seconds
        origin = HttpOrigin(url, url, self._allow, self._agent, self._permitted)
        try:
            found = within(seconds, lambda: origin.whole(_MOST))
        except Trouble as trouble:
            raise FetchError(f"{url}: could not be read ({trouble})") from None
        finally:
            origin.close()
        text = _text(found, url, max(until - time.monotonic(), 0.1))
        return Page(found.address, text, len(found.body))

    def _permitted(self, address: str) -> None:
        """Raises MissingMediaError where robots.txt closes an address, also one that a redirect led to."""
        parts = urlsplit(address)
        place = (parts.scheme, parts.netloc)
        if place not in self._rules:
            self._rules[place] = self._asked(f"{parts.scheme}://{parts.netloc}/robots.txt")
        if not self._rules[place].can_fetch(address, NAME):
            raise MissingMediaError(
                f"{address}: its server's robots.txt does not let programs read it"
            )

    def _asked(self, address: str) -> Protego:
        """The rules of a server (RFC 9309): none there allows all, a server in trouble allows nothing."""
        try:
            found = HttpOrigin(address, address, self._allow, self._agent).whole(_MOST_RULES).body
        except Trouble as trouble:
            raise FetchError(f"{address}: could not be read ({trouble}), so no page is") from None
        except FetchError:
            raise
        except (MissingMediaError, LimitError):
            found = b""
        return Protego.parse(found.decode("utf-8", "replace"))


def _text(found: Whole, url: str, seconds: float) -> str:
    """The text of what was fetched."""
    packed = (found.headers.get("content-encoding") or "identity").strip().lower()
    if packed != "identity":
        raise UnsupportedMediaError(f"{url}: packed as {packed}, though asked for as it is")
    about = Message()
    about["Content-Type"] = found.headers.get("content-type") or "text/html"
    kind = about.get_content_type()
    is_text = found.body.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" not in found.body
    if kind not in _KINDS or not is_text or found.body.startswith(b"%PDF"):
        raise UnsupportedMediaError(
            f"{url}: expected a page of text, found {kind} ({_head(found.body)})"
        )
    encoding = about.get_content_charset()
    if kind == "text/plain":
        return decoded(found.body, encoding)
    return page_text(found.body, encoding, url, seconds)


def _head(data: bytes) -> str:
    return text_kind(data[:1000]) or "no text"
