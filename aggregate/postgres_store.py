"""The store of a cluster: one PostgreSQL database, any number of processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Self

import pandas as pd

from aggregate.contents import Kept
from aggregate.day_so_far import DaysSoFar
from aggregate.history import History
from aggregate.postgres_baselines import baselines_in_force, save_baselines
from aggregate.postgres_config import PostgresConfig
from aggregate.postgres_connections import PATIENCE_S, Connections
from aggregate.postgres_contents import days, observed, references, revised
from aggregate.postgres_days import days_so_far, forget_days, note_days
from aggregate.postgres_engine import Engine
from aggregate.postgres_health import health_between, health_now, save_health
from aggregate.postgres_loops import counters, loop_extent, loops_between, save_counters, save_loops
from aggregate.postgres_newest import camera_states, last_contents, watermarks
from aggregate.postgres_observations import clips, extent, observations_between, upsert_observations, zones_between
from aggregate.postgres_opening import expect_tables, parts_of
from aggregate.postgres_parts import Parts
from aggregate.postgres_readings import current_readings, history, readings_between, save_readings
from aggregate.postgres_retention import Retained, retain
from aggregate.postgres_versions import BASELINES, CAMERAS, changed, version
from aggregate.store import refuse_shared_zones
from aggregate.tables import Clips, LoopTable, ReadingTable, Spans
from aggregate.usual.baselines import BaselineTable
from core.figures import SERIES
from core.health import HealthEvent
from core.loops import LoopCounter, LoopReading
from core.records import Camera, CountObservation, Window


class PostgresStore:
    """Many processes write at once, each of its own cameras, and any number read; each question sees its own moment.

    A transaction is of its thread. Two that write of one camera wait for one another (`aggregate/postgres_newest.py`).
    A server that is away is waited for, `PATIENCE_S` at most, wherever that can lose nothing: before a transaction and
    for every question outside of one.
    """

    def __init__(self, engine: Engine, parts: Parts) -> None:
        """Use `open`."""
        self._engine = engine
        self._parts = parts
        self._lock = threading.Lock()
        self._cameras: tuple[int, tuple[Camera, ...]] = (-1, ())

    @classmethod
    def open(cls, config: PostgresConfig, *, read_only: bool = False, patience_s: float = PATIENCE_S) -> Self:
        """Open the store, and make its tables or bring them up to date where it is not for reading only.

        Raises `StoreError`.
        """
        connections = Connections(config, read_only=read_only, patience_s=patience_s)
        try:
            expect_tables(connections, config.schema_name, read_only=read_only)
            engine = Engine(connections, read_only=read_only)
            return cls(engine, parts_of(engine))
        except BaseException:
            connections.close()
            raise

    def close(self) -> None:
        self._engine.close()

    # -- writing ------------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        try:
            with self._engine.transaction():
                yield
        except BaseException:
            self._parts.forget()
            raise

    def save_cameras(self, cameras: Sequence[Camera]) -> None:
        now = {camera.id: camera for camera in cameras}
        refuse_shared_zones(list(now.values()))
        ids = sorted(now)
        if [now[camera] for camera in ids] == self.cameras():
            return
        with self.transaction():
            changed(self._engine, CAMERAS)
            self._engine.write("DELETE FROM cameras WHERE NOT id = ANY(%(ids)s)", {"ids": ids})
            self._engine.write(
                "INSERT INTO cameras (id, config) SELECT * FROM unnest(%(ids)s::text[], %(configs)s::text[]) "
                "ON CONFLICT (id) DO UPDATE SET config = excluded.config",
                {"ids": ids, "configs": [now[camera].model_dump_json() for camera in ids]},
            )

    def upsert_observations(self, observations: Sequence[CountObservation]) -> list[CountObservation]:
        with self.transaction():
            return upsert_observations(self._engine, self._parts, observations)

    def note_days(self, days: DaysSoFar) -> None:
        with self.transaction():
            note_days(self._engine, days)

    def forget_days(self, zones: Sequence[str]) -> None:
        with self.transaction():
            forget_days(self._engine, zones)

    def save_readings(self, readings: ReadingTable) -> None:
        with self.transaction():
            save_readings(self._engine, self._parts, readings)

    def save_health(self, events: Sequence[HealthEvent]) -> None:
        save_health(self._engine, events)

    def save_counters(self, counters: Sequence[LoopCounter]) -> None:
        save_counters(self._engine, counters)

    def save_loops(self, readings: Sequence[LoopReading]) -> int:
        with self.transaction():
            return save_loops(self._engine, self._parts, readings)

    def save_baselines(self, baselines: BaselineTable) -> None:
        save_baselines(self._engine, baselines)

    def retain(self, before: datetime) -> Retained:
        """Let go of observations, and of readings of quarters and shorter, of the time before a moment.

        Not inside a transaction. Readers and writers go on meanwhile.
        """
        return retain(self._engine, self._parts, before)

    # -- reading ------------------------------------------------------------------------------------------------

    def cameras(self) -> list[Camera]:
        # What this transaction has saved is not known to be kept: only what is committed is remembered.
        now = version(self._engine, CAMERAS)
        with self._lock:
            known, cameras = self._cameras
        if known == now:
            return list(cameras)
        rows = self._engine.select("SELECT config FROM cameras ORDER BY id")
        cameras = tuple(Camera.model_validate_json(config) for (config,) in rows)
        if not self._engine.writing and version(self._engine, CAMERAS) == now:
            with self._lock:
                self._cameras = now, cameras
        return list(cameras)

    def observations(self, zone: str, start: datetime, end: datetime) -> list[CountObservation]:
        return observations_between(self._engine, zone, start, end)

    def clips(self, spans: Spans) -> Clips:
        return clips(self._engine, spans)

    def days_so_far(self, zones: Sequence[str]) -> DaysSoFar:
        return days_so_far(self._engine, zones)

    def zones_between(self, start: datetime, end: datetime) -> dict[str, str]:
        return zones_between(self._engine, start, end)

    def watermark(self, camera: str) -> datetime | None:
        return self.watermarks([camera]).get(camera)

    def watermarks(self, cameras: Sequence[str] | None = None) -> dict[str, datetime]:
        return watermarks(self._engine, cameras)

    def last_contents(self) -> Mapping[str, tuple[datetime, str]]:
        return last_contents(self._engine)

    def current_readings(self, spans: Spans, series: Sequence[str] = SERIES) -> ReadingTable:
        return current_readings(self._engine, spans, series)

    def readings(
        self,
        *,
        window: Window,
        series: Sequence[str],
        start: datetime,
        end: datetime,
        zones: Sequence[str] | None = None,
        as_of: datetime | None = None,
    ) -> ReadingTable:
        return readings_between(
            self._engine, window=window, series=series, start=start, end=end, zones=zones, as_of=as_of
        )

    def history(
        self, *, window: Window, series: str, start: datetime, end: datetime, zones: Sequence[str], timezone: str
    ) -> History:
        camera_of = {zone.id: camera.id for camera in self.cameras() for zone in camera.counted_zones}
        return history(
            self._engine, camera_of, window=window, series=series, start=start, end=end, zones=zones, timezone=timezone
        )

    def baselines(
        self,
        reference: str,
        *,
        at: datetime | None = None,
        since: datetime | None = None,
        zones: Sequence[str] | None = None,
        series: Sequence[str] | None = None,
    ) -> BaselineTable:
        return baselines_in_force(self._engine, reference, at=at, since=since, zones=zones, series=series)

    def baselines_version(self) -> int:
        return version(self._engine, BASELINES)

    def extent(self, as_of: datetime | None = None) -> tuple[datetime, datetime] | None:
        return extent(self._engine, as_of)

    def camera_states(self) -> pd.DataFrame:
        return camera_states(self._engine)

    def health(self, start: datetime, end: datetime, cameras: Sequence[str] | None = None) -> list[HealthEvent]:
        return health_between(self._engine, start, end, cameras)

    def health_now(self) -> list[HealthEvent]:
        return health_now(self._engine)

    def counters(self) -> list[LoopCounter]:
        return counters(self._engine)

    def loops(
        self,
        start: datetime,
        end: datetime,
        *,
        counters: Sequence[str] | None = None,
        series: Sequence[str] | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> LoopTable:
        return loops_between(self._engine, start, end, counters=counters, series=series, limit=limit, offset=offset)

    def loop_extent(self) -> tuple[datetime, datetime] | None:
        return loop_extent(self._engine)

    # -- all of it ----------------------------------------------------------------------------------------------

    def days(self, kept: Kept) -> Mapping[date, int]:
        return days(self._engine, kept)

    def observed(self, start: datetime, end: datetime) -> list[CountObservation]:
        return observed(self._engine, start, end)

    def revised(self, window: Window, start: datetime, end: datetime) -> ReadingTable:
        return revised(self._engine, window, start, end)

    def references(self) -> list[str]:
        return references(self._engine)
