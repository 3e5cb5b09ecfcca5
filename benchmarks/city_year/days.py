"""A year of a city's readings, drawn a local day at a time and kept as the aggregator keeps them.

What is counted in a quarter is the mean of three clips: gamma with the level as its mean and a variance of
`DISPERSION` times that of three Poisson counts, over a level that whole days and single hours move up and down. Hours
and days are made of their quarters. Cameras fail: now and then for hours, and in single quarters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain, islice
from pathlib import Path

import numpy as np
from city_year.streets import City, Numbers
from numpy.typing import NDArray

from aggregate.duckdb_store import DuckDBStore
from aggregate.tables import ReadingTable, aware, text
from aggregate.windows import days_between
from core.figures import CLASSES, PEOPLE, SERIES, Figures
from core.records import CountObservation, Status, Window, observation_id
from core.root_scale import limits

CLIPS = 3
"""Clips of a camera in a quarter."""

DISPERSION = 1.8
FIRST, LAST = date(2017, 1, 1), date(2017, 12, 31)
"""Local days, both included."""

_TIMEZONE = "Europe/London"
_DECIMALS = 6
_MODEL = "lowres-2@0123456789ab"


@dataclass(frozen=True, eq=False)
class Day:
    """The quarters of one local day: `starts` [quarter], `figures` by name [quarter, zone, series] (NaN: missing),
    `counted` [quarter, zone] clips."""

    starts: NDArray[np.datetime64]
    figures: dict[str, Numbers]
    counted: NDArray[np.int64]

    def merged(self, quarters: int) -> Day:
        """Windows of so many quarters each."""
        if quarters == 1:
            return self
        count, zones, series = len(self.starts) // quarters, *self.figures["mean"].shape[1:]
        clips = self.counted.reshape(count, quarters, zones)
        weight = np.where(clips > 0, clips, np.nan)[..., None]
        together = np.nansum(weight, axis=1)
        parts = {name: values.reshape(count, quarters, zones, series) for name, values in self.figures.items()}
        with np.errstate(invalid="ignore"):
            mean = np.nansum(parts["mean"] * weight, axis=1) / together
            still = np.nansum(parts["stationary_share"] * weight, axis=1) / together
        peak = np.max(np.nan_to_num(parts["peak"], nan=-np.inf), axis=1)
        return _with_limits(
            self.starts[::quarters], mean, np.where(together > 0, peak, np.nan), still, clips.sum(axis=1)
        )


def write(path: Path, cameras: int, seed: int = 7) -> None:
    """Write the year of a city of so many cameras into a new store."""
    random = np.random.default_rng(seed)
    city = City.of(cameras, random)
    store = DuckDBStore.open(path)
    try:
        store.save_cameras(city.cameras)
        days = drawn(city, random)
        while (first := next(days, None)) is not None:
            with store.transaction():  # a week at a time, as a backfill would: whole row groups are written once
                for day in chain([first], islice(days, 6)):
                    for window, quarters in ((Window.QUARTER, 1), (Window.HOUR, 4), (Window.DAY, len(day.starts))):
                        store.save_readings(_table(city, window, day.merged(quarters), end_of(day)))
        store.upsert_observations(list(_clips(city, FIRST_MOMENT)))
        store.upsert_observations(list(_clips(city, LAST_MOMENT - timedelta(minutes=5))))
    finally:
        store.close()


def end_of(day: Day) -> np.datetime64:
    return day.starts[-1] + np.timedelta64(15, "m")


def drawn(city: City, random: np.random.Generator) -> Iterator[Day]:
    """Every local day of the year."""
    begins, ends = days_between(FIRST_MOMENT, LAST_MOMENT, _TIMEZONE)
    broken = _outages(len(city.cameras), int((ends[-1] - begins[0]) / np.timedelta64(15, "m")), random)
    first = 0
    for number, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        starts = np.arange(begin, end, np.timedelta64(15, "m"))
        level = city.present((FIRST + timedelta(days=number)).weekday(), number, len(starts))
        # A whole day is busier or quieter (the weather), and so are hours of it (events), for all classes alike.
        moved = random.lognormal(0.0, 0.12, len(city.zones)) * random.lognormal(
            0.0, 0.15, (len(starts) // 4, len(city.zones))
        ).repeat(4, axis=0)
        level *= moved[:, :, None]
        clips = random.choice(np.array([CLIPS, CLIPS - 1, 0]), (len(starts), len(city.cameras)), p=[0.95, 0.035, 0.015])
        clips[broken[first : first + len(starts)]] = 0
        yield _day(starts, level, clips[:, city.camera], random)
        first += len(starts)


def _outages(cameras: int, quarters: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """[quarter, camera]: about six in a year, of half a day on average."""
    broken = np.zeros((quarters, cameras), dtype=bool)
    for camera in range(cameras):
        for start in random.integers(0, quarters, random.poisson(6)):
            broken[start : start + 1 + random.geometric(1 / 48), camera] = True
    return broken


def _day(starts: NDArray[np.datetime64], level: Numbers, clips: NDArray[np.int64], random: np.random.Generator) -> Day:
    mean = random.gamma(level * CLIPS / DISPERSION, DISPERSION / CLIPS)
    peak = mean * random.uniform(1.0, 2.0, mean.shape) + random.uniform(0.0, 0.5, mean.shape)
    still = random.uniform(0.0, 0.4, mean.shape)
    mean, peak, still = (_with_sums(values) for values in (mean, peak, still))
    mean[clips == 0] = peak[clips == 0] = still[clips == 0] = np.nan
    return _with_limits(starts, mean, peak, np.minimum(still, 1.0), clips)


def _with_sums(of_classes: Numbers) -> Numbers:
    people = of_classes[..., : len(PEOPLE)].sum(axis=-1, keepdims=True)
    vehicles = of_classes[..., len(PEOPLE) :].sum(axis=-1, keepdims=True)
    return np.concatenate([of_classes, people, vehicles], axis=-1)


def _with_limits(
    starts: NDArray[np.datetime64], mean: Numbers, peak: Numbers, still: Numbers, clips: NDArray[np.int64]
) -> Day:
    reach = 1.645 * np.sqrt(DISPERSION / 4 / np.maximum(clips, 1))[..., None]
    low, high = limits(mean, np.broadcast_to(reach, mean.shape))
    figures = {"mean": mean, "low": low, "high": high, "peak": np.maximum(peak, mean), "stationary_share": still}
    return Day(starts, {name: values.round(_DECIMALS) for name, values in figures.items()}, clips)


def _table(city: City, window: Window, day: Day, end: np.datetime64) -> ReadingTable:
    windows, zones = day.counted.shape
    rows = windows * zones
    ends = np.append(day.starts[1:], end)
    expected = CLIPS * int((ends[0] - day.starts[0]) / np.timedelta64(15, "m"))
    counted = day.counted.reshape(rows)
    coverage = (counted / expected).round(_DECIMALS)
    state = np.where(counted == 0, "missing", np.where(coverage >= 0.75, "observed", "partial")).astype(object)
    reason = text(["unreachable (3 of 3 clips)", "dark (1 of 3 clips)", None])
    area = np.where(counted > 0, np.tile(city.area_m2, windows), np.nan)
    vehicles = day.figures["mean"][..., len(PEOPLE) : len(CLASSES)].reshape(rows, -1)
    return ReadingTable(
        series=SERIES,
        zone=np.tile(text(city.zones), windows),
        camera=np.tile(text([camera.id for camera in city.cameras])[city.camera], windows),
        window=np.full(rows, window.value, dtype=object),
        start=np.repeat(day.starts, zones),
        end=np.repeat(ends, zones),
        **{name: values.reshape(rows, len(SERIES)) for name, values in day.figures.items()},
        area_m2=area,
        calibration_error=np.where(np.isnan(area), np.nan, 0.05),
        vehicles_m2=np.where(np.isnan(area), np.nan, (vehicles.sum(axis=1) * 9.3).round(_DECIMALS)),
        crowded_share=np.full(rows, np.nan),
        coverage=coverage,
        clips_counted=counted,
        clips_expected=np.full(rows, expected),
        state=state,
        reason=reason[np.where(counted == 0, 0, np.where(coverage < 0.75, 1, 2))],
        revision=np.ones(rows, dtype=np.int64),
        derived_at=np.repeat(ends, zones) + np.timedelta64(20, "s"),
    )


def _clips(city: City, event_time: datetime) -> Iterator[CountObservation]:
    """One clip of every zone: what tells the extent of what is stored, and which camera is still there."""
    figures = Figures.of([1.0] * len(CLASSES) + [float(len(PEOPLE)), float(len(CLASSES) - len(PEOPLE))])
    for camera in city.cameras:
        for zone in camera.zones:
            yield CountObservation(
                id=observation_id(camera.id, zone.id, event_time, _MODEL),
                camera=camera.id,
                zone=zone.id,
                event_time=event_time,
                duration_s=10,
                status=Status.OK,
                frames=6,
                present=figures,
                peak=figures,
                spread=figures,
                stationary=figures,
                model=_MODEL,
                counted_at=event_time + timedelta(seconds=90),
            )


def _edges() -> tuple[datetime, datetime]:
    span = datetime.combine(FIRST, datetime.min.time(), UTC), datetime.combine(LAST, datetime.max.time(), UTC)
    begins, ends = days_between(*span, _TIMEZONE)
    return aware(begins[0]), aware(ends[-1])


FIRST_MOMENT, LAST_MOMENT = _edges()
"""When the year begins, and when it has ended: the present of the answers."""
