"""What a forecast has to beat: last week again, Prophet, exponential smoothing. Nothing but a backtest needs them."""

from __future__ import annotations

from aggregate.backtest.forecaster import Forecaster
from core.errors import QueryError

REFERENCES = ("naive", "prophet", "ets")


def open_reference(name: str) -> Forecaster:
    """The reference of a name of `REFERENCES`. Raises `QueryError` for another name, `MissingExtra` without Prophet."""
    # Each brings libraries of its own, which take seconds to load.
    if name == "naive":
        from aggregate.backtest.references.seasonal_naive import SeasonalNaive  # noqa: PLC0415

        return SeasonalNaive()
    if name == "prophet":
        from aggregate.backtest.references.prophet_forecast import ProphetForecast  # noqa: PLC0415

        return ProphetForecast()
    if name == "ets":
        from aggregate.backtest.references.exponential_smoothing import ExponentialSmoothing  # noqa: PLC0415

        return ExponentialSmoothing()
    raise QueryError(f"there is no reference {name!r}", remedy=f"choose from {', '.join(REFERENCES)}")
