"""The strip and the curve of every camera: what was decided, what a person saw, and the similarity as evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter
from matplotlib.figure import Figure

from core.records import Status
from detect.view_match import KNOWN
from watched_days.deciding import CARD, STREET, Decided, Period

COLOURS = {STREET: "#0072b2", "house": "#d55e00", "close-up": "#cc79a7", CARD: "#98a2b3"}
DECIDED = {Status.OK: "#0072b2", Status.MOVED_VIEW: "#d55e00", Status.FROZEN: "#f0c419", Status.PLACEHOLDER: "#98a2b3"}


def draw(days: Mapping[str, Sequence[Decided]], periods: Sequence[Period], path: Path) -> None:
    figure = Figure(figsize=(13, 2.6 * len(days) + 0.6), layout="constrained")
    panels = figure.subplots(len(days), 1, squeeze=False)[:, 0]
    for axes, (camera, those) in zip(panels, days.items(), strict=True):
        panel(axes, camera, those, [period for period in periods if period.camera == camera])
    figure.suptitle("Similarity to the known view; strips: decided (above) and seen by a person (below)", fontsize=10)
    figure.savefig(path, dpi=110)


def panel(axes: Axes, camera: str, those: Sequence[Decided], periods: Sequence[Period]) -> None:
    times = [one.clip.event_time for one in those]
    ends = [*times[1:], times[-1] + (times[-1] - times[-2])]
    for one, begin, end in zip(those, times, ends, strict=True):
        axes.axvspan(begin, end, 0.12, 0.2, color=DECIDED.get(one.status, "black"), linewidth=0)
    for period in periods:
        after = next((time for time in times if time > period.end), ends[-1])
        axes.axvspan(period.begin, after, 0.02, 0.1, color=COLOURS[period.view], linewidth=0)
        if period.view not in (STREET, CARD):
            axes.text(period.begin, -0.31, period.view, fontsize=7)
    curve = [np.nan if one.known is None else one.known for one in those]
    axes.plot(times, curve, ".-", color="#344054", markersize=3, linewidth=0.8, label="similarity")
    axes.plot(
        times, [abs(one.shift_px) / 100 for one in those], ":", color="#009e73", label="shifted sideways, in 100 px"
    )
    axes.axhline(KNOWN, color="#d55e00", linewidth=0.8, label="least that is known")
    axes.set_ylim(-0.4, 1.05)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.set_xlim(times[0], ends[-1])
    axes.xaxis.set_major_formatter(DateFormatter("%H"))
    axes.set_title(camera, loc="left", fontweight="bold", fontsize=10)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), fontsize=7, frameon=False, ncols=3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
