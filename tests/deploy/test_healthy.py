"""What HEALTHCHECK asks: /readyz of the worker in the container, and nobody else's opinion."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from deployed import DEPLOY, cluster

SPEC = importlib.util.spec_from_file_location("healthy", DEPLOY / "image" / "healthy.py")
assert SPEC is not None
assert SPEC.loader is not None
healthy = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(healthy)


class Answering(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/readyz" else 404)
        self.end_headers()
        self.wfile.write(b"waits for the broker")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Answering]]:
    kind = type("Kind", (Answering,), {})
    with HTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("BUSYNESS_HEALTH_PORT", str(server.server_port))
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # is not asked
        yield kind
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (404, 1)])
def test_a_worker_is_well_where_it_says_so(
    worker: type[Answering], status: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what it says is shown, for `docker inspect`."""
    worker.status = status
    assert healthy.main() == code
    assert capsys.readouterr().out == "waits for the broker"


def test_a_worker_that_does_not_answer_is_not_well(
    worker: type[Answering], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BUSYNESS_HEALTH_PORT", "1")
    assert healthy.main() == 1
    assert "does not answer" in capsys.readouterr().out


def test_by_default_it_asks_where_the_workers_of_the_cluster_answer() -> None:
    assert cluster().worker.port == healthy.PORT
