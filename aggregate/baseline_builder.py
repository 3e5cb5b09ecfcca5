"""When which baselines are fitted: the usual once a week, of new zones every night, those of named periods once.

A baseline is made of what was counted before a local midnight, `until`, and is in force from then on. The first time,
earlier ones are made too, a week apart, so that the past has an index that did not know it:

    first clip |----------------------------------------------------------------> now
    untils       (least_weeks)  2nd  ...  2nd   2nd   2nd    1st (last midnight)

A baseline of a zone's own past is kept for a week: the index of a past window stays what it was, and a year of a city
is 52 baselines a zone. The past is gone back over 26 weeks, from the oldest one that is stored, so that it is resumed
where it was interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

import numpy as np

from aggregate.grid import ZoneOfCamera
from aggregate.store import Store
from aggregate.tables import Text, aware, moment
from aggregate.usual.baseline import fit
from aggregate.usual.baselines import ROLLING, BaselineState, BaselineTable
from aggregate.usual.calendar import Calendar
from aggregate.usual.policy import Period, UsualPolicy
from aggregate.windows import window_at
from core.records import Window

_WEEK = timedelta(weeks=1)
_PAST = timedelta(weeks=26)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_QUARTERS = timedelta(weeks=8)
_CHUNK = 512
"""Zones that are fitted at once: two years of so many are some 50 MB, and they are enough to borrow from."""


@dataclass(frozen=True)
class Task:
    """Baselines of one class of some `zones` of one time zone, from what was counted in [since, until) for each of
    `untils`. Only those of zones that are `due` are kept; the others are there to be borrowed from."""

    reference: str
    series: str
    zones: tuple[ZoneOfCamera, ...]
    due: frozenset[str]
    since: datetime
    untils: tuple[datetime, ...]


class BaselineBuilder:
    """Fits what is due from what is stored, and stores it."""

    def __init__(self, store: Store, calendar: Calendar, policy: UsualPolicy, periods: Sequence[Period] = ()) -> None:
        self._store = store
        self._calendar = calendar
        self._policy = policy
        self._periods = tuple(periods)

    def plan(self, now: datetime, *, anew: bool = False) -> list[Task]:
        """What is due at a moment, the most urgent first; with `anew` everything is, as if nothing were stored."""
        extent = self._store.extent()
        if extent is None:
            return []
        first, least = _hour(extent[0]), timedelta(weeks=self._policy.least_weeks)
        newest, periods, past = [], [], []
        for series in self._policy.classes:
            held = _Held.of(self._store, series)
            for chunk in self._chunks():
                zones = frozenset(one.zone.id for one in chunk)
                timezone = chunk[0].camera.timezone
                midnight = _hour(window_at(Window.DAY, now, timezone).start)
                due = zones if anew else zones.difference(held.fresh(midnight))
                newest.append(Task(ROLLING, series, chunk, due, first, (midnight,)))
                oldest = midnight if anew else held.oldest(zones, midnight)
                earlier = _weeks_back(oldest, max(first + least, midnight - _PAST))
                past.append(Task(ROLLING, series, chunk, zones, first, earlier))
                for period in self._periods:
                    begin, end = _edges(period, timezone)
                    end = min(end, midnight)
                    missing = zones if anew else zones.difference(self._made(period, series, begin, end))
                    periods.append(Task(period.name, series, chunk, missing, max(begin, first), (end,)))
        return [
            task for task in (*newest, *periods, *past) if task.due and task.untils and min(task.untils) > task.since
        ]

    def build(
        self,
        tasks: Sequence[Task],
        built_at: datetime,
        *,
        on_fit: Callable[[int], None] = lambda _: None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> int:
        """Do the tasks; returns how many baselines were stored. `on_fit` is told of each fit how many zones it was of.

        Holds the past of one chunk of zones at a time. Ends early, between two fits, when `stopping` says so.
        """
        stored = 0
        for task in tasks:
            ids = tuple(one.zone.id for one in task.zones)
            groups = [one.zone.kind.value for one in task.zones]
            timezone = task.zones[0].camera.timezone
            reach = timedelta(weeks=self._policy.history_weeks)
            first, last = min(task.untils), max(task.untils)
            starts = (max(task.since, first - reach), max(task.since, first - _QUARTERS))
            if stopping():
                break
            hours, quarters = (
                self._store.history(
                    window=window, series=task.series, start=start, end=last, zones=ids, timezone=timezone
                )
                for window, start in zip((Window.HOUR, Window.QUARTER), starts, strict=True)
            )
            for until in task.untils:
                if stopping():
                    break
                end = moment(until)
                table = fit(
                    hours.between(moment(max(task.since, until - reach)), end),
                    self._calendar,
                    self._policy,
                    until=until,
                    built_at=built_at,
                    groups=groups,
                    quarters=quarters.between(moment(max(task.since, until - _QUARTERS)), end),
                    reference=task.reference,
                )
                kept = table.take(np.array([zone in task.due for zone in table.zone], dtype=bool))
                self._store.save_baselines(kept)
                stored += len(kept)
                on_fit(len(kept))
        return stored

    def _chunks(self) -> list[tuple[ZoneOfCamera, ...]]:
        """All counted zones, some hundred of one time zone at a time; those of a kind stand together, for they borrow
        from each other."""
        found: dict[str, list[ZoneOfCamera]] = {}
        for camera in self._store.cameras():
            found.setdefault(camera.timezone, []).extend(ZoneOfCamera(zone, camera) for zone in camera.counted_zones)
        alike = [sorted(held, key=lambda one: (one.zone.kind, one.zone.id)) for held in found.values()]
        return [tuple(held[begin : begin + _CHUNK]) for held in alike for begin in range(0, len(held), _CHUNK)]

    def _made(self, period: Period, series: str, begin: datetime, end: datetime) -> Text:
        """The zones that have a baseline of a named period as it is written now."""
        held = self._store.baselines(period.name, at=end, series=[series])
        made: Text = held.zone[(held.until == moment(end)) & (held.since >= moment(begin))]
        return made


@dataclass(frozen=True, eq=False)
class _Held:
    """The usual baselines of one class that are stored: the newest and the oldest of each zone."""

    newest: BaselineTable
    first: BaselineTable

    @classmethod
    def of(cls, store: Store, series: str) -> Self:
        return cls(store.baselines(ROLLING, series=[series]), store.baselines(ROLLING, at=_LONG_AGO, series=[series]))

    def fresh(self, midnight: datetime) -> Text:
        """The zones that need no new one: it is of less than a week ago and of their own past, or of this night."""
        held = self.newest
        serves = np.where(held.state == BaselineState.OK.value, np.timedelta64(7, "D"), np.timedelta64(1, "h"))
        fresh: Text = held.zone[held.until + serves > moment(midnight)]
        return fresh

    def oldest(self, zones: frozenset[str], midnight: datetime) -> datetime:
        """From when on the oldest one of some zones is in force; this night where they have none."""
        theirs = self.first.until[np.array([zone in zones for zone in self.first.zone], dtype=bool)]
        return aware(theirs.min()) if len(theirs) else midnight


def _weeks_back(until: datetime, least: datetime) -> tuple[datetime, ...]:
    """The weeks before `until`, newest first, as long as there is a past for a baseline to be made of."""
    return tuple(until - week * _WEEK for week in range(1, (until - least) // _WEEK + 1))


def _edges(period: Period, timezone: str) -> tuple[datetime, datetime]:
    """The first instant of a period of local days, and the one after its last."""
    days = (period.start, period.end + timedelta(days=1))
    begin, end = (datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC) for day in days)
    return _hour(begin), _hour(end)


def _hour(at: datetime) -> datetime:
    """The hour (UTC) that a moment is in: some time zones are half an hour off it."""
    return at.replace(minute=0, second=0, microsecond=0)
