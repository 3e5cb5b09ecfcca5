"""`kill -9` of workers and of the whole process, at random moments, a hundred times: `make bench-kill-ingest`.

A doubled publisher (tests/feed_double) shows a new clip of each camera every few seconds. The system is `busyness run`
with its store on disk; two kills of three hit one of its workers (children that decode and count), the third the
parent, which is then started again. The publisher keeps a clip until the system that runs now has fetched it, and
`HOLD_S` longer; while there is no parent, it publishes nothing. So every clip that was fetched could be counted:

- `lost`: clips that were fetched, and stayed for `HOLD_S`, and have no row in the store
- `doubled`: clips that have more than one row in a zone
- `in_hand`: clips whose row says that they were not counted, as their worker was killed: at most one a kill
- `orphans`: workers that are still alive at the end, of parents that were killed
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
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from doubled_city.processes import DoubledCity, Ledger, System
from doubled_city.recordings import NEEDS, POSITIONS, present, streets
from feed_double.accounts import Row, rows_of

CAMERAS = 12
CADENCE_S = 6.0
HOLD_S = 6.0
PAUSE_S = (0.3, 8.0)
FOR_ITSELF = {"ok", "skipped"}
"""What can be said of a clip of these recordings while nobody is killed."""


@dataclass
class Killed:
    """What was killed."""

    parents: int = 0
    workers: int = 0
    bereaved: list[int] = field(default_factory=list)

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
        system.start()
        killed = kill_again_and_again(system, double, asked.kills, Random(asked.seed))
        time.sleep(3 * HOLD_S)
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
    return {"fleets": [{**fleet, "clips": streets()}], "limits": {}, "hold_s": HOLD_S, "seed": seed}


def city_config(double: DoubledCity) -> dict[str, Any]:
    """Fast enough for a publisher that is forty times as fast as the real one."""
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


def kill_again_and_again(system: System, double: DoubledCity, kills: int, random: Random) -> Killed:
    """Kill something after each random pause; the system is ready again before the next one."""
    killed = Killed()
    while killed.parents + killed.workers < kills:
        time.sleep(random.uniform(*PAUSE_S))
        workers = system.children
        if random.random() < 1 / 3:
            double.pause()
            system.kill()
            killed.parents += 1
            killed.bereaved += workers
            system.start()
            double.resume()
        elif workers:
            with suppress(ProcessLookupError):  # it ended by itself
                os.kill(random.choice(workers), signal.SIGKILL)
                killed.workers += 1
        if not system.alive:
            raise RuntimeError(f"the parent died with its worker:\n{system.log.read_text()[-3000:]}")
        if (killed.parents + killed.workers) % 10 == 0:
            print(f"{killed.parents} parents, {killed.workers} workers killed", file=sys.stderr)
    return killed


def is_worker(pid: int) -> bool:
    """Whether there is such a process, and it is a worker."""
    try:
        return b"counting_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def figures(rows: list[Row], ledger: Ledger, killed: Killed, status: int | None) -> dict[str, Any]:
    stored = Counter((row.zone, row.content) for row in rows if row.content)
    seen = {content for _, content in stored}
    hold = timedelta(seconds=HOLD_S)
    fetched = {
        version.content
        for version in ledger.versions
        if version.first_served_at and (version.replaced_at or ledger.now) - version.first_served_at >= hold
    }
    uncounted = [row for row in rows if row.content and row.status not in FOR_ITSELF]
    for row in uncounted[:20]:
        print(f"{row.camera} {row.status}: {row.reason}", file=sys.stderr)
    return {
        "kills": killed.parents + killed.workers,
        "parents": killed.parents,
        "workers": killed.workers,
        "clips": len(fetched),
        "lost": len(fetched - seen),
        "doubled": sum(times > 1 for times in stored.values()),
        "in_hand": len(uncounted),
        "orphans": len(killed.orphans),
        "exit_status": status,
    }


if __name__ == "__main__":
    main()
