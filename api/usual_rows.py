"""The rows of what is compared with the usual and of what is expected next; see `api/rows.py`."""

from __future__ import annotations

from datetime import date, datetime

import pyarrow as pa
from pydantic import ConfigDict, Field

from aggregate.usual.baselines import BaselineState
from api.rows import FIGURE, NUMBER, TEXT, TIME
from core.config import Closed
from core.figures import SERIES

COMPARISONS_SCHEMA = pa.schema(
    {
        "zone": TEXT,
        "camera": TEXT,
        "class": TEXT,
        "reference": TEXT,
        "weekday": TEXT,
        "hour": NUMBER,
        "start": TIME,
        "end": TIME,
        "mean": FIGURE,
        "baseline": FIGURE,
        "index": FIGURE,
        "index_low": FIGURE,
        "index_high": FIGURE,
        "days": NUMBER,
        "hours": NUMBER,
        "hours_due": NUMBER,
        "state": TEXT,
        "reason": TEXT,
        "words": TEXT,
    }
)

FORECASTS_SCHEMA = pa.schema(
    {
        "zone": TEXT,
        "camera": TEXT,
        "class": TEXT,
        "start": TIME,
        "end": TIME,
        "ahead_h": NUMBER,
        "mean": FIGURE,
        "low": FIGURE,
        "high": FIGURE,
        "baseline": FIGURE,
        "baseline_low": FIGURE,
        "baseline_high": FIGURE,
        "last_counted": TIME,
        "state": TEXT,
        "reason": TEXT,
    }
)

_CLASS = f"what is counted: {', '.join(SERIES)}"


class ComparisonRow(Closed):
    """One class of one zone in one part of the week, over a period. Null is never zero.

    Both levels are means over the same hours, those of which both are known: an hour in which nothing was counted is in
    neither, so that a lost camera does not look like a quiet street.
    """

    model_config = ConfigDict(populate_by_name=True)

    zone: str = Field(description="zone id", examples=["06710:view"])
    camera: str = Field(description="camera id", examples=["06710"])
    series: str = Field(alias="class", description=_CLASS, examples=["people"])
    reference: str = Field(description="what it is compared with", examples=["before lockdown"])
    weekday: str | None = Field(description="day of the week; null: all of them", examples=["Monday"])
    hour: int | None = Field(description="hour of the day by the local clock, 0..23; null: all of them", examples=[8])
    start: datetime = Field(description="first instant of the period, UTC", examples=["2017-03-02T00:00:00Z"])
    end: datetime = Field(description="instant before which it ends, UTC", examples=["2017-03-30T00:00:00Z"])
    mean: float | None = Field(description="mean number present in the period", examples=[6.4])
    baseline: float | None = Field(
        description="mean number that the reference expects in the same hours", examples=[9.8]
    )
    index: float | None = Field(description="`mean` over `baseline`: 0.65 is 35 % fewer", examples=[0.65])
    index_low: float | None = Field(
        description="lower end of the 90 % interval of the index, from the spread between days and the error of the "
        "baseline",
        examples=[0.58],
    )
    index_high: float | None = Field(description="upper end of it", examples=[0.73])
    days: int = Field(description="days with an hour that was compared", examples=[27])
    hours: int = Field(description="hours that were compared", examples=[640])
    hours_due: int = Field(description="hours of this part of the week in the period", examples=[672])
    state: BaselineState = Field(description="whether there is something to compare with", examples=["ok"])
    reason: str | None = Field(description="why the state is not ok", examples=[None])
    words: str | None = Field(
        description="the change in words; null where there is none to tell",
        examples=["35 % fewer people than in the period 'before lockdown' (90 % interval 27 to 42 % fewer)"],
    )


class ComparisonsAnswer(Closed):
    """Every zone asked for; those of a time zone stand together, by zone, class and part of the week."""

    comparisons: list[ComparisonRow]


class ForecastRow(Closed):
    """One class of one zone in an hour to come. A forecast: nothing of it was counted."""

    model_config = ConfigDict(populate_by_name=True)

    zone: str = Field(description="zone id", examples=["06710:view"])
    camera: str = Field(description="camera id", examples=["06710"])
    series: str = Field(alias="class", description=_CLASS, examples=["people"])
    start: datetime = Field(description="first instant of the hour, UTC", examples=["2017-03-09T09:00:00Z"])
    end: datetime = Field(description="instant before which the hour ends, UTC", examples=["2017-03-09T10:00:00Z"])
    ahead_h: int = Field(description="which hour it is of those to come: 1 is the one that goes on", examples=[1])
    mean: float | None = Field(description="forecast of the mean number present", examples=[7.1])
    low: float | None = Field(description="lower end of its 90 % interval: nine in ten hours lie in it", examples=[4.2])
    high: float | None = Field(description="upper end of it", examples=[10.9])
    baseline: float | None = Field(description="number that is usual in that hour", examples=[6.3])
    baseline_low: float | None = Field(description="lower end of the usual range of such an hour", examples=[3.4])
    baseline_high: float | None = Field(description="upper end of it", examples=[9.9])
    last_counted: datetime | None = Field(
        description="end of the newest hour with a count that it goes on from, UTC; null where there is none",
        examples=["2017-03-09T09:00:00Z"],
    )
    state: BaselineState = Field(description="ok, borrowed or insufficient_history", examples=["ok"])
    reason: str | None = Field(description="why the state is not ok", examples=[None])


class ForecastsAnswer(Closed):
    """The hours to come of every zone asked for; those of a time zone stand together, by class, zone and start."""

    forecasts: list[ForecastRow]


class ReferenceRow(Closed):
    """Something to compare with: what is usual, or a named period; of one class."""

    model_config = ConfigDict(populate_by_name=True)

    reference: str = Field(description="its name, as `reference` takes it", examples=["before lockdown"])
    series: str = Field(alias="class", description=_CLASS, examples=["people"])
    first_day: date | None = Field(description="first local day of a named period", examples=["2020-01-06"])
    last_day: date | None = Field(description="its last local day", examples=["2020-03-08"])
    since: datetime | None = Field(
        description="the newest baselines were made of what was counted from here, UTC; null where none was built",
        examples=["2020-01-06T00:00:00Z"],
    )
    until: datetime | None = Field(description="and before here, UTC", examples=["2020-03-09T00:00:00Z"])
    built_at: datetime | None = Field(description="when they were built, UTC", examples=["2020-03-09T03:00:10Z"])
    ok: int = Field(description="zones with enough of their own past", examples=[2650])
    borrowed: int = Field(description="zones whose baseline leans on zones like them", examples=[41])
    insufficient_history: int = Field(description="zones with too little of both", examples=[42])


class ReferencesAnswer(Closed):
    """The usual first, then the named periods in the order of the configuration."""

    references: list[ReferenceRow]
