"""`make run`'s command as a newcomer meets it: an address, counted cameras on the map within a minute, a clean end."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect
from visits import Visitor, settled

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-u", "-c", "from busyness.command import main; main()")

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(180)]


@dataclass(frozen=True)
class Demo:
    address: str
    started: float
    process: subprocess.Popen[str]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """The shipped demo, on a free port."""
    text = (ROOT / "configs" / "demo.yaml").read_text(encoding="utf-8")
    text = text.replace("port: 8321", "port: 0").replace("outlines/", f"{ROOT}/configs/outlines/")
    config = tmp_path / "demo.yaml"
    config.write_text(text, encoding="utf-8")
    started = time.monotonic()
    process = subprocess.Popen(
        [*COMMAND, "run", str(config)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        printed = ""
        while (found := re.search(r"map +(http://127\.0\.0\.1:\d+)/", printed)) is None:
            line = process.stdout.readline()
            assert line, f"the demo ended: {printed}"
            printed += line
        yield Demo(found[1] + "/", started, process)
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def test_counted_cameras_are_on_the_map_within_a_minute(demo: Demo, visit: Visitor) -> None:
    counted: set[str] = set()
    while len(counted) < 4:
        assert time.monotonic() - demo.started < 60, f"only {sorted(counted)} were counted within a minute"
        time.sleep(0.5)
        rows = httpx.get(f"{demo.address}v1/latest?class=people", timeout=10).json()["readings"]
        counted = {row["camera"] for row in rows if row["mean"] is not None}
    seen = settled(visit(demo))  # type: ignore[arg-type]
    expect(seen.page.locator("#notice")).to_contain_text("not real places")
    expect(seen.page.locator("#list li")).to_have_count(8)
    seen.shot("demo")
    seen.entry("synthetic-01").click()
    expect(seen.page.locator("#camera .readout")).to_contain_text("Per 100 m²")
    seen.page.get_by_role("radio", name="Number").check()
    seen.page.get_by_role("button", name="Show zones on the ground").click()
    expect(seen.page.locator("#legend h2").first).to_contain_text("people per 100 m²")
    seen.shot("demo-zones")


def test_it_ends_at_once_when_interrupted(demo: Demo) -> None:
    with httpx.stream("GET", f"{demo.address}v1/live", timeout=10) as live:
        assert live.status_code == 200
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(15) == 0
    assert demo.process.stdout is not None
    assert "Traceback" not in demo.process.stdout.read()
