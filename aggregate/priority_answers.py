"""Where to act first: the places that are too busy again and again, with the reasons in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import numpy as np
import pandas as pd

from aggregate.density import density_per_100m2
from aggregate.grid import ZoneOfCamera
from aggregate.hotspot_answers import place_name
from aggregate.local_time import LocalHours, local_hours
from aggregate.tables import Integers, Numbers, Text, Times, aware
from aggregate.unusual import words
from aggregate.unusual.chance import ByChance, by_chance
from aggregate.unusual.false_discovery import benjamini_hochberg
from aggregate.unusual.found import Found, numbers_column, times_column, words_column
from aggregate.unusual.place_field import PlaceField, of_zones
from aggregate.unusual.ranking import LEAST_DAYS, Ranking, above_range, ranked, trend_of
from aggregate.unusual.verdicts import FITTED, State, Trend
from aggregate.usual.busyness_index import busyness_index
from aggregate.usual_answers import UsualAnswers
from core.records import Window

PRIORITY_COLUMNS = (
    "rank", "zone", "camera", "name", "kind", "lat", "lon", "class", "exceedance", "hours", "people_hours",
    "people_hours_low", "people_hours_high", "share_of_windows", "worst", "index", "index_low", "index_high", "trend",
    "trend_per_week", "trend_low", "trend_high", "density_per_100m2", "coverage", "words", "state", "reason",
)  # fmt: skip
"""Order of the rows of priorities; `api/unusual_rows.py` says what each is."""

STANDS_OUT = 0.05
"""The false discovery rate at which a place is on the list."""

AT_ONCE = 500
"""Zones that are worked on together: a quarter of their hours is 50 MB."""


@dataclass(frozen=True, eq=False)
class Part:
    """What is known of some of the zones, those at `rows`, all of one time zone: `coverage`, `state`, `reason` [zone],
    `field` [zone, hour] of hours that begin at `starts`."""

    rows: Integers
    timezone: str
    starts: Times
    field: PlaceField
    local: LocalHours
    chance: ByChance
    ranking: Ranking
    coverage: Numbers
    state: Text
    reason: Text


def priority_rows(
    usual: UsualAnswers, zones: Sequence[ZoneOfCamera], series: str, *, start: datetime, end: datetime, limit: int
) -> Found:
    """The zones that stand out in the hours of [start, end), first those to act on; then those that are not known."""
    parts = [_part(usual, zones, rows, series, start=start, end=end) for rows in _chunks(zones)]
    places = [(part, place) for part in parts for place in range(len(part.rows))]
    judged = np.array([part.state[place] in FITTED for part, place in places], dtype=bool)
    p, low = (
        np.concatenate([np.empty(0), *(getattr(part.ranking, name) for part in parts)])
        for name in ("p", "people_hours_low")
    )
    q = benjamini_hochberg(np.where(judged, p, np.nan))
    out = np.flatnonzero((q <= STANDS_OUT) & (low > 0))
    out = out[np.argsort(-low[out], kind="stable")]
    ranked_rows = []
    for rank, row in enumerate(out[:limit]):
        part, place = places[row]
        ranked_rows.append(_row(part, place, zones, series, rank + 1))
    left = max(0, limit - len(out))
    unknown = []
    for row in np.flatnonzero(~judged)[:left]:
        part, place = places[row]
        unknown.append(_unknown(part, place, zones, series))
    found = [f"{len(out):,} too busy"] if len(out) else []
    said = words.looked_at(int(judged.sum()), len(zones), found, "place", "places")
    looked = {
        "class": series, "places": len(zones), "known": int(judged.sum()), "ranked": len(out), "words": said
    }  # fmt: skip
    return Found(_frame([*ranked_rows, *unknown]), looked)


def _chunks(zones: Sequence[ZoneOfCamera]) -> list[Integers]:
    """Positions of zones of one time zone, not too many at once."""
    timezones = np.array([one.camera.timezone for one in zones], dtype=object)
    chunks: list[Integers] = []
    for timezone in dict.fromkeys(timezones):
        rows = np.flatnonzero(timezones == timezone)
        chunks += [rows[first : first + AT_ONCE] for first in range(0, len(rows), AT_ONCE)]
    return chunks


def _part(
    usual: UsualAnswers, zones: Sequence[ZoneOfCamera], rows: Integers, series: str, *, start: datetime, end: datetime
) -> Part:
    mine = [zones[row] for row in rows]
    told = usual.field(mine, series, Window.HOUR, start, end)
    timezone, starts = mine[0].camera.timezone, told.history.starts
    field, local = of_zones(told), local_hours(starts, timezone)
    chance = by_chance(field, local.day)
    ranking = ranked(field, chance, local.day, local.week_hour)
    counted = np.isfinite(told.history.value)
    state, reason = _states(told.usual.state, told.usual.reason, counted, ranking)
    coverage = counted.mean(axis=1) if len(starts) else np.zeros(len(rows))
    return Part(rows, timezone, starts, field, local, chance, ranking, coverage, state, reason)


def _row(part: Part, place: int, zones: Sequence[ZoneOfCamera], series: str, rank: int) -> dict[str, object]:
    """One row (`PRIORITY_COLUMNS`) of a place that stands out."""
    one = zones[part.rows[place]]
    its = {each.name: getattr(part.ranking, each.name)[place].item() for each in fields(Ranking)}
    level = (its[name] for name in ("level", "level_low", "level_high", "expected", "expected_error"))
    index, low, high = (float(value) for value in busyness_index(*level))
    trend = trend_of(its["slope_low"], its["slope_high"])
    slope = [float(np.expm1(its[name])) for name in ("slope", "slope_low", "slope_high")]
    excess = above_range(part.field.take(np.array([place])))[0]
    observed, expected = part.field.observed[place], part.field.expected[place]
    worst = part.starts[its["worst"]]
    row = _blank(one, series) | {
        "rank": rank,
        "exceedance": its["exceedance"],
        "hours": its["hours"],
        "people_hours": its["people_hours"],
        "people_hours_low": its["people_hours_low"],
        "people_hours_high": its["people_hours_high"],
        "share_of_windows": its["hours"] / its["hours_known"],
        "worst": worst,
        "index": index,
        "index_low": low,
        "index_high": high,
        "trend": trend.value,
        "trend_per_week": slope[0],
        "trend_low": slope[1],
        "trend_high": slope[2],
        "density_per_100m2": _density(one, float(observed[excess > 0].mean())),
        "coverage": float(part.coverage[place]),
        "state": part.state[place],
        "reason": part.reason[place],
    }
    row["words"] = words.reasons(
        series,
        hours=int(its["hours"]),
        known=int(its["hours_known"]),
        people_hours=(its["people_hours"], its["people_hours_low"], its["people_hours_high"]),
        mostly=words.when_mostly(excess - part.chance.mean[place], part.local.weekday, part.local.hour),
        worst=(words.local(aware(worst), part.timezone), float(observed[its["worst"]]), float(expected[its["worst"]])),
        trend=words.trend(trend, *slope),
        coverage=float(part.coverage[place]),
    )
    return row


def _states(states: Text, reasons: Text, counted: Numbers, ranking: Ranking) -> tuple[Text, Text]:
    state, reason = states.copy(), reasons.copy()
    few = np.isin(state.astype(str), FITTED) & (ranking.days < LEAST_DAYS)
    state[few] = State.INSUFFICIENT_HISTORY.value
    for place in np.flatnonzero(few):
        days = words.counted(int(ranking.days[place]), "day", "days")
        reason[place] = f"{days} of the period can be compared with what is usual; {LEAST_DAYS} are needed"
    gone = ~counted.any(axis=1)
    state[gone], reason[gone] = State.MISSING.value, "nothing was counted in the period"
    return state, reason


def _density(one: ZoneOfCamera, mean: float) -> float:
    """To 100 m2; NaN where the zone's ground is not known, or not well enough."""
    ground = one.zone.ground
    if ground is None:
        return float("nan")
    return float(density_per_100m2(mean, mean, mean, ground.area_m2, ground.area_error)[0])


def _blank(one: ZoneOfCamera, series: str) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(PRIORITY_COLUMNS)
    return row | {
        "zone": one.zone.id, "camera": one.camera.id, "name": place_name(one), "kind": one.zone.kind.value,
        "lat": one.camera.lat, "lon": one.camera.lon, "class": series,
    }  # fmt: skip


def _unknown(part: Part, place: int, zones: Sequence[ZoneOfCamera], series: str) -> dict[str, object]:
    """One row of a place of which nothing can be said, with the reason."""
    return _blank(zones[part.rows[place]], series) | {
        "trend": Trend.UNKNOWN.value,
        "coverage": float(part.coverage[place]),
        "words": f"It cannot be said whether it is too busy: {part.reason[place]}.",
        "state": part.state[place],
        "reason": part.reason[place],
    }


def _frame(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    columns: dict[str, object] = {}
    texts = ("zone", "camera", "name", "kind", "class", "trend", "words", "state", "reason")
    for name in PRIORITY_COLUMNS:
        values = [row[name] for row in rows]
        if name == "worst":
            times = [np.datetime64("NaT") if at is None else at for at in values]
            columns[name] = times_column(np.array(times, dtype="datetime64[us]"))
        elif name == "rank":
            columns[name] = numbers_column(values)  # type: ignore[arg-type]
        elif name in texts:
            columns[name] = words_column(values)  # type: ignore[arg-type]
        else:
            columns[name] = np.array([np.nan if one is None else one for one in values], dtype=np.float64)
    return pd.DataFrame(columns, columns=list(PRIORITY_COLUMNS))
