"""Every window of every zone that was asked for, whether something is stored of it or not.

A grid is sorted by start, then zone, so that a page of an answer is a stretch of it:

    start    08:00      08:15      08:30
    zone     a  b  c    a  b  c    a  b  c
    row      0  1  2    3  4  5    6  7  8
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aggregate.readings import NOT_RECEIVED, expected_clips, not_due
from aggregate.tables import FIGURES, GROUND, Integers, Numbers, ReadingTable, Rows, Spans, Text, Times, moment, text
from aggregate.windows import WIDTH_S, days_between
from core.records import Camera, TrustState, Window, Zone


@dataclass(frozen=True)
class ZoneOfCamera:
    """A zone and its camera."""

    zone: Zone
    camera: Camera


class Zones(tuple[ZoneOfCamera, ...]):
    """Zones in their order, and what an answer asks of all of them at once: each column is made once and kept.

    Nothing of it can grow old: the zones are frozen records, and zones that change are other `Zones`.
    """

    @classmethod
    def of(cls, zones: Sequence[ZoneOfCamera]) -> Self:
        """The same zones, with what is known of them already where they are `Zones`."""
        return zones if isinstance(zones, cls) else cls(zones)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Of each zone its id."""
        return tuple(one.zone.id for one in self)

    @cached_property
    def timezones(self) -> tuple[str, ...]:
        """Of each zone the time zone of its camera."""
        return tuple(one.camera.timezone for one in self)

    @cached_property
    def cameras(self) -> tuple[Camera, ...]:
        """Their cameras, each once."""
        return tuple({one.camera.id: one.camera for one in self}.values())

    @cached_property
    def camera_row(self) -> Integers:
        """Of each zone the position of its camera in `cameras`."""
        place = {camera.id: row for row, camera in enumerate(self.cameras)}
        return _fixed(np.array([place[one.camera.id] for one in self], dtype=np.int64))

    @cached_property
    def id(self) -> Text:
        """`ids` as a column."""
        return _fixed(text(self.ids))

    @cached_property
    def camera(self) -> Text:
        """Of each zone the id of its camera."""
        return _fixed(text([camera.id for camera in self.cameras])[self.camera_row])

    @cached_property
    def cadence_s(self) -> Numbers:
        """Of each zone the cadence of its camera, seconds."""
        return _fixed(np.array([camera.cadence_s for camera in self.cameras], dtype=np.float64)[self.camera_row])

    @cached_property
    def places(self) -> pd.Index[str]:
        """Finds the positions of ids."""
        return pd.Index(self.id, dtype=object)


def _fixed(column: NDArray[Any]) -> NDArray[Any]:
    """The same, which nobody can change: many share it."""
    column.setflags(write=False)
    return column


@dataclass(frozen=True, eq=False)
class Grid(Rows):
    """Windows of zones, sorted by start and zone. `zone_row` is the position in `zones`."""

    window: Window
    zones: Zones
    zone_row: Integers
    start: Times
    end: Times

    def spans(self) -> Spans:
        """The same windows, each with its zone's id."""
        window = text([self.window.value])
        return Spans(self.zones.id[self.zone_row], window[np.zeros(len(self), dtype=np.int64)], self.start, self.end)


def grid_size(window: Window, start: datetime, end: datetime, zones: Sequence[ZoneOfCamera]) -> int:
    """How many windows of these zones begin in [start, end)."""
    if window is Window.DAY:
        return len(_days(start, end, zones))
    first_step, last_step = _steps(window, start, end)
    return max(0, last_step - first_step) * len(zones)


def grid_between(
    window: Window, start: datetime, end: datetime, zones: Sequence[ZoneOfCamera], page: slice = slice(None)
) -> Grid:
    """The windows of `zones` (by id) that begin in [start, end); of them the rows of `page`, a slice of step 1."""
    first, last, _ = page.indices(grid_size(window, start, end, zones))
    rows = np.arange(first, last, dtype=np.int64)
    if window is Window.DAY:
        return _days(start, end, zones).take(rows)
    # However long the range, only the rows of the page are made.
    first_step, _ = _steps(window, start, end)
    width_s = WIDTH_S[window]
    begins_s = (first_step + rows // max(1, len(zones))) * width_s
    return Grid(
        window=window,
        zones=Zones.of(zones),
        zone_row=rows % max(1, len(zones)),
        start=begins_s.astype("datetime64[s]").astype("datetime64[us]"),
        end=(begins_s + width_s).astype("datetime64[s]").astype("datetime64[us]"),
    )


def grid_at(window: Window, zones: Sequence[ZoneOfCamera], starts: Times, ends: Times) -> Grid:
    """One window of each zone, given by where it starts and where it ends."""
    rows = np.arange(len(zones), dtype=np.int64)
    return _sorted(Grid(window=window, zones=Zones.of(zones), zone_row=rows, start=starts, end=ends))


def _steps(window: Window, start: datetime, end: datetime) -> tuple[int, int]:
    """The first window that begins at or after `start`, and at or after `end`, counted from 1970."""
    width_us = WIDTH_S[window] * 1_000_000
    first, last = (-(-int(moment(edge).astype(np.int64)) // width_us) for edge in (start, end))
    return first, last


def _days(start: datetime, end: datetime, zones: Sequence[ZoneOfCamera]) -> Grid:
    """Local days differ between time zones, so these are made one time zone after the other, then sorted."""
    none = np.empty(0, dtype="datetime64[us]")
    zone_rows, starts, ends = [np.empty(0, dtype=np.int64)], [none], [none]
    for timezone in sorted({zone.camera.timezone for zone in zones}):
        rows = np.array([row for row, zone in enumerate(zones) if zone.camera.timezone == timezone], dtype=np.int64)
        begins, finishes = days_between(start, end, timezone)
        zone_rows.append(np.tile(rows, len(begins)))
        starts.append(np.repeat(begins, len(rows)))
        ends.append(np.repeat(finishes, len(rows)))
    return _sorted(
        Grid(
            window=Window.DAY,
            zones=Zones.of(zones),
            zone_row=np.concatenate(zone_rows),
            start=np.concatenate(starts),
            end=np.concatenate(ends),
        )
    )


def _sorted(grid: Grid) -> Grid:
    return grid.take(np.lexsort((grid.zone_row, grid.start)))


def filled(grid: Grid, stored: ReadingTable) -> ReadingTable:
    """One row per row of the grid: the stored reading, or a missing one of revision 0.

    A reading of another camera, to which the zone belonged before, is not the zone's.
    """
    rows = len(grid)
    blank = np.full((rows, len(stored.series)), np.nan)
    width_s = (grid.end - grid.start) / np.timedelta64(1, "s")
    table = ReadingTable(
        series=stored.series,
        zone=grid.zones.id[grid.zone_row],
        camera=grid.zones.camera[grid.zone_row],
        window=text([grid.window.value])[np.zeros(rows, dtype=np.int64)],
        start=grid.start,
        end=grid.end,
        **{name: blank.copy() for name in FIGURES},
        **{name: np.full(rows, np.nan) for name in GROUND},
        coverage=np.zeros(rows),
        clips_counted=np.zeros(rows, dtype=np.int64),
        clips_expected=expected_clips(width_s, grid.zones.cadence_s[grid.zone_row]),
        state=text([TrustState.MISSING.value])[np.zeros(rows, dtype=np.int64)],
        reason=_absences(grid, width_s),
        revision=np.zeros(rows, dtype=np.int64),
        derived_at=np.full(rows, np.datetime64("NaT"), dtype="datetime64[us]"),
    )
    there, source = _places(grid, stored)
    plain = ("coverage", "clips_counted", "clips_expected", "state", "reason", "revision", "derived_at")
    for name in (*FIGURES, *GROUND, *plain):
        getattr(table, name)[there] = getattr(stored, name)[source]
    return table


def _absences(grid: Grid, width_s: Numbers) -> Text:
    """Per row, why it has no figures where nothing is stored: a camera is not blamed for a clip that was not due."""
    cadence_s = grid.zones.cadence_s[grid.zone_row]
    reasons: Text = np.full(len(grid), NOT_RECEIVED, dtype=object)
    for cadence in np.unique(cadence_s[width_s < cadence_s]):
        reasons[(cadence_s == cadence) & (width_s < cadence)] = not_due(float(cadence))
    return reasons


def _places(grid: Grid, stored: ReadingTable) -> tuple[Integers, Integers]:
    """Rows of the grid that are stored, and the stored row of each."""
    starts = np.unique(grid.start)
    if len(starts) == 0 or len(stored) == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    width = len(grid.zones)
    keys = np.searchsorted(starts, grid.start) * width + grid.zone_row
    zone_row = grid.zones.places.get_indexer(pd.Index(stored.zone, dtype=object))
    step = np.minimum(np.searchsorted(starts, stored.start), len(starts) - 1)
    wanted = step * width + zone_row
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found = (zone_row >= 0) & (starts[step] == stored.start) & (keys[place] == wanted)
    found &= grid.zones.camera[zone_row] == stored.camera
    return place[found], np.flatnonzero(found)


def with_reasons(table: ReadingTable, rows: Integers, reasons: Sequence[str | None]) -> ReadingTable:
    """The same readings with other reasons in `rows`."""
    reason = table.reason.copy()
    reason[rows] = text(reasons)
    return replace(table, reason=reason)
