"""Sums over groups of zones that say what is missing: a lost camera must not look like a quiet street.

What is counted is added up over the zones that were counted, and so is what is usual there: their ratio, the index of
the group, can be compared from window to window whichever zones were missing. What is usual in those stands beside it.
Usual is what usual windows have on average, for their middles do not add up (`addable`). A day of which too little was
counted to stand for it is missing, too: that a camera was lost at noon makes no quiet evening.

Limits of a sum of means are those of MOVER (Zou & Donner 2008, Statistics in Medicine 27, 1693-1702): with d the
distance of a mean from its limit,

    below = sqrt(sum over cameras of (sum over its zones of d_low)^2), and above of d_high alike

Distances of zones of one camera are added as they are, for they share the errors of its counter and its light; those of
different cameras as standard errors are. The index has the limits of that sum over what is usual, as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import pandas as pd

from aggregate.grid import ZoneOfCamera
from aggregate.usual.baselines import ROLLING
from aggregate.usual_answers import UsualAnswers
from aggregate.usual_columns import LEAST_OF_DAY
from core.records import TrustState, Window

TOTAL_COLUMNS = (
    "group", "class", "window", "start", "end",
    "counted", "counted_low", "counted_high", "baseline", "index", "index_low", "index_high",
    "zones", "zones_counted", "missing", "baseline_missing", "coverage", "clips_counted", "clips_expected",
    "state", "reason",
)  # fmt: skip
"""One row a group, class and window. `counted` and its limits are over the zones that were counted alone; `baseline` is
what is usual in these (NaN where one has none), `baseline_missing` in the others; `missing` a list of zone ids."""

_NAMED = 3
_PART_OF_DAY = "too little of the day was counted to stand for it"


class Grouping(StrEnum):
    """What is added up: everything asked for, the zones of each camera, or those of each kind."""

    ALL = "all"
    CAMERA = "camera"
    KIND = "kind"


def addable(
    readings: pd.DataFrame, zones: Sequence[ZoneOfCamera], usual: UsualAnswers, reference: str = ROLLING
) -> pd.DataFrame:
    """`readings` (`aggregate.answers.READING_COLUMNS`) of these zones, whose `baseline` is what usual windows have on
    average (`Expectation.mean`). Raises `NotFound` for a reference that there is not."""
    row_of = {one.zone.id: row for row, one in enumerate(zones)}
    place = readings["zone"].map(row_of).to_numpy(dtype=np.int64)
    begins = readings["start"].dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    mean = np.full(len(readings), np.nan)
    classes, windows = readings["class"].to_numpy(), readings["window"].to_numpy()
    for series, window in dict.fromkeys(zip(classes, windows, strict=True)):
        rows = np.flatnonzero((classes == series) & (windows == window))
        starts, step = np.unique(begins[rows], return_inverse=True)
        told = usual.expectation(zones, series, Window(window), starts, reference)
        mean[rows] = told.expectation.mean[place[rows], step]
    return readings.assign(baseline=mean)


def totals(readings: pd.DataFrame, zones: Sequence[ZoneOfCamera], by: Grouping) -> pd.DataFrame:
    """Sums (`TOTAL_COLUMNS`) of `readings`, made `addable`, by group, in the order start, group, class. `zones` are
    those that the readings are of."""
    part = readings["mean"].notna() & (readings["window"] == Window.DAY) & (readings["coverage"] < LEAST_OF_DAY)
    readings = readings.assign(
        mean=readings["mean"].mask(part), reason=readings["reason"].mask(part, _PART_OF_DAY).astype(object)
    )
    kind = {one.zone.id: one.zone.kind.value for one in zones}
    groups = {Grouping.ALL: lambda _: "all", Grouping.CAMERA: None, Grouping.KIND: kind.get}[by]
    rows = readings.assign(
        group=readings["camera"] if groups is None else readings["zone"].map(groups),
        there=readings["mean"].notna(),
        below=readings["mean"] - readings["low"],
        above=readings["high"] - readings["mean"],
        usual=readings["baseline"],
    )
    keys = ["start", "end", "group", "class", "window"]
    there = rows["there"]
    of_camera = rows[there].groupby([*keys, "camera"], sort=False)[["below", "above"]].sum()
    reach = (of_camera**2).groupby(level=keys).sum() ** 0.5
    grouped = rows.groupby(keys, sort=True)
    found = pd.DataFrame(
        {
            "counted": grouped["mean"].sum(min_count=1),
            "zones": grouped["zone"].size(),
            "zones_counted": grouped["there"].sum(),
            "coverage": grouped["coverage"].mean(),
            "clips_counted": grouped["clips_counted"].sum(),
            "clips_expected": grouped["clips_expected"].sum(),
            "partial": (rows["state"] == TrustState.PARTIAL.value).groupby([rows[key] for key in keys]).any(),
            "baseline": _known_sum(rows[there], keys),
            "baseline_missing": _known_sum(rows[~there], keys),
        }
    )
    found = found.join(reach)
    found["counted_low"] = (found["counted"] - found["below"]).clip(lower=0)
    found["counted_high"] = found["counted"] + found["above"]
    usual = found["baseline"].where(found["baseline"] > 0)
    for name, figure in (("index", "counted"), ("index_low", "counted_low"), ("index_high", "counted_high")):
        found[name] = found[figure] / usual
    absent = _absences(rows[~there], keys)
    found["missing"] = [absent.get(key, ([], []))[0] for key in found.index]
    facts = zip(found["zones"], found["zones_counted"], found["partial"], strict=True)
    states = [_state(zones=zones, counted=counted, partial=partial) for zones, counted, partial in facts]
    found["state"] = pd.Series([state.value for state in states], index=found.index, dtype=object)
    reasons = [_reason(state, *absent.get(key, ([], []))) for key, state in zip(found.index, states, strict=True)]
    found["reason"] = pd.Series(reasons, index=found.index, dtype=object)
    return found.reset_index()[list(TOTAL_COLUMNS)]


def _known_sum(rows: pd.DataFrame, keys: list[str]) -> pd.Series[float]:
    """What is usual in all of the zones together; NaN where it is not known of one, or there is none."""
    grouped = rows.groupby(keys)["usual"]
    return grouped.sum().where(grouped.count() == grouped.size())


def _absences(rows: pd.DataFrame, keys: list[str]) -> dict[tuple[object, ...], tuple[list[str], list[str]]]:
    """The zones that are missing in a sum, each with why, by its key."""
    found: dict[tuple[object, ...], tuple[list[str], list[str]]] = {}
    for key, zone, reason in zip(
        rows[keys].itertuples(index=False, name=None), rows["zone"], rows["reason"], strict=True
    ):
        zones, reasons = found.setdefault(key, ([], []))
        zones.append(zone)
        reasons.append(f"{zone}: {reason}")
    return found


def _state(*, zones: int, counted: int, partial: bool) -> TrustState:
    if counted == 0:
        return TrustState.MISSING
    return TrustState.OBSERVED if counted == zones and not partial else TrustState.PARTIAL


def _reason(state: TrustState, zones: list[str], reasons: list[str]) -> str | None:
    if state is TrustState.OBSERVED:
        return None
    if not zones:
        return "not all clips of these zones were counted: see coverage"
    more = f"; and {len(zones) - _NAMED} more" if len(zones) > _NAMED else ""
    return f"{len(zones)} zone{'s' if len(zones) > 1 else ''} missing: {'; '.join(reasons[:_NAMED])}{more}"
