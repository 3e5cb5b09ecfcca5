"""What readings say of the ground they were counted on: density, occupancy, crowding, comfort; any number at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from aggregate.comfort import GRADED, clear_share, fruin_grade, tfl_grade
from aggregate.density import DRIVEN_ON, FOOTPRINT_M2, density_per_100m2, share_covered
from aggregate.tables import GROUND, Integers, Numbers, ReadingTable, Rows
from core.figures import SERIES
from core.records import Reading, Zone

_SHARES = (
    "area_m2",
    "calibration_error",
    "density_per_100m2",
    "density_low",
    "density_high",
    "crowded_share",
    "occupancy_share",
)
_GRADES = ("comfort_fruin", "comfort_tfl")
GROUND_COLUMNS = (*_SHARES, *_GRADES)
"""The columns that a reading has of its ground: float64 (NaN for null), but the two of comfort, which are str or None.

`area_m2`, `calibration_error` and the densities are there wherever the zone is calibrated; `crowded_share` and the
comfort are of people and pedestrians alone, `occupancy_share` of vehicles and each class of them.
"""

_DECIMALS = 6
_VEHICLES = SERIES.index("vehicles")
_FOOTPRINT_M2 = np.array([FOOTPRINT_M2.get(series, np.nan) for series in SERIES])
_OF_PEOPLE = np.array([series in GRADED for series in SERIES])


@dataclass(frozen=True, eq=False)
class GroundedReadings(Rows):
    """Readings of one series each: a row's zone is `zones[zone_row]`, its series `SERIES[series_row]`.

    The figures are those of `core.records.Reading`, NaN for null.
    """

    zones: tuple[Zone, ...]
    zone_row: Integers
    series_row: Integers
    mean: Numbers
    low: Numbers
    high: Numbers
    area_m2: Numbers
    calibration_error: Numbers
    vehicles_m2: Numbers
    crowded_share: Numbers

    @classmethod
    def of_table(cls, table: ReadingTable, zones: Sequence[Zone], zone_row: Integers) -> Self:
        """Every row and series of a table, in that order; `zone_row` is the position of each row's zone in `zones`."""
        repeat = len(table.series)
        return cls(
            zones=tuple(zones),
            zone_row=np.repeat(zone_row, repeat),
            series_row=np.tile(np.array([SERIES.index(series) for series in table.series]), len(table)),
            **{name: getattr(table, name).reshape(-1) for name in ("mean", "low", "high")},
            **{name: np.repeat(getattr(table, name), repeat) for name in GROUND},
        )

    @classmethod
    def of_records(cls, readings: Sequence[Reading], zones: Mapping[str, Zone]) -> Self:
        """Of records; `zones` has the zones of now by id. One that is not among them is taken for a whole view."""
        held = {one.zone: zones.get(one.zone) or Zone(id=one.zone, name=one.zone) for one in readings}
        place = {zone: row for row, zone in enumerate(held)}
        figures = ("mean", "low", "high", *GROUND)
        return cls(
            zones=tuple(held.values()),
            zone_row=np.array([place[reading.zone] for reading in readings], dtype=np.int64),
            series_row=np.array([SERIES.index(reading.series) for reading in readings], dtype=np.int64),
            **{name: np.array([getattr(one, name) for one in readings], dtype=np.float64) for name in figures},
        )


def ground_columns(table: ReadingTable, zones: Sequence[Zone], zone_row: Integers) -> dict[str, NDArray[Any]]:
    """`GROUND_COLUMNS` of every row and series of a table; `zone_row` is the position of each row's zone in `zones`."""
    shape = len(table), len(table.series)
    columns: dict[str, NDArray[Any]] = {name: np.full(shape, np.nan) for name in _SHARES}
    columns |= {name: np.full(shape, None, dtype=object) for name in _GRADES}
    known = np.flatnonzero(~np.isnan(table.area_m2))  # of most cities few, and of the others nothing is to be computed
    if len(known):
        held, place = np.unique(zone_row[known], return_inverse=True)
        calibrated = GroundedReadings.of_table(table.take(known), [zones[row] for row in held], place)
        for name, figures in _told(calibrated).items():
            columns[name][known] = figures.reshape(-1, shape[1])
    return {name: column.reshape(-1) for name, column in columns.items()}


def ground_rows(readings: Sequence[Reading], zones: Mapping[str, Zone]) -> list[dict[str, float | str | None]]:
    """`GROUND_COLUMNS` of each record by name, None for null; `zones` has the zones of now by id."""
    if not readings:
        return []
    columns = _told(GroundedReadings.of_records(readings, zones))
    told = [(None if value != value else value for value in column.tolist()) for column in columns.values()]  # noqa: PLR0124 - NaN alone
    return [dict(zip(columns, row, strict=True)) for row in zip(*told, strict=True)]


def _told(readings: GroundedReadings) -> dict[str, NDArray[Any]]:
    return {**_shares(readings), **_grades(readings)}


def _shares(readings: GroundedReadings) -> dict[str, Numbers]:
    area, error = readings.area_m2, readings.calibration_error
    density, low, high = density_per_100m2(readings.mean, readings.low, readings.high, area, error)
    own = readings.mean * _FOOTPRINT_M2[readings.series_row]
    covered = np.where(readings.series_row == _VEHICLES, readings.vehicles_m2, own)
    driven_on = np.array([zone.kind in DRIVEN_ON for zone in readings.zones])[readings.zone_row]
    shares = {
        "area_m2": area,
        "calibration_error": error,
        "density_per_100m2": density,
        "density_low": low,
        "density_high": high,
        "crowded_share": np.where(_OF_PEOPLE[readings.series_row], readings.crowded_share, np.nan),
        "occupancy_share": np.where(driven_on, share_covered(covered, area), np.nan),
    }
    return {name: figures.round(_DECIMALS) for name, figures in shares.items()}


def _grades(readings: GroundedReadings) -> dict[str, NDArray[np.object_]]:
    clear_m2 = readings.area_m2 * np.array([clear_share(zone) for zone in readings.zones])[readings.zone_row]
    graded = _OF_PEOPLE[readings.series_row] & ~np.isnan(clear_m2) & ~np.isnan(readings.mean)
    grades = {name: np.full(len(readings), None, dtype=object) for name in _GRADES}
    per_m2 = readings.mean[graded] / clear_m2[graded]
    grades["comfort_fruin"][graded] = fruin_grade(per_m2)
    grades["comfort_tfl"][graded] = tfl_grade(per_m2)
    return grades
