"""How far forecasts are off, and how often the truth lies in their intervals, on the same hours for each of them.

What is compared is the mean absolute error: `ratio` is the sum of |observed - expected| of one forecaster over all
sensors and hours, by that of another (a relative error on the same points; Hyndman and Koehler 2006, International
Journal of Forecasting 22, 679-688, section 2.3). Busy sensors weigh more in it, as they do in a planner's day;
`median_ratio` is that of the sensor in the middle.

Hours of one sensor are no independent witnesses, so its interval is from drawing whole sensors with replacement
(a paired cluster bootstrap; Davison and Hinkley 1997, section 3.8). It says nothing of other years of these sensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aggregate.backtest.backtest import Horizon, Trial

LEVEL = 0.90
DRAWS, SEED = 2000, 20170309

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Score:
    """The errors of one forecaster at one horizon, in counts. `coverage` and `width` (the mean width of its interval,
    in terms of the mean count) are null where it gives no interval; `forecast` is the share of all observed hours for
    which it said anything."""

    forecaster: str
    horizon: int
    points: int
    mae: float
    rmse: float
    bias: float
    coverage: float | None
    width: float | None
    forecast: float
    elapsed_s: float


@dataclass(frozen=True)
class Against:
    """One forecaster's error in terms of another's: below 1 is better. `ahead` is the share of sensors where it is."""

    forecaster: str
    reference: str
    horizon: int
    ratio: float
    low: float
    high: float
    median_ratio: float
    ahead: float


@dataclass(frozen=True)
class SensorScore:
    """One sensor at one horizon: the mean of what was observed, the error and the coverage of each forecaster."""

    sensor: str
    horizon: int
    points: int
    mean: float
    mae: dict[str, float]
    coverage: dict[str, float | None]


@dataclass(frozen=True)
class Scores:
    """The first of the forecasters in terms of the others, and each on its own."""

    scores: tuple[Score, ...]
    against: tuple[Against, ...]
    sensors: tuple[SensorScore, ...]

    def score(self, forecaster: str, horizon: int) -> Score:
        """That of one forecaster at one horizon."""
        return next(one for one in self.scores if one.forecaster == forecaster and one.horizon == horizon)

    def ratio(self, reference: str, horizon: int) -> Against:
        """The first forecaster in terms of another at one horizon."""
        return next(one for one in self.against if one.reference == reference and one.horizon == horizon)


def scores(trials: Sequence[Trial]) -> Scores:
    """Scores of trials on one history with the same splits; the first is the one that is compared.

    Judged are the hours that were observed and that all of them forecast.
    """
    first = trials[0]
    of_each, against, of_sensors = [], [], []
    for at, horizon in enumerate(first.horizons):
        shared = np.logical_and.reduce([np.isfinite(one.expected[at]) for one in trials])
        judged = shared & np.isfinite(first.observed)
        of_each += [_score(one, at, judged) for one in trials]
        against += [_against(first, one, at, judged) for one in trials[1:]]
        of_sensors += _by_sensor(trials, at, judged, horizon)
    return Scores(tuple(of_each), tuple(against), tuple(of_sensors))


def covered(trial: Trial, at: int, judged: Mask) -> float | None:
    """The share of judged hours within the interval; None where there is no interval."""
    inside, known = within(trial, at)
    judged = judged & known
    return float(inside[judged].mean()) if judged.any() else None


def within(trial: Trial, at: int) -> tuple[Mask, Mask]:
    """[zone, target]: whether the truth lies in the interval of a horizon, and whether there is one."""
    low, high, observed = trial.low[at], trial.high[at], trial.observed
    known: Mask = np.isfinite(low) & np.isfinite(high)
    with np.errstate(invalid="ignore"):
        inside: Mask = (observed >= low) & (observed <= high)
    return inside, known


def _score(trial: Trial, at: int, judged: Mask) -> Score:
    error = (trial.expected[at] - trial.observed)[judged].astype(np.float64)
    observed = np.isfinite(trial.observed)
    _, known = within(trial, at)
    banded = judged & known
    mean = float(trial.observed[judged].mean(dtype=np.float64)) if judged.any() else np.nan
    width = (trial.high[at] - trial.low[at])[banded].mean(dtype=np.float64) / mean if banded.any() else None
    return Score(
        forecaster=trial.forecaster,
        horizon=int(trial.horizons[at]),
        points=int(judged.sum()),
        mae=float(np.abs(error).mean()),
        rmse=float(np.sqrt(np.square(error).mean())),
        bias=float(error.mean()),
        coverage=covered(trial, at, judged),
        width=None if width is None else float(width),
        forecast=float((np.isfinite(trial.expected[at]) & observed).sum() / observed.sum()),
        elapsed_s=trial.elapsed_s,
    )


def _sums(trial: Trial, at: int, judged: Mask) -> NDArray[np.float64]:
    """[zone]: the sum of absolute errors."""
    errors = np.where(judged, np.abs(trial.expected[at] - trial.observed), 0.0)
    total: NDArray[np.float64] = errors.sum(axis=1, dtype=np.float64)
    return total


def _against(ours: Trial, other: Trial, at: int, judged: Mask) -> Against:
    some = judged.any(axis=1)
    mine, theirs = _sums(ours, at, judged)[some], _sums(other, at, judged)[some]
    drawn = np.random.default_rng(SEED).integers(0, len(mine), (DRAWS, len(mine)))
    ratios = mine[drawn].sum(axis=1) / theirs[drawn].sum(axis=1)
    low, high = np.quantile(ratios, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    single = mine / theirs
    return Against(
        ours.forecaster, other.forecaster, int(ours.horizons[at]), float(mine.sum() / theirs.sum()),
        float(low), float(high), float(np.median(single)), float((single < 1).mean()),
    )  # fmt: skip


def _by_sensor(trials: Sequence[Trial], at: int, judged: Mask, horizon: Horizon) -> list[SensorScore]:
    found = []
    for row, sensor in enumerate(trials[0].zones):
        here = judged[row]
        if not here.any():
            continue
        alone = np.zeros_like(judged)
        alone[row] = here
        found.append(
            SensorScore(
                sensor,
                int(horizon),
                int(here.sum()),
                float(trials[0].observed[row, here].mean(dtype=np.float64)),
                {one.forecaster: float(_sums(one, at, alone)[row] / here.sum()) for one in trials},
                {one.forecaster: covered(one, at, alone) for one in trials},
            )
        )
    return found
