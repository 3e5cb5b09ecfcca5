"""A simulated city of hourly counts whose every influence is known.

    present[zone, hour] = level * shape(hour of week) * season * weather * district * drift * events * effect
    counted             = mean over clips of Poisson(present * gamma)          (overdispersed), some of it missing

Streets are of four kinds; weather and seasons move all zones, each kind by its own measure; districts have shocks of
their own that last for weeks, and every zone drifts. Cameras fail for hours and for weeks, some see nothing at night.
None of it is told to what measures the effect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aggregate.effects.effect import Study
from aggregate.effects.panel import Timing
from aggregate.history import History
from aggregate.tables import text

Numbers = NDArray[np.float64]
Generator = np.random.Generator

CLIPS_AN_HOUR = 6
HOURS_A_WEEK = 168
TIMEZONE = "Europe/London"


@dataclass(frozen=True, eq=False)
class City:
    """What would be present without any intervention, [zone, hour], and what of it is counted (`seen`)."""

    present: Numbers
    seen: NDArray[np.bool_]
    camera: NDArray[np.int64]
    where: Numbers
    begin: np.datetime64
    before: int
    after: int

    @property
    def start(self) -> np.datetime64:
        """When the intervention begins: Monday, midnight in winter, 01:00 in summer."""
        return self.begin + np.timedelta64(self.before * HOURS_A_WEEK, "h")


def city(rng: Generator) -> City:
    """One of 30 to 70 cameras with one to three zones, 12 to 26 weeks before and 6 to 16 after."""
    before, after = int(rng.integers(12, 27)), int(rng.integers(6, 17))
    zones_of = rng.integers(1, 4, size=rng.integers(30, 71))
    camera = np.repeat(np.arange(len(zones_of)), zones_of)
    zones, weeks = len(camera), before + after
    place = np.column_stack([51.5 + rng.normal(0, 0.03, len(zones_of)), -0.12 + rng.normal(0, 0.05, len(zones_of))])
    kind = rng.integers(0, len(KINDS), size=zones)
    begin = np.datetime64("2023-01-02T00", "us") + np.timedelta64(int(rng.integers(0, 52)) * HOURS_A_WEEK, "h")
    logs = (
        rng.normal(np.log(3.0), 0.8, zones)[:, None]
        + np.log(np.tile(shapes(rng, kind), weeks))
        + np.repeat(_slow(rng, place[camera], kind, begin, weeks), HOURS_A_WEEK, axis=1)
        + np.repeat(_daily(rng, kind, weeks * 7), 24, axis=1)
    )
    return City(
        np.exp(logs), _seen(rng, camera, weeks), camera, place[camera].astype(np.float64), begin, before, after
    )  # fmt: skip


KINDS = ((8, 17, 0.25), (12, 16, 0.9), (19, 23, 1.5), (10, 18, 0.7))
"""Two hours at which most are there, and how much of a working day's level a weekend day has: offices, shops, bars,
neighbourhoods."""

WEATHER_OF_KIND = np.array([0.5, 1.0, 1.3, 1.6])
SEASON_OF_KIND = np.array([0.05, 0.1, 0.15, 0.25])


def shapes(rng: Generator, kind: NDArray[np.int64]) -> Numbers:
    """The usual week of each zone, [zone, 168], mean about 1."""
    hour = np.arange(24)
    made = np.empty((len(kind), HOURS_A_WEEK))
    for row, one in enumerate(kind):
        first, second, weekend = KINDS[one]
        peaks = np.array([first, second]) + rng.normal(0, 0.7, 2)
        width, floor = rng.uniform(1.8, 3.0), rng.uniform(0.05, 0.15)
        day = floor + sum(np.exp(-0.5 * ((hour - peak + 12) % 24 - 12) ** 2 / width**2) for peak in peaks)
        days = np.r_[np.ones(5), np.full(2, weekend * rng.uniform(0.8, 1.2))]
        made[row] = np.outer(days, day).ravel()
    return made / made.mean(axis=1, keepdims=True)


def _slow(rng: Generator, place: Numbers, kind: NDArray[np.int64], begin: np.datetime64, weeks: int) -> Numbers:
    """Seasons, shocks of districts and drift of zones, logarithms [zone, week]."""
    of_year = (begin.astype("datetime64[D]") - begin.astype("datetime64[Y]")).astype(np.int64) / 365.25
    phase = 2 * np.pi * (of_year + np.arange(weeks) / 52.18)
    own = SEASON_OF_KIND[kind] * rng.uniform(0.6, 1.4, len(kind))
    season = -own[:, None] * np.cos(phase - 0.3 + rng.normal(0, 0.2, len(kind))[:, None])
    north, east = (place - place.mean(axis=0)).T
    district = (north > 0).astype(np.int64) * 2 + (east > 0)
    return (
        season
        + autoregressive(rng, 4, weeks, 0.8, 0.05)[district]
        + autoregressive(rng, len(kind), weeks, 0.8, 0.05)
        + np.cumsum(rng.normal(0, 0.004, (len(kind), weeks)), axis=1)
    )


def _daily(rng: Generator, kind: NDArray[np.int64], days: int) -> Numbers:
    """Weather of the city, a holiday now and then, and events of single zones, logarithms [zone, day]."""
    weather = autoregressive(rng, 1, days, 0.6, 0.15) * WEATHER_OF_KIND[kind][:, None]
    holidays = (rng.random(days) < 0.02) * rng.normal(-0.3, 0.2, (len(KINDS), 1))[kind]
    events = (rng.random((len(kind), days)) < 0.01) * rng.normal(0.5, 0.3, (len(kind), days))
    return weather + holidays + events


def autoregressive(rng: Generator, rows: int, steps: int, memory: float, spread: float) -> Numbers:
    """AR(1) with this standard deviation at every step, [row, step]."""
    path = np.empty((rows, steps))
    path[:, 0] = rng.normal(0, spread, rows)
    fresh = rng.normal(0, spread * np.sqrt(1 - memory**2), (rows, steps))
    for step in range(1, steps):
        path[:, step] = memory * path[:, step - 1] + fresh[:, step]
    return path


def _seen(rng: Generator, camera: NDArray[np.int64], weeks: int) -> NDArray[np.bool_]:
    cameras, hours = int(camera.max()) + 1, weeks * HOURS_A_WEEK
    seen = rng.random((cameras, hours)) > 0.05
    for one in np.flatnonzero(rng.random(cameras) < 0.3):
        first = rng.integers(0, hours)
        seen[one, first : first + rng.integers(24, 3 * HOURS_A_WEEK)] = False
    dark = np.tile(np.arange(24) < 6, weeks * 7)
    seen[np.ix_(rng.random(cameras) < 0.15, dark)] = False
    return seen[camera]


def counted(rng: Generator, present: Numbers, seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """What was counted of what was present, [zone, hour]: the mean of an hour's clips; NaN where nothing was seen.

    Who is there in one clip is there in the next: the gamma is of the whole hour.
    """
    value = np.full(present.shape, np.nan, dtype=np.float32)
    rate = CLIPS_AN_HOUR * present[seen].astype(np.float32) * rng.standard_gamma(4.0, seen.sum(), np.float32) / 4
    value[seen] = rng.poisson(rate) / CLIPS_AN_HOUR
    return value


def treated_places(rng: Generator, one: City, free: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """One to three zones of one or two cameras near each other; busy places are altered more often. [zone]"""
    level = one.present.mean(axis=1) * free
    first = rng.choice(len(level), p=level / level.sum())
    near = np.argsort(np.hypot(*(one.where - one.where[first]).T) + 1e9 * ~free, kind="stable")
    chosen = np.zeros(len(level), dtype=bool)
    chosen[near[: rng.integers(1, 4)]] = True
    chosen[first] = True
    return chosen


@dataclass(frozen=True)
class Asked:
    """Whether something began at `start` in the `treated` zones, known until `end`; those `free` may be controls."""

    treated: NDArray[np.bool_]
    free: NDArray[np.bool_]
    start: np.datetime64
    end: np.datetime64


def study(one: City, value: NDArray[np.float32], asked: Asked) -> Study:
    """What is asked of the counts."""
    seen_with = np.isin(one.camera, one.camera[asked.treated])
    hours = int((asked.end - one.begin) / np.timedelta64(1, "h"))
    shown = value[:, :hours]
    history = History(
        "people", tuple(f"zone-{row}" for row in range(len(shown))), TIMEZONE, one.begin, 3600, shown,
        np.where(np.isnan(shown), 0, CLIPS_AN_HOUR).astype(np.uint8),
    )  # fmt: skip
    camera = text([f"camera-{row}" for row in one.camera])
    timing = Timing(asked.start, asked.start, asked.end)
    return Study(history, asked.treated, asked.free & ~seen_with, camera, one.where, timing)
