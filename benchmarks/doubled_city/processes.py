"""The two processes of a benchmark on loopback: the doubled publishers, and the system under test."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import httpx
import yaml
from feed_double.ledger import PublishedVersion, SeenRequest, requests_from, versions_from

ROOT = Path(__file__).resolve().parents[2]
PAGE_KB = os.sysconf("SC_PAGE_SIZE") / 1024


def free_port(address: str = "127.0.0.1") -> int | None:
    """A port that nobody listens at; None where this machine has no such address (no IPv6)."""
    try:
        with socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET) as one:
            return int(one.getsockname()[1])
    except OSError:
        return None


@dataclass(frozen=True)
class Ledger:
    """What the double published and saw, until `now`."""

    start: datetime
    now: datetime
    versions: list[PublishedVersion]
    requests: list[SeenRequest]
    forbidden: Mapping[str, int]


class DoubledCity:
    """The feed double as a process of its own; `config` is that of `DoubleConfig`, as JSON."""

    def __init__(self, config: Mapping[str, Any], scratch: Path) -> None:
        path = scratch / "double.json"
        path.write_text(json.dumps(config))
        serve = ROOT / "tests" / "feed_double" / "serve.py"
        self._process = subprocess.Popen(
            [sys.executable, str(serve), "--config", str(path)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        said = json.loads(self._process.stdout.readline())
        self.addresses: dict[str, str] = said["addresses"]
        self._client = httpx.Client(base_url=self.addresses["control"], trust_env=False, timeout=60)

    def jamcams(self) -> dict[str, Any]:
        """Its London as a source that is asked without politeness, for what is measured is not a publisher's limits."""
        bucket = self.addresses["tfl_bucket"]
        return {
            "kind": "tfl_jamcam",
            "api": self.addresses["tfl_api"],
            "bucket": f"{bucket}/jamcams.tfl.gov.uk/",
            "app_key_env": None,
            "web": {
                "hosts": [bucket.removeprefix("http://")],
                "private_networks": ["127.0.0.1/32"],
                "requests_per_minute": 60_000,
            },
        }

    def ledger(self) -> Ledger:
        said = self._client.get("/_ledger").json()
        return Ledger(
            start=datetime.fromisoformat(said["start"]),
            now=datetime.fromisoformat(said["now"]),
            versions=versions_from(said["versions"]),
            requests=requests_from(said["requests"]),
            forbidden=said["forbidden"],
        )

    def pause(self) -> None:
        """Publish nothing new from now on."""
        self._client.post("/_pause").raise_for_status()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._process.terminate()
        self._process.wait(30)


class System:
    """`busyness run CONFIG` in a process of its own, with its log beside its store, which is new."""

    def __init__(self, config: Mapping[str, Any], scratch: Path) -> None:
        self.port = free_port() or 0
        self.store = scratch / "city.duckdb"
        self.log = scratch / "busyness.log"
        for left in (self.log, *scratch.glob("city.*")):  # of an earlier run into the same folder
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
        self._config = scratch / "city.yaml"
        whole = {**config, "store": {"path": str(self.store)}, "api": {"port": self.port}}
        self._config.write_text(yaml.safe_dump(whole))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, ready_within_s: float = 120.0) -> None:
        """Returns once the API says that it is ready. Raises RuntimeError with the end of the log."""
        command = Path(sys.executable).with_name("busyness")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([command, "run", self._config], stdout=log, stderr=log)
        deadline = time.monotonic() + ready_within_s
        while time.monotonic() < deadline and self._process.poll() is None:
            if self.ready:
                return
            time.sleep(0.1)
        raise RuntimeError(f"busyness run did not become ready:\n{self.log.read_text()[-3000:]}")

    @property
    def ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", trust_env=False, timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def newest(self) -> dict[str, datetime]:
        """The event time of each camera's newest counted clip, as the API says it. Raises `httpx.HTTPError`."""
        answer = httpx.get(f"http://127.0.0.1:{self.port}/v1/health", trust_env=False, timeout=10).raise_for_status()
        return {
            row["id"]: datetime.fromisoformat(row["last_counted"])
            for row in answer.json()["health"]
            if row["last_counted"] is not None
        }

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def children(self) -> list[int]:
        """The processes that the system has started, and theirs."""
        parents = _parents()
        found, fresh = [], [self.pid]
        while fresh:
            fresh = [pid for pid, parent in parents.items() if parent in fresh]
            found += fresh
        return found

    @property
    def resident_mb(self) -> tuple[float, float]:
        """Resident memory of the parent, and of its children together; pages that they share count for each."""
        return _resident_kb(self.pid) / 1024, sum(map(_resident_kb, self.children)) / 1024

    def kill(self) -> None:
        """As the kernel does it: `kill -9` of the parent alone. What becomes of its children is its business."""
        os.kill(self.pid, signal.SIGKILL)
        assert self._process is not None
        self._process.wait(30)

    def stop(self, within_s: float = 60.0) -> int | None:
        """Ask it to end; its exit status, None where it had to be killed after `within_s`."""
        if self._process is None:
            return None
        if self.alive:
            self._process.terminate()
        try:
            return self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(30)
            return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _parents() -> dict[int, int]:
    """The parent of each process."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):  # it ended meanwhile
            continue
    return found


def _resident_kb(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_KB
    except (OSError, IndexError):
        return 0.0
