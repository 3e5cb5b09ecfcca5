"""The newest window of every zone, and which cameras have gone quiet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from aggregate.grid import Grid, ZoneOfCamera, Zones, grid_at
from aggregate.readings import NOT_RECEIVED
from aggregate.tables import Text, moment, text, times_of
from aggregate.windows import windows_at
from core.records import Window

_QUIET_AFTER_CADENCES = 2


def newest_windows(
    window: Window, zones: Sequence[ZoneOfCamera], watermarks: Mapping[str, datetime], present: datetime
) -> tuple[Grid, Text]:
    """For each zone the window of its camera's newest clip, and of each row None, or since when its camera is quiet.

    A camera that has sent nothing for two cadences, in a window that goes on no longer, is quiet: the window is that of
    the present, and there is nothing in it.
    """
    zones = Zones.of(zones)
    cameras = zones.cameras
    timezones = [camera.timezone for camera in cameras]
    now = moment(present)
    known = [watermarks.get(camera.id) for camera in cameras]
    never = np.array([time is None for time in known], dtype=bool)
    newest = np.full(len(cameras), np.datetime64("NaT"), dtype="datetime64[us]")
    newest[~never] = times_of([time for time in known if time is not None])
    starts, ends = windows_at(window, np.where(never, now, newest), timezones)
    patience_us = np.array([camera.cadence_s * _QUIET_AFTER_CADENCES * 1e6 for camera in cameras])
    quiet = never | ((ends <= now) & (newest < now - patience_us.astype("timedelta64[us]")))
    starts_now, ends_now = windows_at(window, np.full(len(cameras), now), timezones)
    reasons = text([None] * len(cameras))
    for row in np.flatnonzero(quiet):
        reasons[row] = NOT_RECEIVED if never[row] else f"no clip since {np.datetime_as_string(newest[row], unit='s')}Z"

    of_zone = zones.camera_row
    grid = grid_at(
        window, zones, np.where(quiet, starts_now, starts)[of_zone], np.where(quiet, ends_now, ends)[of_zone]
    )
    return grid, reasons[of_zone][grid.zone_row]
