"""Lasting changes: the levels of zones that became others and stayed so, and whether the street or the camera did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from aggregate.change_evidence import Changed, Levels, beside, levels_of
from aggregate.grid import ZoneOfCamera
from aggregate.hotspot_answers import place_name
from aggregate.nouns import NOUNS
from aggregate.store import Store
from aggregate.tables import aware
from aggregate.unusual import words
from aggregate.unusual.change_points import LEAST_DAYS, Change, lasting_changes
from aggregate.unusual.drift import judged
from aggregate.unusual.found import Found, numbers_column, times_column, words_column
from aggregate.unusual.verdicts import State

CHANGE_COLUMNS = (
    "zone", "camera", "name", "lat", "lon", "class", "at", "before", "after", "ratio", "ratio_low", "ratio_high",
    "days_before", "days_after", "kind", "evidence", "coverage", "words", "state", "reason",
)  # fmt: skip
"""Order of the rows of changes; `api/unusual_rows.py` says what each is."""


def change_rows(store: Store, zones: Sequence[ZoneOfCamera], series: str, start: datetime, end: datetime) -> Found:
    """The lasting changes in [start, end), the largest first; then the zones of which nothing can be said."""
    changed: list[dict[str, object]] = []
    unknown: list[dict[str, object]] = []
    for timezone in dict.fromkeys(one.camera.timezone for one in zones):
        mine = [one for one in zones if one.camera.timezone == timezone]
        levels = levels_of(store, mine, series, start, end)
        found = {
            row: lasting_changes(levels.level[row], float(levels.usual[row]))
            for row in np.flatnonzero(levels.days >= LEAST_DAYS).tolist()
        }
        every = [Changed(row, change) for row, changes in found.items() for change in changes]
        changed += [_row(store, levels, found, one) for one in every]
        unknown += [_unknown(levels, row) for row in range(len(mine)) if row not in found]
    changed.sort(key=lambda row: -abs(np.log(row["ratio"])))  # type: ignore[call-overload]
    known, places = len(zones) - len(unknown), len({row["zone"] for row in changed})
    said = words.looked_at(known, len(zones), [f"{places:,} changed for good"] if places else [], "place", "places")
    looked = {"class": series, "places": len(zones), "known": known, "changed": places, "words": said}
    return Found(_frame([*changed, *unknown]), looked)


def _row(store: Store, levels: Levels, found: dict[int, tuple[Change, ...]], this: Changed) -> dict[str, object]:
    one, change = levels.zones[this.row], this.change
    at = aware(levels.midnights[change.day])
    kind, evidence = judged(beside(store, levels, found, this))
    share = words.changed(change.ratio, change.ratio_low, change.ratio_high, levels.series)
    said = words.change(
        share, words.day(at, one.camera.timezone), levels.series, before=change.before, after=change.after, kind=kind,
        evidence=evidence,
    )  # fmt: skip
    return _blank(one, levels.series) | {
        "at": at,
        "before": change.before,
        "after": change.after,
        "ratio": change.ratio,
        "ratio_low": change.ratio_low,
        "ratio_high": change.ratio_high,
        "days_before": change.days_before,
        "days_after": change.days_after,
        "kind": kind.value,
        "evidence": evidence,
        "coverage": float(levels.coverage[this.row]),
        "words": said,
        "state": State.OK.value,
    }


def _unknown(levels: Levels, row: int) -> dict[str, object]:
    one, days = levels.zones[row], int(levels.days[row])
    state = State.INSUFFICIENT_HISTORY
    reason = f"{words.counted(days, 'day has', 'days have')} enough figures; a change needs {LEAST_DAYS} to be seen"
    if levels.coverage[row] == 0:
        state, reason = State.MISSING, "nothing was counted in the period"
    elif days == 0:
        reason = f"too few {NOUNS[levels.series]} are ever there to see a change"
    return _blank(one, levels.series) | {
        "coverage": float(levels.coverage[row]),
        "words": f"It cannot be said whether it changed: {reason}.",
        "state": state.value,
        "reason": reason,
    }


def _blank(one: ZoneOfCamera, series: str) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(CHANGE_COLUMNS)
    return row | {
        "zone": one.zone.id, "camera": one.camera.id, "name": place_name(one), "lat": one.camera.lat,
        "lon": one.camera.lon, "class": series,
    }  # fmt: skip


def _frame(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    columns: dict[str, object] = {}
    texts = ("zone", "camera", "name", "class", "kind", "evidence", "words", "state", "reason")
    for name in CHANGE_COLUMNS:
        values = [row[name] for row in rows]
        if name == "at":
            times = [None if at is None else pd.Timestamp(at).tz_localize(None) for at in values]  # type: ignore[arg-type]
            columns[name] = times_column(np.array(times, dtype="datetime64[us]"))
        elif name in ("days_before", "days_after"):
            columns[name] = numbers_column(values)  # type: ignore[arg-type]
        elif name in texts:
            columns[name] = words_column(values)  # type: ignore[arg-type]
        else:
            columns[name] = np.array([np.nan if one is None else one for one in values], dtype=np.float64)
    return pd.DataFrame(columns, columns=list(CHANGE_COLUMNS))
