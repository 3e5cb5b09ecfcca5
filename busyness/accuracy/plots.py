"""The plots of an evaluation's page, each as SVG that stands in HTML: no pyplot, no display, no file.

A colour and a marker belong to a model (Okabe and Ito 2008: told apart by every kind of colour vision), so that no plot
is read by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from aggregate.drawing import COLOURS, GREY, MARKERS, STYLE, svg
from busyness.accuracy.tables import short_names
from detect.evaluation.figures import Comparison, Errors, Evaluation
from detect.evaluation.scoring import GROUPS
from detect.evaluation.side_by_side import HELD_OUT

LIGHT = {"day": ("#e69f00", "o"), "night": ("#0072b2", "s"), "rain": ("#009e73", "^"), "glare": ("#cc79a7", "D")}
TICKS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def scatter(comparison: Comparison, evaluation: Evaluation, key: str) -> str:
    """Counted against labelled, a point a frame; a bar to the right is the uncertain."""
    with rc_context(STYLE | {"svg.hashsalt": key}):
        figure, axes = _two(height_in=4.4)
        lights = sorted({truth.visibility for truth in comparison.truth})
        for axis, (group, slices) in zip(
            axes, {"people": slice(0, 2), "vehicles": slice(2, None)}.items(), strict=True
        ):
            counted = np.array([sum(row[slices]) for row in evaluation.counted])
            labelled, uncertain = (
                np.array([getattr(truth, name) for truth in comparison.truth]) for name in (group, f"uncertain_{group}")
            )
            axis.hlines(counted, labelled, labelled + uncertain, color="#98a2b3", linewidth=1)
            for light in lights:
                of_light = np.array([truth.visibility == light for truth in comparison.truth])
                colour, marker = LIGHT[light]
                axis.plot(
                    labelled[of_light], counted[of_light], marker, color=colour, markersize=5, markeredgecolor="white",
                    markeredgewidth=0.5,
                )  # fmt: skip
            most = max(1.0, float(counted.max()), float((labelled + uncertain).max())) * 1.08
            axis.plot([0, most], [0, most], color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
            for scale, limits, ticks in (
                (axis.set_xscale, axis.set_xlim, axis.set_xticks),
                (axis.set_yscale, axis.set_ylim, axis.set_yticks),
            ):
                scale("function", functions=(_root, np.square))
                limits(0, most)
                shown = [tick for tick in TICKS if tick <= most and (tick != 1 or most < 60)]
                ticks(shown, [str(tick) for tick in shown])
                ticks([], minor=True)
            axis.set(title=group.capitalize(), xlabel="labelled, and with the uncertain", ylabel="counted")
            axis.set_box_aspect(1)
        handles = [
            Line2D([], [], color=LIGHT[light][0], marker=LIGHT[light][1], linestyle="", label=light) for light in lights
        ]
        handles.append(Line2D([], [], color="#98a2b3", label="uncertain"))
        _legend(figure, handles)
        return svg(figure, key)


def dots(comparison: Comparison, split: str, key: str) -> str:
    """The error of every model in each part (`camera` or `lighting`), a row a part."""
    parts_of = {"camera": _by_camera, "lighting": _by_visibility}[split]
    parts = list(parts_of(comparison.evaluations[0]))
    with rc_context(STYLE | {"svg.hashsalt": key}):
        figure, axes = _two(height_in=1.6 + 0.34 * len(parts), share_y=True)
        for axis, group in zip(axes, GROUPS, strict=True):
            for at, evaluation in enumerate(comparison.evaluations):
                errors = [parts_of(evaluation)[part].of(group).error for part in parts]
                shift = _shift(at, len(comparison.evaluations))
                axis.plot(errors, np.arange(len(parts)) + shift, clip_on=False, **_look(at))
            axis.set(title=group.capitalize(), xlabel="error, objects a frame", ylim=(len(parts) - 0.5, -0.5))
            axis.set_xlim(left=0)
            axis.margins(x=0.08)
            axis.set_yticks(
                range(len(parts)),
                [f"{part} ({parts_of(comparison.evaluations[0])[part].frames})" for part in parts],
            )
        _legend(figure, _models(comparison))
        return svg(figure, key)


def sizes(comparison: Comparison, key: str) -> str:
    """What share of the labelled objects of each height was counted: a line from what is found to all that is near."""
    with rc_context(STYLE | {"svg.hashsalt": key}):
        figure, axes = _two(height_in=3.6)
        for axis, group in zip(axes, GROUPS, strict=True):
            heights = list(comparison.evaluations[0].placement.of(group).by_height)
            for at, evaluation in enumerate(comparison.evaluations):
                by_height = evaluation.placement.of(group).by_height
                x = np.arange(len(heights)) + _shift(at, len(comparison.evaluations))
                share, found = (
                    np.array([np.nan if value is None else value for value in values], dtype=np.float64)
                    for values in (
                        [by_height[height].share for height in heights],
                        [by_height[height].found for height in heights],
                    )
                )
                axis.vlines(x, found, share, color=_look(at)["color"], linewidth=1.5)
                axis.plot(x, share, **_look(at))
                axis.plot(x, found, marker="_", linestyle="", color=_look(at)["color"], markersize=8)
            axis.axhline(1, color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
            labelled = [comparison.evaluations[0].placement.of(group).by_height[height].labelled for height in heights]
            names = [f"{height} px\n({count})" for height, count in zip(heights, labelled, strict=True)]
            axis.set_xticks(range(len(heights)), names)
            axis.set(title=group.capitalize(), ylabel="counted of the labelled", xlabel="height (labelled objects)")
            axis.set_ylim(bottom=0)
            axis.set_xlim(-0.5, len(heights) - 0.5)
        _legend(figure, _models(comparison))
        return svg(figure, key)


def cost(comparison: Comparison, key: str) -> str:
    """Error against milliseconds a frame on one thread, on held-out cameras where the cameras of training are known."""
    with rc_context(STYLE | {"svg.hashsalt": key}):
        figure, axes = _two(height_in=3.8)
        times = [max(evaluation.ms_per_frame, 0.01) for evaluation in comparison.evaluations]
        for axis, group in zip(axes, GROUPS, strict=True):
            for at, evaluation in enumerate(comparison.evaluations):
                errors = evaluation.by_training.get(HELD_OUT, evaluation.overall).of(group)
                axis.plot(times[at], errors.error, **(_look(at) | {"markersize": 9}))
            guess = comparison.mean_guess_by_training.get(HELD_OUT, comparison.mean_guess).of(group).error
            axis.axhline(guess, color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
            axis.annotate(
                "always the mean", (1, guess), xycoords=("axes fraction", "data"), xytext=(0, 3),
                textcoords="offset points", ha="right", color=GREY, fontsize=9,
            )  # fmt: skip
            axis.set_xscale("log")
            low, high = min(times) / 1.6, max(times) * 1.6
            axis.set_xlim(low, high)
            shown = [tick for decade in (0.1, 1, 10, 100, 1000) for tick in (decade, 2 * decade, 5 * decade)]
            shown = [tick for tick in shown if low <= tick <= high]
            axis.set_xticks(shown, [f"{tick:g}" for tick in shown])
            axis.set_xticks([], minor=True)
            axis.set(title=group.capitalize(), xlabel="ms a frame, one thread", ylabel="error, objects a frame")
            axis.set_ylim(0, axis.get_ylim()[1] * 1.08)
        _legend(figure, _models(comparison))
        return svg(figure, key)


def _two(height_in: float, *, share_y: bool = False) -> tuple[Figure, Sequence[Axes]]:
    """People on the left, vehicles on the right."""
    figure = Figure(figsize=(9.6, height_in))
    figure.set_layout_engine("constrained", wspace=0.06)
    FigureCanvasSVG(figure)
    return figure, list(figure.subplots(1, 2, sharey=share_y))


def _look(at: int) -> dict[str, Any]:
    return {
        "color": COLOURS[at % len(COLOURS)],
        "marker": MARKERS[at % len(MARKERS)],
        "linestyle": "",
        "markersize": 7,
        "markeredgecolor": "white",
        "markeredgewidth": 0.6,
    }


def _shift(at: int, models: int) -> float:
    """Models stand a little apart, so that equal errors do not hide each other."""
    return 0.0 if models == 1 else 0.56 * (at / (models - 1) - 0.5)


def _models(comparison: Comparison) -> list[Line2D]:
    return [Line2D([], [], label=name, **_look(at)) for at, name in enumerate(short_names(comparison))]


def _legend(figure: Figure, handles: Sequence[Line2D]) -> None:
    figure.legend(handles=list(handles), loc="outside upper left", ncols=min(4, len(handles)), fontsize=9)


def _root(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(np.maximum(value, 0)), dtype=np.float64)


def _by_camera(evaluation: Evaluation) -> dict[str, Errors]:
    return evaluation.by_camera


def _by_visibility(evaluation: Evaluation) -> dict[str, Errors]:
    return evaluation.by_visibility
