"""A small HTTP server on 127.0.0.1 that serves one file well, badly or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """What to serve, and what was asked.

    Attributes:
        content: the file.
        cuts: the connection breaks after so many bytes of the first answers, one number an answer.
        status: an error to answer with instead.
        resumable: honour ``Range``.
        headers: more headers.
        ranges: the ``Range`` of each request, ``None`` where there was none.
    """

    content: bytes
    cuts: list[int] = field(default_factory=list)
    status: int | None = None
    resumable: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    ranges: list[str | None] = field(default_factory=list)
    url: str = ""


@contextmanager
def serve(served: Served) -> Iterator[Served]:
    """Serve until the block ends; ``served.url`` is where."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._start(200, len(served.content))

        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            served.ranges.append(asked)
            if served.status is not None:
                self.send_error(served.status)
                return
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and served.resumable else 0
            size = len(served.content)
            if start >= size > 0:
                self._start(416, 0, {"Content-Range": f"bytes */{size}"})
                return
            partial = {"Content-Range": f"bytes {start}-{size - 1}/{size}"} if start else {}
            self._start(206 if start else 200, size - start, partial)
            cut = served.cuts.pop(0) if served.cuts else size
            self.wfile.write(served.content[start : start + cut])

        def _start(self, status: int, length: int, extra: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(length), **served.headers, **(extra or {})}.items():
                self.send_header(name, value)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
