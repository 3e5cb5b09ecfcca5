"""The day curves of the real cameras as a picture, and their figures: `make bench-day-curves OUT=folder`.

The recorded days are replayed by the shipped model, through ingest, detect and aggregate into a store of their own that
is gone afterwards. Written are OUT/day_curves.png, .svg and .json, and the last line printed is the figures: per camera
the hour with most people and most vehicles, the mean from 01 to 04 UTC (the floor of the night, mostly what the
counter takes for somebody), the share of quarters that are missing, and by how much one hour differs from the next
(the larger mean over the smaller, with one added to both so that an empty hour has a ratio): the median and the most.
"""

from __future__ import annotations

import json
import sys
import tempfile
import textwrap
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
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
from core.records import Camera, Lighting, Window

ROOT = Path(__file__).resolve().parents[2]
DAYS = ROOT.parent / "shared" / "data" / "jamcam" / "days"
CONFIG = ROOT / "configs" / "london.yaml"
NEEDS = "the real camera-days in ../shared/data/jamcam/days"
SERIES = {"people": ("#d55e00", "-"), "vehicles": ("#0072b2", "-")}
NIGHT_FLOOR_HOURS_UTC = range(1, 4)
LETTERS_PER_HOUR, UPRIGHT_BELOW_H = 7, 1.5
"""How much of a reason a gap holds; in a narrow one it stands upright."""
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "day-curves",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


@dataclass(frozen=True)
class CameraDay:
    """A camera, its quarter and hourly readings (`aggregate.answers.READING_COLUMNS`) and when its picture was dark."""

    camera: Camera
    quarters: pd.DataFrame
    hours: pd.DataFrame
    dark: tuple[tuple[datetime, datetime], ...]

    def of(self, series: str) -> pd.DataFrame:
        return self.quarters[self.quarters["class"] == series]


def main() -> None:
    if not DAYS.is_dir():
        print(f"bench-day-curves needs {NEEDS}, which are not on this machine", file=sys.stderr)
        print(json.dumps({"name": "day_curves", "figures": {}, "needs": NEEDS}))
        return
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    model, days = replayed_days()
    figures = {"model": model, "cameras": {day.camera.id: figures_of(day) for day in days}}
    with rc_context(STYLE):
        picture = draw(days, model)
        for suffix in ("png", "svg"):
            picture.savefig(out / f"day_curves.{suffix}", dpi=130)
    (out / "day_curves.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({"name": "day_curves", "figures": figures}))


def replayed_days() -> tuple[str, list[CameraDay]]:
    """The model's name, and each camera's day as it was stored."""
    with tempfile.TemporaryDirectory() as folder:
        config = load_config(CONFIG)
        store_config = config.store.model_copy(update={"path": Path(folder) / "days.duckdb"})
        config = config.model_copy(update={"store": store_config})
        replay(config, DAYS, Console(stderr=True))
        with closing(open_store(config, read_only=True)) as store:
            answers = Answers(store, SystemClock())
            days: list[CameraDay] = []
            model = ""
            for camera in answers.cameras():
                query = ReadingQuery(cameras=(camera.id,), series=tuple(SERIES))
                quarters = answers.readings(query)
                hours = answers.readings(ReadingQuery(cameras=(camera.id,), series=tuple(SERIES), window=Window.HOUR))
                (zone,) = camera.counted_zones
                start, end = quarters["start"].min().to_pydatetime(), quarters["end"].max().to_pydatetime()
                seen = [one for one in store.observations(zone.id, start, end) if one.lighting is not None]
                model = seen[0].model if seen else model
                dark = dark_spans([(one.event_time, one.lighting) for one in seen], end)
                days.append(CameraDay(camera, quarters, hours, dark))
    return model, days


def dark_spans(seen: list[tuple[datetime, Lighting | None]], end: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """From each clip taken at night to the next counted one."""
    times = [time for time, _ in seen[1:]] + [end]
    return tuple((time, until) for (time, light), until in zip(seen, times, strict=True) if light == "night")


def figures_of(day: CameraDay) -> dict[str, object]:
    """The figures of one camera; null where nothing was counted."""
    figures: dict[str, object] = {}
    for series in SERIES:
        hourly = day.hours[(day.hours["class"] == series) & day.hours["mean"].notna()]
        night = hourly[hourly["start"].dt.hour.isin(NIGHT_FLOOR_HOURS_UTC)]["mean"]
        jumps = [
            (max(one, other) + 1) / (min(one, other) + 1)
            for (at, one), (after, other) in pairwise(zip(hourly["start"], hourly["mean"], strict=True))
            if after - at == timedelta(hours=1)
        ]
        busiest = hourly.nlargest(1, "mean")
        figures[series] = {
            "peak_hour_utc": None if busiest.empty else int(busiest["start"].dt.hour.item()),
            "peak_hour_mean": None if busiest.empty else round(float(busiest["mean"].item()), 2),
            "night_floor": None if night.empty else round(float(night.mean()), 2),
            "jump_median": round(median(jumps), 2) if jumps else None,
            "jump_most": round(max(jumps), 2) if jumps else None,
        }
    state = day.of("vehicles")["state"]
    figures["quarters"] = len(state)
    figures["share_missing"] = round(float((state == "missing").mean()), 3)
    return figures


def draw(days: list[CameraDay], model: str) -> Figure:
    """One panel a camera: people and vehicles by quarter with their interval, gaps with the reason, night shaded."""
    figure = Figure(figsize=(12, 3.1 * len(days) + 0.6), layout="constrained")
    panels = figure.subplots(len(days), 1, sharex=True, squeeze=False)[:, 0]
    for axes, day in zip(panels, days, strict=True):
        panel(axes, day)
    panels[0].legend(loc="upper left", frameon=False, ncols=len(SERIES))
    panels[-1].set(xlabel="hour, UTC", xticks=range(0, 25, 2))
    figure.suptitle(
        f"Present by 15 minutes with the 90 % interval, {model}; shaded: night, hatched: missing", fontsize=10
    )
    return figure


def panel(axes: Axes, day: CameraDay) -> None:
    midnight = day.quarters["start"].min().normalize()
    for begin, end in day.dark:
        axes.axvspan(hours_since(midnight, begin), hours_since(midnight, end), color="#dde3ee", linewidth=0, zorder=0)
    for begin, end, reason in gaps(day.of("vehicles")):
        left, right = hours_since(midnight, begin), hours_since(midnight, end)
        axes.axvspan(left, right, facecolor="none", edgecolor="#98a2b3", hatch="///", linewidth=0, zorder=0)
        upright = right - left < UPRIGHT_BELOW_H
        axes.text(
            (left + right) / 2,
            0.95,
            reason if upright else textwrap.fill(reason, max(8, int(LETTERS_PER_HOUR * (right - left)))),
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="top",
            rotation="vertical" if upright else "horizontal",
            fontsize=7,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.9, "pad": 1},
        )
    for series, (colour, line) in SERIES.items():
        rows = day.of(series)
        middle = (rows["start"] + (rows["end"] - rows["start"]) / 2 - midnight).dt.total_seconds() / 3600
        axes.fill_between(middle, rows["low"], rows["high"], color=colour, alpha=0.18, linewidth=0)
        axes.plot(middle, rows["mean"], line, color=colour, label=series, marker=".", markersize=3, linewidth=1.3)
    axes.set_title(f"{day.camera.id}  {day.camera.name}", loc="left", fontweight="bold", fontsize=10)
    axes.set_ylabel("present")
    axes.set_ylim(bottom=0)
    axes.set_xlim(0, 24)
    axes.grid(visible=True, color="#e4e7ec")
    axes.set_axisbelow(True)


def hours_since(midnight: pd.Timestamp, time: datetime) -> float:
    return (pd.Timestamp(time) - midnight).total_seconds() / 3600


def gaps(rows: pd.DataFrame) -> list[tuple[datetime, datetime, str]]:
    """Runs of missing quarters, and why the first of each is missing."""
    runs: list[tuple[datetime, datetime, str]] = []
    missing = rows[rows["state"] == "missing"]
    for begin, end, reason in zip(missing["start"], missing["end"], missing["reason"], strict=True):
        if runs and runs[-1][1] == begin:
            runs[-1] = (runs[-1][0], end, runs[-1][2])
        else:
            runs.append((begin, end, reason))
    return runs


if __name__ == "__main__":
    main()
