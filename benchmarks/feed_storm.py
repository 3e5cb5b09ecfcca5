"""A city in a storm: 911 doubled cameras of which 30 % fail in every way there is: `make bench-feed-storm`.

The publishers are a double on loopback (tests/feed_double), the system is `busyness run` as an operator starts it. What
the double published is settled against what the store holds. It takes half an hour of feed time, and as much of ours:

- `p95_age_over_cadence`: over all cameras that do not fail, and all moments 5 s apart after the first cadence: now less
  the event time of the newest counted clip; the 95th percentile, in cadences of 240 s
- `clips_lost`: could be had for half a cadence, and have no row in the store; `clips_twice`: have several
- `rss_slope_mb_per_h`: resident memory of all its processes, least squares over the last two thirds; and
  `late_slope_mb_per_h`, over the last third: a city fills what it needs of each camera in its first half hour
- `requests_over_budget`: came while the publisher's limit for the minute was used up
- `forbidden_connections`: at listeners on addresses that it was led to and may not go to; and, in this process, those
  of its guarded client, asked for and redirected to each URL of tests/feed_double/url_tricks.py and to rebinding names
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from doubled_city.processes import DoubledCity, Ledger, System, free_port
from doubled_city.recordings import NEEDS, POSITIONS, placeholder_clips, present, streets
from doubled_city.storm import Storm, spans, storm
from doubled_city.tricks import locations, play
from feed_double.accounts import Account, Row, State, account, ages_s, rows_of, states_of
from feed_double.cameras import doubled_cameras
from feed_double.config import Fleet
from feed_double.url_tricks import ForbiddenListener
from resident_memory import slope_mb_per_h

CADENCE_S = 240.0
LIMITS = {"tfl_api": 50, "tfl_bucket": 600}  # requests a minute: TfL's own, and what the system allows itself at S3
LIST_EVERY_S = 300.0
SAMPLE_EVERY_S = 10.0
TRAPS = ("127.0.0.2", "::1")


@dataclass(frozen=True)
class Watched:
    """What was seen of the system while it ran; memory in MB with hours since it was ready."""

    ready_at: datetime
    ended_at: datetime
    exit_status: int | None
    memory: list[tuple[float, float]]


@dataclass(frozen=True)
class Outcome:
    """Both sides of the accounts: what the store holds, and what the publishers did."""

    rows: list[Row]
    states: list[State]
    ledger: Ledger
    weather: Storm
    watched: Watched


def main() -> None:
    asked = arguments()
    if not present():
        print(f"bench-feed-storm needs {NEEDS}, which are not on this machine", file=sys.stderr)
        print(json.dumps({"name": "feed-storm", "figures": {}, "needs": NEEDS}))
        return
    with ExitStack() as stack:
        scratch = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scratch.mkdir(parents=True, exist_ok=True)
        fleet = {"publisher": "tfl", "count": asked.cameras, "cadence_s": CADENCE_S, "positions": str(POSITIONS)}
        cameras = [camera.id for camera in doubled_cameras(Fleet.from_json(fleet), asked.seed)]
        listener = ForbiddenListener()
        stack.callback(listener.close)
        ports = {address: port for address in TRAPS if (port := free_port(address)) is not None}
        traps = [f"http://{f'[{address}]' if ':' in address else address}:{port}/" for address, port in ports.items()]
        weather = storm(cameras, asked.minutes * 60, asked.seed, [*traps, *locations(listener)])
        double = stack.enter_context(
            DoubledCity(
                {
                    "fleets": [{**fleet, "clips": streets(), "placeholders": placeholder_clips()}],
                    "faults": [fault.to_json() for fault in weather.faults],
                    "limits": LIMITS,
                    "ports": ports,
                    "traps": list(ports),
                    "seed": asked.seed,
                },
                scratch,
            )
        )
        system = stack.enter_context(System(city_config(double), scratch))
        watched = watch(system, asked.minutes * 60)
        outcome = Outcome(rows_of(system.store), states_of(system.store), double.ledger(), weather, watched)
        urls = play(listener)
        forbidden = {**outcome.ledger.forbidden, "listener": listener.connections}
    settled = settle(outcome, cameras)
    tell(outcome, settled)
    print(f"{urls} URLs asked for in this process; connections: {forbidden}", file=sys.stderr)
    shown = figures(outcome, settled) | {"forbidden_connections": sum(forbidden.values())}
    print(json.dumps({"name": "feed-storm", "figures": shown}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=911)
    parser.add_argument("--minutes", type=float, default=30.0, help="of feed time, which is the machine's")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for store and log; by default they are removed")
    return parser.parse_args()


def city_config(double: DoubledCity) -> dict[str, Any]:
    """As configs/london.yaml, with the publishers' addresses on loopback."""
    bucket = double.addresses["tfl_bucket"]
    return {
        "name": "Doubled London",
        "sources": [
            {
                "kind": "tfl_jamcam",
                "api": double.addresses["tfl_api"],
                "bucket": f"{bucket}/jamcams.tfl.gov.uk/",
                "app_key_env": None,
                "web": {"hosts": [bucket.removeprefix("http://")], "private_networks": ["127.0.0.1/32"]},
            }
        ],
        "ingest": {"list_every_s": LIST_EVERY_S},
        "detect": {"workers": 2},
    }


def watch(system: System, for_s: float) -> Watched:
    """Run the system, and look at its memory every 10 s."""
    system.start()
    ready_at, began = datetime.now(UTC), time.monotonic()
    memory = []
    while (elapsed_s := time.monotonic() - began) < for_s and system.alive:
        parent_mb, children_mb = system.resident_mb
        memory.append((elapsed_s / 3600, parent_mb + children_mb))
        if len(memory) % 30 == 1:
            print(f"{elapsed_s / 60:5.1f} min: {parent_mb:.0f} MB, its workers {children_mb:.0f} MB", file=sys.stderr)
        time.sleep(SAMPLE_EVERY_S)
    ended_at = datetime.now(UTC)
    return Watched(ready_at, ended_at, system.stop(), memory)


def settle(outcome: Outcome, cameras: list[str]) -> Account:
    """The accounts. A camera that has failed is asked again within two cadences, one not listed by the next list."""
    ledger, watched = outcome.ledger, outcome.watched
    recovery = timedelta(seconds=max(2 * CADENCE_S, LIST_EVERY_S) + CADENCE_S / 2)
    blocked, recovering = spans(outcome.weather.faults, cameras, ledger.start, recovery)
    return account(
        outcome.rows,
        ledger.versions,
        (watched.ready_at, watched.ended_at),
        long_enough=timedelta(seconds=CADENCE_S / 2),
        blocked=blocked,
        recovering=recovering,
    )


def figures(outcome: Outcome, settled: Account) -> dict[str, Any]:
    ledger, weather, watched = outcome.ledger, outcome.weather, outcome.watched
    span = (watched.ready_at + timedelta(seconds=CADENCE_S), watched.ended_at)
    ages = ages_s(outcome.rows, weather.healthy, span)
    minutes = (watched.ended_at - watched.ready_at).total_seconds() / 60
    return {
        "cameras": len({version.camera for version in ledger.versions}),
        "healthy": len(weather.healthy),
        "minutes": round(minutes, 1),
        "p95_age_over_cadence": round(float(np.percentile(ages, 95)) / CADENCE_S, 3) if ages.size else None,
        "clips_owed": settled.owed,
        "clips_lost": len(settled.lost),
        "clips_twice": len(settled.twice),
        "clips_late": len(settled.late),
        "rss_slope_mb_per_h": slope_mb_per_h(watched.memory, of_last=2 / 3),
        "late_slope_mb_per_h": slope_mb_per_h(watched.memory, of_last=1 / 3),
        "rss_max_mb": round(max(mb for _, mb in watched.memory)),
        "requests_per_minute": round(len(ledger.requests) / minutes, 1),
        "requests_over_budget": sum(request.over_limit for request in ledger.requests),
        "exit_status": watched.exit_status,
    }


def tell(outcome: Outcome, settled: Account) -> None:
    """By fault, what became of its cameras' clips while it lasted, and what they were said to be; on stderr."""
    ledger, weather, watched = outcome.ledger, outcome.weather, outcome.watched

    def line(name: str, cameras: set[str], begin: datetime, end: datetime) -> None:
        rows = Counter(row.status for row in outcome.rows if row.camera in cameras and begin <= row.counted_at < end)
        said = Counter(one.state for one in outcome.states if one.camera in cameras and begin <= one.since < end)
        told = "; ".join(", ".join(f"{n} {word}" for word, n in found.most_common()) for found in (rows, said))
        print(f"{name:32} {len(cameras):4}  {told}", file=sys.stderr)

    for fault in weather.faults:
        if fault.cameras:
            name = fault.kind.value + "".join(f" {value}" for value in fault.parameters.values())[:18]
            begin, end = (ledger.start + timedelta(seconds=at) for at in (fault.from_s, fault.to_s))
            line(name, set(fault.cameras), begin, end)
    line("healthy", set(weather.healthy), watched.ready_at, watched.ended_at)
    played = {fault.cameras: fault.kind.value for fault in weather.faults}
    for kind, versions in (("lost", settled.lost), ("late", settled.late)):
        of = Counter(
            next((name for cameras, name in played.items() if version.camera in cameras), "healthy")
            for version in versions
        )
        print(f"{kind}: {dict(of)}", file=sys.stderr)


if __name__ == "__main__":
    main()
