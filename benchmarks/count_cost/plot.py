"""Accuracy against cost of every model of an evaluation, as one picture.

    busyness evaluate ../shared/data/labels --references ../shared/data/weights --json > evaluation.json
    python benchmarks/count_cost/plot.py evaluation.json cost.svg

Several evaluations of the same labels may be given before the picture; their models are drawn together. The suffix says
what is drawn: .svg, .png or .pdf. The error is that of the cameras that no model was trained on, where the evaluation
knows them; the cost is what the same run measured, on one thread.
"""

from __future__ import annotations

import sys
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from detect.evaluation import Comparison, Errors, Evaluation

SERIES = ("people", "vehicles")
TARGET_MS = 8.0


def main() -> None:
    *evaluations, picture = [Path(argument) for argument in sys.argv[1:]]
    if not evaluations:
        raise SystemExit(__doc__)
    comparisons = [Comparison.model_validate_json(path.read_bytes()) for path in evaluations]
    draw(comparisons).savefig(picture, bbox_inches="tight", dpi=150)
    print(f"{picture}: {sum(len(one.evaluations) for one in comparisons)} models")


def draw(comparisons: list[Comparison]) -> Figure:
    """Two panels, people and vehicles: error a frame over milliseconds a frame. Down and to the left is better."""
    same = {(one.labels, one.frames) for one in comparisons}
    if len(same) != 1:
        raise SystemExit(f"these are evaluations of different labels, which cannot be compared: {sorted(same)}")
    held_out = all(one.mean_guess_by_training.get("held-out") for one in comparisons)
    models = {evaluation.model: evaluation for one in comparisons for evaluation in one.evaluations}
    figure = Figure(figsize=(11, 5), layout="constrained")
    for series, axes in zip(SERIES, figure.subplots(1, 2), strict=True):
        for index, evaluation in enumerate(models.values()):
            error = getattr(part(evaluation, held_out), series).error
            shape = "o" if evaluation.swept is None else "s"
            name = evaluation.model.partition("@")[0]
            axes.plot(evaluation.ms_per_frame, error, shape, color=f"C{index % 10}", label=name)
        first = comparisons[0]
        guess = first.mean_guess_by_training["held-out"] if held_out else first.mean_guess
        axes.axhline(getattr(guess, series).error, color="0.5", linestyle=":", label="always guessing the mean")
        axes.axvline(TARGET_MS, color="0.8", linestyle="--", label=f"{TARGET_MS:.0f} ms, the target")
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter("{x:g}")
        axes.margins(x=0.15)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("milliseconds a frame, one thread")
        axes.set_ylabel(f"error a frame, {series}")
        axes.grid(visible=True, color="0.93")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    frames = part(next(iter(models.values())), held_out).frames
    where = "cameras never trained on" if held_out else "all cameras"
    figure.suptitle(f"{frames} frames of {where}; squares: box detectors at the thresholds that suit these frames best")
    return figure


def part(evaluation: Evaluation, held_out: bool) -> Errors:
    return evaluation.by_training["held-out"] if held_out else evaluation.overall


if __name__ == "__main__":
    main()
