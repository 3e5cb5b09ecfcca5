"""The newest window of every zone, and which cameras have gone quiet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from aggregate.grid import Grid, ZoneOfCamera, grid_at
from aggregate.readings import NOT_RECEIVED
from aggregate.tables import Text, moment, text
from aggregate.windows import windows_at
from core.records import Window

_QUIET_AFTER_CADENCES = 2
_NEVER = np.datetime64("NaT", "us")


def newest_windows(
    window: Window, zones: Sequence[ZoneOfCamera], watermarks: Mapping[str, datetime], present: datetime
) -> tuple[Grid, Text]:
    """For each zone the window of its camera's newest clip, and of each row None, or since when its camera is quiet.

    A camera that has sent nothing for two cadences, in a window that goes on no longer, is quiet: the window is that of
    the present, and there is nothing in it.
    """
    cameras = list({one.camera.id: one.camera for one in zones}.values())
    timezones = [camera.timezone for camera in cameras]
    now = moment(present)
    known = [watermarks.get(camera.id) for camera in cameras]
    newest = np.array([_NEVER if time is None else moment(time) for time in known], dtype="datetime64[us]")
    never = np.isnat(newest)
    starts, ends = windows_at(window, np.where(never, now, newest), timezones)
    patience_us = np.array([camera.cadence_s * _QUIET_AFTER_CADENCES * 1e6 for camera in cameras])
    quiet = never | ((ends <= now) & (newest < now - patience_us.astype("timedelta64[us]")))
    starts_now, ends_now = windows_at(window, np.full(len(cameras), now), timezones)
    since = np.datetime_as_string(newest, unit="s")
    reasons = text([None] * len(cameras))
    for row in np.flatnonzero(quiet):
        reasons[row] = NOT_RECEIVED if never[row] else f"no clip since {since[row]}Z"

    place = {camera.id: row for row, camera in enumerate(cameras)}
    of_zone = np.array([place[one.camera.id] for one in zones], dtype=np.int64)
    grid = grid_at(
        window, zones, np.where(quiet, starts_now, starts)[of_zone], np.where(quiet, ends_now, ends)[of_zone]
    )
    return grid, reasons[of_zone][grid.zone_row]
