"""What the store can be asked of cameras and loops together: does one agree with the other, and what do both say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
import pandas as pd

from aggregate.beside.drift import Drift, daily_ratio, drift
from aggregate.beside.gain import Gain, gain
from aggregate.beside.pairing import BesidePolicy, Pairing, pairings
from aggregate.beside.stand_in import Estimate, estimated, flow_of_present, present_of_flow
from aggregate.beside.time_base import Flow, flow_on
from aggregate.beside.words import drift_in_words, seconds_in_words
from aggregate.local_time import LocalHours, local_hours
from aggregate.query import BoundingBox, expect_box, expect_known, in_box
from aggregate.store import Store
from aggregate.tables import Numbers, Times, aware, instants, moment
from aggregate.windows import WIDTH_S, window_at
from core.errors import NotFound, QueryError
from core.loops import LoopCounter
from core.records import Window

CHECK_COLUMNS = (
    "zone", "camera", "name", "lat", "lon", "counters", "distance_m", "start", "end", "hours", "days",
    "seconds", "seconds_low", "seconds_high", "agreement",
    "drift", "drift_low", "drift_high", "drift_since", "state", "reason", "words",
)  # fmt: skip
"""One row for every zone that has loops beside it. `counters` is a list of str; times datetime64[us, UTC]."""

TRAFFIC_COLUMNS = (
    "zone", "camera", "window", "start", "end",
    "present", "present_low", "present_high", "present_from",
    "flow_per_hour", "flow_low", "flow_high", "flow_from", "loop_coverage", "reason",
)  # fmt: skip
"""One row a window. A figure `from` the other of the two is an estimate, with its interval; one that is its own has the
interval of a reading, a loop's flow none. Null (NaN, None) where neither says anything."""

CHECKED = timedelta(weeks=8)
"""How far back camera and loop are held against each other unless a period is given: its second half against its first.
"""
LEARNT = timedelta(weeks=8)
"""What of the past an estimate is learnt from."""
LONGEST = timedelta(days=366)
LEAST_AGREEMENT = 0.3


class Agreement(StrEnum):
    """What camera and loop say of each other: they agree; one has changed; they have nothing in common; unknown."""

    AGREES = "agrees"
    DRIFTING = "drifting"
    UNLIKE = "unlike"
    UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class _Together:
    """What a camera's zone and its loops counted on one time base, each array [window]."""

    starts: Times
    local: LocalHours
    present: Numbers
    flow: Flow


class BesideAnswers:
    """Answers from a store. Keeps nothing, so any number of threads may ask. `present` says when now is."""

    def __init__(self, store: Store, present: Callable[[], datetime], policy: BesidePolicy | None = None) -> None:
        self._store = store
        self._present = present
        self._policy = policy or BesidePolicy()

    def checks(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        cameras: Sequence[str] | None = None,
        bbox: BoundingBox | None = None,
    ) -> pd.DataFrame:
        """Each zone that has loops beside it held against them (`CHECK_COLUMNS`), hour by hour of [start, end).

        Raises `NotFound` for an unknown camera, `QueryError` for a malformed question.
        """
        known = self._store.cameras()
        if cameras is not None:
            expect_known("camera", cameras, {camera.id for camera in known})
        if bbox is not None:
            expect_box(bbox)
        asked = [one for one in known if in_box(one, bbox) and (cameras is None or one.id in cameras)]
        counters = self._store.counters()
        first, last = self._period(start, end, CHECKED)
        rows = [self._check(one, counters, first, last) for one in pairings(asked, counters, self._policy)]
        return _checks_frame(rows)

    def traffic(
        self, zone: str, window: Window, start: datetime | None = None, end: datetime | None = None
    ) -> pd.DataFrame:
        """Vehicles present and passing in the windows of a zone that begin in [start, end) (`TRAFFIC_COLUMNS`).

        Where the camera says nothing its loops stand in for it, and the other way round, by what they had in common in
        the weeks up to `end`. Raises `NotFound`, `QueryError`.
        """
        if window not in (Window.QUARTER, Window.HOUR):
            raise QueryError(f"traffic is told by 15m and 60m, not by {window}", remedy="ask for one of these")
        cameras, counters = self._store.cameras(), self._store.counters()
        expect_known("zone", [zone], {one.id for camera in cameras for one in camera.counted_zones})
        its = [camera for camera in cameras if any(one.id == zone for one in camera.counted_zones)]
        pairing = next((one for one in pairings(its, counters, self._policy) if one.zone.zone.id == zone), None)
        if pairing is None:
            raise NotFound(
                f"zone {zone} has no loops beside it",
                remedy="pair it in the configuration, under beside: pairs:; /v1/loops lists the loops",
            )
        first, last = self._period(start, end, timedelta(days=1))
        return self._traffic(pairing, counters, window, first, last)

    # -- one zone ---------------------------------------------------------------------------------------------------

    def _check(
        self, pairing: Pairing, counters: Sequence[LoopCounter], start: datetime, end: datetime
    ) -> dict[str, object]:
        zone = pairing.zone.zone
        row: dict[str, object] = {
            **dict.fromkeys(CHECK_COLUMNS), "zone": zone.id, "camera": pairing.zone.camera.id, "name": zone.name,
            "lat": pairing.zone.camera.lat, "lon": pairing.zone.camera.lon, "counters": list(pairing.counters),
            "distance_m": pairing.distance_m, "start": start, "end": end, "hours": 0, "days": 0,
            "state": Agreement.UNKNOWN.value,
        }  # fmt: skip
        absent = _absent(pairing, counters)
        if absent:
            return row | {"reason": absent, "words": absent}
        both = self._together(pairing, Window.HOUR, start, end)
        days = int(both.local.day.max()) + 1 if len(both.starts) else 0
        reference = both.local.day < days // 2
        found = gain(both.present, both.flow.per_hour, both.local.day, both.local.hour)
        if isinstance(found, str):
            return row | {"reason": found, "words": found}
        row |= {
            "hours": found.hours, "days": found.days, "seconds": found.seconds, "seconds_low": found.low,
            "seconds_high": found.high, "agreement": found.agreement,
        }  # fmt: skip
        words = seconds_in_words(found)
        if found.agreement < LEAST_AGREEMENT:
            reason = (
                f"camera and loop do not rise and fall together (rank correlation {found.agreement:.2f}): they see "
                "different traffic, or one of them is wrong"
            )
            return row | {"state": Agreement.UNLIKE.value, "reason": reason, "words": f"{reason}; {words}"}
        before = gain(np.where(reference, both.present, np.nan), both.flow.per_hour, both.local.day, both.local.hour)
        change = before if isinstance(before, str) else self._drift(both, before, days // 2)
        if isinstance(change, str):
            agrees = f"{words}; whether that has changed cannot be told: {change}"
            return row | {"state": Agreement.AGREES.value, "reason": change, "words": agrees}
        midnight = both.local.midnight[np.searchsorted(both.local.day, change.since)]
        since = aware(midnight)
        said = drift_in_words(change, pd.Timestamp(since).tz_convert(pairing.zone.camera.timezone).date())
        state = Agreement.DRIFTING if change.alarm else Agreement.AGREES
        return row | {
            "drift": change.ratio, "drift_low": change.low, "drift_high": change.high,
            "drift_since": since if change.alarm else None, "state": state.value,
            "reason": said if change.alarm else None, "words": f"{words}; {said}",
        }  # fmt: skip

    def _drift(self, both: _Together, before: Gain, reference_days: int) -> Drift | str:
        ratios = daily_ratio(both.present, both.flow.per_hour, both.local.day, both.local.hour, before.by_hour)
        return drift(ratios, reference_days)

    def _traffic(
        self, pairing: Pairing, counters: Sequence[LoopCounter], window: Window, start: datetime, end: datetime
    ) -> pd.DataFrame:
        both = self._together(pairing, window, min(start, end - LEARNT), end)
        per_hour = both.flow.per_hour
        found = _absent(pairing, counters) or gain(both.present, per_hour, both.local.day, both.local.hour)
        if isinstance(found, str):
            none = np.full(len(both.starts), np.nan)
            of_loop = of_camera = Estimate(none, none, none)
        else:
            by_hour, hours = found.by_hour, both.local.hour
            of_loop = estimated(present_of_flow(per_hour, hours, by_hour), both.present)
            of_camera = estimated(flow_of_present(both.present, hours, by_hour), per_hour, WIDTH_S[window] / 3600.0)
        asked = both.starts >= moment(start)
        low, high = self._limits(pairing, window, start, end, both.starts)
        seen, passed = ~np.isnan(both.present), ~np.isnan(per_hour)
        columns = {
            "present": np.where(seen, both.present, of_loop.value),
            "present_low": np.where(seen, low, of_loop.low),
            "present_high": np.where(seen, high, of_loop.high),
            "present_from": _from(seen, "camera", of_loop.value, "loop"),
            "flow_per_hour": np.where(passed, per_hour, of_camera.value),
            "flow_low": np.where(passed, np.nan, of_camera.low),
            "flow_high": np.where(passed, np.nan, of_camera.high),
            "flow_from": _from(passed, "loop", of_camera.value, "camera"),
            "loop_coverage": both.flow.coverage,
        }
        frame = pd.DataFrame({name: pd.Series(column[asked]) for name, column in columns.items()})
        starts = both.starts[asked]
        frame["zone"] = pd.Series([pairing.zone.zone.id] * len(frame), dtype=object)
        frame["camera"] = pd.Series([pairing.zone.camera.id] * len(frame), dtype=object)
        frame["window"] = pd.Series([window.value] * len(frame), dtype=object)
        frame["start"] = pd.DatetimeIndex(starts).tz_localize("UTC")
        frame["end"] = pd.DatetimeIndex(starts + np.timedelta64(WIDTH_S[window], "s")).tz_localize("UTC")
        told = found if isinstance(found, str) else None
        frame["reason"] = pd.Series(_reasons(seen[asked], passed[asked], told), dtype=object)
        return frame[list(TRAFFIC_COLUMNS)]

    def _together(self, pairing: Pairing, window: Window, start: datetime, end: datetime) -> _Together:
        zone, camera = pairing.zone.zone, pairing.zone.camera
        first = window_at(window, start, camera.timezone).start
        history = self._store.history(
            window=window, series="vehicles", start=first, end=end, zones=[zone.id], timezone=camera.timezone
        )
        starts = history.starts
        table = self._store.loops(first, end, counters=list(pairing.counters), series=["vehicles"])
        flow = flow_on(table, pairing.counters, starts, history.step_s)
        present = history.value[0].astype(np.float64)
        return _Together(starts, local_hours(starts, camera.timezone), present, flow)

    def _limits(
        self, pairing: Pairing, window: Window, start: datetime, end: datetime, starts: Times
    ) -> tuple[Numbers, Numbers]:
        """The intervals of the camera's own readings, [window]."""
        table = self._store.readings(
            window=window, series=("vehicles",), start=start, end=end, zones=[pairing.zone.zone.id]
        )
        low, high = np.full(len(starts), np.nan), np.full(len(starts), np.nan)
        place = np.searchsorted(starts, table.start)
        low[place], high[place] = table.low[:, 0], table.high[:, 0]
        return low, high

    def _period(self, start: datetime | None, end: datetime | None, otherwise: timedelta) -> tuple[datetime, datetime]:
        present = self._present()
        end = present if end is None else min(end, present)
        start = end - otherwise if start is None else min(start, end)
        if end - start > LONGEST:
            raise QueryError(f"the period has more than {LONGEST.days} days", remedy="ask for a part of it")
        return start, end


def _absent(pairing: Pairing, counters: Sequence[LoopCounter]) -> str | None:
    """Which counters that an operator named are not there."""
    unlisted = sorted(set(pairing.counters) - {counter.id for counter in counters})
    if not unlisted:
        return None
    return f"{', '.join(unlisted)}: no such counter is listed, so that what passes here is not known"


def _from(own: np.ndarray, name: str, other: Numbers, other_name: str) -> np.ndarray:
    found = np.full(len(own), None, dtype=object)
    found[~np.isnan(other)] = other_name
    found[own] = name
    return found


def _reasons(seen: np.ndarray, passed: np.ndarray, untold: str | None) -> list[str | None]:
    """Why a figure is not its own, or not there."""
    stands = "" if untold is None else f", and cannot be estimated: {untold}"
    words = {
        (True, True): None,
        (False, True): f"the camera has counted nothing here{stands}",
        (True, False): f"not all of the loops have counted here{stands}",
        (False, False): "neither camera nor loops have counted here",
    }
    return [words[bool(one), bool(other)] for one, other in zip(seen, passed, strict=True)]


def _checks_frame(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=list(CHECK_COLUMNS))
    for name in ("start", "end", "drift_since"):
        frame[name] = instants([row[name] for row in rows])  # type: ignore[misc]
    figures = (
        "lat", "lon", "distance_m", "seconds", "seconds_low", "seconds_high", "agreement",
        "drift", "drift_low", "drift_high",
    )  # fmt: skip
    frame[list(figures)] = frame[list(figures)].astype("float64")
    frame[["hours", "days"]] = frame[["hours", "days"]].astype("int64")
    for name in ("zone", "camera", "name", "counters", "state", "reason", "words"):
        column = frame[name].astype(object)
        frame[name] = column.where(column.notna(), None)
    return frame
