"""Files by HTTP, in ranges, from public addresses.

Our own client on `http.client`: what is checked must be what is connected to. A name is resolved once for
each connection, the address is checked, and that address is connected to, so a name that points elsewhere
a moment later makes no difference. Every redirect goes the same way. Proxies of the environment are not
used: what a proxy connects to cannot be checked here.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit

from sensorium.adapters.remote.origin import PART_SECONDS, About, Trouble
from sensorium.core.errors import FetchError, LimitError, MissingMediaError

_Place = tuple[str, str, int]  # scheme, host, port
SILENCE = 20.0  # seconds without a byte
_PIECE = 1 << 16
_REDIRECTS = 5
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_MOVED = frozenset({301, 302, 303, 307, 308})
_AWAY = {
    401: "it wants a login",
    403: "access is refused",
    404: "there is no such file",
    410: "it is gone",
}


class Whole(NamedTuple):
    """All that an address gave: where redirects led to, the answer's headers by small names, its body."""

    address: str
    headers: Mapping[str, str]
    body: bytes


class HttpOrigin:
    """One address; `uri` is how it may be told. For one thread at a time.

    `agent` is what the client calls itself; `before` is called with each address that is about to be asked,
    those of redirects too, and may raise.
    """

    def __init__(
        self,
        uri: str,
        address: str,
        allow_private: bool = False,
        agent: str = "sensorium",
        before: Callable[[str], None] = lambda address: None,
    ) -> None:
        self._uri, self._address, self._allow = uri, address, allow_private
        self._agent, self._before = agent, before
        self._final = address  # where redirects led to
        self._open: tuple[_Place, http.client.HTTPConnection, socket.socket] | None = None
        self._known: About | None = None

    def about(self) -> About:
        """From the answer to a request of one byte: links that are signed allow nothing but GET."""
        self._final = self._address
        answer = self._get(0, 1)
        version = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        total = (answer.headers.get("Content-Range") or "").rpartition("/")[2]
        if answer.status == 206 and total.isdecimal():
            answer.read()
            self._known = About(int(total), version)
        else:
            self.close()
            stated = answer.headers.get("Content-Length") or ""
            whole = int(stated) if answer.status == 200 and stated.isdecimal() else None
            self._known = About(0 if answer.status == 416 else whole, version, ranges=False)
        return self._known

    def pieces(self, start: int, stop: int | None) -> Iterator[bytes]:
        """The body as it arrives; a connection that is not read to its end is closed."""
        answer, began = self._get(start, stop), time.monotonic()
        self._same(answer, start, stop)
        left = answer.length
        try:
            while piece := answer.read1(_PIECE):
                left = None if left is None else left - len(piece)
                yield piece
                if stop is not None and time.monotonic() - began > PART_SECONDS:
                    raise Trouble(f"a part took more than {PART_SECONDS:.0f} s")
            if left:
                raise Trouble("the answer was cut short")
        except (OSError, http.client.HTTPException) as error:
            raise Trouble(_reason(error)) from None
        finally:
            if not answer.isclosed() or left:
                self.close()

    def whole(self, most: int) -> Whole:
        """All of it at once, if it has at most so many bytes.

        Raises:
            LimitError: larger.
            Trouble: another try may help.
        """
        try:
            answer = self._get(0, None)
            if answer.status != 200:
                raise MissingMediaError(f"{self._uri}: expected status 200, got {answer.status}")
            body = answer.read(most + 1)
        except (OSError, http.client.HTTPException) as error:
            raise Trouble(_reason(error)) from None
        finally:
            self.close()
        if len(body) > most:
            raise LimitError(f"{self._uri}: expected at most {most:,} bytes, found more")
        return Whole(
            self._final, {name.lower(): value for name, value in answer.headers.items()}, body
        )

    def close(self) -> None:
        """Ends the connection, if one is open, also under a thread that waits for it."""
        if self._open is not None:
            (_, connection, tcp), self._open = self._open, None
            with contextlib.suppress(OSError):
                tcp.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _same(self, answer: http.client.HTTPResponse, start: int, stop: int | None) -> None:
        """Raises FetchError if this is no part of the file that `about` told of."""
        version = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        known = self._known or About(None, version)
        if stop is None:
            wanted = answer.status == 200 or answer.status == 416
        else:
            place = f"bytes {start}-{stop - 1}/{known.num_bytes}"
            wanted = answer.status == 206 and answer.headers.get("Content-Range") == place
        if not wanted or version != known.version:
            self.close()
            raise FetchError(f"{self._uri}: changed while it was read; try again")

    def _get(self, start: int, stop: int | None) -> http.client.HTTPResponse:
        """The answer to a request of a range, after redirects.

        Raises:
            Trouble: another try may help.
            MissingMediaError: it would not.
        """
        for _ in range(_REDIRECTS + 1):
            self._before(self._final)
            answer = self._asked(self._final, start, stop)
            if answer.status in _MOVED:
                self.close()
                self._final = self._next(answer.headers.get("Location") or "")
                continue
            if answer.status in (200, 206, 416):
                return answer
            self.close()
            if answer.status in _AGAIN:
                after = answer.headers.get("Retry-After") or ""
                raise Trouble(f"status {answer.status}", float(after) if after.isdecimal() else 0.0)
            if answer.status in (401, 403, 404, 410) and self._final != self._address:
                self._final = self._address  # a link that the redirect gave may be over
                if self._known is not None:
                    raise Trouble(f"status {answer.status}")
            reason = _AWAY.get(answer.status, "expected 200 or 206")
            raise MissingMediaError(f"{self._uri}: the server answers {answer.status}: {reason}")
        raise MissingMediaError(f"{self._uri}: more than {_REDIRECTS} redirects")

    def _next(self, location: str) -> str:
        there = urljoin(self._final, location)
        if not there.lower().startswith(("http://", "https://")):
            raise MissingMediaError(f"{self._uri}: leads to something else than HTTP")
        if self._final.lower().startswith("https:") and not there.lower().startswith("https:"):
            raise MissingMediaError(
                f"{self._uri}: leads from https to http; name that address itself"
            )
        return there

    def _asked(self, address: str, start: int, stop: int | None) -> http.client.HTTPResponse:
        parts = urlsplit(address)
        headers = {"Accept-Encoding": "identity", "User-Agent": self._agent}
        if stop is not None:
            headers["Range"] = f"bytes={start}-{stop - 1}"
        first = urlsplit(self._address)
        if first.username and (first.scheme, first.hostname, first.port) == (
            parts.scheme, parts.hostname, parts.port,
        ):  # fmt: skip
            login = f"{unquote(first.username)}:{unquote(first.password or '')}"
            headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
        target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~") + (
            f"?{quote(parts.query, safe='/%:@!$&()*+,;=~?-._')}" if parts.query else ""
        )
        reused = self._open is not None
        try:
            connection = self._connection(parts.scheme, parts.hostname or "", _port(parts))
            connection.request("GET", target, headers=headers)
            return connection.getresponse()
        except PermissionError:
            raise FetchError(
                f"{self._uri}: this process may not use the network (a fence, a firewall)"
            ) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            if reused:  # the server ended a connection that was idle
                return self._asked(address, start, stop)
            raise Trouble(_reason(error)) from None

    def _connection(self, scheme: str, host: str, port: int) -> http.client.HTTPConnection:
        place = (scheme, host, port)
        if self._open is not None and self._open[0] == place:
            return self._open[1]
        self.close()
        if not host:
            raise MissingMediaError(f"{self._uri}: expected the name of a server")
        tcp = self._connected(host, port)
        connection = http.client.HTTPConnection(host, port, timeout=SILENCE)
        connection.auto_open = 0  # it would resolve the name once more, unchecked
        connection.sock = tcp
        if scheme == "https":
            context = ssl.create_default_context()
            connection.sock = context.wrap_socket(tcp, server_hostname=host)
        self._open = (place, connection, connection.sock)
        return connection

    def _connected(self, host: str, port: int) -> socket.socket:
        """A connection to the first address of a host that may be connected to and answers."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        allowed = [each for each in found if self._allow or is_public(str(each[4][0]))]
        if not allowed:
            raise MissingMediaError(
                f"{self._uri}: {host} is at a private address, which is not fetched from; if you trust it: "
                "--allow-private (Limits.allow_private, or SENSORIUM_ALLOW_PRIVATE=1)"
            )
        trouble: OSError = OSError("no address")
        for family, kind, protocol, _, address in allowed:
            tcp = socket.socket(family, kind, protocol)
            tcp.settimeout(SILENCE)
            try:
                tcp.connect(address)
                return tcp
            except OSError as error:
                tcp.close()
                trouble = error
        raise trouble


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet, also where it is written inside another.

    >>> [is_public(ip) for ip in ("93.184.216.34", "127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1")]
    [True, False, False, False]
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inside = ip.ipv4_mapped or ip.sixtofour
        if inside is None and ip in ipaddress.ip_network("64:ff9b::/96"):  # NAT64
            inside = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(str(inside))
    return ip.is_global and not ip.is_multicast


def _port(parts: object) -> int:
    return getattr(parts, "port", None) or (443 if getattr(parts, "scheme", "") == "https" else 80)


def _reason(error: Exception) -> str:
    """What went wrong, in words that hold no address."""
    return getattr(error, "strerror", None) or type(error).__name__
