"""Serve a built site on this machine, compressed as web hosts do it.

What a page weighs and how long it takes to appear is only worth measuring as it is sent: text is
compressed with Brotli where the browser takes it, else with gzip, and connections are kept open.
"""

from __future__ import annotations

import functools
import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import brotli

# Endings of files that hosts compress; pictures and fonts are compressed in themselves.
TEXT = frozenset({".html", ".css", ".js", ".json", ".svg", ".csv", ".txt", ".xml", ".md", ".ipynb"})
# The level at which gzip is the best bargain, and the default of the program: hosts rarely do more.
GZIP_LEVEL = 6
# What content networks use where they compress as they send.
BROTLI_QUALITY = 5
ENCODINGS = ("br", "gzip")
NOT_FOUND = "404.html"


def compressed(body: bytes, encoding: str) -> bytes:
    """Compress a file as a host sends it: `br` (Brotli), `gzip`, or as it is for any other name."""
    if encoding == "br":
        return brotli.compress(body, quality=BROTLI_QUALITY)
    if encoding == "gzip":
        return gzip.compress(body, GZIP_LEVEL, mtime=0)
    return body


@functools.cache
def _kept(path: Path, changed: float, encoding: str) -> bytes:
    # `changed` is part of the key, so that a page built again is read again.
    return compressed(path.read_bytes(), encoding)


def sent(path: Path, encoding: str) -> bytes:
    """Give the body of a file as it is sent: text compressed, anything else as it is."""
    return _kept(path, path.stat().st_mtime, encoding if path.suffix in TEXT else "")


class Site(SimpleHTTPRequestHandler):
    """Answers an address that leads nowhere with the site's own page for it, whole at any depth."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Send the page of the site where there is nothing; other faults as the parent does."""
        page = Path(self.directory) / NOT_FOUND
        if code != HTTPStatus.NOT_FOUND or not page.is_file():
            super().send_error(code, message, explain)
            return
        body = page.read_bytes().replace(b"<head>", b'<head><base href="/">', 1)
        self.log_error("code %d", code)
        self.send_response(HTTPStatus.NOT_FOUND)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Handler(Site):
    """Answers with compressed text, kept connections, and no line for each request."""

    protocol_version = "HTTP/1.1"
    # Head and body are two writes: the second would wait until the browser has said that it has
    # the first, 40 milliseconds for each file.
    disable_nagle_algorithm = True
    # Which encodings this server knows: a subclass may know fewer.
    encodings = ENCODINGS

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def send_head(self) -> BytesIO | None:
        """Send the head of an answer and return the body; folders and faults as the parent does."""
        path = Path(self.translate_path(self.path))
        accepted = self.headers.get("Accept-Encoding", "")
        encoding = next((name for name in self.encodings if name in accepted), "")
        if path.suffix not in TEXT or not path.is_file() or not encoding:
            return super().send_head()
        body = sent(path, encoding)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", encoding)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Vary", "Accept-Encoding")
        # Ten minutes, as GitHub Pages has it.
        self.send_header("Cache-Control", "max-age=600")
        self.end_headers()
        return BytesIO(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *arguments: object) -> None:
        """A browser that goes away in the middle of an answer is no fault of the site's."""


@contextmanager
def served(site: Path, encodings: tuple[str, ...] = ENCODINGS, port: int = 0) -> Iterator[str]:
    """Serve a folder on this machine only; gives the address, ending in a slash.

    site: folder of the built pages; encodings: those that may be used, the best first; port: 0 for
    any that is free.
    """
    handler = type("_Handler", (Handler,), {"encodings": encodings})
    asked = functools.partial(handler, directory=str(site))
    with _Server(("127.0.0.1", port), asked) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
