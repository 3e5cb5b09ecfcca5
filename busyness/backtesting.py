"""`busyness backtest`: how far forecasts are off on held-out weeks, of any hourly table or of what is stored."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from zoneinfo import available_timezones

import numpy as np
from rich.console import Console

from aggregate.backtest.backtest import Horizon
from aggregate.backtest.comparing import Comparison, HeldOut, compare
from aggregate.backtest.forecaster import Forecaster
from aggregate.backtest.ours import OurForecast, UsualLevel
from aggregate.backtest.references import REFERENCES, open_reference
from aggregate.backtest.table import Columns, HourlyTable, read_table
from aggregate.history import History
from aggregate.store import Store
from aggregate.tables import aware
from aggregate.usual.calendar import Calendar, CalendarConfig
from aggregate.usual.policy import UsualPolicy
from busyness.config import Config
from busyness.forecasts import tables
from busyness.forecasts.page import page_of
from busyness.keeping import lasts, open_store
from busyness.progress import progress_bar
from busyness.table import print_table
from core.errors import ConfigError, MissingExtra, QueryError, SourceError
from core.figures import SERIES
from core.records import Window

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Asked:
    """What is held out, and against what. `references` None: all that are installed; `calendar` None: of a table, no
    day is a holiday; of what is stored, the installation's own."""

    held_out: HeldOut = field(default_factory=HeldOut)
    references: tuple[str, ...] | None = None
    calendar: CalendarConfig | None = None


@dataclass(frozen=True)
class Shown:
    """How the figures are given: as JSON on stdout or tables on `console`, and as a page where `report` names one."""

    console: Console = field(default_factory=Console)
    as_json: bool = False
    report: Path | None = None


def backtest_table(path: Path, columns: Columns, timezone: str | None, asked: Asked, shown: Shown) -> None:
    """Judge forecasts of the sensors of a table.

    Raises `SourceError` and `QueryError` for a table that cannot be used or is too short, `ConfigError` for a clock or
    a calendar that does not exist, `MissingExtra` for a reference that was asked for and is not installed.
    """
    _check_report(shown.report)
    if timezone is not None:
        check_timezone(timezone)
    calendar = Calendar.of(asked.calendar or CalendarConfig())
    forecasters = open_forecasters(asked, UsualPolicy(), shown.console)
    table = read_table(path, columns, timezone=timezone)
    found = _compared(table.history, calendar, asked, forecasters, shown)
    _give(found, shown, what=_of_table(path, table, found), notes=table.account.notes)


def backtest_stored(config: Config, series: str, asked: Asked, shown: Shown) -> None:
    """Judge forecasts of the zones of an installation: the hours of `series` that its store holds.

    Raises `StoreError`, `ConfigError` for a store in memory, `QueryError` where too little is stored.
    """
    _check_report(shown.report)
    if not lasts(config):
        raise ConfigError("backtest needs a store on disk", remedy="set store.path, or name a table of counts")
    if series not in SERIES:
        raise QueryError(f"there is no class {series!r}", remedy=f"choose from {', '.join(SERIES)}")
    calendar = Calendar.of(asked.calendar or config.calendar)
    forecasters = open_forecasters(asked, config.usual, shown.console)
    with closing(open_store(config, read_only=True)) as store:
        histories = list(stored(store, series))
    if not histories:
        raise QueryError("nothing is stored yet", remedy="run busyness run or busyness replay first")
    longest = max(histories, key=lambda history: len(history.zones))
    found = _compared(longest, calendar, asked, forecasters, shown)
    others = sum(len(history.zones) for history in histories if history is not longest)
    notes = (f"{others} zones with another clock than {longest.timezone}: left out",) if others else ()
    what = f"{config.name}: {series} of {len(found.history.zones)} zones, {_days(found.history)}."
    _give(found, shown, what=what, notes=notes)


def stored(store: Store, series: str) -> Iterator[History]:
    """The hours of all zones of the store, one history for each clock."""
    extent = store.extent()
    if extent is None:
        return
    begin, newest = (time.replace(minute=0, second=0, microsecond=0) for time in extent)
    clocks: dict[str, list[str]] = {}
    for camera in store.cameras():
        clocks.setdefault(camera.timezone, []).extend(zone.id for zone in camera.counted_zones)
    for timezone, zones in clocks.items():
        yield store.history(
            window=Window.HOUR, series=series, start=begin, end=newest + HOUR, zones=zones, timezone=timezone
        )


def open_forecasters(asked: Asked, policy: UsualPolicy, console: Console) -> list[Forecaster]:
    """Ours, the baseline alone, and the references; one that nobody asked for by name may be missing."""
    found: list[Forecaster] = [OurForecast(policy), UsualLevel(policy)]
    for name in asked.references if asked.references is not None else REFERENCES:
        try:
            found.append(open_reference(name))
        except MissingExtra as error:
            if asked.references is not None:
                raise
            console.print(f"left out {name}: {error}", highlight=False, markup=False, soft_wrap=True)
    return found


def figures_of(found: Comparison) -> dict[str, float | None]:
    """The figures of a comparison: a day ahead without a word, other horizons by name."""
    ours = found.trials[0].forecaster
    figures: dict[str, float | None] = {}
    for horizon, suffix in ((Horizon.DAY_AHEAD, ""), (Horizon.ONE_HOUR, "_one_hour"), (Horizon.WEEK_AHEAD, "_week")):
        for one in found.scores.against:
            if one.horizon == horizon:
                figures[f"error_over_{one.reference}{suffix}"] = round(one.ratio, 4)
        covered = found.scores.score(ours, horizon).coverage
        figures[f"coverage90{suffix}"] = None if covered is None else round(covered, 4)
    return figures


def check_timezone(name: str) -> None:
    """Raises `ConfigError` for a clock that does not exist."""
    if name not in available_timezones():
        raise ConfigError(f"unknown time zone {name!r}", remedy="give its IANA name, as Europe/London")


def _compared(
    history: History, calendar: Calendar, asked: Asked, forecasters: Sequence[Forecaster], shown: Shown
) -> Comparison:
    with progress_bar(shown.console, transient=True) as progress:
        tasks = {one.name: progress.add_task(one.name, total=None) for one in forecasters}
        return compare(
            history, calendar, asked.held_out, forecasters,
            progress=lambda name, done, total: progress.update(tasks[name], completed=done, total=total),
        )  # fmt: skip


def _give(found: Comparison, shown: Shown, *, what: str, notes: Sequence[str]) -> None:
    if shown.report:
        try:
            shown.report.write_text(page_of(found, what, notes), encoding="utf-8")
        except OSError as error:
            raise SourceError(
                f"the report {shown.report} cannot be written: {error.strerror}",
                remedy="say another place with --report",
            ) from error
    if shown.as_json:
        sys.stdout.write(json.dumps(as_json(found, what, notes)) + "\n")
        return
    console = shown.console
    console.print(what, highlight=False, markup=False)
    for note in notes:
        console.print(f"  - {note}", highlight=False, markup=False)
    console.print()
    print_table(tables.against(found), console)
    print_table(tables.summary(found), console)
    if shown.report:
        console.print(f"report: {shown.report}", highlight=False, markup=False, soft_wrap=True)


def as_json(found: Comparison, what: str, notes: Sequence[str]) -> dict[str, object]:
    """Everything that was found, for a program."""
    starts = found.history.starts
    return {
        "what": what,
        "notes": list(notes),
        "timezone": found.history.timezone,
        "sensors": list(found.history.zones),
        "held_out": [
            {"start": _utc(starts[split.begin]), "end": _utc(starts[split.end - 1], HOUR)} for split in found.splits
        ],
        "figures": figures_of(found),
        "scores": [asdict(one) for one in found.scores.scores],
        "against": [asdict(one) for one in found.scores.against],
        "by_sensor": [asdict(one) for one in found.scores.sensors],
    }


def _utc(time: np.datetime64, later: timedelta = timedelta()) -> str:
    return (aware(time) + later).isoformat().replace("+00:00", "Z")


def _of_table(path: Path, table: HourlyTable, found: Comparison) -> str:
    account = table.account
    judged = len(found.history.zones)
    return (
        f"{path.name}: {account.rows:,} rows of {account.sensors} sensors, {_days(table.history)}, clock "
        f"{account.timezone}, {account.observed:.0%} of the hours counted. Judged: {judged} sensors."
    )


def _days(history: History) -> str:
    first, last = (str(time.astype("datetime64[D]")) for time in (history.starts[0], history.starts[-1]))
    return f"{first} to {last}"


def _check_report(path: Path | None) -> None:
    """Before minutes of fitting, not after."""
    if path is not None and path.suffix.lower() not in (".html", ".htm"):
        raise SourceError(f"the report {path} is to be a page", remedy="say --report FILE.html")
    if path is not None and not path.parent.is_dir():
        raise SourceError(f"there is no folder {path.parent} for the report", remedy="make it, or say another")
