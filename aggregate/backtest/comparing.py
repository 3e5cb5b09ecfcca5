"""Forecasters side by side on one history: the same held-out hours, sensors and calendar, in one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aggregate.backtest.backtest import HORIZONS, Horizon, Trial, backtest
from aggregate.backtest.forecaster import Forecaster
from aggregate.backtest.scores import Scores, scores
from aggregate.backtest.sensors import judged_sensors
from aggregate.backtest.splits import Split, splits
from aggregate.history import History
from aggregate.usual.calendar import Calendar

Progress = Callable[[str, int, int], None]
"""Told the forecaster, and how many held-out hours of all are done."""


@dataclass(frozen=True)
class HeldOut:
    """What is held out: `weeks` in so many `stretches`, of `sensors` by lot (None: of all that can be judged)."""

    weeks: int = 8
    stretches: int = 4
    sensors: int | None = None


@dataclass(frozen=True, eq=False)
class Comparison:
    """Trials of several forecasters on the same hours, the first of them compared with the others."""

    history: History
    splits: tuple[Split, ...]
    trials: tuple[Trial, ...]
    scores: Scores

    def trial(self, forecaster: str) -> Trial | None:
        """That of one forecaster."""
        return next((one for one in self.trials if one.forecaster == forecaster), None)


def compare(
    history: History,
    calendar: Calendar,
    held_out: HeldOut,
    forecasters: Sequence[Forecaster],
    *,
    horizons: Sequence[Horizon] = HORIZONS,
    progress: Progress | None = None,
) -> Comparison:
    """Judge `forecasters` on an hourly history; raises `QueryError` where it is too short."""
    parts = splits(history, weeks=held_out.weeks, stretches=held_out.stretches)
    judged = history.take(judged_sensors(history, parts, held_out.sensors))
    trials = []
    for one in forecasters:
        told = None if progress is None else _of(one.name, progress)
        trials.append(backtest(judged, calendar, parts, one, horizons=horizons, progress=told))
    return Comparison(judged, parts, tuple(trials), scores(trials))


def _of(name: str, progress: Progress) -> Callable[[int, int], None]:
    return lambda done, total: progress(name, done, total)
