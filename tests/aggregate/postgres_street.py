"""What tests of the PostgreSQL store do again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from services.postgres_server import PostgresServer
from street_counts import NOON, StoppedClock, counted, figures

from aggregate.aggregator import Aggregator
from aggregate.policy import AggregatePolicy
from aggregate.postgres_config import PostgresConfig
from aggregate.store import Store
from core.records import CountObservation, Window

EVER = (NOON - timedelta(days=20 * 365), NOON + timedelta(days=365))
MINUTE = timedelta(minutes=1)


def run_together(*works: Callable[[], object]) -> list[BaseException]:
    """Run them side by side; what they raised."""
    problems: list[BaseException] = []

    def noted(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=noted, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
        if thread.is_alive():
            problems.append(TimeoutError(f"{thread.name} waits for good"))
    return problems


def aggregator(store: Store) -> Aggregator:
    return Aggregator(store, AggregatePolicy(allowed_lateness_s=86_400), StoppedClock())


def clips_of(*cameras: str, first: int = 0, number: int = 6) -> list[CountObservation]:
    """One a minute of each camera; every one differs."""
    return [
        counted(NOON + step * MINUTE, figures(car=step + len(camera)), camera=camera)
        for step in range(first, first + number)
        for camera in cameras
    ]


def current(store: Store, window: Window = Window.QUARTER) -> dict[tuple[str, datetime], float]:
    table = store.readings(window=window, series=("vehicles",), start=EVER[0], end=EVER[1])
    return {(zone, start): mean for zone, start, (mean,) in zip(table.zone, table.start, table.mean, strict=True)}


def relations(server: PostgresServer, config: PostgresConfig) -> list[str]:
    rows = server.execute(
        f"SELECT relname FROM pg_class WHERE relnamespace = '{config.schema_name}'::regnamespace "
        "AND relispartition AND relkind = 'r' ORDER BY relname"
    )
    return [str(name) for (name,) in rows]
