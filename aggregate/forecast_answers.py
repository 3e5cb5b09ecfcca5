"""The hours to come in zones that are asked for, from what is stored and what is usual. Nothing of it was counted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from aggregate.grid import ZoneOfCamera
from aggregate.history import History
from aggregate.store import Store
from aggregate.tables import Numbers, Text, Times, moment, text
from aggregate.usual.baselines import BaselineState
from aggregate.usual.forecast import SEEN_WEEKS, Carry, Forecast, forecast, learn
from aggregate.usual.policy import UsualPolicy
from aggregate.usual_answers import Usual, UsualAnswers
from core.errors import QueryError
from core.records import Window

T = TypeVar("T")

FORECAST_COLUMNS = (
    "zone",
    "camera",
    "class",
    "start",
    "end",
    "ahead_h",
    "mean",
    "low",
    "high",
    "baseline",
    "baseline_low",
    "baseline_high",
    "last_counted",
    "state",
    "reason",
)
"""Order of a frame of forecasts: `start`, `end`, `last_counted` are datetime64[us, UTC] (NaT for null), figures float64
(NaN for null), `ahead_h` int64, the rest object columns of str (None for null)."""

MOST_HOURS = 48
MOST_ZONES = _COMPANY = 40
_KEPT = 100
_NEWEST = timedelta(days=28)
"""Of what a zone was counted last, no more is told."""
_RELEARN = timedelta(days=7)
_DECIMALS = 6
_UNKNOWN = "too little of its past is known to say what comes"


class ForecastAnswers:
    """Forecasts from a store; any number of threads may ask.

    Zones learn from each other how deviations carry on, some `_COMPANY` of one time zone together; that takes seconds,
    and is kept for a week. What was forecast is kept for its hour.
    """

    def __init__(self, store: Store, usual: UsualAnswers, policy: UsualPolicy) -> None:
        self._store = store
        self._usual = usual
        self._policy = policy
        self._learnt: OrderedDict[tuple[str, ...], tuple[datetime, Carry]] = OrderedDict()
        self._told: OrderedDict[tuple[str, ...], tuple[datetime, History, Forecast]] = OrderedDict()
        self._learning = Lock()

    def forecast(
        self, zones: Sequence[ZoneOfCamera], series: Sequence[str], hours: int, present: datetime
    ) -> pd.DataFrame:
        """The `hours` that begin at the present one: one row (`FORECAST_COLUMNS`) per class, zone and hour.

        The zones of a time zone stand together. Raises `QueryError` for more than `MOST_ZONES`.
        """
        if len(zones) > MOST_ZONES:
            raise QueryError(
                f"forecasts of {len(zones)} zones are asked for, at most {MOST_ZONES} are made at once",
                remedy="name zones or cameras, or give a bbox",
            )
        now = present.replace(minute=0, second=0, microsecond=0)
        frames = [
            self._of_timezone([one for one in zones if one.camera.timezone == timezone], one_series, hours, now)
            for timezone in sorted({one.camera.timezone for one in zones})
            for one_series in series
        ]
        whole = pd.concat(frames) if frames else pd.DataFrame({name: [] for name in FORECAST_COLUMNS})
        return whole[list(FORECAST_COLUMNS)].reset_index(drop=True)

    def _of_timezone(self, zones: Sequence[ZoneOfCamera], series: str, hours: int, now: datetime) -> pd.DataFrame:
        company = self._company(zones)
        history, told = self._forecast(company, series, now)
        rows = np.array([history.zones.index(one.zone.id) for one in zones])
        starts = moment(now) + np.arange(hours) * np.timedelta64(1, "h")
        usual = self._usual.expectation(zones, series, Window.HOUR, starts)
        chosen = Forecast(*(getattr(told, figure.name)[rows, :hours] for figure in fields(Forecast)))
        return _frame(zones, history.take(rows), chosen, usual)

    def _company(self, zones: Sequence[ZoneOfCamera]) -> Sequence[ZoneOfCamera]:
        """The zones that learn together with those asked for, where these are neighbours in the list of all; else they
        learn from each other alone."""
        every = [
            ZoneOfCamera(zone, camera)
            for camera in self._store.cameras()
            if camera.timezone == zones[0].camera.timezone
            for zone in camera.counted_zones
        ]
        wanted = {one.zone.id for one in zones}
        for begin in range(0, len(every), _COMPANY):
            some = every[begin : begin + _COMPANY]
            if wanted <= {one.zone.id for one in some}:
                return some
        return zones

    def _forecast(self, zones: Sequence[ZoneOfCamera], series: str, now: datetime) -> tuple[History, Forecast]:
        """The hours up to `now` of zones of one time zone, and the `MOST_HOURS` that follow."""
        key = series, *(one.zone.id for one in zones)
        with self._learning:  # one at a time: each costs some hundred megabytes while it lasts
            told = self._told.get(key)
            if told is not None and told[0] == now:
                return told[1:]
            learnt = self._learnt.get(key)
            due = learnt is None or not learnt[0] <= now < learnt[0] + _RELEARN
            weeks = self._policy.history_weeks if due else SEEN_WEEKS
            history = self._history(zones, series, now, timedelta(weeks=weeks))
            if history.steps == 0:
                return history, Forecast(*(np.full((len(zones), MOST_HOURS), np.nan) for _ in fields(Forecast)))
            calendar = self._usual.calendar
            if learnt is None or due:
                learnt = now, learn(history, calendar, self._policy, horizon=MOST_HOURS)
                _keep(self._learnt, key, learnt)
            baselines = self._usual.baselines(zones, series, now)
            made = forecast(history, baselines, calendar, horizon=MOST_HOURS, policy=self._policy, carry=learnt[1])
            newest = history.between(history.end - np.timedelta64(_NEWEST), history.end)
            _keep(self._told, key, (now, newest, made))
        return newest, made

    def _history(self, zones: Sequence[ZoneOfCamera], series: str, now: datetime, reach: timedelta) -> History:
        extent = self._store.extent()
        first = now if extent is None else extent[0].replace(minute=0, second=0, microsecond=0)
        return self._store.history(
            window=Window.HOUR,
            series=series,
            start=min(now, max(first, now - reach)),
            end=now,
            zones=[one.zone.id for one in zones],
            timezone=zones[0].camera.timezone,
        )


def _keep(kept: OrderedDict[tuple[str, ...], T], key: tuple[str, ...], value: T) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _KEPT:
        kept.popitem(last=False)


def _frame(zones: Sequence[ZoneOfCamera], history: History, told: Forecast, usual: Usual) -> pd.DataFrame:
    starts = usual.starts
    hours = len(starts)
    known = ~np.isnan(told.expected)
    borrowed = usual.state == BaselineState.BORROWED.value
    state = text([BaselineState.BORROWED.value if one else BaselineState.OK.value for one in borrowed])
    reason = text([why if one else None for one, why in zip(borrowed, usual.reason, strict=True)])
    table: dict[str, Any] = {
        "zone": _each(text([one.zone.id for one in zones]), hours),
        "camera": _each(text([one.camera.id for one in zones]), hours),
        "class": _each(text([history.series] * len(zones)), hours),
        "start": _times(np.tile(starts, len(zones))),
        "end": _times(np.tile(starts + np.timedelta64(1, "h"), len(zones))),
        "ahead_h": np.tile(np.arange(1, hours + 1), len(zones)),
        **{name: getattr(told, source).round(_DECIMALS).reshape(-1) for name, source in _FORECAST.items()},
        **{name: getattr(usual.expectation, source).round(_DECIMALS).reshape(-1) for name, source in _USUAL.items()},
        "last_counted": _times(np.repeat(_last_counted(history), hours)),
        "state": _where(known, state, BaselineState.INSUFFICIENT_HISTORY.value),
        "reason": _where(known, reason, _UNKNOWN),
    }
    return pd.DataFrame(table)


_FORECAST = {"mean": "expected", "low": "low", "high": "high"}
_USUAL = {"baseline": "expected", "baseline_low": "low", "baseline_high": "high"}


def _last_counted(history: History) -> Times:
    """Of each zone the end of the newest hour that was counted; NaT where none was."""
    counted = ~np.isnan(history.value)
    last = history.steps - 1 - np.argmax(counted[:, ::-1], axis=1) if history.steps else np.zeros(len(counted), int)
    ends = history.start.astype("datetime64[us]") + (last + 1) * np.timedelta64(history.step_s, "s")
    return np.where(counted.any(axis=1), ends, np.datetime64("NaT"))


def _each(column: Text, hours: int) -> pd.Series[str]:
    return pd.Series(np.repeat(column, hours), dtype=object)


def _where(known: Numbers, of_zone: Text, otherwise: str) -> pd.Series[str]:
    """Of each zone and hour what is said of the zone; of those that are not known something else."""
    said = np.where(known, of_zone[:, None], otherwise)
    return pd.Series(said.reshape(-1), dtype=object)


def _times(column: Times) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(column.astype("datetime64[us]")).tz_localize("UTC")
