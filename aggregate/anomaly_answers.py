"""Anomalies: regions of neighbouring hexagons that have been too busy, or too quiet, together and for some time."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from aggregate.grid import ZoneOfCamera
from aggregate.tables import Integers, Times, aware, moment
from aggregate.unusual import words
from aggregate.unusual.cells import EARTH_M, Cells, cells_of, neighbours, outline, spacing_m
from aggregate.unusual.found import Found, Outline, times_column, words_column
from aggregate.unusual.place_field import of_cells, of_zones
from aggregate.unusual.scan import LEAST_PLACES, REGION_M, REGION_PLACES, Cluster, scan
from aggregate.unusual.scan_null import ScanNulls
from aggregate.unusual.verdicts import FITTED, State, Verdict
from aggregate.usual_answers import Usual, UsualAnswers
from core.records import Window

ANOMALY_COLUMNS = (
    "id", "class", "direction", "since", "until", "places", "zones", "lat", "lon", "radius_m", "observed", "expected",
    "ratio", "ratio_low", "ratio_high", "p_value", "words", "state", "reason",
)  # fmt: skip
"""Order of the rows of anomalies; `api/unusual_rows.py` says what each is."""

CELL_RESOLUTION = 8
"""H3 hexagons of 0.7 km2: one to three cameras of a city."""

CAMERA_RESOLUTION = 13
"""Hexagons of 4 m: the zones of one camera. They sway together, and are one counter."""

LEARNT_FROM = timedelta(days=1)
"""What comes before is scanned too, to learn how the city's figures vary."""


class AnomalyAnswers:
    """Scans a city; what chance alone gives is drawn once for its layout (seconds for a large one) and kept."""

    def __init__(self, usual: UsualAnswers) -> None:
        self._usual = usual
        self._nulls = ScanNulls()

    def rows(
        self,
        zones: Sequence[ZoneOfCamera],
        series: str,
        window: Window,
        *,
        start: datetime,
        end: datetime,
        touching: Collection[str] | None,
    ) -> Found:
        """The regions that began in [start, end) and go on at its end, the least likely to be chance first.

        All of `zones` are scanned, only regions with a zone of `touching` are told: what chance gives depends on what
        is looked at, and is drawn once for a city.
        """
        if not zones:
            return _nothing(series, end, (0, 0), State.NONE, "no zone was asked for that is there")
        field = self._usual.field(zones, series, window, start - LEARNT_FROM, end)
        lat = np.array([one.camera.lat for one in zones])
        lon = np.array([one.camera.lon for one in zones])
        cells = cells_of(lat, lon, CELL_RESOLUTION)
        cameras = cells_of(lat, lon, CAMERA_RESOLUTION)
        through = of_cells(cameras, of_zones(field))
        of = np.zeros(len(cameras), dtype=np.int64)
        of[cameras.of] = cells.of
        last = round((end - start).total_seconds() / field.history.step_s)
        known = len(np.unique(of[through.known[:, -last:].any(axis=1)]))
        if known < LEAST_PLACES:
            return _too_few(series, end, (len(cells), known), field.usual)
        # Of all cells: one that is not counted now is left out by its figures, and the null need not be drawn anew.
        around = neighbours(cells.lat, cells.lon, within_m=REGION_M, most=REGION_PLACES)
        clusters = [
            one
            for one in scan(
                through.observed, through.expected, through.spread, around, nulls=self._nulls, of=of, last=last
            )
            if touching is None or any(zones[zone].zone.id in touching for zone in _members(cells, one))
        ]
        windows = through.observed.shape[1]
        begins = moment(end) - (windows - np.arange(windows)) * np.timedelta64(field.history.step_s, "s")
        hulls = {_name(series, one, cells, begins): _hull(cells, one.places) for one in clusters}
        rows = [_row(series, one, cells, zones, begins=begins, end=end) for one in clusters]
        found = [
            f"{sum(one.direction == way for one in clusters)} {said}"
            for way, said in ((1, "busier than usual"), (-1, "quieter than usual"))
            if any(one.direction == way for one in clusters)
        ]
        said = words.regions(known, len(cells), found)
        looked = {"class": series, "places": len(cells), "known": known, "words": said}
        return Found(_frame(rows), looked, hulls)


def _row(
    series: str, cluster: Cluster, cells: Cells, zones: Sequence[ZoneOfCamera], *, begins: Times, end: datetime
) -> dict[str, object]:
    members = _members(cells, cluster)
    lasted = len(begins) - cluster.since
    since = aware(begins[cluster.since])
    lat, lon = float(cells.lat[list(cluster.places)].mean()), float(cells.lon[list(cluster.places)].mean())
    north = np.radians(cells.lat[list(cluster.places)] - lat)
    east = np.radians(cells.lon[list(cluster.places)] - lon) * np.cos(np.radians(lat))
    names = list(dict.fromkeys(zones[zone].camera.name for zone in members))
    return {
        "id": _name(series, cluster, cells, begins),
        "class": series,
        "direction": (Verdict.TOO_BUSY if cluster.direction > 0 else Verdict.TOO_QUIET).value,
        "since": since,
        "until": end,
        "places": [str(cells.id[row]) for row in cluster.places],
        "zones": [zones[zone].zone.id for zone in members],
        "lat": lat,
        "lon": lon,
        "radius_m": EARTH_M * float(np.hypot(north, east).max()) + spacing_m(cells.resolution) / 3**0.5,
        "observed": cluster.observed / lasted,
        "expected": cluster.expected / lasted,
        "ratio": cluster.ratio,
        "ratio_low": cluster.ratio_low,
        "ratio_high": cluster.ratio_high,
        "p_value": cluster.p,
        "words": words.region(
            words.compared(cluster.ratio, cluster.ratio_low, cluster.ratio_high, series),
            words.local(since, zones[int(members[0])].camera.timezone), names, len(members), cluster.p,
        ),
        "state": State.OK.value,
        "reason": None,
    }  # fmt: skip


def _members(cells: Cells, cluster: Cluster) -> Integers:
    """The zones in it."""
    return np.concatenate([cells.members(row) for row in cluster.places])


def _name(series: str, cluster: Cluster, cells: Cells, begins: Times) -> str:
    """The same for the same region, direction and beginning."""
    ids = sorted(str(cells.id[row]) for row in cluster.places)
    key = "\x1f".join((series, str(cluster.direction), str(begins[cluster.since]), *ids))
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def _hull(cells: Cells, rows: tuple[int, ...]) -> Outline:
    """The convex hull of the hexagons (Andrew 1979, Information Processing Letters 9, 216-219)."""
    corners = sorted({corner for row in rows for corner in outline(str(cells.id[row]))})
    halves = []
    for run in (corners, corners[::-1]):
        half: list[tuple[float, float]] = []
        for corner in run:
            while len(half) > 1 and _turn(half[-2], half[-1], corner) <= 0:
                half.pop()
            half.append(corner)
        halves.append(half[:-1])
    return tuple(halves[0] + halves[1])


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """Above zero where a, b, c turn to the left."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _too_few(series: str, end: datetime, looked: tuple[int, int], usual: Usual) -> Found:
    """Why nothing can be said: the commonest cause. `looked`: how many cells there are, and have figures."""
    unfitted = ~np.isin(usual.state.astype(str), FITTED)
    if unfitted.mean() > 0.5:
        first = int(np.flatnonzero(unfitted)[0])
        return _nothing(series, end, looked, State(usual.state[first]), str(usual.reason[first]))
    why = (
        f"{words.counted(looked[1], 'hexagon has', 'hexagons have')} figures; {LEAST_PLACES} are needed to tell chance"
    )
    return _nothing(series, end, looked, State.TOO_FEW_PLACES, why)


def _nothing(series: str, end: datetime, looked: tuple[int, int], state: State, reason: str) -> Found:
    said = f"It cannot be said whether anything is unusual: {reason}."
    row: dict[str, object] = dict.fromkeys(ANOMALY_COLUMNS)
    row |= {
        "class": series, "direction": Verdict.UNKNOWN.value, "until": end, "places": [], "zones": [], "words": said,
        "state": state.value, "reason": reason,
    }  # fmt: skip
    return Found(_frame([row]), {"class": series, "places": looked[0], "known": looked[1], "words": said})


def _frame(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    columns: dict[str, object] = {}
    for name in ANOMALY_COLUMNS:
        values = [row[name] for row in rows]
        if name in ("since", "until"):
            times = [np.datetime64("NaT") if at is None else moment(at) for at in values]  # type: ignore[arg-type]
            columns[name] = times_column(np.array(times, dtype="datetime64[us]"))
        elif name in ("id", "class", "direction", "places", "zones", "words", "state", "reason"):
            columns[name] = words_column(values)  # type: ignore[arg-type]
        else:
            columns[name] = np.array([np.nan if one is None else one for one in values], dtype=np.float64)
    return pd.DataFrame(columns, columns=list(ANOMALY_COLUMNS))
