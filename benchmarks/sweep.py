"""Every camera of London once: fetched, decoded and counted on two cores: `make bench-sweep`.

911 doubled cameras (tests/feed_double) show one real clip each, of ten seconds; the system is `busyness run`: it lists
them, fetches each clip over loopback by its guarded client, and counts ten frames of it in two jailed workers.

- `seconds`: from its first request to the last clip counted; the goal is 90
- `decode_seconds`: the same clips only opened and decoded, by two threads, in the same run; `ratio` is in terms of it
- `of_real_time`: how many times faster than a city that shows a new clip of each camera every four minutes
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
from doubled_city.processes import DoubledCity, System
from doubled_city.recordings import CARD_BYTES, DAYS, NEEDS, POSITIONS, present
from feed_double.accounts import rows_of

from ingest.decode import open_bytes
from ingest.decode_limits import DecodeLimits

CADENCE_S = 240.0
FRAMES = 10
WORKERS = 2
AT_MOST_S = 900.0


def main() -> None:
    asked = arguments()
    if not present():
        print(f"bench-sweep needs {NEEDS}, which are not on this machine", file=sys.stderr)
        print(json.dumps({"name": "sweep", "figures": {}, "needs": NEEDS}))
        return
    clips = [clip for clip in sorted(DAYS.glob("*/*.mp4")) if clip.stat().st_size > CARD_BYTES]
    shown = [clips[number % len(clips)] for number in range(asked.cameras)]
    decode_s = decode_alone(shown)
    print(f"decoding alone: {decode_s:.1f} s", file=sys.stderr)
    with ExitStack() as stack:
        scratch = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scratch.mkdir(parents=True, exist_ok=True)
        double = stack.enter_context(DoubledCity(double_config(shown), scratch))
        system = stack.enter_context(System(city_config(double), scratch))
        system.start()
        wait_until_counted(system, len(shown))
        ledger = double.ledger()
        system.stop()
        rows = [row for row in rows_of(system.store) if row.content]
    began = min(request.at for request in ledger.requests)
    seconds = (max(row.counted_at for row in rows) - began).total_seconds()
    figures = {
        "cameras": len({row.camera for row in rows}),
        "seconds": round(seconds, 1),
        "decode_seconds": round(decode_s, 1),
        "ratio": round(seconds / decode_s, 2),
        "of_real_time": round(CADENCE_S / seconds, 2),
        "frames_per_clip": FRAMES,
        "statuses": dict(Counter(row.status for row in rows)),
    }
    print(json.dumps({"name": "sweep", "figures": figures}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=911)
    parser.add_argument("--keep", type=Path, help="a folder for store and log; by default they are removed")
    return parser.parse_args()


def double_config(shown: list[Path]) -> dict[str, Any]:
    """A camera a clip, which it goes on showing."""
    fleet = {"publisher": "tfl", "count": len(shown), "cadence_s": CADENCE_S, "positions": str(POSITIONS)}
    return {"fleets": [{**fleet, "clips": [[str(clip)] for clip in shown]}], "limits": {}, "hold_s": 86_400}


def city_config(double: DoubledCity) -> dict[str, Any]:
    return {
        "name": "London once",
        "sources": [double.jamcams()],
        "ingest": {"waiting_mb": 512},
        "detect": {"workers": WORKERS, "frames_per_clip": FRAMES},
    }


def decode_alone(clips: list[Path]) -> float:
    """Seconds to open and decode the clips as the workers do, and drop them."""
    contents = {clip: clip.read_bytes() for clip in clips}
    limits = DecodeLimits()
    began = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda clip: len(open_bytes(contents[clip], clip.name, FRAMES, limits).frames), clips))
    return time.perf_counter() - began


def wait_until_counted(system: System, cameras: int) -> None:
    """Until the system's own meter says that as many clips are stored. Raises RuntimeError after `AT_MOST_S`."""
    deadline = time.monotonic() + AT_MOST_S
    while time.monotonic() < deadline and system.alive:
        time.sleep(1.0)
        if counted(system.port) >= cameras:
            return
    raise RuntimeError(f"{counted(system.port)} of {cameras} clips counted:\n{system.log.read_text()[-3000:]}")


def counted(port: int) -> int:
    """Observations that /metrics tells of."""
    try:
        said = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=30).text
    except httpx.HTTPError:
        return 0
    lines = [line for line in said.splitlines() if line.startswith("busyness_observations_total{")]
    return int(sum(float(line.rsplit(" ", 1)[1]) for line in lines))


if __name__ == "__main__":
    main()
