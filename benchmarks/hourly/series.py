"""The real hourly series beside the project, as histories, each with the calendar of its place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from aggregate.backtest.table import Columns, read_table
from aggregate.history import History
from aggregate.usual.calendar import CalendarConfig

LEAST_UPTIME = 0.5
"""Telraam's own advice: an hour in which a sensor saw less of the street is scaled up from too little."""
HOUR_S = 3600


@dataclass(frozen=True, eq=False)
class Series:
    """A history to forecast, and where it is from."""

    name: str
    history: History
    calendar: CalendarConfig


def melbourne(folder: Path) -> Series:
    """Pedestrians an hour, by number of the sensor; only the even ones, for the forecaster was tuned on odd ones."""
    columns = Columns(time=("Date", "Hour"), count=("PedestrianCount",), sensor=("SensorID",))
    path = folder / "melbourne" / "pedestriancounts_melbourne_2906.zip"
    history = read_table(path, columns, timezone="Australia/Melbourne").history
    numbers = [float(zone) if zone.replace(".", "").isdigit() else np.nan for zone in history.zones]
    even = np.flatnonzero(np.array(numbers) % 2 == 0)
    return Series("melbourne", history.take(even), CalendarConfig(country="AU", subdivision="VIC"))


def chateaubourg(folder: Path) -> Series:
    """Cars and pedestrians an hour of each Telraam sensor, where it saw the street for half of the hour."""
    import rdata

    # R's time class is seconds since 1970 here.
    classes = {**rdata.conversion.DEFAULT_CLASS_MAP, "POSIXct": lambda values, _: values}
    path = folder / "telraam_chateaubourg" / "chateaubourg.rda"
    rows: pd.DataFrame = rdata.read_rda(path, constructor_dict=classes)["chateaubourg"]
    hour = rows["date"].astype(float).to_numpy().astype(np.int64) // HOUR_S
    seen = rows["uptime"].astype(float).to_numpy() >= LEAST_UPTIME
    segments, segment = np.unique(rows["segment_id"].astype(str), return_inverse=True)
    start, steps = hour.min(), int(np.ptp(hour)) + 1
    value = np.full((2 * len(segments), steps), np.nan, dtype=np.float32)
    for at, kind in enumerate(("car", "pedestrian")):
        value[at * len(segments) + segment[seen], (hour - start)[seen]] = rows[kind].astype(float).to_numpy()[seen]
    zones = tuple(f"{name} {kind}" for kind in ("car", "pedestrian") for name in segments)
    history = History(
        "count", zones, "Europe/Paris", np.datetime64(int(start), "h").astype("datetime64[us]"), HOUR_S,
        value, np.isfinite(value).astype(np.uint8),
    )  # fmt: skip
    return Series("chateaubourg", history, CalendarConfig(country="FR"))
