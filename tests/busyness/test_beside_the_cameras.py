"""What runs beside the cameras in one installation: loops are stored, and a webhook is told which camera is lost."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from busyness.alerts import AlertsConfig
from busyness.config import Config, load_config
from busyness.wiring import install, open_clock
from core.errors import ConfigError
from ingest.fetch.guest import host_entry

PATIENCE_S = 30.0


class Hook:
    """A webhook on loopback, and what it was told."""

    def __init__(self) -> None:
        told = self.told = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def test_loops_are_stored_and_a_lost_camera_is_told(tmp_path: Path, hook: Hook) -> None:
    (tmp_path / "loops.csv").write_text("when,loop,count\n2026-03-12T08:00:00Z,n1,12\n2026-03-12T08:05:00Z,n1,\n")
    path = tmp_path / "town.yaml"
    path.write_text(
        f"""name: a town
sources:
  - kind: synthetic
    cameras: 2
    start: 2026-03-12T08:00:00Z
    cadence_s: 60
    faults: [{{camera: synthetic-02, kind: placeholder, from: 2026-03-12T08:00:00Z, to: 2026-03-13T08:00:00Z}}]
loops:
  - kind: csv_columns
    name: own
    path: loops.csv
    columns: {{time: [when], counter: loop, flows: {{count: vehicles}}}}
    timezone: UTC
    interval_min: 5
clock: {{speedup: 120}}
detect: {{workers: 1, frames_per_clip: 2}}
alerts: {{camera_lost_min: 1, webhooks: [{{url: "{hook.url}"}}], private_networks: ["127.0.0.1/32"]}}
""",
        encoding="utf-8",
    )
    config = load_config(path)
    with closing(install(config, open_clock(config))) as installation:
        store = installation.store
        installation.pipeline.start()
        deadline = time.monotonic() + PATIENCE_S
        while (
            not (hook.told and installation.alarm.states[0][1].sent and store.loop_extent())
            and time.monotonic() < deadline
        ):
            time.sleep(0.02)
        day = (datetime(2026, 3, 12, tzinfo=UTC), datetime(2026, 3, 13, tzinfo=UTC))
        loops = [(row.start.minute, row.flow) for row in store.loops(*day).records()]
        counters = [counter.id for counter in store.counters()]
        feeds = Config(name="a town", sources=[{"kind": "tfl_jamcam"}]).sources
        alarm = installation.alarm
        sent = installation.registry.get_sample_value("busyness_alerts_sent_total", {"webhook": host_entry(hook.url)})
        with pytest.raises(ConfigError, match="do not change into each other"):
            installation.reload(config.model_copy(update={"sources": feeds, "alerts": AlertsConfig()}))
        secret = AlertsConfig(webhooks=[{"url": hook.url, "secret_env": "NO_SUCH_VARIABLE"}])
        with pytest.raises(ConfigError, match="NO_SUCH_VARIABLE"):
            installation.reload(config.model_copy(update={"alerts": secret}))
        assert installation.alarm is alarm, "what ran goes on"
        installation.reload(config.model_copy(update={"alerts": AlertsConfig()}))
        assert installation.alarm is None
    assert loops == [(0, 12.0), (5, None)], "an empty cell is not a zero"
    assert counters == ["n1"]
    (alert,) = hook.told
    assert (alert["kind"], alert["camera"]) == ("camera_lost", "synthetic-02")
    assert sent == 1
    assert "placeholder" in alert["reason"]
