"""The page of a backtest: one file with everything in it, that asks nothing of any network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from aggregate.backtest.backtest import Horizon
from aggregate.backtest.comparing import Comparison
from busyness.accuracy.elements import figure, folded, table_of
from busyness.forecasts import plots, tables

CSS = Path(__file__).parents[1] / "accuracy" / "page.css"


def page_of(comparison: Comparison, what: str, notes: Sequence[str]) -> str:
    """The whole page as HTML; `what` says what was forecast, `notes` what of it was not taken as it stood."""
    listed = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return "".join((
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>Forecasts, held out</title>\n',
        f"<style>\n{CSS.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n<main>\n",
        f'<header>\n<h1>How far are forecasts off?</h1>\n<p class="lead">{escape(headline(comparison))}</p>\n',
        f'<p class="note">{escape(what)}</p>\n</header>\n',
        table_of(tables.against(comparison)),
        figure(
            plots.errors(comparison, "errors"),
            "Mean absolute error of each forecaster at each horizon, in terms of the first reference.",
            "Left is better. The next table has the numbers.",
        ),
        table_of(tables.summary(comparison)),
        figure(
            plots.coverage(comparison, "coverage"),
            "Share of held-out hours within the 90 % interval, by hour of the day and by how busy it should be.",
            "An interval that says 90 % should hold the count in 90 of 100 hours, by night and by day, in quiet "
            "hours and in busy ones. Shaded: 87 to 93 %.",
        ),
        figure(
            plots.week(comparison, "week"),
            "A held-out week of one sensor: what was counted, what was forecast, and the 90 % interval.",
            "The sensor whose error, in terms of its mean, is in the middle of all.",
        ),
        figure(
            plots.sensors(comparison, "sensors"),
            "The error in terms of each reference's, a mark a sensor.",
            "Left of the dashed line the forecast is better for that sensor.",
        ) if len(comparison.trials) > 1 else "",
        folded(tables.by_sensor(comparison)),
        f"<h2>What was not taken as it stood</h2>\n<ul>{listed or '<li>nothing</li>'}</ul>\n",
        "</main>\n</body>\n</html>\n",
    ))  # fmt: skip


def headline(comparison: Comparison) -> str:
    """What was found, in a sentence."""
    ours, horizon = comparison.trials[0].forecaster, Horizon.DAY_AHEAD
    score = comparison.scores.score(ours, horizon)
    text = (
        f"A day ahead, {ours} is off by {tables.number(score.mae)} an hour"
        f" (of {tables.number(_mean(comparison))} counted on average)"
    )
    for one in comparison.scores.against:
        if one.horizon == horizon:
            change = one.ratio - 1
            text += f", {100 * abs(change):.0f} % {'less' if change < 0 else 'more'} than {one.reference}"
    if score.coverage is not None:
        text += f"; the count lies in its 90 % interval in {tables.share(score.coverage)} of the hours"
    return f"{text}."


def _mean(comparison: Comparison) -> float:
    of = [one for one in comparison.scores.sensors if one.horizon == Horizon.DAY_AHEAD]
    return sum(one.mean * one.points for one in of) / max(1, sum(one.points for one in of))
