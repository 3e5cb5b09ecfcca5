"""A city in a storm: 911 doubled cameras of which 30 % fail in every way there is: `make bench-feed-storm`.

The publishers are a double on loopback (tests/feed_double), the system is `busyness run` as an operator starts it. What
the double published is settled against what the store holds. It takes half an hour of feed time, and as much of ours.
Cameras fail for 3.3 cadences and have come back by the last one: what they owe then is owed like any other clip.

- `p95_age_over_cadence`: over all cameras that do not fail, and all moments 5 s apart after the first cadence: now less
  the event time of the newest counted clip that the API gives (/v1/health) at that moment; the 95th percentile, in
  cadences. `p95_age_while_stuck`: the same of the moments at which the listing was stuck (and half a cadence after),
  which are not in the other: then every camera has a fault, and is asked only when its clip is overdue
- `clips_lost`: could be had for half a cadence, and have no row in the store; `clips_twice`: have several;
  `clips_skipped`: of all clips those of which the store says that there was no time to count them;
  `clips_owed_after_faults`: of `clips_owed` those of cameras that had come back
- `untold`: of `untold_of` things that had to be said those that were not: a clip that came and went while its camera
  could not be had without a null and its reason; a camera never said to be what its fault makes of it
- `rss_slope_mb_per_h`: resident memory of all its processes, least squares over the last two thirds; and
  `late_slope_mb_per_h`, over the last third: a city fills what it needs of each camera in its first half hour
- `requests_over_budget`: came while the publisher's limit for the minute was used up; `requests_too_early`: within the
  publisher's own Retry-After; `requests_over_concurrency`: while as many as are configured were under way already, and
  `most_at_once` at each host
- `forbidden_connections`: at listeners on addresses that it was led to and may not go to; and, in this process, those
  of its guarded client, asked for and redirected to each URL of tests/feed_double/url_tricks.py and to rebinding names.
  `not_refused`: of these URLs those that did not end as refused for their address
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from doubled_city.london import Watched, london, watch
from doubled_city.processes import DoubledCity, Ledger, System, free_port
from doubled_city.recordings import NEEDS, POSITIONS, placeholder_clips, present, streets
from doubled_city.storm import Storm, came_back, own_spans, spans, storm
from doubled_city.tricks import locations, play
from feed_double.accounts import Account, Look, Row, State, account, ages_s, rows_of, states_of
from feed_double.cameras import doubled_cameras
from feed_double.config import Fleet
from feed_double.faults import FaultKind
from feed_double.honesty import Promises, promises
from feed_double.url_tricks import ForbiddenListener
from numpy.typing import NDArray
from resident_memory import slope_mb_per_h

LIMITS = {"tfl_api": 50, "tfl_bucket": 600}  # requests a minute: TfL's own, and what the system allows itself at S3
AT_ONCE = {"tfl_api": 1, "tfl_bucket": 8}  # requests under way: as the system has it for the API, and as configured
LIST_EVERY = 1.25  # cadences
RECOVERY = 2.5  # cadences: a camera that failed is asked again within two, and what it shows then may just have come
STALE_AFTER = 3.0  # cadences, as in configs/london.yaml
TRAPS = ("127.0.0.2", "::1")


@dataclass(frozen=True)
class Outcome:
    """Both sides of the accounts: what the store holds, and what the publishers did."""

    rows: list[Row]
    states: list[State]
    ledger: Ledger
    weather: Storm
    watched: Watched
    cadence: timedelta

    @property
    def recovery(self) -> timedelta:
        """After a fault: how long its camera may still be left alone for it."""
        return RECOVERY * self.cadence

    def ages(self, looks: list[Look]) -> NDArray[np.float64]:
        """In cadences, of every camera that does not fail: [look, camera]."""
        return ages_s(looks, self.weather.healthy) / self.cadence.total_seconds()

    def stuck_at(self, moment: datetime) -> bool:
        """Whether the listing told nothing new, or had only just begun to again."""
        (stuck,) = (fault for fault in self.weather.faults if fault.kind is FaultKind.STUCK)
        begin, end = (self.ledger.start + timedelta(seconds=at) for at in (stuck.from_s, stuck.to_s))
        return begin <= moment < end + self.cadence / 2


def main() -> None:
    asked = arguments()
    if not present():
        print(f"bench-feed-storm needs {NEEDS}, which are not on this machine", file=sys.stderr)
        print(json.dumps({"name": "feed-storm", "figures": {}, "needs": NEEDS}))
        return
    with ExitStack() as stack:
        scratch = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scratch.mkdir(parents=True, exist_ok=True)
        fleet = {"publisher": "tfl", "count": asked.cameras, "positions": str(POSITIONS)}
        fleet |= {"cadence_s": asked.cadence, "jitter_s": asked.cadence / 20}
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
        config = london(
            double, asked.cadence, requests_per_minute=LIMITS["tfl_bucket"], concurrency=AT_ONCE["tfl_bucket"]
        )
        config["ingest"] = {"list_every_s": LIST_EVERY * asked.cadence, "stale_after": STALE_AFTER}
        system = stack.enter_context(System(config, scratch))
        watched = watch(system, asked.minutes * 60)
        cadence = timedelta(seconds=asked.cadence)
        outcome = Outcome(rows_of(system.store), states_of(system.store), double.ledger(), weather, watched, cadence)
        played = play(listener)
        forbidden = {**outcome.ledger.forbidden, "listener": listener.connections}
    settled, said = settle(outcome, cameras), promised(outcome)
    tell(outcome, settled, said)
    print(f"{played.asked} URLs asked for in this process; connections: {forbidden}", file=sys.stderr)
    print(*(f"not refused: {one}" for one in played.not_refused), sep="\n", file=sys.stderr)
    shown = figures(outcome, settled, said)
    shown |= {"forbidden_connections": sum(forbidden.values()), "not_refused": len(played.not_refused)}
    print(json.dumps({"name": "feed-storm", "figures": shown}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=911)
    parser.add_argument("--minutes", type=float, default=30.0, help="of feed time, which is the machine's")
    parser.add_argument("--cadence", type=float, default=240.0, help="seconds; a shorter storm needs shorter ones")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for store and log; by default they are removed")
    return parser.parse_args()


def settle(outcome: Outcome, cameras: list[str]) -> Account:
    """The accounts of the clips."""
    ledger, watched = outcome.ledger, outcome.watched
    blocked, recovering = spans(outcome.weather.faults, cameras, ledger.start, outcome.recovery)
    return account(
        outcome.rows,
        ledger.versions,
        (watched.ready_at, watched.ended_at),
        long_enough=outcome.cadence / 2,
        blocked=blocked,
        recovering=recovering,
    )


def promised(outcome: Outcome) -> Promises:
    """The accounts of what had to be said: of cameras that were known, by a list, before they began to fail."""
    ledger = outcome.ledger
    lists = [one.at for one in ledger.requests if one.on == "cameras" and one.status == 200 and one.fault is None]
    listed_s = (min(lists) - ledger.start).total_seconds()
    faults = [fault for fault in outcome.weather.faults if fault.from_s > listed_s]
    return promises(
        outcome.rows,
        outcome.states,
        [version for version in ledger.versions if version.published_at < outcome.watched.ended_at],
        faults,
        own_spans(faults, ledger.start),
        start=ledger.start,
        cadence=outcome.cadence,
        stale_after=STALE_AFTER,
    )


def figures(outcome: Outcome, settled: Account, said: Promises) -> dict[str, Any]:
    ledger, weather, watched = outcome.ledger, outcome.weather, outcome.watched
    looks = [look for look in watched.looks if look.at >= watched.ready_at + outcome.cadence]
    minutes = (watched.ended_at - watched.ready_at).total_seconds() / 60
    most = {host: max((one.at_once for one in ledger.requests if one.host == host), default=0) for host in AT_ONCE}
    return {
        "cameras": len({version.camera for version in ledger.versions}),
        "healthy": len(weather.healthy),
        "minutes": round(minutes, 1),
        "p95_age_over_cadence": p95(outcome.ages([look for look in looks if not outcome.stuck_at(look.at)])),
        "p95_age_while_stuck": p95(outcome.ages([look for look in looks if outcome.stuck_at(look.at)])),
        "clips_owed": len(settled.owed),
        "clips_owed_after_faults": len(came_back(settled.owed, weather.faults, ledger.start, outcome.recovery)),
        "clips_lost": len(settled.lost),
        "clips_twice": len(settled.twice),
        "clips_late": len(settled.late),
        "clips_skipped": settled.skipped,
        "untold": said.untold,
        "untold_of": said.due,
        "rss_slope_mb_per_h": slope_mb_per_h(watched.memory, of_last=2 / 3),
        "late_slope_mb_per_h": slope_mb_per_h(watched.memory, of_last=1 / 3),
        "rss_max_mb": round(max(mb for _, mb in watched.memory)),
        "requests_per_minute": round(len(ledger.requests) / minutes, 1),
        "requests_over_budget": sum(request.over_limit for request in ledger.requests),
        "requests_too_early": sum(request.too_early for request in ledger.requests),
        "requests_over_concurrency": sum(one.at_once > AT_ONCE[one.host] for one in ledger.requests),
        "most_at_once": most,
        "exit_status": watched.exit_status,
    }


def p95(ages: NDArray[np.float64]) -> float | None:
    """The 95th percentile, infinite where more than a twentieth is; None where nothing was looked at."""
    return round(float(np.percentile(ages, 95, method="higher")), 3) if ages.size else None


def tell(outcome: Outcome, settled: Account, said: Promises) -> None:
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
    for kind, versions in (("lost", settled.lost), ("late", settled.late), ("clips untold", said.clips)):
        of = Counter(
            next((name for cameras, name in played.items() if version.camera in cameras), "healthy")
            for version in versions
        )
        print(f"{kind}: {dict(of)}", file=sys.stderr)
        for one in versions[: 0 if kind == "late" else 5]:
            print(f"  {one.camera}, published {one.published_at}, replaced {one.replaced_at}", file=sys.stderr)
    print(f"cameras untold: {', '.join(f'{camera} {kind}' for kind, camera in said.cameras)}", file=sys.stderr)
    print(f"p95 age by minute: {ages_by_minute(outcome)}", file=sys.stderr)


def ages_by_minute(outcome: Outcome) -> str:
    """The 95th percentile of the healthy cameras' ages in each minute of feed time, in cadences."""
    minutes: dict[int, list[Look]] = defaultdict(list)
    for look in outcome.watched.looks:
        minutes[int((look.at - outcome.ledger.start).total_seconds() // 60)].append(look)
    return ", ".join(f"{minute}: {p95(outcome.ages(looks))}" for minute, looks in minutes.items())


if __name__ == "__main__":
    main()
