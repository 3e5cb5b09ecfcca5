"""A publisher on loopback, small enough to read at a glance: pages by path, conditional requests, one fault for all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from core.clock import Clock


class ManualClock:
    """Stands still until it is told; whoever sleeps in it moves it on."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._now += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Page:
    """What lies at a path: `status` 200 with an etag and a time, or whatever else."""

    content: bytes
    content_type: str = "application/octet-stream"
    modified: datetime | None = None
    status: int = 200

    @property
    def etag(self) -> str:
        return f'"{md5(self.content).hexdigest()}"'


Query = Mapping[str, str]


@dataclass
class LoopbackPublisher:
    """Serves `pages`; one that is a function is asked with the query. While `fault` is set, it answers everything."""

    clock: Clock
    pages: dict[str, Page | Callable[[Query], Page]] = field(default_factory=dict)
    fault: Page | None = None
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True)
        self._thread.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, target: str) -> Page:
        if self.fault is not None:
            return self.fault
        parts = urlsplit(target)
        page = self.pages.get(parts.path, Page(b"nothing here", "text/plain", status=404))
        return (
            page if isinstance(page, Page) else page({key: values[0] for key, values in parse_qs(parts.query).items()})
        )

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                page = publisher.answer(self.path)
                unchanged = page.status == 200 and self.headers.get("If-None-Match") == page.etag
                self.send_response(304 if unchanged else page.status)
                self.send_header("ETag", page.etag)
                if page.modified is not None:
                    self.send_header("Last-Modified", format_datetime(page.modified, usegmt=True))
                if not unchanged:
                    self.send_header("Content-Type", page.content_type)
                    self.send_header("Content-Length", str(len(page.content)))
                self.end_headers()
                if not unchanged:
                    self.wfile.write(page.content)

            def date_time_string(self, timestamp: float | None = None) -> str:
                return format_datetime(publisher.clock.now(), usegmt=True)

            def log_message(self, format: str, *args: object) -> None:
                return None

        return Handler
