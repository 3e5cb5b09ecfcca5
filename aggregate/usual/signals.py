"""What is known, at an hour, of an hour to come: how far the last hours were off what they were expected to be, in this
zone and in all, and by how much the running profiles of other memories differ.

All of it is told in deviations

    u = (root - profile) / scale

on the root scale, from the running profile `MIDDLE` and by one robust standard deviation around it, so that quiet and
busy zones, nights and days can be learnt from together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aggregate.tables import Integers
from aggregate.usual.calendar import SATURDAY, weekdays
from aggregate.usual.days import HOURS, WEEK, DayGrid, Roots
from aggregate.usual.model import day_types
from aggregate.usual.weekly import MIDDLE

SIGNALS = (
    "always", "now", "hours_3", "hours_6", "day", "week", "same_hour", "same_hour_3", "same_hour_7",
    "all_now", "all_hours_3", "all_day", "all_same_hour",
    "last_week", "fast", "slow", "working_days", "working_mean", "year_ago", "all_year_ago",
    "before", "before_that", "far_off",
)  # fmt: skip
"""The signals, in their order. Deviations of this zone: of the last hour, means of so many hours, of the last days at
the hour to come; `all_`: of all zones. Then by how much other profiles of the hour to come differ, what a year ago was
like around its day, and the last hours again; `far_off` is `now` times its own size."""

MOST_OFF = np.float32(8)
"""Deviations are cut here: a fault or a festival is no larger than that."""

YEAR_DAYS, AROUND_DAYS = 364, 7
"""A year of whole weeks, and how many days around the same day of it are looked at."""

MEAN_SIZE, CALM_HOURS = np.float32(0.8), np.float32(24)
"""The mean absolute deviation of a normal distribution of variance 1, and so many hours of it beside a week's own."""

UNREST = np.float32(0.7)
"""How much of the last week's unrest is to be expected of the hours to come, as a power of it."""

_KNOWN = {3: 0.5, 6: 0.5, 24: 1.0, 168: 12.0}
"""Of means over so many hours, how many hours without deviation stand beside what is known."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A past made ready, flat over the hours of its grid: [zone, hour of grid].

    `level`: the profile; `scale`: one standard deviation around it; `deviation`: u, NaN where nothing is known. `off`
    is u with 0 for what is not known (a deviation that nobody saw is none); `total`, `size` and `number` are running
    sums of it, of its size and of what is known, one longer; the same of the mean over `all` zones, [1, hour]. `days`
    [2, zone, hour]: means at the same hour over three and seven days. `others` [signal, zone, hour]: what is known of
    an hour long before.
    """

    grid: DayGrid
    level: Roots
    scale: Roots
    deviation: Roots
    off: Roots
    total: Roots
    number: Roots
    size: Roots
    off_all: Roots
    total_all: Roots
    number_all: Roots
    days: Roots
    others: Roots


def scene(grid: DayGrid, profiles: NDArray[np.float32], scale: Roots) -> Scene:
    """From the running `profiles` [memory, zone, day, hour] and the `scale` [zone, kind of day, hour]."""
    zones = len(grid.root)
    level, each_scale = profiles[MIDDLE], scale[:, day_types(weekdays(grid.days))]
    deviation = (grid.root - level) / each_scale
    known = np.isfinite(deviation)
    off = np.where(known, np.clip(deviation, -MOST_OFF, MOST_OFF), 0).astype(np.float32)
    seen = known.sum(axis=0)
    off_all = (off.sum(axis=0) / np.maximum(seen, 1)).astype(np.float32)
    others = [profiles[0], profiles[1], profiles[3], *_working_days(level, profiles[1], weekdays(grid.days))]
    year_ago = _year_ago(off, known)

    def flat(values: Roots) -> Roots:
        return values.reshape(len(values), -1)

    def apart(other: Roots) -> Roots:
        gap = (other - level) / each_scale
        return flat(np.where(np.isfinite(gap), np.clip(gap, -MOST_OFF, MOST_OFF), 0))

    return Scene(
        grid=grid, level=flat(level), scale=flat(each_scale), deviation=flat(deviation),
        off=flat(off), total=_running(flat(off), 1), number=_running(flat(known), 1),
        size=_running(np.abs(flat(off)), 1),
        off_all=off_all.reshape(1, -1), total_all=_running(off_all.reshape(1, -1), 1),
        number_all=_running((seen > 0).reshape(1, -1), 1),
        days=np.stack([flat(_same_hour(off, known, days)) for days in (3, 7)]),
        others=np.stack(
            [apart(other) for other in others]
            + [np.repeat(one, HOURS, axis=1) for one in (year_ago, np.tile(year_ago.mean(axis=0), (zones, 1)))]
        ),
    )  # fmt: skip


def signals(past: Scene, origin: Integers, target: Integers) -> NDArray[np.float32]:
    """[zone, pair, signal]: what is known of the hour `target` once the hour `origin` is over; hours of the grid."""
    found = np.empty((len(past.level), len(origin), len(SIGNALS)), dtype=np.float32)
    back = np.maximum(target - HOURS * -((origin - target) // HOURS), 0)
    here = (past.off, past.total, past.number)
    everywhere = (past.off_all, past.total_all, past.number_all)
    found[..., 0] = 1
    found[..., 1] = past.off[:, origin]
    for place, hours in enumerate((3, 6, 24, 168), start=2):
        found[..., place] = _mean(*here[1:], origin, hours)
    found[..., 6] = past.off[:, back]
    found[..., 7:9] = np.moveaxis(past.days[:, :, back], 0, -1)
    found[..., 9] = everywhere[0][:, origin]
    found[..., 10] = _mean(*everywhere[1:], origin, 3)
    found[..., 11] = _mean(*everywhere[1:], origin, 24)
    found[..., 12] = everywhere[0][:, back]
    found[..., 13:20] = np.moveaxis(past.others[:, :, target], 0, -1)
    found[..., 20] = past.off[:, np.maximum(origin - 1, 0)]
    found[..., 21] = past.off[:, np.maximum(origin - 2, 0)]
    found[..., 22] = found[..., 1] * np.abs(found[..., 1])
    return found


def restlessness(past: Scene, origin: Integers) -> Roots:
    """[zone, pair]: by how much wider than on average an interval is after the hour `origin`; about 1.

    It follows the size of the deviations of the last week. Unrest lasts: after a week of large misses larger ones are
    to be expected (Engle 1982, Econometrica 50, 987-1007).
    """
    first = np.maximum(origin + 1 - WEEK * HOURS, 0)
    known = past.number[:, origin + 1] - past.number[:, first]
    size = past.size[:, origin + 1] - past.size[:, first]
    return np.asarray(((size / MEAN_SIZE + CALM_HOURS) / (known + CALM_HOURS)) ** UNREST)


def _mean(total: Roots, number: Roots, origin: Integers, hours: int) -> Roots:
    """[zone, pair]: of the last so many hours, drawn to 0 as far as they are not known."""
    first = np.maximum(origin + 1 - hours, 0)
    known = number[:, origin + 1] - number[:, first]
    return np.asarray((total[:, origin + 1] - total[:, first]) / (known + np.float32(_KNOWN[hours])))


def _running(values: NDArray[np.float32] | NDArray[np.bool_], axis: int) -> Roots:
    """Sums of all before, one longer along the axis."""
    shape = list(values.shape)
    shape[axis] += 1
    # In double precision, for differences of long sums are taken.
    total = np.zeros(shape, dtype=np.float64)
    inner = [slice(None)] * values.ndim
    inner[axis] = slice(1, None)
    np.cumsum(values, axis=axis, out=total[tuple(inner)])
    return total.astype(np.float32)


def _same_hour(off: Roots, known: NDArray[np.bool_], days: int) -> Roots:
    """[zone, day, hour]: the mean at an hour over so many days up to each."""
    total, number = _running(off, 1), _running(known, 1)
    until = np.arange(1, off.shape[1] + 1)
    since = np.maximum(until - days, 0)
    return np.asarray((total[:, until] - total[:, since]) / (number[:, until] - number[:, since] + np.float32(0.5)))


def _working_days(level: Roots, fast: Roots, weekday: Integers) -> tuple[Roots, Roots]:
    """[zone, day, hour] each: the profile moved by what the last working days were alike off it; the mean of its
    working days. On weekends the profile itself."""
    zones, days, _ = level.shape
    working = weekday[:WEEK] < SATURDAY
    weeks = level.reshape(zones, days // WEEK, WEEK, HOURS)
    mean = _mean_of_known(weeks[:, :, working])
    moved, flat = weeks.copy(), weeks.copy()
    moved[:, :, working] += _mean_of_known(fast.reshape(weeks.shape)[:, :, working]) - mean
    flat[:, :, working] = mean
    return moved.reshape(level.shape), flat.reshape(level.shape)


def _mean_of_known(values: Roots) -> Roots:
    """Along axis 2, kept; NaN where nothing is known."""
    known = np.isfinite(values)
    number = known.sum(axis=2, keepdims=True, dtype=np.float32)
    total = np.where(known, values, 0).sum(axis=2, keepdims=True)
    return np.asarray(np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0))


def _year_ago(off: Roots, known: NDArray[np.bool_]) -> Roots:
    """[zone, day]: the mean deviation of the two weeks around the same day a year ago; 0 where that is not known."""
    total, number = _running(off.sum(axis=2), 1), _running(known.sum(axis=2).astype(np.float32), 1)
    middle = np.arange(off.shape[1]) - YEAR_DAYS
    since, until = np.maximum(middle - AROUND_DAYS, 0), np.maximum(middle + AROUND_DAYS + 1, 0)
    seen = number[:, until] - number[:, since]
    return np.asarray((total[:, until] - total[:, since]) / (seen + np.float32(3 * HOURS)))
