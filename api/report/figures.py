"""The pictures of a report, drawn from figures: no pyplot, no display, no file, nothing of any camera's pictures.

The index is coloured from blue (quieter than usual) over pale to brown (busier), which red-green blindness does not
mix up (BrBG reversed and blue: Crameri, Shephard & Heron 2020 on why not a rainbow); size and number say it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from aggregate import drawing
from aggregate.tables import Numbers
from core.records import TrustState

BLUE, PALE, BROWN, GREY = "#2b6cb0", "#f4f1ea", "#9c4a1a", drawing.GREY
COLOURS = LinearSegmentedColormap.from_list("index", [BLUE, "#a9c6e3", PALE, "#dfb38c", BROWN])
NORM = TwoSlopeNorm(1.0, 0.5, 2.0)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WIDE_IN = 7.2

STYLE = drawing.STYLE | {"svg.fonttype": "path", "font.family": "DejaVu Sans", "font.size": 8.5, "axes.grid": False}
"""As in every plot of ours, in the letters that the PDF has too."""


def city(places: pd.DataFrame, ranked: Sequence[str], outlines: Mapping[str, Any] | None) -> Figure:
    """Where: each camera's index by colour, a cross where it is not known; `ranked` zones have their numbers.

    `places`: zone, lat, lon, index.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDE_IN, 4.6), layout="constrained")
        axes = figure.subplots()
        axes.set_facecolor("#eef1f5")
        for ring in _rings(outlines):
            axes.fill(ring[:, 0], ring[:, 1], facecolor="#e4e8ee", edgecolor="#cbd2dc", linewidth=0.8, zorder=0)
        known = places["index"].notna()
        axes.scatter(
            places["lon"][~known], places["lat"][~known], s=24, marker="x", color=GREY, linewidth=1.2, zorder=2
        )
        axes.scatter(
            places["lon"][known], places["lat"][known], s=70, c=places["index"][known], cmap=COLOURS, norm=NORM,
            edgecolor="#344054", linewidth=0.6, zorder=3,
        )  # fmt: skip
        where = places.drop_duplicates("zone").set_index("zone")
        for rank, zone in enumerate(ranked, start=1):
            if zone in where.index:
                at = tuple(where.loc[zone, ["lon", "lat"]].to_numpy(dtype=float))
                axes.annotate(
                    str(rank), at, xytext=(5, 5), textcoords="offset points", fontweight="bold", fontsize=9, zorder=4
                )
        _fitted(axes, places)
        _bar(figure, axes)
        return figure


def days(totals: pd.DataFrame, timezone: str) -> Figure:
    """Day by day: what was counted over what is usual in the same zones, with its interval; gaps where nothing was."""
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDE_IN, 2.6), layout="constrained")
        axes = figure.subplots()
        axes.axhline(1, color=GREY, linewidth=1)
        _curve(axes, totals, "index", timezone)
        if (totals["state"] == TrustState.PARTIAL.value).any():
            axes.legend(loc="upper left")
        _as_usual(axes)
        return figure


def hours(totals: pd.DataFrame, timezone: str) -> Figure:
    """Hour by hour: how many were counted, with its interval; gaps where nothing was."""
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDE_IN, 2.6), layout="constrained")
        axes = figure.subplots()
        _curve(axes, totals, "counted", timezone)
        axes.set_ylim(bottom=0)
        return figure


def _curve(axes: Axes, totals: pd.DataFrame, name: str, timezone: str) -> None:
    """One figure of `aggregate.totals.TOTAL_COLUMNS` over time with its band; hollow where a part was not counted."""
    middle = (totals["start"] + (totals["end"] - totals["start"]) / 2).dt.tz_convert(timezone).dt.tz_localize(None)
    axes.fill_between(middle, totals[f"{name}_low"], totals[f"{name}_high"], color="#a9c6e3", alpha=0.6, linewidth=0)
    axes.plot(middle, totals[name], color=BLUE, marker="o", markersize=3, linewidth=1.2)
    partial = totals["state"] == TrustState.PARTIAL.value
    axes.plot(
        middle[partial], totals[name][partial], "o", markersize=4.5, markerfacecolor="white", color=BLUE,
        label="not every zone or clip was counted",
    )  # fmt: skip
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.grid(axis="y")


def week(index: Numbers) -> Figure:
    """Hour by hour of the week, [weekday, hour]: the index by colour, grey where nothing is known."""
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDE_IN, 2.5), layout="constrained")
        axes = figure.subplots()
        axes.set_facecolor("#d0d5dd")
        axes.pcolormesh(np.arange(25), np.arange(8), np.ma.masked_invalid(index), cmap=COLOURS, norm=NORM)
        axes.set_yticks(np.arange(7) + 0.5, WEEKDAYS)
        axes.set_xticks(range(0, 25, 3), [f"{hour:02d}:00" for hour in range(0, 25, 3)])
        axes.invert_yaxis()
        _bar(figure, axes)
        return figure


def _bar(figure: Figure, axes: Axes) -> None:
    bar = figure.colorbar(ScalarMappable(NORM, COLOURS), ax=axes, extend="both", shrink=0.9, pad=0.02)
    bar.set_ticks([0.5, 0.75, 1, 1.5, 2], labels=["half", "−25 %", "usual", "+50 %", "double"])
    bar.outline.set_visible(False)


def _as_usual(axes: Axes) -> None:
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda index, _: f"{100 * (index - 1):+.0f} %" if index != 1 else "usual")
    )


def _fitted(axes: Axes, places: pd.DataFrame) -> None:
    """The map holds every camera and a little around them; a degree of longitude is shorter than one of latitude."""
    lat, lon = places["lat"].to_numpy(dtype=float), places["lon"].to_numpy(dtype=float)
    shrink = float(np.cos(np.radians(lat.mean())))
    half = 0.55 * max(np.ptp(lon) * shrink / 1.4, np.ptp(lat), 0.004)
    middle_lon, middle_lat = (lon.min() + lon.max()) / 2, (lat.min() + lat.max()) / 2
    axes.set_xlim(middle_lon - 1.4 * half / shrink, middle_lon + 1.4 * half / shrink)
    axes.set_ylim(middle_lat - half, middle_lat + half)
    axes.set_aspect(1 / shrink)
    axes.set_xticks([])
    axes.set_yticks([])
    for edge in axes.spines.values():
        edge.set_visible(False)


def _rings(outlines: Mapping[str, Any] | None) -> Iterator[Numbers]:
    """The outer rings of the polygons of a FeatureCollection, as arrays [corner, (lon, lat)]."""
    for feature in (outlines or {}).get("features", ()):
        shape = feature.get("geometry") or {}
        corners = shape.get("coordinates") or ()
        kinds: dict[str, Sequence[Any]] = {"Polygon": [corners], "MultiPolygon": corners}
        polygons = kinds.get(str(shape.get("type")), ())
        for polygon in polygons:
            yield np.asarray(polygon[0], dtype=np.float64)[:, :2]
