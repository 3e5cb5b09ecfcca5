"""The real days as densities on the ground: `make bench-day-densities`, or this file with a folder to draw into.

The recorded days are replayed by the shipped model with the site files of configs/sites/london, into a store of their
own that is gone afterwards. Drawn are, a panel a zone, people or vehicles per 100 m2 by quarter with the 90 % interval
(count and calibration together), into day-densities.svg of that folder, by default docs. The last line printed are the
figures: per zone its area and error, the hour with the highest density, the mean from 07 to 19 UTC, for vehicles also
per km of lane, and the share of quarters that are missing.
"""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd
from day_curves.draw import CONFIG, DAYS, NEEDS, ROOT, STYLE, dark_spans, gaps, hours_since
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console

from aggregate.answers import Answers
from aggregate.query import ReadingQuery
from busyness.config import load_config
from busyness.keeping import open_store
from busyness.replaying import replay
from core.clock import SystemClock
from core.records import Camera, Window, Zone, ZoneKind

SITES = ROOT / "configs" / "sites" / "london"
SERIES = {ZoneKind.CARRIAGEWAY: "vehicles", ZoneKind.BUS_STOP: "people"}
"""What a kind of zone is looked at for; people in all others."""
COLOURS = {"people": "#d55e00", "vehicles": "#0072b2"}
LANE_M = 3.0
"""Width of a lane, for vehicles per km of lane: those of the three streets are 2.8 to 3.6 m by their calibrations."""
DAY_HOURS_UTC = range(7, 19)
HEADROOM, LEAST_TOP = 2.5, 1.0
"""How far a panel reaches above its highest density, and at least: intervals of few clips reach far beyond."""


@dataclass(frozen=True)
class ZoneDay:
    """A zone with ground, its readings by quarter and hour (`READING_COLUMNS`) and when its picture was dark."""

    camera: Camera
    zone: Zone
    series: str
    quarters: pd.DataFrame
    hours: pd.DataFrame
    dark: tuple[tuple[datetime, datetime], ...]


def main() -> None:
    if not DAYS.is_dir():
        print(f"bench-day-densities needs {NEEDS}, which are not on this machine", file=sys.stderr)
        print(json.dumps({"name": "day_densities", "figures": {}, "needs": NEEDS}))
        return
    out = Path(sys.argv[1]) if len(sys.argv) == 2 else ROOT / "docs"
    out.mkdir(parents=True, exist_ok=True)
    model, days = replayed_days()
    with rc_context({**STYLE, "svg.fonttype": "none"}):
        draw(days, model).savefig(out / "day-densities.svg", metadata={"Date": None})
    figures = {"model": model, "zones": {day.zone.id: figures_of(day) for day in days}}
    print(json.dumps({"name": "day_densities", "figures": figures}))


def replayed_days() -> tuple[str, list[ZoneDay]]:
    """The model's name, and the day of each zone as it was stored."""
    with tempfile.TemporaryDirectory() as folder:
        config = load_config(CONFIG)
        store_config = config.store.model_copy(update={"path": Path(folder) / "days.duckdb"})
        config = config.model_copy(update={"store": store_config, "sites": SITES})
        replay(config, DAYS, Console(stderr=True))
        with closing(open_store(config, read_only=True)) as store:
            answers = Answers(store, SystemClock())
            days: list[ZoneDay] = []
            model = ""
            for camera in answers.cameras():
                for zone in camera.counted_zones:
                    series = SERIES.get(zone.kind, "people")
                    quarters, hours = (
                        answers.readings(ReadingQuery(zones=(zone.id,), series=(series,), window=window))
                        for window in (Window.QUARTER, Window.HOUR)
                    )
                    start, end = quarters["start"].min().to_pydatetime(), quarters["end"].max().to_pydatetime()
                    seen = [one for one in store.observations(zone.id, start, end) if one.lighting is not None]
                    model = seen[0].model if seen else model
                    dark = dark_spans([(one.event_time, one.lighting) for one in seen], end)
                    days.append(ZoneDay(camera, zone, series, quarters, hours, dark))
    return model, days


def figures_of(day: ZoneDay) -> dict[str, object]:
    """The figures of one zone; null where nothing was counted on its ground."""
    ground = day.zone.ground
    known = day.hours[day.hours["density_per_100m2"].notna()]
    daylight = known[known["start"].dt.hour.isin(DAY_HOURS_UTC)]["density_per_100m2"]
    figures: dict[str, object] = {
        "series": day.series,
        "area_m2": None if ground is None else round(ground.area_m2, 1),
        "area_error": None if ground is None else round(ground.area_error, 3),
        "day_mean_per_100m2": None if daylight.empty else round(float(daylight.mean()), 2),
        "quarters_missing": round(float((day.quarters["density_per_100m2"].isna()).mean()), 3),
    }
    if not known.empty:
        busiest = known.loc[known["density_per_100m2"].idxmax()]
        figures["peak_hour_utc"] = int(busiest["start"].hour)
        figures["peak_per_100m2"] = round(float(busiest["density_per_100m2"]), 2)
        figures["peak_interval"] = [round(float(busiest[end]), 2) for end in ("density_low", "density_high")]
    if day.series == "vehicles" and not daylight.empty:
        figures["day_mean_per_lane_km"] = round(per_lane_km(float(daylight.mean())), 1)
        figures["peak_per_lane_km"] = round(per_lane_km(float(known["density_per_100m2"].max())), 1)
    return figures


def per_lane_km(per_100m2: float) -> float:
    return per_100m2 / 100 * LANE_M * 1000


def draw(days: list[ZoneDay], model: str) -> Figure:
    """A column a camera, a panel a zone."""
    cameras = list(dict.fromkeys(day.camera.id for day in days))
    columns = {camera: [day for day in days if day.camera.id == camera] for camera in cameras}
    rows = max(len(zones) for zones in columns.values())
    figure = Figure(figsize=(5.2 * len(cameras), 2.3 * rows + 0.5), layout="constrained")
    panels = figure.subplots(rows, len(cameras), sharex=True, squeeze=False)
    for column, zones in enumerate(columns.values()):
        for row in range(rows):
            axes = panels[row, column]
            if row < len(zones):
                panel(axes, zones[row])
            else:
                axes.set_axis_off()
        panels[len(zones) - 1, column].set_xlabel("hour, UTC")
        panels[len(zones) - 1, column].tick_params(labelbottom=True)
    figure.suptitle(
        f"Per 100 m2 by 15 minutes with the 90 % interval of count and calibration (cut off above), {model}; "
        "shaded: night, hatched: missing",
        fontsize=10,
    )
    return figure


def nights(dark: tuple[tuple[datetime, datetime], ...]) -> list[tuple[datetime, datetime]]:
    """Dark spans, those that follow on each other as one."""
    joined: list[tuple[datetime, datetime]] = []
    for begin, end in dark:
        goes_on = bool(joined) and joined[-1][1] == begin
        joined.append((joined.pop()[0] if goes_on else begin, end))
    return joined


def panel(axes: Axes, day: ZoneDay) -> None:
    quarters, ground = day.quarters, day.zone.ground
    midnight = quarters["start"].min().normalize()
    for begin, end in nights(day.dark):
        axes.axvspan(hours_since(midnight, begin), hours_since(midnight, end), color="#dde3ee", linewidth=0, zorder=0)
    for begin, end, _ in gaps(quarters):
        left, right = hours_since(midnight, begin), hours_since(midnight, end)
        axes.axvspan(left, right, facecolor="none", edgecolor="#98a2b3", hatch="///", linewidth=0, zorder=0)
    middle = (quarters["start"] + (quarters["end"] - quarters["start"]) / 2 - midnight).dt.total_seconds() / 3600
    colour = COLOURS[day.series]
    axes.fill_between(middle, quarters["density_low"], quarters["density_high"], color=colour, alpha=0.18, linewidth=0)
    axes.plot(middle, quarters["density_per_100m2"], color=colour, marker=".", markersize=3, linewidth=1.2)
    area = "" if ground is None else f", {ground.area_m2:.0f} m2 ± {ground.area_error:.0%}"
    axes.set_title(f"{day.zone.id}: {day.series}{area}", loc="left", fontweight="bold", fontsize=9)
    highest = quarters["density_per_100m2"].max()
    top = LEAST_TOP if pd.isna(highest) else max(LEAST_TOP, HEADROOM * float(highest))
    axes.set(ylim=(0, top), xlim=(0, 24), xticks=range(0, 25, 4))
    axes.grid(visible=True, color="#e4e7ec")
    axes.set_axisbelow(True)
    if day.series == "vehicles":
        lanes = axes.secondary_yaxis("right", functions=(per_lane_km, lambda value: value / LANE_M / 10))
        lanes.set_ylabel("per km of lane", fontsize=8)


if __name__ == "__main__":
    main()
