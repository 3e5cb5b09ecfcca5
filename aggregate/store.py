"""The port of every store: what is kept, and what has to be durable when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

import pandas as pd

from aggregate.day_so_far import DaysSoFar
from aggregate.history import History
from aggregate.tables import Clips, LoopTable, ReadingTable, Spans
from aggregate.usual.baselines import BaselineTable
from core.errors import ConfigError
from core.figures import SERIES
from core.health import HealthEvent
from core.loops import LoopCounter, LoopReading
from core.records import Camera, CountObservation, Window


class Store(Protocol):
    """Keeps cameras, count observations, readings, how cameras are, and what loops counted.

    One process writes, any number of its threads read.

    Every method raises `StoreError` when the store cannot be read or written.
    """

    def transaction(self) -> AbstractContextManager[None]:
        """What is written inside is committed together, durably, when the block ends; an error undoes it all.

        Blocks nest (the outermost commits) and exclude other writers.
        """
        ...

    def save_cameras(self, cameras: Sequence[Camera]) -> None:
        """These are the cameras now, and no others. Raises `ConfigError` where two of them share a zone id.

        What is stored of a camera that is not among them stays, and answers again once it is saved again.
        """
        ...

    def cameras(self) -> list[Camera]:
        """The cameras as they were saved last, by id."""
        ...

    def upsert_observations(self, observations: Sequence[CountObservation]) -> list[CountObservation]:
        """Keep, for every id, the newest count (`supersedes`), whatever the order of arrival; durable on return.

        Returns those that were new or replaced another. What was noted of a time that one of them is in is let go of.
        """
        ...

    def note_days(self, days: DaysSoFar) -> None:
        """Keep these until an observation of the zone with an event time in [start, through) is stored.

        They take the place of what was noted of the same zone. Inside the transaction in which their clips were read.
        """
        ...

    def forget_days(self, zones: Sequence[str]) -> None:
        """Let go of what was noted of these zones."""
        ...

    def days_so_far(self, zones: Sequence[str]) -> DaysSoFar:
        """What was noted last of each of `zones`, of those that have it, in any order."""
        ...

    def observations(self, zone: str, start: datetime, end: datetime) -> list[CountObservation]:
        """Stored observations of a zone with event time in [start, end), by event time and id."""
        ...

    def clips(self, spans: Spans) -> Clips:
        """The stored observations that fall in any of `spans` (and perhaps some between them), in any order."""
        ...

    def zones_between(self, start: datetime, end: datetime) -> dict[str, str]:
        """The zones with an observation in [start, end), each with its camera."""
        ...

    def watermark(self, camera: str) -> datetime | None:
        """The newest event time stored of a camera; None where nothing is."""
        ...

    def watermarks(self, cameras: Sequence[str] | None = None) -> dict[str, datetime]:
        """`watermark` of many cameras (None: all) at once; those without observations are absent."""
        ...

    def last_contents(self) -> Mapping[str, tuple[datetime, str]]:
        """Event time and content of the newest clip stored of each camera whose content is known.

        What is counted is known by it after a restart, so it costs the same whatever is stored. It is not taken back
        where a recount of that clip does not know its content.
        """
        ...

    def save_readings(self, readings: ReadingTable) -> None:
        """Insert, or replace the row of the same zone, window, start and revision. All `SERIES` in every row."""
        ...

    def current_readings(self, spans: Spans, series: Sequence[str] = SERIES) -> ReadingTable:
        """The newest revision of each of `spans` that has one, in any order."""
        ...

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
        """Stored readings of windows that begin in [start, end), newest revision (of those derived by `as_of`).

        What was derived of an open window and replaced in place is not kept, so it is in no answer as of then.
        """
        ...

    def extent(self, as_of: datetime | None = None) -> tuple[datetime, datetime] | None:
        """The first and the newest event time stored of the cameras of now; None where nothing is.

        As of a moment: the first and the newest minute of which a reading derived by then is kept, for a recount
        replaces an observation, but not the reading of a closed window.
        """
        ...

    def camera_states(self) -> pd.DataFrame:
        """Per camera with observations: camera, last_event_time, last_status, last_reason, last_counted."""
        ...

    def save_health(self, events: Sequence[HealthEvent]) -> None:
        """Insert, or replace the event of the same camera and `since` (the last of several); durable on return."""
        ...

    def health(self, start: datetime, end: datetime, cameras: Sequence[str] | None = None) -> list[HealthEvent]:
        """What happened to cameras (None: all) in [start, end), and before it the event in force at `start`.

        By camera and `since`. A camera of which nothing was known at `start` begins with its first event.
        """
        ...

    def health_now(self) -> list[HealthEvent]:
        """How each camera is by its newest event, by camera; `since` is when it came to be in this state.

        That is its first event of this state after the last of another; the reason is that of the newest.
        """
        ...

    def save_counters(self, counters: Sequence[LoopCounter]) -> None:
        """Insert, or replace the counter of the same id; those of other sources stay. Durable on return."""
        ...

    def counters(self) -> list[LoopCounter]:
        """Every counter that was ever saved, by id."""
        ...

    def save_loops(self, readings: Sequence[LoopReading]) -> int:
        """Insert, or replace the reading of the same counter, series, start and end (the last of several).

        Durable on return. Returns how many were new or different: publishers give the same hours again and again.
        """
        ...

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
        """Readings that begin in [start, end), by start, counter, series and end; None is all of them."""
        ...

    def loop_extent(self) -> tuple[datetime, datetime] | None:
        """When the first loop reading stored begins, and the newest; None where nothing is."""
        ...

    def history(
        self, *, window: Window, series: str, start: datetime, end: datetime, zones: Sequence[str], timezone: str
    ) -> History:
        """The means of the newest revisions of windows that begin in [start, end), one row for each of `zones`.

        `window` is aligned to UTC (not a day), as `start` has to be to it. A zone's past is that of the camera it
        belongs to now; zones that no camera has now answer with all that is stored of them. Costs its own memory,
        little more.
        """
        ...

    def save_baselines(self, baselines: BaselineTable) -> None:
        """Keep these, in the place of those of the same reference, zone, series and `until`; durable on return."""
        ...

    def baselines(
        self,
        reference: str,
        *,
        at: datetime | None = None,
        since: datetime | None = None,
        zones: Sequence[str] | None = None,
        series: Sequence[str] | None = None,
    ) -> BaselineTable:
        """Of each zone and series the baseline that was in force at a moment: the newest with `until` <= `at`.

        Where all are younger, the oldest: it knows what came after. Without `at` the newest. By zone and series; with
        `since` (at or before `at`) then by `until`: also those that were in force before it, back to that moment.
        All are of the model that was built last: what another one fitted of this reference is passed over.
        """
        ...

    def baselines_version(self) -> int:
        """A number that changes whenever baselines are saved: what was read before need not be read again."""
        ...

    def close(self) -> None:
        """Release the store; it cannot be used afterwards."""
        ...


def supersedes(incoming: CountObservation, stored: CountObservation) -> bool:
    """Whether `incoming` replaces `stored` of the same id: the newer count wins, whichever came first.

    Two different counts made at the very same time are told apart by their content, so that every order of
    arrival ends in the same row.
    """
    if incoming.counted_at != stored.counted_at:
        return incoming.counted_at > stored.counted_at
    return incoming != stored and incoming.model_dump_json() > stored.model_dump_json()


def newest_counts(observations: Sequence[CountObservation]) -> dict[str, CountObservation]:
    """The observation of each id that the others do not replace, in the order of arrival."""
    newest: dict[str, CountObservation] = {}
    for observation in observations:
        rival = newest.get(observation.id)
        if rival is None or supersedes(observation, rival):
            newest[observation.id] = observation
    return newest


def refuse_shared_zones(cameras: Sequence[Camera]) -> None:
    """Raises `ConfigError` where two cameras have a zone of one id: readings are kept by zone."""
    owner: dict[str, str] = {}
    for camera in cameras:
        for zone in camera.counted_zones:
            other = owner.setdefault(zone.id, camera.id)
            if other != camera.id:
                raise ConfigError(
                    f"zone {zone.id!r} belongs to camera {other} and to camera {camera.id}",
                    remedy=f"zone ids are unique in a city: call it {camera.id}:{zone.id}",
                )
