"""What a city keeps in memory: hours of a whole London, four times as fast: `make bench-city-memory`.

911 doubled cameras without a fault bring a clip a minute instead of every four, of which two frames are counted
instead of ten: two cores are busy with it, and what is done with each clip and each count is what is always done.
A slope over the first half hour says how a city fills what it needs of each camera, and how the embedded store fills
its line of blocks to let go of (record 60); this says where it ends.

- `hours`: of feed time, four times those that it takes
- `counts`: that were stored; `skipped`: clips that there was no time for
- `rss_slope_mb_per_h`: resident memory of all processes, least squares over the last half, MB an hour of feed time;
  `parent_slope_mb_per_h` of the one that fetches and stores, `late_slope_mb_per_h` of all over the last quarter
- `rss_mb_by_hour`: of all, at the end of each hour of feed time
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from doubled_city.london import Watched, london, watch
from doubled_city.processes import DoubledCity, System
from doubled_city.recordings import NEEDS, POSITIONS, placeholder_clips, present, streets
from feed_double.accounts import rows_of
from resident_memory import slope_mb_per_h

CADENCE_S = 240.0  # of London
SPEEDUP = 4.0
FRAMES = 2
PER_MINUTE = 60_000.0


def main() -> None:
    asked = arguments()
    if not present():
        print(f"bench-city-memory needs {NEEDS}, which are not on this machine", file=sys.stderr)
        print(json.dumps({"name": "city-memory", "figures": {}, "needs": NEEDS}))
        return
    cadence_s = CADENCE_S / SPEEDUP
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fleet = {"publisher": "tfl", "count": asked.cameras, "positions": str(POSITIONS)}
        fleet |= {"cadence_s": cadence_s, "jitter_s": cadence_s / 20}
        fleet |= {"clips": streets(), "placeholders": placeholder_clips()}
        limits = {"tfl_api": PER_MINUTE, "tfl_bucket": PER_MINUTE}
        double = stack.enter_context(DoubledCity({"fleets": [fleet], "limits": limits, "seed": asked.seed}, scratch))
        config = london(double, cadence_s, requests_per_minute=PER_MINUTE)
        config["detect"] |= {"frames_per_clip": FRAMES}
        config["ingest"] = {"newest_every_s": 30 / SPEEDUP}
        system = stack.enter_context(System(config, scratch))
        watched = watch(system, asked.hours * 3600 / SPEEDUP)
        statuses = Counter(row.status for row in rows_of(system.store))
    print(json.dumps({"name": "city-memory", "figures": figures(watched, statuses, asked.hours)}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=911)
    parser.add_argument("--hours", type=float, default=3.0, help="of feed time, which goes four times as fast")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def figures(watched: Watched, statuses: Counter[str], hours: float) -> dict[str, object]:
    whole, parent = ([(at * SPEEDUP, mb) for at, mb in one] for one in (watched.memory, watched.parent))
    by_hour = [next(mb for at, mb in reversed(whole) if at <= hour) for hour in range(1, int(hours) + 1)]
    return {
        "hours": hours,
        "counts": statuses["ok"],
        "skipped": statuses["skipped"],
        "rss_slope_mb_per_h": slope_mb_per_h(whole, of_last=1 / 2),
        "parent_slope_mb_per_h": slope_mb_per_h(parent, of_last=1 / 2),
        "late_slope_mb_per_h": slope_mb_per_h(whole, of_last=1 / 4),
        "rss_mb_by_hour": [round(mb) for mb in by_hour],
        "exit_status": watched.exit_status,
    }


if __name__ == "__main__":
    main()
