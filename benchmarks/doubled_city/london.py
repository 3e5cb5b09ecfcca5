"""The doubled London as `busyness run` is pointed at it, and what is seen of it while it runs."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from feed_double.accounts import Look

from doubled_city.processes import DoubledCity, System
from doubled_city.reading import Client

SAMPLE_EVERY_S = 10.0


def london(
    double: DoubledCity, cadence_s: float, *, requests_per_minute: float, concurrency: int = 8
) -> dict[str, Any]:
    """As configs/london.yaml, with the publishers' addresses on loopback."""
    source = double.jamcams() | {"cadence_s": cadence_s}
    source["web"] |= {"requests_per_minute": requests_per_minute, "concurrency": concurrency}
    return {"name": "Doubled London", "sources": [source], "detect": {"workers": 2}}


@dataclass(frozen=True)
class Watched:
    """What was seen of the system while it ran; memory in MB, of parent and children, with hours since it was ready."""

    ready_at: datetime
    ended_at: datetime
    exit_status: int | None
    parent: list[tuple[float, float]]
    children: list[tuple[float, float]]
    looks: list[Look]

    @property
    def memory(self) -> list[tuple[float, float]]:
        """Of all processes together."""
        return [(at, mb + more) for (at, mb), (_, more) in zip(self.parent, self.children, strict=True)]


def watch(system: System, for_s: float) -> Watched:
    """Run the system, look at its memory every 10 s, and read what it says as a client does."""
    system.start()
    ready_at, began = datetime.now(UTC), time.monotonic()
    parent, children = [], []
    with Client(system.newest) as client:
        while (elapsed_s := time.monotonic() - began) < for_s and system.alive:
            parent_mb, children_mb = system.resident_mb
            parent.append((elapsed_s / 3600, parent_mb))
            children.append((elapsed_s / 3600, children_mb))
            if len(parent) % 30 == 1:
                at = f"{elapsed_s / 60:5.1f} min"
                print(f"{at}: {parent_mb:.0f} MB, its workers {children_mb:.0f} MB", file=sys.stderr)
            time.sleep(SAMPLE_EVERY_S)
        ended_at = datetime.now(UTC)
    if client.failed:
        print(f"{client.failed} of {len(client.looks)} looks at the API failed", file=sys.stderr)
    return Watched(ready_at, ended_at, system.stop(), parent, children, client.looks)
