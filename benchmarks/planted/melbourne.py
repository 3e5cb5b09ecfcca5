"""The same questions of real counts: hourly pedestrians of Melbourne's sensors, with and without a planted effect."""

from __future__ import annotations

import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aggregate.effects.effect import Effect, Study
from aggregate.effects.measure import measure
from aggregate.effects.panel import Timing
from aggregate.history import History
from aggregate.tables import Numbers, text
from planted.city import HOURS_A_WEEK

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "series" / "melbourne"
MELBOURNE = FOLDER / "pedestriancounts_melbourne_2906.zip"
TIMEZONE = "Australia/Melbourne"
BEFORE, AFTER = 20, 12
QUESTIONS = 50
"""Of one part; each is asked with and without 20 % taken out."""


@cache
def _sensors() -> tuple[pd.DataFrame, Numbers]:
    """Counts by hour (UTC) and sensor, and where the sensors stand, [sensor, 2]."""
    with zipfile.ZipFile(MELBOURNE) as held, held.open(held.namelist()[0]) as file:
        rows = pd.read_csv(file, usecols=["Date", "Hour", "SensorID", "PedestrianCount"])
    local = pd.to_datetime(rows["Date"], format="%d-%b-%Y") + pd.to_timedelta(rows["Hour"], unit="h")
    moments = pd.DatetimeIndex(local).tz_localize(TIMEZONE, ambiguous="NaT", nonexistent="NaT").tz_convert("UTC")
    rows = rows.assign(time=moments.tz_localize(None)).dropna(subset=["time"])
    table = rows.pivot_table(index="time", columns="SensorID", values="PedestrianCount", aggfunc="mean").asfreq("h")
    places = pd.read_csv(FOLDER / "Pedestrian_sensor_locations.csv").set_index("Sensor ID")[["Latitude", "Longitude"]]
    table = table[[sensor for sensor in table.columns if sensor in places.index]]
    return table, places.loc[table.columns].to_numpy(dtype=np.float64)


def melbourne(part: int) -> list[tuple[str, Effect]]:
    """What is answered of random sensors at random dates, `elsewhere` as it was and `planted` with 20 % taken out."""
    rng = np.random.default_rng([20260504, part])
    table, where = _sensors()
    hours = table.to_numpy(dtype=np.float32)
    told: list[tuple[str, Effect]] = []
    while len(told) < 2 * QUESTIONS:
        first = int(rng.integers(0, len(hours) - (BEFORE + AFTER) * HOURS_A_WEEK))
        span = slice(first, first + (BEFORE + AFTER) * HOURS_A_WEEK)
        value = hours[span]
        counting = np.flatnonzero((~np.isnan(value)).mean(axis=0) > 0.8)
        if len(counting) < 12:
            continue
        treated: NDArray[np.bool_] = np.zeros(len(where), dtype=bool)
        treated[rng.choice(counting, size=rng.integers(1, 3), replace=False)] = True
        begin = table.index.to_numpy().astype("datetime64[us]")[first]
        planted = value.copy()
        planted[BEFORE * HOURS_A_WEEK :, treated] *= 0.8
        told += [
            (name, measure(_study(shown.T, treated, where, begin)))
            for name, shown in (("elsewhere", value), ("planted", planted))
        ]
    return told


def _study(value: NDArray[np.float32], treated: NDArray[np.bool_], where: Numbers, begin: np.datetime64) -> Study:
    zones = tuple(f"sensor-{row}" for row in range(len(value)))
    history = History("people", zones, TIMEZONE, begin, 3600, value, (~np.isnan(value)).astype(np.uint8))
    start = begin + np.timedelta64(BEFORE * HOURS_A_WEEK, "h")
    end = begin + np.timedelta64((BEFORE + AFTER) * HOURS_A_WEEK, "h")
    return Study(history, treated, ~treated, text(zones), where, Timing(start, start, end))
