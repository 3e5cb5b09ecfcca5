"""What an orchestrator and Prometheus ask a worker: /healthz, /readyz, /metrics."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from core.errors import ConfigError

PATIENCE_S = 5.0
"""How long a caller may take to say what it asks."""

_LOOK_S = 0.1


class Probes:
    """A small HTTP server beside the work. `trouble` says why the worker cannot work now, None while it can."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry, trouble: Callable[[], str | None]) -> None:
        """Listens at once; port 0 takes a free one. Raises `ConfigError` where that cannot be."""
        try:
            self._server = _Server((host, port), _handler(registry, trouble))
        except OSError as error:
            raise ConfigError(
                f"cannot listen on {host}:{port}: {error.strerror or error}",
                remedy="stop what uses it, or set worker.port to another number (0 takes a free one, null none)",
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_LOOK_S,), name="probes", daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


def _handler(registry: CollectorRegistry, trouble: Callable[[], str | None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE_S
        server_version, sys_version = "busyness", ""

        def do_GET(self) -> None:
            match self.path.partition("?")[0]:
                case "/healthz":
                    self._say(HTTPStatus.OK, {"status": "ok"})
                case "/readyz":
                    why = trouble()
                    if why is None:
                        self._say(HTTPStatus.OK, {"status": "ok"})
                    else:
                        self._say(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "not ready", "reason": why})
                case "/metrics":
                    encode, media_type = choose_encoder(self.headers.get("accept", ""))
                    self._answer(HTTPStatus.OK, media_type, encode(registry))
                case _:
                    self._say(HTTPStatus.NOT_FOUND, {"status": "there are /healthz, /readyz and /metrics"})

        def _say(self, status: HTTPStatus, content: dict[str, str]) -> None:
            self._answer(status, "application/json", json.dumps(content).encode())

        def _answer(self, status: HTTPStatus, media_type: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Probes come every few seconds: they are no news."""

    return Handler
