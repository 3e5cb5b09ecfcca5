"""The scores of a backtest as plain tables."""

from __future__ import annotations

from collections.abc import Iterable

from aggregate.backtest.backtest import Horizon
from aggregate.backtest.comparing import Comparison
from busyness.table import NOTHING, Row, Table

WORDS = {
    Horizon.ONE_HOUR: "one hour ahead",
    Horizon.DAY_AHEAD: "a day ahead",
    Horizon.WEEK_AHEAD: "a week ahead",
}


def summary(comparison: Comparison) -> Table:
    """Each forecaster at each horizon."""
    rows = [
        (
            WORDS[Horizon(score.horizon)], score.forecaster, number(score.mae), number(score.rmse), number(score.bias),
            share(score.coverage), NOTHING if score.width is None else f"{score.width:.2f}", share(score.forecast),
            f"{score.points:,}", f"{score.elapsed_s:.0f}",
        )
        for score in comparison.scores.scores
    ]  # fmt: skip
    return Table(
        "Errors of held-out hours, in counts an hour",
        ("forecast", "by", "MAE", "RMSE", "bias", "in its 90 %", "width", "told of", "hours", "s"),
        tuple(rows),
        "MAE: mean absolute error; bias: mean of forecast less count; in its 90 %: how often the count lay in the 90 % "
        "interval, which should be 90 %; width: of that interval, in terms of the mean count; told of: share of the "
        "observed hours for which anything was forecast. All are of the hours that every forecaster told of.",
        texts=2,
    )


def against(comparison: Comparison) -> Table:
    """The first forecaster's error in terms of the others'."""
    rows = [
        (
            WORDS[Horizon(one.horizon)], one.reference, f"{one.ratio:.3f}", f"{one.low:.3f} to {one.high:.3f}",
            f"{one.median_ratio:.3f}", share(one.ahead),
        )
        for one in comparison.scores.against
    ]  # fmt: skip
    return Table(
        f"The error of {comparison.trials[0].forecaster} in terms of others': below 1 is better",
        ("forecast", "against", "error", "90 % interval", "median sensor", "sensors ahead"),
        tuple(rows),
        "Sums of absolute errors over the same hours of the same sensors; the interval is from drawing whole sensors.",
        texts=2,
    )


def by_sensor(comparison: Comparison, horizon: Horizon = Horizon.DAY_AHEAD) -> Table:
    """Every sensor at one horizon."""
    names = [trial.forecaster for trial in comparison.trials]
    rows: list[Row] = []
    for one in comparison.scores.sensors:
        if one.horizon == horizon:
            told = (number(one.mae[name]) for name in names)
            rows.append((one.sensor, f"{one.points:,}", number(one.mean), *told, share(one.coverage[names[0]])))
    return Table(
        f"By sensor, {WORDS[horizon]}",
        ("sensor", "hours", "mean count", *(f"MAE {name}" for name in names), "in its 90 %"),
        tuple(rows),
    )


def notes(lines: Iterable[str]) -> Table:
    """What was not taken as it stood."""
    return Table("What was not taken as it stood", ("",), tuple((line,) for line in lines))


def number(value: float) -> str:
    """A count or an error of it, in as many places as tell."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"


def share(value: float | None) -> str:
    """A share in percent."""
    return NOTHING if value is None else f"{100 * value:.1f} %"
