"""What a year of a city costs the embedded store: `make bench-year`.

The readings of 911 made-up cameras with three zones each, by quarter, hour and day for a year, all nine series with
intervals, peaks and gaps, are written through the store as the aggregator keeps them (`city_year/`), into a temporary
folder. Then another process, which is what is measured, opens them with the memory a store has unless told otherwise:

    baseline_s    all baselines that a night rebuilds: people and vehicles of every zone, from the hours of the year and
                  the quarters of the last eight weeks, stored
    hotspots_s    GET /v1/hotspots of one window, the median of windows that were not asked for before
    latest_ms     GET /v1/latest of all zones, with baseline and index, as it arrives (JSON, compressed): the median
    zone_year_ms  GET /v1/readings of one zone's year by day, the median of zones that were not asked for before
    rss_gb        the most memory that was resident in that process, GB
    store_gb      the file, GB

Answers are asked for over HTTP inside the process, so the server's own work is in them and a network is not. Slowest
answers, and what took how long, are told on stderr. Counts of single clips are not in the file: they are kept in a
table of their own that none of these questions reads but for its newest rows.

`--cameras 91` is a city of a tenth; `--store FILE` keeps the file and uses it again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from city_year.days import LAST_MOMENT, write
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from aggregate.answers import Answers
from aggregate.baseline_builder import BaselineBuilder
from aggregate.duckdb_store import DuckDBStore
from aggregate.feed import ReadingFeed
from aggregate.usual.calendar import Calendar, CalendarConfig
from aggregate.usual.policy import UsualPolicy
from aggregate.usual_answers import UsualAnswers
from aggregate.windows import window_at
from api.app import About, create_app
from core.clock import Clock
from core.records import Window

CAMERAS = 911
NOW = LAST_MOMENT + timedelta(seconds=60)
CALENDAR = CalendarConfig(country="GB", subdivision="ENG")
QUARTER = timedelta(minutes=15)


class Stopped:
    """The present of the answers: a minute after the year's end."""

    def now(self) -> datetime:
        return NOW

    def sleep(self, seconds: float) -> None:
        del seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cameras", type=int, default=CAMERAS)
    parser.add_argument("--store", type=Path, default=None, help="a file to keep the city in, or to find it in")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        path = asked.store or Path(scratch) / "year.duckdb"
        if not path.exists():
            with told(f"a year of {asked.cameras} cameras written"):
                apart(write, path, asked.cameras)
        figures = apart(measured, path)
    print(json.dumps({"name": "year", "figures": figures}))


def measured(path: Path) -> dict[str, float]:
    """Everything that is asked of a store, in the order in which a process would come to be asked."""
    store = DuckDBStore.open(path)
    try:
        calendar = Calendar.of(CALENDAR)
        figures = {"baseline_s": rebuilt(store, calendar)}
        answers = Answers(store, Stopped(), live=True, usual=UsualAnswers(store, calendar))
        figures |= asyncio.run(answered(create(answers, Stopped()), answers))
    finally:
        store.close()
    rss_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return figures | {"rss_gb": round(rss_kb * 1024 / 1e9, 2), "store_gb": round(path.stat().st_size / 1e9, 2)}


def rebuilt(store: DuckDBStore, calendar: Calendar) -> float:
    """Seconds to fit and store what a night does: one baseline a zone and class."""
    midnight = window_at(Window.DAY, NOW, "Europe/London").start
    builder = BaselineBuilder(store, calendar, UsualPolicy())
    tasks = [task for task in builder.plan(NOW, anew=True) if task.untils == (midnight,)]
    began = time.perf_counter()
    with told("baselines built"):
        builder.build(tasks, NOW)
    return round(time.perf_counter() - began, 1)


def create(answers: Answers, clock: Clock) -> FastAPI:
    return create_app(
        answers, ReadingFeed(), About(name="a year"), clock, CollectorRegistry(), ready=lambda: None, web_dist=None
    )


async def answered(app: FastAPI, answers: Answers) -> dict[str, float]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://year") as client:

        async def seconds(path: str, **parameters: str) -> float:
            began = time.perf_counter()
            answer = await client.get(path, params=parameters)
            taken = time.perf_counter() - began
            answer.raise_for_status()
            return taken

        windows = [NOW - QUARTER * step for step in range(2, 7)]
        latest = [await seconds("/v1/latest") for _ in range(15)]
        tell("latest", latest)
        zones = [zone.id for camera in answers.cameras()[7::97] for zone in camera.counted_zones]
        year = {"window": "1d", "from": "2017-01-01T00:00:00Z", "to": "2018-01-01T00:00:00Z"}
        zone_year = [await seconds("/v1/readings", zone=zone, **year) for zone in zones]
        tell("zone's year", zone_year)
        hotspots = [await seconds("/v1/hotspots", at=f"{at:%Y-%m-%dT%H:%M:%SZ}") for at in windows]
        tell("hotspots", hotspots)
    return {
        "hotspots_s": round(median(hotspots), 3),
        "latest_ms": round(median(latest) * 1000, 1),
        "zone_year_ms": round(median(zone_year) * 1000, 1),
    }


def apart(work: Callable[..., Any], *given: object) -> Any:
    """What `work` gives, done in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work, *given).result()


def tell(what: str, seconds: list[float]) -> None:
    first, *others = (round(one * 1000) for one in seconds)
    print(f"{what}: first {first} ms, then median {median(others):.0f}, slowest {max(others)}", file=sys.stderr)


@contextmanager
def told(what: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    print(f"{what} in {time.perf_counter() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
