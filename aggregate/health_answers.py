"""What the store can be asked of how cameras are and were."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import pandas as pd

from aggregate.health import StateRange, outages, state_ranges, uptime
from aggregate.query import BoundingBox, expect_box, expect_known, in_box
from aggregate.store import Store
from aggregate.tables import instants
from core.errors import QueryError
from core.health import CameraState, HealthEvent
from core.records import Camera

HEALTH_COLUMNS = ("id", "name", "state", "since", "reason", "last_event_time", "age_s", "last_counted")
"""One row a camera, by id. Times are datetime64[us, UTC], `age_s` float64; null where nothing is known."""

STATE_COLUMNS = ("camera", "state", "start", "end", "duration_s", "reason")
"""One row for every stretch of time that a camera was in a state, by camera and start."""

DEFAULT_PERIOD = timedelta(days=1)
LONGEST_OF_ONE = timedelta(days=366)
"""How much of one camera's past is answered at once."""
LONGEST_OF_ALL = timedelta(days=31)
"""How much of the past of many cameras is answered at once."""


@dataclass(frozen=True)
class CameraHealth:
    """How one camera is, and was in [`start`, `end`). `state` and `since` are null where no event was ever stored."""

    camera: Camera
    state: CameraState | None
    since: datetime | None
    reason: str | None
    newest_event_time: datetime | None
    last_counted: datetime | None
    start: datetime
    end: datetime
    ranges: tuple[StateRange, ...]

    @property
    def outages(self) -> tuple[StateRange, ...]:
        """When it gave no figures, and why."""
        return outages(self.ranges)

    @property
    def uptime(self) -> float | None:
        """The share of the time known that it was live, 0..1; null where nothing is known."""
        return uptime(self.ranges)


@dataclass(frozen=True)
class CameraStates:
    """How cameras were in [`start`, `end`): `frame` has `STATE_COLUMNS`."""

    frame: pd.DataFrame
    start: datetime
    end: datetime


class HealthAnswers:
    """Answers from a store. Keeps nothing, so any number of threads may ask."""

    def __init__(self, store: Store, present: Callable[[], datetime]) -> None:
        self._store = store
        self._present = present

    def now(self, bbox: BoundingBox | None = None, states: Collection[CameraState] | None = None) -> pd.DataFrame:
        """How every camera is (`HEALTH_COLUMNS`), or those in `bbox` and in one of `states`. Raises `QueryError`.

        `age_s` is how long before the present its newest clip was filmed.
        """
        events = {event.camera: event for event in self._store.health_now()}
        cameras = [
            camera
            for camera in self._placed(bbox)
            if states is None or (camera.id in events and events[camera.id].state in states)
        ]
        ids = [camera.id for camera in cameras]
        sent = self._store.camera_states().set_index("camera").reindex(pd.Index(ids, dtype=object))
        now = [events.get(camera) for camera in ids]
        newest = sent["last_event_time"].reset_index(drop=True)
        return pd.DataFrame(
            {
                "id": pd.Series(ids, dtype=object),
                "name": pd.Series([camera.name for camera in cameras], dtype=object),
                "state": pd.Series([None if event is None else event.state.value for event in now], dtype=object),
                "since": instants([None if event is None else event.since for event in now]),
                "reason": pd.Series([None if event is None else event.reason for event in now], dtype=object),
                "last_event_time": newest,
                "age_s": (pd.Timestamp(self._now()) - newest).dt.total_seconds(),
                "last_counted": sent["last_counted"].reset_index(drop=True),
            },
            columns=list(HEALTH_COLUMNS),
        )

    def of(self, camera: str, start: datetime | None = None, end: datetime | None = None) -> CameraHealth:
        """How one camera is, and was in [start, end): the day before the present unless given.

        Raises `NotFound`, and `QueryError` for a period of more than `LONGEST_OF_ONE`.
        """
        known = {one.id: one for one in self._store.cameras()}
        expect_known("camera", [camera], known)
        start, end = self._period(start, end, LONGEST_OF_ONE)
        newest = next((event for event in self._store.health_now() if event.camera == camera), None)
        sent = self._store.camera_states()
        row = next(iter(sent[sent["camera"] == camera].to_dict("records")), None)
        return CameraHealth(
            camera=known[camera],
            state=None if newest is None else newest.state,
            since=None if newest is None else newest.since,
            reason=None if newest is None else newest.reason,
            newest_event_time=None if row is None else _moment(row["last_event_time"]),
            last_counted=None if row is None else _moment(row["last_counted"]),
            start=start,
            end=end,
            ranges=state_ranges(self._store.health(start, end, [camera]), start, end),
        )

    def states(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        cameras: Sequence[str] | None = None,
        bbox: BoundingBox | None = None,
        states: Collection[CameraState] | None = None,
    ) -> CameraStates:
        """How cameras were in [start, end): the day before the present unless given.

        Raises `NotFound`, and `QueryError` for a period of more than `LONGEST_OF_ALL`.
        """
        placed = {camera.id for camera in self._placed(bbox)}
        if cameras is not None:
            expect_known("camera", cameras, {camera.id for camera in self._store.cameras()})
            placed &= set(cameras)
        start, end = self._period(start, end, LONGEST_OF_ALL)
        happened = self._events(start, end, sorted(placed))
        ranges = {camera: state_ranges(happened.get(camera, ()), start, end) for camera in sorted(placed)}
        frame = states_frame(
            (camera, one)
            for camera, all_of in ranges.items()
            for one in all_of
            if states is None or one.state in states
        )
        return CameraStates(frame, start, end)

    def _events(self, start: datetime, end: datetime, cameras: Sequence[str]) -> Mapping[str, Sequence[HealthEvent]]:
        events = self._store.health(start, end, cameras)
        return {camera: list(of_one) for camera, of_one in groupby(events, key=lambda event: event.camera)}

    def _placed(self, bbox: BoundingBox | None) -> list[Camera]:
        if bbox is not None:
            expect_box(bbox)
        return [camera for camera in self._store.cameras() if in_box(camera, bbox)]

    def _now(self) -> datetime:
        """The present; of a recorded day not before the newest event, so that its state is of the past."""
        return max([self._present(), *(event.since for event in self._store.health_now())])

    def _period(self, start: datetime | None, end: datetime | None, longest: timedelta) -> tuple[datetime, datetime]:
        """The period asked for, up to the present: of what is to come nothing is known."""
        present = self._now()
        end = present if end is None else min(end, present)
        start = end - DEFAULT_PERIOD if start is None else min(start, end)
        if end - start > longest:
            raise QueryError(
                f"the period from {start.isoformat()} has more than {longest.days} days",
                remedy="ask for a part of it",
            )
        return start, end


def states_frame(ranges: Iterable[tuple[str, StateRange]]) -> pd.DataFrame:
    """States of cameras as a table (`STATE_COLUMNS`)."""
    rows = list(ranges)
    return pd.DataFrame(
        {
            "camera": pd.Series([camera for camera, _ in rows], dtype=object),
            "state": pd.Series([one.state.value for _, one in rows], dtype=object),
            "start": instants([one.start for _, one in rows]),
            "end": instants([one.end for _, one in rows]),
            "duration_s": pd.Series([one.duration.total_seconds() for _, one in rows], dtype="float64"),
            "reason": pd.Series([one.reason for _, one in rows], dtype=object),
        },
        columns=list(STATE_COLUMNS),
    )


def _moment(time: pd.Timestamp) -> datetime | None:
    return None if pd.isna(time) else time.to_pydatetime()
