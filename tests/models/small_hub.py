"""A server on this machine that speaks as much of the hub's interface as fetching a model takes."""

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c0ffee" * 6 + "c0ff"
REFUSED = {
    "absent": (404, "RepoNotFound", "Repository not found"),
    "private": (401, "RepoNotFound", "Invalid username or password."),
    "gated": (403, "GatedRepo", "Access to it is restricted; token {token} is not in the list"),
    "broken": (500, "", "Internal error of {token}"),
}


class _Handler(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self._answer(b"")

    def do_GET(self):
        self._answer(None)

    def log_message(self, *_):
        pass

    def _answer(self, body):
        hub = self.server.hub
        hub.asked.append(self.path)
        hub.tokens.add(self.headers.get("Authorization"))
        path = self.path.split("?")[0]
        owner = next((kind for kind in REFUSED if f"/{kind}/" in path), None)
        if owner:
            status, code, message = REFUSED[owner]
            text = message.format(token=self.headers.get("Authorization", ""))
            return self._send(
                status, text.encode(), {"X-Error-Code": code, "X-Error-Message": text}
            )
        if path.startswith("/api/models/me/small/revision/"):
            return self._json({"id": "me/small", "sha": COMMIT, "siblings": []})
        if path.startswith("/api/models/me/small/tree/"):
            return self._json([
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for name, content in hub.files.items()
            ])  # fmt: skip
        name = path.removeprefix(f"/me/small/resolve/{COMMIT}/")
        if name not in hub.files:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
        content = hub.files[name]
        about = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": COMMIT}
        if name in hub.cut and self.command == "GET":
            content = content[: len(content) // 2]
            about["Content-Length"] = str(len(hub.files[name]))
        return self._send(200, content, about)

    def _json(self, value):
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status, content, headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)
        self.close_connection = True


class SmallHub:
    """`files` of the one model me/small; what was asked for, and with which tokens."""

    def __init__(self):
        self.files, self.cut, self.asked, self.tokens = {}, set(), [], set()


@contextmanager
def serving():
    """Yields (hub, its address)."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.hub = SmallHub()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server.hub, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
