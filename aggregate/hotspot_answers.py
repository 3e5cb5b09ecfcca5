"""Hotspots of one window: every place with how it compares, whether that is chance, and since when it has been so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from aggregate.grid import ZoneOfCamera, filled, grid_at
from aggregate.store import Store
from aggregate.tables import Integers, Mask, Numbers, ReadingTable, Text, moment, text
from aggregate.unusual import words
from aggregate.unusual.cells import Cells, cells_of, neighbours, outline, spacing_m
from aggregate.unusual.found import Found, numbers_column, times_column, words_column
from aggregate.unusual.gi_star import NEAR_M, NEAR_PLACES
from aggregate.unusual.hotspots import Hotspots, hotspots
from aggregate.unusual.persistence import windows_lasting
from aggregate.unusual.place_field import PlaceField, of_cells, of_zones
from aggregate.unusual.verdicts import FITTED, Places, State, Verdict
from aggregate.usual.baselines import BaselineState
from aggregate.usual.busyness_index import busyness_index
from aggregate.usual_answers import Usual, UsualAnswers
from aggregate.windows import WindowBounds
from core.records import TrustState

HOTSPOT_COLUMNS = (
    "zone", "camera", "cell", "zones", "name", "lat", "lon", "class", "start", "end", "mean", "baseline", "index",
    "index_low", "index_high", "exceedance", "gi_z", "p_value", "q_value", "verdict", "confidence", "since", "windows",
    "coverage", "state", "reason",
)  # fmt: skip
"""Order of the rows of hotspots; `api/unusual_rows.py` says what each is."""

LOOK_BACK = timedelta(hours=12)
"""How far back it is told since when a place has been so."""

NEXT_CELL = 1.3
"""How many times as far as from one hexagon to the next its neighbours may be, where hexagons are large."""

MANY_ZONES = 1_000
"""More of them are not named to the store: it gives those of all zones sooner."""

NO_BASELINE_HERE = "what is usual at this time of the week is not known yet"


@dataclass(frozen=True, eq=False)
class Compared:
    """Places in one window, [place]: `mean` with its limits and `coverage`, `baseline` with its `error`, and what usual
    windows have on average, by which places are added; why there is no figure, or less of one than there should be, in
    `state` and `reason`; `zones` are those in the figures."""

    mean: Numbers
    low: Numbers
    high: Numbers
    baseline: Numbers
    average: Numbers
    error: Numbers
    coverage: Numbers
    state: Text
    reason: Text
    zones: Text


def hotspot_rows(
    store: Store,
    usual: UsualAnswers,
    zones: Sequence[ZoneOfCamera],
    series: str,
    span: WindowBounds,
    *,
    places: Places,
    resolution: int,
) -> Found:
    """The zones, or the hexagons they are in, in one window, the least likely to be chance first."""
    field = usual.field(zones, series, span.window, span.start - LOOK_BACK, span.end)
    through = of_zones(field)
    of_zone = _compared(_readings(store, zones, series, span), field.usual)
    lat, lon = _positions(zones)
    if places is Places.ZONES:
        around = neighbours(lat, lon, within_m=NEAR_M, most=NEAR_PLACES)
        names: dict[str, Any] = {
            "zone": words_column([one.zone.id for one in zones]),
            "camera": words_column([one.camera.id for one in zones]),
            "cell": words_column([None] * len(zones)),
            "name": words_column([place_name(one) for one in zones]),
            "lat": lat,
            "lon": lon,
        }
        frame = _frame(of_zone, through, hotspots(through.exceedance(), around), span)
        return Found(_whole(frame, names, series, span), _looked(of_zone, frame, series, "place", "places"))
    cells = cells_of(lat, lon, resolution)
    known, through = through.known[:, -1], of_cells(cells, through)
    of_cell = replace(_by_cell(cells, of_zone, known), baseline=through.expected[:, -1])
    reach_m = max(NEAR_M, NEXT_CELL * spacing_m(resolution))
    around = neighbours(cells.lat, cells.lon, within_m=reach_m, most=NEAR_PLACES)
    names = {
        "zone": words_column([None] * len(cells)),
        "camera": words_column([None] * len(cells)),
        "cell": words_column(cells.id),
        "name": words_column([_cell_name(cells, row, zones) for row in range(len(cells))]),
        "lat": cells.lat,
        "lon": cells.lon,
    }
    frame = _frame(of_cell, through, hotspots(through.exceedance(), around), span)
    looked = _looked(of_cell, frame, series, "hexagon", "hexagons")
    return Found(_whole(frame, names, series, span), looked, {cell: outline(cell) for cell in cells.id})


def place_name(one: ZoneOfCamera) -> str:
    """What a zone is called among those of a city: with its camera's name, where that is another."""
    return one.zone.name if one.zone.name == one.camera.name else f"{one.camera.name}: {one.zone.name}"


def _positions(zones: Sequence[ZoneOfCamera]) -> tuple[Numbers, Numbers]:
    lat = np.array([one.camera.lat for one in zones], dtype=np.float64)
    lon = np.array([one.camera.lon for one in zones], dtype=np.float64)
    return lat, lon


def _readings(store: Store, zones: Sequence[ZoneOfCamera], series: str, span: WindowBounds) -> ReadingTable:
    """The reading of each zone, in their order."""
    starts, ends = (np.full(len(zones), moment(edge)) for edge in (span.start, span.end))
    grid = grid_at(span.window, zones, starts, ends)
    ids = None if len(zones) > MANY_ZONES else [one.zone.id for one in zones]
    stored = store.readings(window=span.window, series=[series], start=span.start, end=span.end, zones=ids)
    return filled(grid, stored)


def _compared(table: ReadingTable, usual: Usual) -> Compared:
    """The zones, in the last window of what is usual."""
    expected = usual.expectation.expected[:, -1]
    missing = table.state == TrustState.MISSING.value
    fitted = np.isin(usual.state.astype(str), FITTED)
    state, reason = usual.state.copy(), usual.reason.copy()
    partial = fitted & ~missing & (state == BaselineState.OK.value)
    reason[partial] = table.reason[partial]  # an `ok` baseline has none of its own; a partial reading says why it is
    unsaid = fitted & ~missing & np.isnan(expected)
    state[unsaid], reason[unsaid] = State.NONE.value, NO_BASELINE_HERE
    state[missing], reason[missing] = State.MISSING.value, table.reason[missing]
    members = np.empty(len(table), dtype=object)
    for row, zone in enumerate(table.zone):
        members[row] = [zone]
    counted = (table.mean[:, 0], table.low[:, 0], table.high[:, 0])
    told = (expected, usual.expectation.mean[:, -1], usual.expectation.error[:, -1])
    return Compared(*counted, *told, table.coverage, state, reason, members)


def _by_cell(cells: Cells, of_zone: Compared, known: Mask) -> Compared:
    """Sums over the zones of each cell that are `known`: the same in what was counted and in what is usual. Their
    baseline is left open."""
    blank = np.full(len(cells), np.nan)
    mean, low, high, average, error, coverage = (blank.copy() for _ in range(6))
    state, reason = text([None] * len(cells)), text([None] * len(cells))
    members = np.empty(len(cells), dtype=object)
    for row in range(len(cells)):
        rows = cells.members(row)
        there, gone = rows[known[rows]], rows[~known[rows]]
        coverage[row] = of_zone.coverage[rows].mean()
        members[row] = [zone for one in of_zone.zones[there] for zone in one]
        if len(there) == 0:
            state[row] = of_zone.state[rows[0]]
            reason[row] = f"{words.none_of(len(rows), 'zone', 'zones')}: {of_zone.reason[rows[0]]}"
            continue
        mean[row], low[row], high[row], average[row], error[row] = _added(of_zone, there)
        borrowed = of_zone.state[there] == State.BORROWED.value
        state[row] = State.BORROWED.value if borrowed.any() else State.OK.value
        said = [f"{len(gone)} of its {len(rows)} zones not in it: {of_zone.reason[gone[0]]}"] if len(gone) else []
        said += [str(of_zone.reason[there[borrowed][0]])] if borrowed.any() else []
        reason[row] = "; ".join(said) or None
    return Compared(mean, low, high, blank, average, error, coverage, state, reason, members)


def _cell_name(cells: Cells, row: int, zones: Sequence[ZoneOfCamera]) -> str:
    names = dict.fromkeys(zones[zone].camera.name for zone in cells.members(row))
    return words.listed(list(names), most=2)


def _frame(compared: Compared, through: PlaceField, found: Hotspots, span: WindowBounds) -> pd.DataFrame:
    """The columns that are figures, one row a place."""
    figures = (compared.mean, compared.low, compared.high, compared.baseline, compared.error)
    index, low, high = busyness_index(*figures)
    z = through.exceedance()
    sign = np.where(found.verdict == Verdict.TOO_BUSY.value, 1.0, -1.0)
    called = np.isfinite(found.confidence)
    # One that is unusual now but not by more than the allowance has lasted one window.
    lasting = np.where(called, np.maximum(windows_lasting(z, np.where(called, sign, 0.0)), 1), 0)
    since = moment(span.end) - lasting * np.timedelta64(span.end - span.start)
    return pd.DataFrame(
        {
            "mean": compared.mean,
            "baseline": compared.baseline,
            "index": index,
            "index_low": low,
            "index_high": high,
            "exceedance": z[:, -1],
            "gi_z": np.where(np.isnan(z[:, -1]), np.nan, found.gi_z),
            "p_value": found.p,
            "q_value": found.q,
            "verdict": words_column(found.verdict),
            "confidence": found.confidence,
            "since": times_column(np.where(called, since, np.datetime64("NaT"))),
            "windows": numbers_column(np.where(called, lasting.astype(np.float64), np.nan)),
            "coverage": compared.coverage,
            "zones": words_column(compared.zones),
            "state": words_column(compared.state),
            "reason": words_column(compared.reason),
        }
    )


def _whole(frame: pd.DataFrame, names: dict[str, Any], series: str, span: WindowBounds) -> pd.DataFrame:
    """The rows with all of their columns, the least likely to be chance first, those not known last."""
    rows = len(frame)
    whole = frame.assign(
        **names,
        **{"class": words_column([series] * rows)},
        start=times_column(np.full(rows, moment(span.start))),
        end=times_column(np.full(rows, moment(span.end))),
    )
    return whole.sort_values(["q_value", "p_value"], kind="stable", ignore_index=True)[list(HOTSPOT_COLUMNS)]


def _looked(compared: Compared, frame: pd.DataFrame, series: str, one: str, many: str) -> dict[str, Any]:
    """How many places could be judged, and what all of them together come to."""
    known = frame["exceedance"].notna().to_numpy()
    busy, quiet = (int((frame["verdict"] == which.value).sum()) for which in (Verdict.TOO_BUSY, Verdict.TOO_QUIET))
    found = [f"{n:,} {said}" for n, said in ((busy, "busier than usual"), (quiet, "quieter than usual")) if n]
    said = words.looked_at(int(known.sum()), len(frame), found, one, many)
    index: list[float | None] = [None, None, None]
    if known.any():
        told = [float(value) for value in busyness_index(*_added(compared, known))]
        if np.isfinite(told[0]):
            index, said = [round(value, 6) for value in told], f"{said} {words.together(series, *told)}"
    return {
        "class": series, "places": len(frame), "known": int(known.sum()), "too_busy": busy, "too_quiet": quiet,
        "index": index[0], "index_low": index[1], "index_high": index[2], "words": said,
    }  # fmt: skip


def _added(compared: Compared, rows: Mask | Integers) -> tuple[float, float, float, float, float]:
    """(mean, low, high, average, error) of the sum of places: intervals by those of the parts (MOVER, Zou & Donner
    2008, Statistics in Medicine 27, 1693-1702), errors as those of places apart from each other."""
    mean, low, high = (figure[rows] for figure in (compared.mean, compared.low, compared.high))
    total = float(mean.sum())
    below, above = float(np.sqrt(((mean - low) ** 2).sum())), float(np.sqrt(((high - mean) ** 2).sum()))
    error = float(np.sqrt((compared.error[rows] ** 2).sum()))
    return total, max(0.0, total - below), total + above, float(compared.average[rows].sum()), error
