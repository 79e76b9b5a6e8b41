"""An HTTP server of one process for tests: serves bytes by ranges, and misbehaves as it is told."""

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Place:
    """One file on the server, and what goes wrong with it."""

    def __init__(self, data, ranges=True):
        self.data, self.ranges = data, ranges
        self.version, self.asked, self.sent = 1, 0, 0
        self.headers = []  # of the requests that came
        self.troubles = []  # called with (handler, body), in turn, in place of the answer
        self.status = None
        self.location = None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        place = self.server.places.get(self.path.partition("?")[0])
        if place is None:
            return self._short(404)
        place.asked += 1
        place.headers.append({**dict(self.headers), "path": self.path})
        if place.location:
            return self._short(302, {"Location": place.location})
        if place.status:
            return self._short(place.status)
        wanted, data = self.headers.get("Range"), place.data
        headers = {"ETag": f'"{place.version}"'}
        status, body = 200, data
        if wanted and place.ranges:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            body = data[int(first) : int(last) + 1]
            status = 206 if body else 416
            headers["Content-Range"] = (
                f"bytes {first}-{int(first) + len(body) - 1}/{len(data)}"
                if body
                else f"bytes */{len(data)}"
            )
        place.sent += len(body)
        trouble = place.troubles.pop(0) if place.troubles and len(body) > 1 else None
        if trouble and trouble(self, body) is not None:
            return None
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _short(self, status, headers=None):
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()


def busy(handler, body):
    """Status 503."""
    handler._short(503)
    return True


def cut(handler, body):
    """Half of what was promised, then nothing."""
    handler.send_response(206)
    first = handler.headers["Range"].removeprefix("bytes=").partition("-")[0]
    total = len(handler.server.places[handler.path.partition("?")[0]].data)
    handler.send_header(
        "ETag", f'"{handler.server.places[handler.path.partition("?")[0]].version}"'
    )
    handler.send_header("Content-Range", f"bytes {first}-{int(first) + len(body) - 1}/{total}")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True
    return True


def silent(seconds):
    """Says nothing for a while, and then hangs up."""

    def trouble(handler, body):
        time.sleep(seconds)
        handler.close_connection = True
        return True

    return trouble


@contextmanager
def serving(**places):
    """(address, places) of a server of these: name -> bytes or Place."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.handle_error = lambda *args: None  # clients hang up on purpose here
    server.places = {
        f"/{name.replace('__', '.')}": each if isinstance(each, Place) else Place(each)
        for name, each in places.items()
    }
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.places
    finally:
        server.shutdown()
        server.server_close()
