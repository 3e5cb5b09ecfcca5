"""The answer as a picture: SVG, no pyplot, no display, no file; nothing of any camera's pictures is in it.

Above, week by week, what was counted and what was to be expected from the controls, 100 being the mean of the weeks
before; below, how far the one was from the other, with the change and its interval. Told apart by line, marker and
words and not by colour alone (Okabe & Ito 2008).
"""

from __future__ import annotations

import io
import textwrap

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from aggregate import drawing
from aggregate.effects.effect import Change, Course, Effect, EffectState
from aggregate.effects.percent import interval_in_words
from aggregate.effects.words import INTERVAL, headline
from aggregate.nouns import NOUNS
from core.interventions import Intervention

BLUE, ORANGE, GREY = drawing.COLOURS[0], drawing.COLOURS[1], drawing.GREY
WIDE_IN, HIGH_IN = 8.0, 5.2
LETTERS_A_LINE = 96

STYLE = drawing.STYLE | {"axes.grid.axis": "y", "axes.titleweight": "normal", "axes.titlelocation": "center"}


def svg(effect: Effect, intervention: Intervention) -> str:
    """The picture of one effect as SVG."""
    with rc_context(STYLE | {"svg.hashsalt": f"{intervention.id}/{effect.series}"}):
        return _text(drawn(effect, intervention))


def drawn(effect: Effect, intervention: Intervention) -> Figure:
    """The picture of one effect. Of one that was refused without a course of weeks, the reason in words."""
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDE_IN, HIGH_IN), layout="constrained")
        figure.suptitle(f"{intervention.name}: {NOUNS[effect.series]}", x=0.01, ha="left", weight="bold")
        if effect.course is None or not len(effect.course.begins):
            figure.text(0.01, 0.5, _wrapped(headline(effect)), va="center")
        else:
            above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
            _weeks(above, effect, effect.course)
            _difference(below, effect, effect.course)
            for axes in (above, below):
                _interruption(axes, intervention, effect.course)
        return figure


def _weeks(axes: Axes, effect: Effect, course: Course) -> None:
    middle = course.begins.astype("datetime64[h]") + np.timedelta64(84, "h")
    controlled = effect.state is not EffectState.UNCONTROLLED and effect.controls
    axes.fill_between(
        middle, 100 * course.low, 100 * course.high, color=GREY, alpha=0.18, linewidth=0,
        label="9 of 10 weeks by chance",
    )  # fmt: skip
    axes.plot(
        middle, 100 * course.expected, color=GREY, linestyle=(0, (4, 2)),
        label=f"expected from {len(effect.controls)} similar zones" if controlled else "expected from its own past",
    )  # fmt: skip
    axes.plot(middle, 100 * course.observed, color=BLUE, marker="o", markersize=4, label="counted")
    axes.set_ylabel("weeks before = 100")
    axes.set_title(_wrapped(headline(effect)), loc="left", fontsize=10)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=3, fontsize=9)


def _difference(axes: Axes, effect: Effect, course: Course) -> None:
    middle = course.begins.astype("datetime64[h]") + np.timedelta64(84, "h")
    apart = 100 * (course.observed / course.expected - 1)
    axes.axhline(0, color=GREY, linewidth=1)
    axes.vlines(middle, 0, apart, color=BLUE, linewidth=1)
    axes.plot(middle, apart, color=BLUE, marker="o", markersize=4, linestyle="none")
    axes.set_ylabel("difference, %")
    axes.xaxis.set_major_formatter(ConciseDateFormatter(AutoDateLocator()))  # type: ignore[no-untyped-call]
    if effect.change is not None:
        _change(axes, effect.change, course)


def _change(axes: Axes, change: Change, course: Course) -> None:
    after = course.begins[course.number >= 0]
    edges = after[0].astype("datetime64[h]"), (after[-1] + np.timedelta64(7, "D")).astype("datetime64[h]")
    axes.fill_between(edges, 100 * change.low, 100 * change.high, color=ORANGE, alpha=0.22, linewidth=0)
    axes.plot(edges, [100 * change.change] * 2, color=ORANGE, linewidth=2)
    axes.set_title(
        f"change (thick line) and {INTERVAL}: {interval_in_words(change.low, change.high)}", loc="left", fontsize=9,
        color=ORANGE,
    )  # fmt: skip


def _interruption(axes: Axes, intervention: Intervention, course: Course) -> None:
    begin = np.datetime64(intervention.start.replace(tzinfo=None), "h")
    works = np.datetime64(intervention.before_until.replace(tzinfo=None), "h")
    if works < begin:
        axes.axvspan(works, begin, color=drawing.PALE, linewidth=0, zorder=0)  # type: ignore[arg-type]
    axes.axvline(begin, color="black", linewidth=1)  # type: ignore[arg-type]
    if intervention.end is not None and np.datetime64(intervention.end.replace(tzinfo=None), "h") < (
        course.begins[-1] + np.timedelta64(7, "D")
    ).astype("datetime64[h]"):
        end = np.datetime64(intervention.end.replace(tzinfo=None), "h")
        axes.axvline(end, color="black", linewidth=1, linestyle=":")  # type: ignore[arg-type]


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, LETTERS_A_LINE))


def _text(figure: Figure) -> str:
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return stream.getvalue()
