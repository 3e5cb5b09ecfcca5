"""Do the scan and Gi* keep quiet where nothing is unusual, and speak up where something is? `make bench-scan-null`.

Cities are drawn in which nothing is unusual, and yet everything that counts do is done to the statistics:

- negative-binomial clips around levels that vary by place (a median of 2 people, from none at night to 70) and hour;
- the gamma factor behind a place's counts passes slowly (correlation 0.85 from quarter to quarter) or at once;
- weather: a factor that all places share, which lasts for hours;
- places drift from week to week; clips are missing, cameras go dark for part of the day;
- what is usual is not known: it is estimated from five such weeks, and errs.

The share of these with a cluster (p <= 5 %), or with a place that Gi* calls a hotspot (q <= 5 %), is the false alarm.
Beside it the same of the scan's Poisson form (expectation-based, Neill 2009) with the same regions, durations and
expectations, its p-value from Poisson replicates. Then a district is made twice as busy, or half as busy, at a random
hour from 7 to 22 o'clock, and a scan after each of its first two quarters must find it: a cluster of the right
direction that holds half of the district and of which half is the district.

Places are the 900 JamCams of London in H3 cells where `../shared/data/geo` has them, else as many made up.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.special import gammaincinv, ndtr

from aggregate.tables import Integers, Numbers
from aggregate.unusual.cells import Cells, cells_of, neighbours, pooled
from aggregate.unusual.exceedance import exceedance
from aggregate.unusual.gi_star import NEAR_M, NEAR_PLACES, gi_star
from aggregate.unusual.growth import Growth
from aggregate.unusual.scan import DURATIONS, REGION_M, REGION_PLACES, Cluster, scan
from aggregate.unusual.scan_null import ScanNulls
from core.root_scale import OFFSET, stabilised

JAMCAMS = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "geo" / "jamcams.geojson"
RESOLUTION = 8
NOMINAL = 0.05
WEEKS = 5
DAY = 96
KERNEL = np.array([1.0, 2.0, 3.0, 2.0, 1.0])
"""What neighbouring quarters count when what is usual at a time of the week is estimated."""
EDGE = len(KERNEL) // 2
HOURLY = 4
OWN = 40.0
"""The spread of a quarter is that of an hour around it on either side on this day of the week, drawn towards the
place's own by as many figures as the same hour of other days would add."""
SHAPES = (3.0, 6.0, 12.0)
"""Of the gamma factor: its variation is 58, 41 and 29 %, of which quarters that clips are counted in share all."""
CLIPS = 3
POISSON_RUNS = 40
AFTER = 2
"""Windows of a planted cluster; a scan after each."""


@dataclass(frozen=True)
class Setting:
    """What is drawn: `cameras` (the nearest to the middle), how factors last from quarter to quarter, and what is
    planted in the last `AFTER` quarters, as a factor (1: nothing)."""

    name: str
    runs: int
    cameras: int = 900
    lasting: float = 0.85
    planted: float = 1.0


NULLS = (
    Setting("lasting", 1000),
    Setting("passing", 1000, lasting=0.0),
    Setting("small_city", 400, cameras=60),
)
PLANTED = (Setting("twice", 300, planted=2.0), Setting("half", 300, planted=0.5))


@dataclass(frozen=True, eq=False)
class Ground:
    """Where the cameras are, in which cells, and what lies near what."""

    lat: Numbers
    lon: Numbers
    cells: Cells
    near_cameras: Integers
    near_cells: Integers
    regions: Integers


@dataclass(frozen=True, eq=False)
class City:
    """A day of quarters up to now, [camera, quarter], and the cells of what was planted."""

    observed: Numbers
    expected: Numbers
    spread: Numbers
    planted: frozenset[int]


@dataclass(frozen=True)
class Outcome:
    """What was called unusual in one city."""

    alarm: bool
    found: bool
    gi_cells: bool
    gi_cameras: bool
    gi_share: float
    poisson: bool | None
    scan_s: float


@cache
def ground(cameras: int) -> Ground:
    """The ground of that many cameras, the nearest to the middle of the city."""
    lat, lon = positions()
    away = np.hypot(lat - 51.51, (lon + 0.12) * 0.62)
    nearest = np.argsort(away, kind="stable")[:cameras]
    lat, lon = lat[nearest], lon[nearest]
    cells = cells_of(lat, lon, RESOLUTION)
    return Ground(
        lat,
        lon,
        cells,
        near_cameras=neighbours(lat, lon, within_m=NEAR_M, most=NEAR_PLACES),
        near_cells=neighbours(cells.lat, cells.lon, within_m=NEAR_M, most=NEAR_PLACES),
        regions=neighbours(cells.lat, cells.lon, within_m=REGION_M, most=REGION_PLACES),
    )


def positions() -> tuple[Numbers, Numbers]:
    """(lat, lon) [camera], degrees."""
    if JAMCAMS.is_file():
        features = json.loads(JAMCAMS.read_text(encoding="utf-8"))["features"]
        points = np.array([feature["geometry"]["coordinates"] for feature in features], dtype=np.float64)
        return points[:, 1], points[:, 0]
    random = np.random.default_rng(7)
    east, north = random.normal(0.0, 1.0, (2, 900)) * np.array([[0.12], [0.07]])
    return 51.51 + north, -0.12 + east


@cache
def gamma_table(shape: float) -> tuple[Numbers, Numbers]:
    """A gamma factor of mean 1 as a function of a standard normal: points and values between which to interpolate."""
    points = np.linspace(-6.0, 6.0, 2001)
    return points, gammaincinv(shape, ndtr(points)) / shape


def slowly(random: np.random.Generator, many: Sequence[int], lasting: float) -> Numbers:
    """Standard normals [..., step] that are correlated by `lasting` from step to step."""
    drawn = random.standard_normal(tuple(many))
    for step in range(1, drawn.shape[-1]):
        drawn[..., step] = lasting * drawn[..., step - 1] + np.sqrt(1.0 - lasting**2) * drawn[..., step]
    return drawn


def usual_levels(random: np.random.Generator, place: Ground, quarters: Integers) -> Numbers:
    """The true usual level [camera, quarter] at quarters of a week: commuters', shoppers' and night streets."""
    hour = (quarters % DAY) / 4.0
    weekend = (quarters // DAY) % 7 >= 5
    commuters = np.exp(-((hour - 8.5) ** 2) / 3.0) + np.exp(-((hour - 17.5) ** 2) / 5.0)
    shoppers = np.exp(-((hour - 14.0) ** 2) / 14.0)
    evening = np.exp(-((np.minimum(np.abs(hour - 22.0), 24.0 - np.abs(hour - 22.0))) ** 2) / 8.0)
    shapes = np.stack([np.where(weekend, 0.3, 1.0) * commuters, np.where(weekend, 1.3, 0.8) * shoppers, evening])
    mixture = random.dirichlet((1.5, 1.5, 0.5), len(place.lat))
    away_km = np.hypot(place.lat - 51.51, (place.lon + 0.12) * 0.62) * 111.2
    level = np.exp(np.log(16.0) - away_km / 12.0 + random.normal(0.0, 0.8, len(place.lat)))
    return level[:, None] * (0.06 + mixture @ shapes)


def draw(setting: Setting, seed: int) -> City:
    """A city of that setting: a day that ends now, and the same hours of the `WEEKS` before, by which it is judged."""
    random = np.random.default_rng(seed)
    place = ground(setting.cameras)
    cameras, steps = len(place.lat), DAY + 2 * EDGE
    daytime = setting.planted != 1.0
    now = int(random.integers(7)) * DAY + int(random.integers(4 * 7, 4 * 22) if daytime else random.integers(DAY))
    quarters = (now + 1 + EDGE - steps + np.arange(steps)) % (7 * DAY)
    usual = usual_levels(random, place, quarters)
    factor = slowly(random, (cameras, WEEKS + 1, steps), setting.lasting)
    for shape, rows in zip(SHAPES, np.array_split(random.permutation(cameras), len(SHAPES)), strict=True):
        factor[rows] = np.interp(factor[rows], *gamma_table(shape))
    weather = np.exp(0.08 * slowly(random, (WEEKS + 1, steps), 0.97))
    drift = np.exp(0.05 * random.standard_normal((cameras, WEEKS + 1, 1)))
    rate = usual[:, None, :] * factor * weather * drift
    planted = planted_in(random, place) if daytime else np.empty(0, dtype=np.int64)
    # The last week's stretch ends EDGE quarters after now; those are the future and are never shown.
    rate[np.isin(place.cells.of, planted), -1, DAY + EDGE - AFTER : DAY + EDGE] *= setting.planted
    clips = random.binomial(CLIPS, 0.95, rate.shape)
    for row, week in np.argwhere(random.random((cameras, WEEKS + 1)) < 0.06):
        begin = int(random.integers(-DAY // 2, steps))
        clips[row, week, max(begin, 0) : begin + int(random.integers(4, DAY))] = 0
    level = np.where(clips > 0, random.poisson(rate * clips) / np.maximum(clips, 1), np.nan)
    expected, spread = estimated(level[:, :WEEKS])
    return City(level[:, WEEKS, EDGE:-EDGE], expected, spread, frozenset(planted.tolist()))


def estimated(past: Numbers) -> tuple[Numbers, Numbers]:
    """What is usual, (expected, spread) [camera, quarter], as past weeks [camera, week, quarter + edges] have it."""
    roots = stabilised(past)
    known = np.isfinite(roots)
    steps = roots.shape[2] - 2 * EDGE
    total, weight = np.where(known, roots, 0.0).sum(axis=1), known.sum(axis=1).astype(np.float64)
    smooth = [sum(w * values[:, i : i + steps] for i, w in enumerate(KERNEL)) for values in (total, weight)]
    level = np.where(smooth[1] > 0, smooth[0] / np.maximum(smooth[1], 1.0), np.nan)
    off = np.square(roots[:, :, EDGE:-EDGE] - level[:, None, :])
    squares, many = np.nansum(off, axis=1), np.isfinite(off).sum(axis=1)
    general = squares.sum(axis=1, keepdims=True) / np.maximum(many.sum(axis=1, keepdims=True), 1)
    near = [
        uniform_filter1d(values.astype(np.float64), 2 * HOURLY + 1, axis=1) * (2 * HOURLY + 1)
        for values in (squares, many)
    ]
    spread = np.sqrt((near[0] + OWN * general) / (near[1] + OWN))
    return np.maximum(np.square(level) - OFFSET, 0.0), spread


def planted_in(random: np.random.Generator, place: Ground) -> Integers:
    """The cells of a district: a random cell and its nearest, until six to twelve cameras are in them."""
    wanted = int(random.integers(6, 13))
    count = np.bincount(place.cells.of, minlength=len(place.cells))
    held = np.where(place.regions < 0, 0, count[place.regions])
    centre = int(random.choice(np.flatnonzero(held.sum(axis=1) >= wanted)))
    enough = int(np.searchsorted(np.cumsum(held[centre]), wanted)) + 1
    return place.regions[centre, :enough]


def is_found(clusters: Sequence[Cluster], planted: frozenset[int], direction: int) -> bool:
    """Whether one of the clusters is what was planted."""
    for cluster in clusters:
        both = len(planted.intersection(cluster.places))
        if cluster.direction == direction and 2 * both >= max(len(planted), len(cluster.places)):
            return True
    return False


NULLS_OF_PROCESS = ScanNulls()


def outcome(setting: Setting, seed: int) -> Outcome:
    """One city, judged."""
    place, city = ground(setting.cameras), draw(setting, seed)
    cells = pooled(place.cells, city.observed, city.expected, city.spread)
    begun = time.perf_counter()
    tables, of = (city.observed, city.expected, city.spread), place.cells.of
    clusters = scan(*tables, place.regions, nulls=NULLS_OF_PROCESS, of=of, level=NOMINAL)
    scan_s = time.perf_counter() - begun
    found = False
    if city.planted:
        direction = 1 if setting.planted > 1 else -1
        before = (city.observed[:, :-1], city.expected[:, :-1], city.spread[:, :-1])
        earlier = scan(*before, place.regions, nulls=NULLS_OF_PROCESS, of=of, level=NOMINAL)
        found = is_found(clusters, city.planted, direction) or is_found(earlier, city.planted, direction)
    of_cells = gi_star(exceedance(cells.observed, cells.expected, cells.spread)[:, -1], place.near_cells)
    of_cameras = gi_star(exceedance(*tables)[:, -1], place.near_cameras)
    reference = seed < POISSON_RUNS and setting.planted == 1.0
    return Outcome(
        alarm=bool(clusters),
        found=found,
        gi_cells=bool(np.nanmin(of_cells.q) <= NOMINAL),
        gi_cameras=bool(np.nanmin(of_cameras.q) <= NOMINAL),
        gi_share=float(np.nanmean(of_cells.p[np.isfinite(of_cells.p)] <= NOMINAL)),
        poisson=poisson_alarm(place, cells.observed, cells.expected, seed) if reference else None,
        scan_s=scan_s,
    )


def poisson_alarm(place: Ground, observed: Numbers, expected: Numbers, seed: int) -> bool:
    """Whether the Poisson form of the scan finds something in the clips' counts of [cell, window]."""
    random = np.random.default_rng(seed)
    growth = Growth(place.regions)
    known = np.isfinite(observed) & np.isfinite(expected)
    usual = np.where(known, CLIPS * expected, 0.0)[:, -DURATIONS[-1] :]
    counts = np.where(known, CLIPS * observed, 0.0)[:, -DURATIONS[-1] :]
    by_chance = [poisson_score(growth, random.poisson(usual).astype(np.float64), usual) for _ in range(99)]
    return poisson_score(growth, counts, usual) > float(np.quantile(by_chance, 1.0 - NOMINAL))


def poisson_score(growth: Growth, counts: Numbers, usual: Numbers) -> float:
    """The best of C log(C / B) + B - C over regions and durations, either direction."""
    c, b = (growth.sums(np.cumsum(values[:, ::-1], axis=1)) for values in (counts, usual))
    safe = np.maximum(b, 1e-9)
    return float((np.where(c > 0, c * np.log(np.maximum(c, 1e-9) / safe), 0.0) + safe - c).max())


def judged(task: tuple[Setting, int]) -> Outcome:
    """`outcome` of a task, for a pool of processes."""
    return outcome(*task)


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    figures: dict[str, float] = {}
    # One thread a process: what is solved here is small.
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1), mp_context=get_context("spawn")) as pool:
        by_setting = {}
        for number, setting in enumerate((*NULLS, *PLANTED)):
            runs = setting.runs // 20 if quick else setting.runs
            seeds = [run + 10_000 * number for run in range(runs)]
            begun = time.perf_counter()
            outcomes = list(pool.map(judged, [(setting, seed) for seed in seeds], chunksize=5))
            by_setting[setting.name] = outcomes
            print(f"{setting.name}: {runs} cities in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    city_wide = by_setting["lasting"] + by_setting["passing"]
    figures["scan_false_alarm"] = share(city_wide, lambda one: one.alarm)
    figures["scan_power"] = share(by_setting["twice"], lambda one: one.found)
    figures["gi_false_alarm"] = share(city_wide, lambda one: one.gi_cells)
    figures["runs"] = len(city_wide)
    for setting in NULLS:
        figures[f"scan_false_alarm_{setting.name}"] = share(by_setting[setting.name], lambda one: one.alarm)
        figures[f"gi_false_alarm_{setting.name}"] = share(by_setting[setting.name], lambda one: one.gi_cells)
    figures["gi_false_alarm_cameras"] = share(city_wide, lambda one: one.gi_cameras)
    figures["gi_share_of_cells"] = round(float(np.mean([one.gi_share for one in city_wide])), 4)
    figures["scan_power_half"] = share(by_setting["half"], lambda one: one.found)
    figures["gi_power_cells"] = share(by_setting["twice"], lambda one: one.gi_cells)
    poisson = [one for one in city_wide if one.poisson is not None]
    figures["poisson_false_alarm"] = share(poisson, lambda one: bool(one.poisson))
    figures["scan_s"] = round(float(np.median([one.scan_s for one in city_wide])), 3)
    print(json.dumps({"name": "scan_null", "figures": figures}))


def share(outcomes: Sequence[Outcome], says: Callable[[Outcome], bool]) -> float:
    """The share of outcomes of which `says` is true."""
    return round(sum(says(one) for one in outcomes) / max(len(outcomes), 1), 4)


if __name__ == "__main__":
    main()
