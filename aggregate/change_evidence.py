"""What else is known of the days around a lasting change: does it speak for the street or for the camera?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from aggregate.grid import ZoneOfCamera
from aggregate.local_time import LocalHours, local_hours
from aggregate.store import Store
from aggregate.tables import Integers, Numbers, Times, aware
from aggregate.unusual.cells import EARTH_M
from aggregate.unusual.change_points import Change, common_course, daily_levels
from aggregate.unusual.drift import Beside, Step, alike, step
from core.figures import OF_PEOPLE, SERIES
from core.health import CameraState
from core.records import CountObservation, Window

AT_ONCE = 500
"""Zones whose hours are read together."""

AROUND = timedelta(days=3)
"""How near in time something is to a change to have to do with it."""

NEAR_M, LOOP_NEAR_M = 500.0, 150.0
"""How near another camera, and a loop, is to see the same street."""

_TROUBLE = {CameraState.MOVED: "its view moved", CameraState.FAULTY: "its clips were faulty"}

_BECAME: tuple[tuple[str, Callable[[CountObservation], object]], ...] = (
    ("its view became another", lambda clip: clip.view_epoch),
    ("it is counted by another model", lambda clip: clip.model),
    ("its calibration became another", lambda clip: (clip.calibration, clip.gain)),
)


@dataclass(frozen=True, eq=False)
class Levels:
    """Of one `series` of zones of one time zone: daily `level` [zone, day] less the common course, `usual`, `coverage`
    and `days` that have a level [zone], and the `local` hours of the period."""

    series: str
    zones: tuple[ZoneOfCamera, ...]
    level: Numbers
    usual: Numbers
    coverage: Numbers
    days: Integers
    local: LocalHours

    @property
    def midnights(self) -> Times:
        """When each day began, UTC, [day]."""
        return self.local.midnight[np.searchsorted(self.local.day, np.arange(self.level.shape[1]))]


@dataclass(frozen=True)
class Changed:
    """A change of the zone at position `row`."""

    row: int
    change: Change


def levels_of(store: Store, zones: Sequence[ZoneOfCamera], series: str, start: datetime, end: datetime) -> Levels:
    """The daily levels of zones of one time zone in the hours of [start, end)."""
    parts = []
    for first in range(0, len(zones), AT_ONCE):
        some = zones[first : first + AT_ONCE]
        ids = [one.zone.id for one in some]
        timezone = some[0].camera.timezone
        history = store.history(window=Window.HOUR, series=series, start=start, end=end, zones=ids, timezone=timezone)
        local = local_hours(history.starts, timezone)
        observed = history.value.astype(np.float64)
        parts.append((daily_levels(observed, local.day, local.week_hour), np.isfinite(observed).mean(axis=1)))
    level = np.concatenate([daily.level for daily, _ in parts])
    level = level - common_course(level)
    return Levels(
        series=series,
        zones=tuple(zones),
        level=level,
        usual=np.concatenate([daily.usual for daily, _ in parts]),
        coverage=np.nan_to_num(np.concatenate([coverage for _, coverage in parts])),
        days=np.isfinite(level).sum(axis=1),
        local=local,
    )


def beside(store: Store, levels: Levels, found: Mapping[int, tuple[Change, ...]], this: Changed) -> Beside:
    """What is known beside a change; `found` has the changes of all zones by position."""
    one, change = levels.zones[this.row], this.change
    size, at = float(np.log(change.ratio)), aware(levels.midnights[change.day])
    other = "vehicles" if OF_PEOPLE[SERIES.index(levels.series)] else "people"
    start, end = aware(levels.midnights[0]), aware(levels.midnights[-1]) + timedelta(days=1)
    others = levels_of(store, [one], other, start, end)
    loop = _loop(store, one, levels.series, LOOP_NEAR_M)
    sizes = [
        float(np.log(its.ratio))
        for row, changes in found.items()
        if 0 < _apart_m(one, levels.zones[row]) <= NEAR_M
        for its in changes
        if abs(its.day - change.day) <= AROUND.days
    ]
    return Beside(
        size=size,
        became=(*_became(store, one, at), *_troubles(store, one, at)),
        other=other,
        other_step=step(others.level[0], change.day, change.first, change.last),
        loop=loop or "",
        loop_step=_loop_step(store, levels, loop, change) if loop else None,
        alike_near=int(alike(np.array(sizes), size).sum()),
    )


def _became(store: Store, one: ZoneOfCamera, at: datetime) -> tuple[str, ...]:
    """What of the camera is mostly another in the days after than it was in those before."""
    sides = [store.observations(one.zone.id, first, last) for first, last in ((at - AROUND, at), (at, at + AROUND))]
    before, after = ([clip for clip in side if clip.present is not None] for side in sides)
    if not before or not after:
        return ()
    return tuple(said for said, of in _BECAME if _mostly(before, of) != _mostly(after, of))


def _mostly(clips: Sequence[CountObservation], of: Callable[[CountObservation], object]) -> object:
    return Counter(map(of, clips)).most_common(1)[0][0]


def _troubles(store: Store, one: ZoneOfCamera, at: datetime) -> tuple[str, ...]:
    events = store.health(at - AROUND, at + AROUND, [one.camera.id])
    return tuple(dict.fromkeys(_TROUBLE[event.state] for event in events if event.state in _TROUBLE))


def _loop(store: Store, one: ZoneOfCamera, series: str, within_m: float) -> str | None:
    """The nearest loop that may see the same street; of vehicles only."""
    if OF_PEOPLE[SERIES.index(series)]:
        return None
    near = [
        (_metres(one.camera.lat, one.camera.lon, loop.lat, loop.lon), loop.id)
        for loop in store.counters()
        if loop.lat is not None and loop.lon is not None
    ]
    return min(near)[1] if near and min(near)[0] <= within_m else None


def _loop_step(store: Store, levels: Levels, loop: str, change: Change) -> Step | None:
    """How the daily flow of a loop changed, of days of which at least half was told."""
    begins = levels.midnights
    flows = store.loops(
        aware(begins[0]), aware(begins[-1]) + timedelta(days=1), counters=[loop], series=[levels.series]
    )
    day = np.searchsorted(begins, flows.start, side="right") - 1
    told = np.isfinite(flows.flow)
    total = np.bincount(day[told], weights=flows.flow[told], minlength=len(begins))
    intervals = np.bincount(day[told], minlength=len(begins))
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.where((intervals >= intervals.max() / 2) & (total > 0), np.log(total / intervals), np.nan)
    return step(level, change.day, change.first, change.last)


def _apart_m(one: ZoneOfCamera, other: ZoneOfCamera) -> float:
    """Between two cameras; 0 of zones of one camera."""
    return _metres(one.camera.lat, one.camera.lon, other.camera.lat, other.camera.lon)


def _metres(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    north, east = np.radians(other_lat - lat), np.radians(other_lon - lon) * np.cos(np.radians(lat))
    return EARTH_M * float(np.hypot(north, east))
