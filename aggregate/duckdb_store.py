"""The embedded store: one DuckDB file, or memory."""

# ruff: noqa: S608 - every word of the SQL is written here; what comes from outside is a bound parameter

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self

import pandas as pd
import pyarrow as pa

from aggregate.contents import Kept
from aggregate.day_so_far import DaysSoFar
from aggregate.duckdb_baselines import baselines_in_force, baselines_version, save_baselines
from aggregate.duckdb_columns import (
    clip_select,
    clips_from,
    edges,
    naive,
    observation_rows,
    observation_select,
    observations_from,
    span_rows,
)
from aggregate.duckdb_contents import days, observed, references, revised
from aggregate.duckdb_days import days_so_far, forget_days, forget_days_of, note_days
from aggregate.duckdb_engine import Engine
from aggregate.duckdb_file import open_file
from aggregate.duckdb_health import health_between, health_now, save_health
from aggregate.duckdb_loops import counters, loop_extent, loops_between, save_counters, save_loops
from aggregate.duckdb_newest import camera_states, keep_newest, last_contents, newest_clips, watermarks
from aggregate.duckdb_readings import current_readings, history, readings_between, save_readings
from aggregate.duckdb_schema import readings_table
from aggregate.history import History
from aggregate.newest_clips import NewestClip, among, perhaps_stored
from aggregate.policy import STORE_MEMORY_MB
from aggregate.store import newest_counts, refuse_shared_zones, supersedes
from aggregate.tables import Clips, LoopTable, ReadingTable, Spans
from aggregate.usual.baselines import BaselineTable
from core.figures import SERIES
from core.health import HealthEvent
from core.loops import LoopCounter, LoopReading
from core.records import Camera, CountObservation, Window


class DuckDBStore:
    """One writer at a time and any number of reading threads; each call reads its own snapshot."""

    def __init__(self, engine: Engine) -> None:
        """Use `open`."""
        self._engine = engine
        self._cameras: tuple[Camera, ...] = ()
        engine.on_undone = self._load_cameras
        self._load_cameras()

    @classmethod
    def open(cls, path: Path | None, read_only: bool = False, *, memory_mb: int = STORE_MEMORY_MB) -> Self:
        """Open or create the store in `path`, of which at most `memory_mb` MiB are kept in memory; None keeps all of it
        there. Raises `StoreError`."""
        name, connection = open_file(path, read_only, memory_mb)
        try:
            bounded = None if path is None else memory_mb
            return cls(Engine(connection, name, read_only=read_only, memory_mb=bounded))
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        self._engine.close()

    # -- writing ------------------------------------------------------------------------------------------------

    def transaction(self) -> AbstractContextManager[None]:
        return self._engine.transaction()

    def save_cameras(self, cameras: Sequence[Camera]) -> None:
        now = {camera.id: camera for camera in cameras}
        refuse_shared_zones(list(now.values()))
        config = [camera.model_dump_json() for camera in now.values()]
        rows = pa.table({"id": pa.array(list(now), pa.string()), "config": pa.array(config, pa.string())})
        with self.transaction():
            self._engine.write("DELETE FROM cameras WHERE id NOT IN (SELECT id FROM batch)", batch=rows)
            self._engine.write("INSERT OR REPLACE INTO cameras SELECT id, config FROM batch", batch=rows)
            self._cameras = tuple(now[camera] for camera in sorted(now))

    def _load_cameras(self) -> None:
        rows = self._engine.read("SELECT config FROM cameras ORDER BY id")
        self._cameras = tuple(Camera.model_validate_json(config) for config in rows["config"].to_pylist())

    def upsert_observations(self, observations: Sequence[CountObservation]) -> list[CountObservation]:
        newest = newest_counts(observations)
        if not newest:
            return []
        with self.transaction():
            kept = newest_clips(self._engine, {observation.camera for observation in newest.values()})
            perhaps = perhaps_stored(newest.values(), kept)
            stored = self._stored(perhaps) if perhaps else {}
            changed = [
                observation
                for observation in newest.values()
                if observation.id not in stored or supersedes(observation, stored[observation.id])
            ]
            if changed:
                self._replace(kept, changed, any(observation.id in stored for observation in changed))
                forget_days_of(self._engine, among(perhaps, changed))
        return changed

    def _stored(self, observations: Sequence[CountObservation]) -> dict[str, CountObservation]:
        times = [observation.event_time for observation in observations]
        asked = pa.table({"id": [observation.id for observation in observations]})
        rows = self._engine.read(
            f"SELECT {observation_select()} FROM observations "
            "WHERE event_time BETWEEN $first AND $last AND id IN (SELECT id FROM asked)",
            {"first": naive(min(times)), "last": naive(max(times))},
            asked=asked,
        )
        return {observation.id: observation for observation in observations_from(rows)}

    def _replace(self, kept: Mapping[str, NewestClip], observations: Sequence[CountObservation], recount: bool) -> None:
        rows = observation_rows(observations)
        if recount:
            times = [observation.event_time for observation in observations]
            self._engine.write(
                "DELETE FROM observations WHERE event_time BETWEEN $first AND $last AND id IN (SELECT id FROM batch)",
                {"first": naive(min(times)), "last": naive(max(times))},
                batch=rows,
            )
        self._engine.write("INSERT INTO observations BY NAME SELECT * FROM batch", batch=rows)
        keep_newest(self._engine, kept, observations, recount=recount)

    def note_days(self, days: DaysSoFar) -> None:
        note_days(self._engine, days)

    def forget_days(self, zones: Sequence[str]) -> None:
        forget_days(self._engine, zones)

    def save_readings(self, readings: ReadingTable) -> None:
        save_readings(self._engine, readings)

    def save_health(self, events: Sequence[HealthEvent]) -> None:
        save_health(self._engine, events)

    def save_counters(self, counters: Sequence[LoopCounter]) -> None:
        save_counters(self._engine, counters)

    def save_loops(self, readings: Sequence[LoopReading]) -> int:
        return save_loops(self._engine, readings)

    def save_baselines(self, baselines: BaselineTable) -> None:
        save_baselines(self._engine, baselines)

    # -- reading ------------------------------------------------------------------------------------------------

    def cameras(self) -> list[Camera]:
        return list(self._cameras)

    def observations(self, zone: str, start: datetime, end: datetime) -> list[CountObservation]:
        rows = self._engine.read(
            f"SELECT {observation_select()} FROM observations "
            "WHERE event_time >= $start AND event_time < $end AND zone = $zone ORDER BY event_time, id",
            {"zone": zone, "start": naive(start), "end": naive(end)},
        )
        return observations_from(rows)

    def clips(self, spans: Spans) -> Clips:
        if len(spans) == 0:
            return clips_from(self._engine.read(f"SELECT {clip_select()} FROM observations o LIMIT 0"))
        rows = self._engine.read(
            "WITH hull AS (SELECT zone, min(starts) AS first, max(ends) AS last FROM asked GROUP BY zone) "
            f"SELECT {clip_select()} FROM observations o JOIN hull USING (zone) "
            "WHERE o.event_time >= $first AND o.event_time < $end "
            "AND o.event_time >= hull.first AND o.event_time < hull.last",
            {name: time for name, time in edges(spans).items() if name != "last"},
            asked=span_rows(spans),
        )
        return clips_from(rows)

    def days_so_far(self, zones: Sequence[str]) -> DaysSoFar:
        return days_so_far(self._engine, zones)

    def zones_between(self, start: datetime, end: datetime) -> dict[str, str]:
        rows = self._engine.read(
            "SELECT zone, any_value(camera ORDER BY camera) AS camera FROM observations "
            "WHERE event_time >= $start AND event_time < $end GROUP BY zone ORDER BY zone",
            {"start": naive(start), "end": naive(end)},
        )
        return dict(zip(rows["zone"].to_pylist(), rows["camera"].to_pylist(), strict=True))

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
        camera_of = {zone.id: camera.id for camera in self._cameras for zone in camera.counted_zones}
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
        return baselines_version(self._engine)

    def extent(self, as_of: datetime | None = None) -> tuple[datetime, datetime] | None:
        ours = "camera IN (SELECT id FROM cameras)"
        if as_of is None:
            # Sorted for one row, so that only the oldest row groups are read.
            rows = self._engine.read(
                f"SELECT (SELECT event_time FROM observations WHERE {ours} ORDER BY event_time LIMIT 1) AS first, "
                f"(SELECT max(event_time) FROM newest_clips WHERE {ours}) AS newest"
            )
        else:
            rows = self._engine.read(
                f"SELECT min(starts) AS first, max(starts) AS newest FROM {readings_table(Window.MINUTE)} "
                f"WHERE derived_at <= $as_of AND {ours}",
                {"as_of": naive(as_of)},
            )
        row = rows.to_pylist()[0]
        if row["first"] is None:
            return None
        return row["first"].replace(tzinfo=UTC), row["newest"].replace(tzinfo=UTC)

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
