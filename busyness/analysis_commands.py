"""The commands of those who ask what figures mean: what is usual, a report, did it work, how good forecasts are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from busyness.command_words import AsJson, ConfigPath, names, open_console


def baselines(
    config: ConfigPath,
    *,
    anew: Annotated[bool, typer.Option("--anew", help="build all of them again, not only what is due")] = False,
    listed: Annotated[bool, typer.Option("--list", help="build nothing, only say what there is")] = False,
    as_json: AsJson = False,
) -> None:
    """Work out what is usual from what is stored, as `run` does every night, and say of how many zones it is known."""
    from busyness import baselines as built
    from busyness.config import load_config

    loaded = load_config(config)
    if not listed:
        built.build(loaded, open_console(stderr=True), anew=anew)
    built.show(built.known(loaded), open_console(), as_json=as_json)


def backtest(
    table: Annotated[
        Path | None, typer.Argument(metavar="[CSV]", help="hourly counts: CSV, also gzipped or alone in a zip")
    ] = None,
    *,
    time: Annotated[str, typer.Option(metavar="COL", help="column of the time, or of date and hour: DATE,HOUR")] = "",
    sensor: Annotated[
        str, typer.Option(metavar="COL", help="column of the sensor's name; several are one name; none: one sensor")
    ] = "",
    count: Annotated[
        str, typer.Option(metavar="COL", help="column of the counts; several, without --sensor, are a sensor each")
    ] = "",
    config: Annotated[
        Path | None, typer.Option("--config", "-c", metavar="CONFIG", help="what an installation has stored instead")
    ] = None,
    series: Annotated[
        str, typer.Option("--class", help="with --config: what was counted, as people or vehicles")
    ] = "people",
    timezone: Annotated[
        str | None, typer.Option(metavar="NAME", help="clock of the times, as Europe/London; as they stand without it")
    ] = None,
    country: Annotated[str | None, typer.Option(help="country of the public holidays, as GB; none without it")] = None,
    subdivision: Annotated[str | None, typer.Option(help="part of the country, as ENG")] = None,
    school_holidays: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="start,end of school holidays, both days included")
    ] = None,
    weeks: Annotated[int, typer.Option(min=1, max=52, help="weeks held out")] = 8,
    stretches: Annotated[int, typer.Option(min=1, max=52, help="they lie in so many stretches of the last year")] = 4,
    sensors: Annotated[int, typer.Option(min=0, help="judge so many sensors, chosen by lot; 0: all of them")] = 16,
    references: Annotated[
        str | None, typer.Option(metavar="NAMES", help="of naive,prophet,ets; all that are installed without it")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="write a page with tables and plots, all in one file")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Judge forecasts on held-out weeks: of a table of hourly counts, or of what an installation has stored."""
    from aggregate.backtest.comparing import HeldOut
    from aggregate.backtest.table import Columns
    from aggregate.usual.calendar import CalendarConfig
    from busyness import backtesting
    from busyness.config import load_config

    if (table is None) == (config is None):
        raise typer.BadParameter("name a table of counts, or an installation with --config, not both")
    if table is not None and not (time and count):
        raise typer.BadParameter("say which columns of the table are what: --time COL --sensor COL --count COL")
    days = CalendarConfig(country=country, subdivision=subdivision, school_holidays=school_holidays)
    asked = backtesting.Asked(
        HeldOut(weeks, stretches, sensors or None),
        None if references is None else names(references),
        None if days == CalendarConfig() else days,
    )
    shown = backtesting.Shown(open_console(stderr=as_json), as_json, report)
    if config is not None:
        backtesting.backtest_stored(load_config(config), series, asked, shown)
    elif table is not None:
        columns = Columns(time=names(time), count=names(count), sensor=names(sensor))
        backtesting.backtest_table(table, columns, timezone, asked, shown)


def interventions(
    config: ConfigPath,
    action: Annotated[
        str, typer.Argument(metavar="list|add|remove|effect", help="what to do; effect says whether one worked")
    ] = "list",
    name: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="which one; for add its id, made of name and date without it")
    ] = None,
    *,
    called: Annotated[str, typer.Option("--name", help="add: what it is called")] = "",
    kind: Annotated[str, typer.Option(help="add: what was done, as wider_pavement; a wrong one lists them")] = "other",
    zone: Annotated[list[str] | None, typer.Option(metavar="ID", help="add: a zone it is for; repeatable")] = None,
    spill: Annotated[
        list[str] | None, typer.Option("--spill-zone", metavar="ID", help="add: a zone that may feel it; repeatable")
    ] = None,
    start: Annotated[str, typer.Option(metavar="TIME", help="add: when it began, as 2026-05-04T00:00:00+01:00")] = "",
    end: Annotated[str | None, typer.Option(metavar="TIME", help="add: when it ended, if it did not stay")] = None,
    works_from: Annotated[str | None, typer.Option(metavar="TIME", help="add: when works for it began")] = None,
    at: Annotated[str | None, typer.Option(metavar="LAT,LON", help="add: where it is; its first zone's camera")] = None,
    note: Annotated[str | None, typer.Option(help="add: anything else")] = None,
    by: Annotated[str | None, typer.Option(help="add: who registers it")] = None,
    series: Annotated[str, typer.Option("--class", help="effect: what is counted")] = "people",
    plot: Annotated[Path | None, typer.Option(metavar="FILE.svg", help="effect: draw it")] = None,
    as_json: AsJson = False,
) -> None:
    """Register what was changed in a street, and later ask whether it worked."""
    from busyness import interventions as desk
    from busyness.config import load_config
    from core.clock import SystemClock

    loaded, console = load_config(config), open_console()
    match desk.action_of(action):
        case desk.Action.LIST:
            desk.show_list(loaded, console, as_json=as_json)
        case desk.Action.ADD:
            if not (called and zone and start):
                raise typer.BadParameter("say at least --name, --zone and --start")
            told = desk.Told(called, kind, zone, start, spill or (), at, end, works_from, note, by)
            desk.show_one("registered", desk.add(loaded, name, told, SystemClock()), console, as_json=as_json)
        case _ if name is None:
            raise typer.BadParameter("name an intervention; `list` shows them")
        case desk.Action.REMOVE:
            desk.show_one("removed", desk.remove(loaded, name), console, as_json=as_json)
        case desk.Action.EFFECT:
            answer, drawn = desk.effect(loaded, name, series)
            desk.show_effect(answer, console, as_json=as_json)
            if plot is not None:
                desk.write_plot(plot, drawn)


def report(
    config: ConfigPath,
    *,
    district: Annotated[
        str | None, typer.Option(metavar="NAME", help="an area of map.outlines; the city without")
    ] = None,
    cameras: Annotated[str, typer.Option(help="only these cameras, as 06710,07450")] = "",
    bbox: Annotated[str, typer.Option(metavar="W,S,E,N", help="only cameras in this box, in degrees")] = "",
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="first local day; four weeks back without")] = "",
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="last local day; yesterday without")] = "",
    series: Annotated[str, typer.Option("--class", help="what was counted, as people or vehicles")] = "people",
    out: Annotated[Path, typer.Option(metavar="PATH", help="a folder for both, or FILE.html, FILE.pdf")] = Path(
        "report"
    ),
) -> None:
    """Write a planner's report of a district and a period: figures, map, where to act first, method and limits."""
    from busyness import reporting
    from busyness.config import load_config

    said = {"district": district, "camera": cameras, "bbox": bbox, "first": first, "last": last, "class": series}
    parameters = {name: value for name, value in said.items() if value}
    for path in reporting.report(load_config(config), reporting.Asked(parameters, out), open_console(stderr=True)):
        open_console().print(str(path), highlight=False, markup=False, soft_wrap=True)
