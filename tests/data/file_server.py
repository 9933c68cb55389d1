"""A real server on this machine that cuts off, forgets ranges, lies, and misses files, as the tests tell it to."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

CONTENT = np.random.default_rng(0).bytes(1_000_000)
CHECKSUM = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves `contents` by path, CONTENT under any other. `cuts`: after how many bytes the next answers break off."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.contents: dict[str, bytes] = {}
        self.ranges = True
        self.cuts: list[int] = []
        self.requests: list[tuple[str, str]] = []  # (path, range)
        self.gate: threading.Event | None = None

    def url(self, path: str = "photos.zip") -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        self.server.requests.append((self.path, asked))
        if "missing" in self.path:
            self.send_error(404)
            return
        if self.server.gate is not None:
            self.server.gate.wait(10)
        content = self.server.contents.get(self.path, self.server.content)
        begin = int(asked.removeprefix("bytes=").split("-")[0]) if asked and self.server.ranges else 0
        if begin >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        stop = begin + self.server.cuts.pop(0) if self.server.cuts else len(content)
        self.wfile.write(content[begin:stop])

    def log_message(self, *arguments: object) -> None:
        """Nothing: the test reads `requests`."""
