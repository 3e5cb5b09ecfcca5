"""The plots of a backtest, each as SVG that stands in HTML or alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from aggregate.backtest.backtest import Horizon, Trial
from aggregate.backtest.comparing import Comparison
from aggregate.backtest.scores import LEVEL, within
from aggregate.drawing import COLOURS, GREY, MARKERS, STYLE, svg
from busyness.forecasts.tables import WORDS

WEEK = 168
TENTHS = 10
BAND = (0.87, 0.93)
"""What coverage is to lie in."""


def errors(comparison: Comparison, key: str) -> str:
    """The error of every forecaster in terms of the first reference, by horizon."""
    with rc_context(STYLE | {"svg.hashsalt": key}):
        figure, axes = _one(3.0)
        horizons = comparison.trials[0].horizons
        reference = comparison.trials[1 if len(comparison.trials) > 1 else 0].forecaster
        for at, trial in enumerate(comparison.trials):
            scale = [
                comparison.scores.score(trial.forecaster, one).mae / comparison.scores.score(reference, one).mae
                for one in horizons
            ]
            axes.plot(scale, range(len(horizons)), **_mark(at), label=trial.forecaster, linestyle="", markersize=8)
        axes.axvline(1, color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
        axes.set_yticks(range(len(horizons)), [WORDS[one] for one in horizons])
        axes.set(ylim=(len(horizons) - 0.5, -0.5), xlabel=f"mean absolute error, in terms of {reference}")
        axes.set_xlim(left=0)
        figure.legend(loc="outside upper left", ncols=5, fontsize=9)
        return svg(figure, key)


def sensors(comparison: Comparison, key: str, horizon: Horizon = Horizon.DAY_AHEAD) -> str:
    """The first forecaster's error in terms of each other's, a mark a sensor."""
    ours, *others = [trial.forecaster for trial in comparison.trials]
    of = [one for one in comparison.scores.sensors if one.horizon == horizon]
    with rc_context(STYLE | {"svg.hashsalt": key}):
        figure, axes = _one(0.9 + 0.6 * max(1, len(others)))
        for at, other in enumerate(others):
            ratio = np.array([one.mae[ours] / one.mae[other] for one in of])
            rows = at + np.linspace(-0.22, 0.22, len(ratio))[np.argsort(np.argsort(ratio))]
            axes.plot(ratio, rows, **_mark(at + 1), linestyle="", markersize=4, alpha=0.8)
        axes.axvline(1, color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
        axes.set_yticks(range(len(others)), [f"against {other}" for other in others])
        axes.set(ylim=(len(others) - 0.5, -0.5), xlabel=f"error of {ours}, {WORDS[horizon]}; left of 1 it is better")
        axes.set_xlim(left=0)
        return svg(figure, key)


def coverage(comparison: Comparison, key: str) -> str:
    """How often the count lies in the first forecaster's 90 % interval, by hour and by how many are expected."""
    trial = comparison.trials[0]
    local = pd.DatetimeIndex(trial.targets).tz_localize("UTC").tz_convert(comparison.history.timezone)
    with rc_context(STYLE | {"svg.hashsalt": key}):
        figure = Figure(figsize=(9.6, 3.0), layout="constrained")
        FigureCanvasSVG(figure)
        by_hour, by_level = figure.subplots(1, 2, sharey=True)
        for at, horizon in enumerate(trial.horizons):
            inside, judged = _judged(trial, at)
            hours = np.broadcast_to(np.asarray(local.hour), judged.shape)
            shares = [_share(inside, judged & (hours == hour)) for hour in range(24)]
            by_hour.plot(range(24), shares, **_mark(at), markersize=4, label=WORDS[horizon])
            tenth = _tenths(trial, at, judged)
            by_level.plot(
                np.arange(TENTHS) + 1, [_share(inside, judged & (tenth == one)) for one in range(TENTHS)],
                **_mark(at), markersize=4,
            )  # fmt: skip
        for axes in (by_hour, by_level):
            axes.axhspan(*BAND, color="#e4e7ec", zorder=0)
            axes.axhline(LEVEL, color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
            axes.set_ylim(0.7, 1.0)
        by_hour.yaxis.set_major_formatter(PercentFormatter(1, 0))
        by_hour.set(title="By hour of the day", xlabel="hour, local", xticks=range(0, 25, 6))
        by_level.set(title="By how many are expected", xlabel="tenth of each sensor's hours, quietest to busiest")
        figure.legend(loc="outside upper left", ncols=3, fontsize=9)
        return svg(figure, key)


def week(comparison: Comparison, key: str, horizon: Horizon = Horizon.DAY_AHEAD) -> str:
    """The first held-out week of the sensor whose error is in the middle: counts, forecast and interval."""
    trial = comparison.trials[0]
    at = trial.horizons.index(horizon)
    of = sorted(
        (one for one in comparison.scores.sensors if one.horizon == horizon),
        key=lambda one: one.mae[trial.forecaster] / max(one.mean, 1e-9),
    )
    chosen = of[len(of) // 2].sensor
    row = trial.zones.index(chosen)
    local = pd.DatetimeIndex(trial.targets[:WEEK]).tz_localize("UTC").tz_convert(comparison.history.timezone)
    times: Any = local.tz_localize(None).to_numpy()
    with rc_context(STYLE | {"svg.hashsalt": key}):
        figure, axes = _one(3.2)
        low, high, expected = (part[at, row, :WEEK] for part in (trial.low, trial.high, trial.expected))
        axes.fill_between(times, low, high, color=COLOURS[0], alpha=0.2, linewidth=0, label="90 % interval")
        axes.plot(times, expected, color=COLOURS[0], linewidth=1.4, label=f"{trial.forecaster}, {WORDS[horizon]}")
        axes.plot(times, trial.observed[row, :WEEK], color="#000000", linewidth=0.9, marker=".", markersize=3,
                  label="counted")  # fmt: skip
        axes.set(title=chosen, ylabel="an hour")
        axes.set_ylim(bottom=0)
        locator: Any = AutoDateLocator()  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
        figure.legend(loc="outside upper left", ncols=3, fontsize=9)
        return svg(figure, key)


def _judged(trial: Trial, at: int) -> tuple[Any, Any]:
    inside, known = within(trial, at)
    return inside, known & np.isfinite(trial.observed)


def _share(inside: Any, which: Any) -> float:
    """NaN, which is not drawn, where there is nothing to share."""
    return float(inside[which].mean()) if which.any() else np.nan


def _tenths(trial: Trial, at: int, judged: Any) -> Any:
    """[zone, target]: which tenth of the hours of its sensor a forecast is in, by what it expects."""
    order = np.argsort(np.argsort(np.where(judged, trial.expected[at], np.inf), axis=1), axis=1)
    return np.minimum(order * TENTHS // np.maximum(judged.sum(axis=1, keepdims=True), 1), TENTHS)


def _one(height_in: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(9.6, height_in), layout="constrained")
    FigureCanvasSVG(figure)
    return figure, figure.subplots()


def _mark(at: int) -> dict[str, Any]:
    return {"color": COLOURS[at % len(COLOURS)], "marker": MARKERS[at % len(MARKERS)]}
