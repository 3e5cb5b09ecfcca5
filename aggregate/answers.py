"""What the store can be asked: cameras, readings with their gaps filled, the newest figures, camera states."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aggregate.beside.pairing import BesidePolicy
from aggregate.beside_answers import BesideAnswers
from aggregate.forecast_answers import ForecastAnswers
from aggregate.grid import Grid, ZoneOfCamera, Zones, filled, grid_between, grid_size, with_reasons
from aggregate.ground_figures import GROUND_COLUMNS, ground_columns
from aggregate.health_answers import HealthAnswers
from aggregate.loop_answers import LoopAnswers
from aggregate.newest import newest_windows
from aggregate.query import (
    MAX_RANGE,
    MAX_ROWS,
    BoundingBox,
    ReadingQuery,
    expect_box,
    expect_known,
    expect_sound,
    in_box,
)
from aggregate.readings import is_open, while_open
from aggregate.store import Store
from aggregate.tables import FIGURES, Mask, ReadingTable, Text, Times, aware, instants, moment, no_readings, text
from aggregate.unusual_answers import UnusualAnswers
from aggregate.usual.baselines import ROLLING
from aggregate.usual.calendar import Calendar
from aggregate.usual_answers import UsualAnswers
from aggregate.usual_columns import USUAL_COLUMNS, usual_columns
from aggregate.windows import window_at
from core.clock import Clock
from core.errors import QueryError
from core.records import Camera, Window, ZoneKind

__all__ = ["CAMERA_STATE_COLUMNS", "MAX_ROWS", "READING_COLUMNS", "Answers", "BoundingBox", "ReadingQuery"]

READING_COLUMNS = (
    "zone",
    "camera",
    "class",
    "window",
    "start",
    "end",
    "mean",
    "low",
    "high",
    "peak",
    "stationary_share",
    *GROUND_COLUMNS,
    *USUAL_COLUMNS,
    "coverage",
    "clips_counted",
    "clips_expected",
    "state",
    "reason",
    "revision",
    "derived_at",
)
"""Order of every readings frame. `start`, `end`, `derived_at` are datetime64[us, UTC] (NaT for null), figures, those of
the ground, of what is usual and `coverage` float64 (NaN for null), `clips_*` and `revision` int64, the rest object
columns of str (None for null)."""

CAMERA_STATE_COLUMNS = (
    "camera",
    "last_event_time",
    "last_status",
    "last_reason",
    "last_counted",
    "state",
    "state_since",
    "state_reason",
)
"""One row per known camera; nulls (NaT, None) for a camera of which nothing was stored. The state is that of its newest
health event, since it is in it; null where no such event was ever stored."""

_INSTANT = timedelta(microseconds=1)
_NEVER = datetime.fromtimestamp(0, UTC)


class Answers:
    """Answers questions from a store; any number of threads may ask. `usual` tells what readings are compared with.

    Answers have a present: windows that begin after it are no rows, those that end after it are still open, and
    a camera is quiet when it has sent nothing for two cadences before it. Of a live store (`live`) the present is
    what `clock` says; otherwise it is the newest event time stored, so that a recorded day is answered as it was
    when its last clip came in.

    As of a moment, the figures are those of then for every window that was closed then. Those of a window that
    was still open were provisional and are not kept once replaced; the answer says so instead of a figure.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        live: bool = False,
        usual: UsualAnswers | None = None,
        beside: BesidePolicy | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._live = live
        self.usual = usual or UsualAnswers(store, Calendar.plain())
        self.forecasts = ForecastAnswers(store, self.usual, self.usual.policy)
        self.health = HealthAnswers(store, self.present)
        self.loops = LoopAnswers(store)
        self.beside = BesideAnswers(store, self.present, beside)
        self.unusual = UnusualAnswers(store, self.usual, self.present)
        self._everywhere: tuple[list[Camera], Zones] = ([], Zones())

    def cameras(self, bbox: BoundingBox | None = None) -> list[Camera]:
        """Every camera, or those positioned in `bbox`, by id. Raises `QueryError` for a box that is none."""
        if bbox is not None:
            expect_box(bbox)
        return [camera for camera in self._store.cameras() if in_box(camera, bbox)]

    def camera(self, camera: str) -> Camera:
        """One camera. Raises `NotFound`."""
        known = {one.id: one for one in self._store.cameras()}
        expect_known("camera", [camera], known)
        return known[camera]

    def zones(self, query: ReadingQuery) -> Zones:
        """The zones that a question asks for, by id. Raises `NotFound` for one, or a camera, that there is not."""
        everywhere = self._zones_of(self._store.cameras())
        if query.cameras is not None:
            expect_known("camera", query.cameras, {camera.id for camera in everywhere.cameras})
        if query.zones is not None:
            expect_known("zone", query.zones, set(everywhere.ids))
        if _is_of_all(query):
            return everywhere
        return Zones(
            one
            for one in everywhere
            if in_box(one.camera, query.bbox)
            and (query.cameras is None or one.camera.id in query.cameras)
            and (query.zones is None or one.zone.id in query.zones)
            and (query.kinds is None or one.zone.kind in query.kinds)
        )

    def _zones_of(self, cameras: list[Camera]) -> Zones:
        """All of their zones, by id; those of last time where the cameras are still the same."""
        known, everywhere = self._everywhere
        if known != cameras:
            zones = (ZoneOfCamera(zone, camera) for camera in cameras for zone in camera.counted_zones)
            everywhere = Zones(sorted(zones, key=lambda one: one.zone.id))
            self._everywhere = cameras, everywhere
        return everywhere

    def extent(self) -> tuple[datetime, datetime] | None:
        """The first and the newest event time stored of the cameras of now; None where nothing is."""
        return self._store.extent()

    def present(self) -> datetime:
        """What "now" is in the answers: see the class; what the clock says where nothing is stored."""
        return self._present(None) or self._clock.now()

    def readings(self, query: ReadingQuery) -> pd.DataFrame:
        """One row (`READING_COLUMNS`) for every zone, series and window asked for, in the order start, zone, class.

        A window of which nothing is stored is a row too: state `missing`, null figures, revision 0. Raises
        `NotFound` for an unknown zone, camera or reference, `QueryError` for a malformed question.
        """
        series = tuple(dict.fromkeys(query.series))
        zones, start, end, present = self._asked(query)
        # A row of the grid holds all series; those of its first and last row outside the page are cut off below.
        first_row, last_row = query.offset, query.offset + query.limit
        page = slice(first_row // len(series), -(-last_row // len(series)))
        grid = grid_between(query.window, start, end, zones, page)
        rows = self._frame(self._known(grid, query, series, present), grid, query.reference)
        skipped = page.start * len(series)
        return rows.iloc[first_row - skipped : last_row - skipped].reset_index(drop=True)

    def row_count(self, query: ReadingQuery) -> int:
        """How many rows `readings` would give without limit and offset. Raises as it does."""
        zones, start, end, _ = self._asked(query)
        return grid_size(query.window, start, end, zones) * len(set(query.series))

    def latest(
        self,
        window: Window = Window.QUARTER,
        series: tuple[str, ...] = ("people", "vehicles"),
        bbox: BoundingBox | None = None,
        cameras: tuple[str, ...] | None = None,
        kinds: tuple[ZoneKind, ...] | None = None,
        *,
        reference: str = ROLLING,
    ) -> pd.DataFrame:
        """The newest window of every zone, one row (`READING_COLUMNS`) per zone and series.

        A camera that has gone quiet gives a missing row for the present window that says since when, never its old
        figure. Raises as `readings` does.
        """
        classes = tuple(dict.fromkeys(series))
        query = ReadingQuery(window=window, series=classes, bbox=bbox, cameras=cameras, kinds=kinds)
        expect_sound(query)
        zones = self.zones(query)
        present = self._present(None)
        if present is None:
            return self._frame(no_readings(classes), grid_between(window, _NEVER, _NEVER, ()), reference)
        grid, quiet = newest_windows(window, zones, self._store.watermarks(), present)
        is_quiet = np.array([reason is not None for reason in quiet], dtype=bool)
        stored = self._store.current_readings(grid.take(~is_quiet).spans(), classes)
        table = _open_said(filled(grid, stored), moment(present))
        rows = np.flatnonzero(is_quiet)
        return self._frame(with_reasons(table, rows, quiet[rows].tolist()), grid, reference)

    def camera_states(self) -> pd.DataFrame:
        """What each camera last sent, when it was last counted, how it is (`CAMERA_STATE_COLUMNS`), by camera id."""
        known = pd.Index([camera.id for camera in self._store.cameras()], name="camera", dtype=object)
        states = self._store.camera_states().set_index("camera").reindex(known).reset_index()
        events = {event.camera: event for event in self._store.health_now()}
        now = [events.get(camera) for camera in known]
        states["state"] = [None if event is None else event.state.value for event in now]
        states["state_since"] = instants([None if event is None else event.since for event in now])
        states["state_reason"] = [None if event is None else event.reason for event in now]
        for name in ("camera", "last_status", "last_reason", "state", "state_reason"):
            column = states[name].astype(object)
            states[name] = column.where(column.notna(), None)
        return states[list(CAMERA_STATE_COLUMNS)]

    # -- what a question comes down to ----------------------------------------------------------------------------

    def _present(self, as_of: datetime | None) -> datetime | None:
        """Event time now, or (to the minute) as it was at `as_of`; None where nothing is stored of a recorded day."""
        if self._live:
            now = self._clock.now()
            return now if as_of is None else min(now, as_of)
        extent = self._store.extent(as_of)
        return None if extent is None else extent[1]

    def _asked(self, query: ReadingQuery) -> tuple[Zones, datetime, datetime, datetime]:
        """Zones, start and end of the answer, and its present; start == end where there is nothing to answer."""
        expect_sound(query)
        zones = self.zones(query)
        extent = self._store.extent()
        present = self._present(query.as_of)
        if present is None or (query.start is None and extent is None):
            return zones, _NEVER, _NEVER, _NEVER
        end = present + _INSTANT
        if query.end is not None:
            end = min(end, query.end)
        if query.start is None and extent is not None:
            timezones = {zone.camera.timezone for zone in zones} or {"UTC"}
            first = min(window_at(query.window, extent[0], timezone).start for timezone in timezones)
            return zones, min(max(first, end - MAX_RANGE), end), end, present
        start = query.start or _NEVER
        if query.window is Window.DAY and end - start > MAX_RANGE:
            raise QueryError(
                f"the range from {start.isoformat()} has more than {MAX_RANGE.days} days",
                remedy="ask for a part of it, or for a narrower window",
            )
        return zones, min(start, end), end, present

    def _known(self, grid: Grid, query: ReadingQuery, series: tuple[str, ...], present: datetime) -> ReadingTable:
        """The grid with what is stored of it (and was known at `as_of`)."""
        if len(grid) == 0:
            return no_readings(series)
        table = filled(grid, self._stored(grid, query, series, query.as_of))
        if query.as_of is not None:
            unknown = np.flatnonzero(table.revision == 0)
            later = filled(grid, self._stored(grid, query, series, None)) if len(unknown) else table
            table = with_reasons(table, unknown, _unknown_then(query.as_of, later.revision[unknown] > 0))
        return _open_said(table, moment(present))

    def _stored(self, grid: Grid, query: ReadingQuery, series: tuple[str, ...], as_of: datetime | None) -> ReadingTable:
        return self._store.readings(
            window=query.window,
            series=series,
            start=aware(grid.start.min()),
            end=aware(grid.start.max()) + _INSTANT,
            zones=None if _is_of_all(query) else grid.zones.ids,
            as_of=as_of,
        )

    def _frame(self, table: ReadingTable, grid: Grid, reference: str) -> pd.DataFrame:
        """One row (`READING_COLUMNS`) per row and series of the table, whose rows are those of the grid."""
        ground = ground_columns(table, [one.zone for one in grid.zones], grid.zone_row)
        return _frame(table, ground | usual_columns(self.usual, table, grid, reference))


def _is_of_all(query: ReadingQuery) -> bool:
    """Whether every zone is asked for."""
    return query.zones is None and query.cameras is None and query.bbox is None and query.kinds is None


def _unknown_then(as_of: datetime, known_now: Mask) -> list[str]:
    """Why nothing is known of windows as of a moment, by whether a reading was derived later.

    Whether that one took the place of a provisional one is not kept either, hence the "if".
    """
    never = f"no reading from {_stamp(as_of)} or before"
    replaced = f"{never} is kept: if there was one, it was provisional and has been replaced since"
    return [replaced if known else never for known in known_now]


def _open_said(table: ReadingTable, present: np.datetime64) -> ReadingTable:
    """A window that goes on says so instead of calling clips missing that are not due."""
    rows = np.flatnonzero(is_open(table.end, present) & (table.clips_counted < table.clips_expected))
    reasons = [while_open(table.reason[row], table.clips_counted[row], table.clips_expected[row]) for row in rows]
    return with_reasons(table, rows, reasons)


def _frame(table: ReadingTable, others: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """One row per row and series of the table, with `others` of its columns."""
    repeat = len(table.series)
    columns = {
        "zone": _text(table.zone, repeat),
        "camera": _text(table.camera, repeat),
        "class": pd.Series(np.tile(text(table.series), len(table)), dtype=object),
        "window": _text(table.window, repeat),
        "start": _times(table.start, repeat),
        "end": _times(table.end, repeat),
        **{name: getattr(table, name).reshape(-1) for name in FIGURES},
        # pandas makes text of its own of object columns, in which a null is NaN; as a series of objects it stays None.
        **{name: pd.Series(one, dtype=object) if one.dtype == object else one for name, one in others.items()},
        "coverage": np.repeat(table.coverage, repeat),
        "clips_counted": np.repeat(table.clips_counted, repeat),
        "clips_expected": np.repeat(table.clips_expected, repeat),
        "state": _text(table.state, repeat),
        "reason": _text(table.reason, repeat),
        "revision": np.repeat(table.revision, repeat),
        "derived_at": _times(table.derived_at, repeat),
    }
    return pd.DataFrame(columns, columns=list(READING_COLUMNS), copy=False)  # nobody else has these arrays


def _text(column: Text, repeat: int) -> pd.Series[str]:
    return pd.Series(np.repeat(column, repeat), dtype=object)  # of object, so that a null stays None


def _times(column: Times, repeat: int) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.repeat(column, repeat)).tz_localize("UTC")


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
