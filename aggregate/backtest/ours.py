"""What the project itself says of the hours to come, as a forecaster: the forecast, and the baseline alone."""

from __future__ import annotations

from aggregate.backtest.forecaster import OnceAWeek, following
from aggregate.history import History
from aggregate.tables import aware
from aggregate.usual.baseline import expect, fit
from aggregate.usual.baselines import BaselineTable
from aggregate.usual.calendar import Calendar
from aggregate.usual.forecast import Carry, Forecast, forecast, learn
from aggregate.usual.policy import UsualPolicy
from core.records import Window


class OurForecast:
    """The port `Forecaster`: `aggregate.usual.forecast`, which learns anew once a week."""

    name = "busyness"

    def __init__(self, policy: UsualPolicy) -> None:
        self._policy = policy
        self._learning = OnceAWeek()
        self._baselines: BaselineTable | None = None
        self._carry: Carry | None = None

    def forecast(self, past: History, calendar: Calendar, horizon: int) -> Forecast:
        """From the newest hours and what was learnt this week."""
        if self._learning.due(past):
            now = aware(past.end)
            self._baselines = fit(past, calendar, self._policy, until=now, built_at=now)
            self._carry = learn(past, calendar, self._policy)
        return forecast(past, self._baselines, calendar, horizon=horizon, policy=self._policy, carry=self._carry)


class UsualLevel:
    """The port `Forecaster`: the baseline, built anew once a week, and nothing of what the last hours were like."""

    name = "baseline"

    def __init__(self, policy: UsualPolicy) -> None:
        self._policy = policy
        self._building = OnceAWeek()
        self._baselines: BaselineTable | None = None

    def forecast(self, past: History, calendar: Calendar, horizon: int) -> Forecast:
        """What is usual in these hours, and the range that is usual."""
        if self._building.due(past) or self._baselines is None:
            now = aware(past.end)
            self._baselines = fit(past, calendar, self._policy, until=now, built_at=now)
        hours = following(past, horizon)
        usual = expect(self._baselines, Window.HOUR, hours, past.timezone, calendar)
        return Forecast(usual.expected, usual.low, usual.high)
