"""`busyness count` takes files and addresses alike; what is on a private network only where it is said."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console

from busyness.counting import count_sources, is_address
from core.errors import ConfigError

NOISE = cv2.resize(np.random.default_rng(1).integers(0, 255, (72, 88, 3), np.uint8), (352, 288))
STILL = cv2.imencode(".png", NOISE)[1].tobytes()


class Publisher(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path.startswith("/still.png") else 404)
        self.send_header("Last-Modified", "Thu, 09 Mar 2017 08:00:00 GMT")
        self.send_header("Content-Length", str(len(STILL)))
        self.end_headers()
        self.wfile.write(STILL)

    def log_message(self, format: str, *args: object) -> None:
        return None


@pytest.fixture(scope="module")
def publisher() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_files_and_addresses_are_counted_side_by_side(
    publisher: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "still.png"
    path.write_bytes(STILL)
    address, gone = f"{publisher}/still.png?app_key=mine", f"{publisher}/gone.png"
    private = "http://10.0.0.1/still.png?app_key=mine"
    given = [str(path), address, gone, private, address]
    quiet = Console(file=io.StringIO())
    count_sources(given, "lowres-2", 2, ("127.0.0.0/8",), as_json=True, console=quiet, notes=quiet)
    seen = {line["source"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert list(seen) == [str(path), address, gone, private], "each once, files first"
    assert seen[address]["counts"] == seen[str(path)]["counts"] is not None
    assert seen[address]["event_time"] == "2017-03-09T08:00:00Z"
    assert seen[gone]["status"] in ("unreachable", "withdrawn")
    assert seen[gone]["counts"] is None
    assert seen[private]["status"] == "unreachable"
    assert "10.0.0.1" in seen[private]["reason"], "nobody named that network"
    assert "mine" not in seen[private]["reason"]


def test_a_network_that_is_none_is_bad_usage() -> None:
    quiet = Console(file=io.StringIO())
    with pytest.raises(ConfigError, match="--private-network"):
        count_sources(["x.mp4"], "lowres-2", 2, ("192.168.1.1/99",), as_json=True, console=quiet, notes=quiet)


def test_what_is_fetched_and_what_is_read() -> None:
    assert [is_address(source) for source in ("http://a/b", "HTTPS://a/b", "httpx", "./http:/a", "file:///a")] == [
        True, True, False, False, False,
    ]  # fmt: skip
