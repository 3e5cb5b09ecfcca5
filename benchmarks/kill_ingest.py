"""`kill -9` of workers and of the whole process, at random moments, a hundred times: `make bench-kill-ingest`.

A doubled publisher (tests/feed_double) shows a new clip of each camera every twenty seconds and keeps to its schedule,
whoever comes for it. The system is `busyness run` with its store on disk; two kills of three hit one of its workers
(children that decode and count), the third the parent, which is then started again: every other time at once, else
after up to two cadences. The publisher's ledger and the store tell what became of each clip (doubled_city/kills.py):

    clips                 published since the first parent was ready
    lost                  nothing is said of it: neither its own row nor a null with the reason in its place; and
                          `lost_alive`, whatever is said of these
    lost_alive            a living parent lost it: could have it long enough and did not fetch it, or had it for long
                          and did not store it, or its successor took it for known
    in_flight             a parent had it in its waiting room, on its bus, in a worker or gathered when it was killed,
                          and the publisher had replaced it when the next one came: not counted; the most of one kill,
                          and the most seconds that one of them had been there
    in_flight_in_time     of these, those of kills after which a parent was ready within half a cadence, when most of
                          what was in flight is still to be had: it is not where clips had been fetched late, as by a
                          parent that has only just come; with the number of such kills
    replaced_while_down   nobody had them: published or still to be fetched while no parent was ready, and replaced
                          before one was; with the seconds without a parent, all and the most of one kill
    fetched_again         fetched by one parent and, when that was killed, by another: where `doubled` could show
    told_and_counted      nulls that stand in the place of a clip that is counted
    doubled               clips that have more than one row in a zone
    in_hand               clips whose row says that their worker was killed, one of each kill at most
    in_hand_without_kill  more of these: rows for which no kill accounts
    rows                  clips by what their row says, of those that have one
    orphans               workers that are still alive at the end, of parents that were killed
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
from doubled_city.kills import fetches_of, in_hand, settle, untold
from doubled_city.processes import DoubledCity, Ledger, System
from doubled_city.recordings import NEEDS, POSITIONS, present, streets
from feed_double.accounts import Row, Span, rows_of

CAMERAS = 40
CADENCE_S = 20.0
"""A start takes a quarter of it, of the real publisher's four minutes a fiftieth. So two clips a second come."""

IN_FLIGHT_S = CADENCE_S + 10
"""The longest from a fetch to the row: after a cadence a newer clip takes its place in the waiting room, and it is
skipped; a worker that was killed has to start; two seconds are gathered."""

SETTLE_S = 300.0
PAUSE_S = (0.3, 8.0)


@dataclass
class Killed:
    """What was killed and when, and how long there was no parent that was ready; the first time is the start."""

    downs: list[Span] = field(default_factory=list)
    workers: list[datetime] = field(default_factory=list)
    bereaved: list[int] = field(default_factory=list)

    @property
    def parents(self) -> list[datetime]:
        return [killed for killed, _ in self.downs[1:]]

    @property
    def kills(self) -> list[datetime]:
        return sorted(self.parents + self.workers)

    @property
    def orphans(self) -> list[int]:
        """The workers that have outlived their parents until now."""
        return [pid for pid in self.bereaved if is_worker(pid)]


def main() -> None:
    asked = arguments()
    if not present():
        print(f"bench-kill-ingest needs {NEEDS}, which are not on this machine", file=sys.stderr)
        print(json.dumps({"name": "kill-ingest", "figures": {}, "needs": NEEDS}))
        return
    with ExitStack() as stack:
        scratch = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scratch.mkdir(parents=True, exist_ok=True)
        double = stack.enter_context(DoubledCity(double_config(asked.seed), scratch))
        system = stack.enter_context(System(city_config(double), scratch))
        killed = kill_again_and_again(system, asked.kills, Random(asked.seed))
        double.pause()
        wait_until_counted(system)
        ledger = double.ledger()
        status = system.stop()
        rows = rows_of(system.store)
    print(json.dumps({"name": "kill-ingest", "figures": figures(rows, ledger, killed, status)}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for store and log; by default they are removed")
    return parser.parse_args()


def double_config(seed: int) -> dict[str, Any]:
    fleet = {"publisher": "tfl", "count": CAMERAS, "cadence_s": CADENCE_S, "jitter_s": 0.5, "positions": str(POSITIONS)}
    return {"fleets": [{**fleet, "clips": streets()}], "limits": {}, "seed": seed}


def city_config(double: DoubledCity) -> dict[str, Any]:
    """Fast enough for a publisher that is twelve times as fast as the real one."""
    bucket = double.addresses["tfl_bucket"]
    return {
        "name": "Killed London",
        "sources": [
            {
                "kind": "tfl_jamcam",
                "api": double.addresses["tfl_api"],
                "bucket": f"{bucket}/jamcams.tfl.gov.uk/",
                "app_key_env": None,
                "cadence_s": CADENCE_S,
                "web": {
                    "hosts": [bucket.removeprefix("http://")],
                    "private_networks": ["127.0.0.1/32"],
                    "requests_per_minute": 6000,
                },
            }
        ],
        "ingest": {"list_every_s": 60, "newest_every_s": 1, "least_visit_s": 1},
        "detect": {"workers": 2},
    }


def kill_again_and_again(system: System, kills: int, random: Random) -> Killed:
    """Start it, and kill something after each random pause; the system is ready again before the next one."""
    killed = Killed()
    killed.downs.append(start(system))
    while len(killed.kills) < kills:
        time.sleep(random.uniform(*PAUSE_S))
        workers = [pid for pid in system.children if is_worker(pid)]
        if random.random() < 1 / 3:
            killed.bereaved += workers
            system.kill()
            late_s = random.choice((0.0, random.uniform(0, 2 * CADENCE_S)))
            killed.downs.append(start(system, late_s))
        elif workers:
            with suppress(ProcessLookupError):  # it ended by itself
                os.kill(random.choice(workers), signal.SIGKILL)
                killed.workers.append(datetime.now(UTC))
        if not system.alive:
            raise RuntimeError(f"the parent died with its worker:\n{system.log.read_text()[-3000:]}")
        if len(killed.kills) % 10 == 0:
            print(f"{len(killed.parents)} parents, {len(killed.workers)} workers killed", file=sys.stderr)
    return killed


def start(system: System, late_s: float = 0.0) -> Span:
    """Start it in `late_s` seconds; from now until it is ready."""
    began = datetime.now(UTC)
    time.sleep(late_s)
    system.start()
    return began, datetime.now(UTC)


def wait_until_counted(system: System) -> None:
    """Until what was published last is fetched, counted and stored. Raises RuntimeError after `SETTLE_S`."""
    time.sleep(CADENCE_S)
    deadline = time.monotonic() + SETTLE_S
    while waiting_bytes(system):
        if time.monotonic() > deadline:
            raise RuntimeError(f"clips wait to be counted {SETTLE_S:g} s after the last one: is this machine too busy?")
        time.sleep(1.0)
    time.sleep(IN_FLIGHT_S - CADENCE_S)  # two may be in the workers, and what was counted is gathered


def waiting_bytes(system: System) -> float:
    """Of clips that wait, or are about to be counted."""
    metrics = httpx.get(f"http://127.0.0.1:{system.port}/metrics", trust_env=False, timeout=30).text
    (line,) = (line for line in metrics.splitlines() if line.startswith("busyness_waiting_bytes "))
    return float(line.split()[1])


def is_worker(pid: int) -> bool:
    """Whether there is such a process, and it is a worker."""
    try:
        return b"counting_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def figures(rows: list[Row], ledger: Ledger, killed: Killed, status: int | None) -> dict[str, Any]:
    stored = Counter((row.zone, row.content) for row in rows if row.content)
    contents = {content for _, content in stored if content}
    fetches = fetches_of(ledger.requests, ledger.versions)
    account = settle(
        contents, ledger.versions, fetches, killed.downs, ledger.now, in_flight_at_most=timedelta(seconds=IN_FLIGHT_S)
    )
    explained, unexplained = in_hand(rows, killed.kills)
    for row in [*explained, *unexplained][:20]:
        print(f"{row.camera} {row.status}: {row.reason}", file=sys.stderr)
    for version in account.lost_alive[:20]:
        told = f"published {version.published_at:%H:%M:%S}, first fetched {version.first_served_at}"
        print(f"{version.camera} lost by a living parent: {told}, replaced {version.replaced_at}", file=sys.stderr)
    uncounted = (*(one.version for one in account.in_flight), *account.replaced_while_down)
    silent, beside = untold(ledger.versions, uncounted, rows, timedelta(seconds=CADENCE_S))
    for version in silent[:20]:
        print(f"{version.camera}: nothing is said of its clip of {version.modified:%H:%M:%S}", file=sys.stderr)
    downs_s = {since: (until - since).total_seconds() for since, until in killed.downs[1:]}
    in_time = {killed_at for killed_at, down_s in downs_s.items() if down_s <= CADENCE_S / 2}
    return {
        "kills": len(killed.kills),
        "parents": len(killed.parents),
        "workers": len(killed.workers),
        "clips": account.clips,
        "lost": len(account.lost_alive) + len(silent),
        "lost_alive": len(account.lost_alive),
        "in_flight": len(account.in_flight),
        "in_flight_a_kill": max(account.lost_a_kill.values(), default=0),
        "in_flight_max_s": round(max((one.seconds for one in account.in_flight), default=0.0), 1),
        "in_flight_in_time": sum(one.killed_at in in_time for one in account.in_flight),
        "kills_in_time": len(in_time),
        "replaced_while_down": len(account.replaced_while_down),
        "down_s": round(sum(downs_s.values()), 1),
        "down_max_s": round(max(downs_s.values(), default=0.0), 1),
        "fetched_again": account.fetched_again,
        "doubled": sum(times > 1 for times in stored.values()),
        "told_and_counted": beside,
        "in_hand": len(explained),
        "in_hand_without_kill": len(unexplained),
        "rows": dict(Counter(row.status for row in rows if row.content)),
        "orphans": len(killed.orphans),
        "exit_status": status,
    }


if __name__ == "__main__":
    main()
