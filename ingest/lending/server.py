"""The lender: answers `GET /clips/HASH` with the bytes that have this hash, to whoever has the shared secret.

Nothing else can be asked for: no other path, no other method, no file. The answer is the bytes as the publisher sent
them; nobody has looked into them.
"""

from __future__ import annotations

import hmac
import re
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import Any, Self

from core.errors import ConfigError
from ingest.lending.config import LendingConfig
from ingest.lending.loans import Loans

PATIENCE_S = 10.0
"""How long a borrower may be silent, or take no more of what it is sent."""

LOOK_S = 0.05
"""How often it looks whether it is to end."""

MOST_AT_ONCE = 64
"""Borrowers. Others wait in the system's queue."""

ONE_CLIP = re.compile(r"/clips/([0-9a-f]{32})", re.ASCII)


class Lender:
    """Listens at once, and answers between `__enter__` and `__exit__`."""

    def __init__(self, config: LendingConfig, loans: Loans) -> None:
        """Raises `ConfigError` where it cannot listen, or there is no secret."""
        expected = f"Bearer {config.token()}".encode()
        self._reached_as = config.reached_as()
        try:
            self._server = _Server(config.host, config.port, _handler(loans, expected))
        except OSError as error:
            raise ConfigError(
                f"clips cannot be lent at {config.host}:{config.port}: {error.strerror or error}",
                remedy="set ingest.lend.host to an address of this machine, and port to a free one (0 takes any)",
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(LOOK_S,), name="lender", daemon=True)

    @property
    def address(self) -> str:
        """Where others reach it, as in http://10.2.0.7:8322."""
        return f"http://{self._reached_as}:{self._server.server_port}"

    def location(self, name: str) -> str:
        """Where the bytes of this hash are lent."""
        return f"{self.address}/clips/{name}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """A thread for each borrower, and a bound on them."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._seats = threading.BoundedSemaphore(MOST_AT_ONCE)
        super().__init__((host, port), handler)

    def server_bind(self) -> None:
        """Without the look-up of this machine's name that `HTTPServer` makes: it can take seconds."""
        super(HTTPServer, self).server_bind()
        self.server_name, self.server_port = "busyness", int(self.socket.getsockname()[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        self._seats.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._seats.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A borrower that hangs up is none of ours."""


def _handler(loans: Loans, expected: bytes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE_S
        server_version, sys_version = "busyness", ""

        def do_GET(self) -> None:
            said = self.headers.get("Authorization", "").encode("latin-1", "replace")
            asked = ONE_CLIP.fullmatch(self.path)
            if not hmac.compare_digest(said, expected):
                self._say(HTTPStatus.UNAUTHORIZED, "clips are lent to this cluster's workers alone")
            elif asked is None:
                self._say(HTTPStatus.NOT_FOUND, "there is nothing but /clips/HASH")
            elif (content := loans.ask(asked[1])) is None:
                self._say(HTTPStatus.GONE, "this clip is not lent any more")
            else:
                self._answer(HTTPStatus.OK, "application/octet-stream", content)

        def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
            """What the base refuses by itself (another method, a malformed request), in our words."""
            self.close_connection = True
            self._say(HTTPStatus(code), "clips are asked for with GET /clips/HASH")

        def _say(self, status: HTTPStatus, reason: str) -> None:
            self._answer(status, "text/plain; charset=utf-8", reason.encode())

        def _answer(self, status: HTTPStatus, media_type: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """One line for every clip would be too many; what is not served is counted by whoever asked."""

    return Handler
