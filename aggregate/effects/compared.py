"""A place against its controls, by what chance gives at other places; refused where the weeks before forbid it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, expm1

import numpy as np

from aggregate.effects import matching, placebo, pre_trend
from aggregate.effects.differences import Differences, differences, of_controls, regression
from aggregate.effects.effect import Change, Checks, Course, Effect, EffectState, Levels, Method, Study, ZoneChange
from aggregate.effects.panel import Panel
from aggregate.effects.percent import percent, signed
from aggregate.effects.student import quantile
from aggregate.effects.synthetic_control import synthetic_control
from aggregate.tables import Integers, Mask, Numbers
from core.records import INTERVAL_LEVEL

UNEVEN = 0.25
"""Where the share in counted hours differs more than this before and after, it is said."""


@dataclass(frozen=True)
class Least:
    """The least of a place that can be asked about: weeks with enough counted `before` and `after`; how many were
    `present` on average over the usual week (of fewer, a week of clips holds too few for a share).
    """

    before: int
    after: int
    present: float


LEAST_PLACE = Least(before=4, after=2, present=0.1)


@dataclass(frozen=True, eq=False)
class Case:
    """A study and what was made of it: `ours` is the one unit of all treated zones, `weights` [unit, zone] those of its
    controls, `found` the differences.
    """

    study: Study
    panel: Panel
    ours: Panel
    weights: Numbers
    found: Differences

    def names(self, rows: Integers) -> tuple[str, ...]:
        """Of the zones of these rows."""
        return tuple(self.study.history.zones[row] for row in rows)


@dataclass(frozen=True, eq=False)
class Placebos:
    """The places where nothing was done, so many zones each, and chance as their changes show it."""

    found: Differences
    chance: placebo.Chance
    group_size: int


def placebos(case: Case) -> Placebos | None:
    """The candidates as if each were treated; None where they are too few to tell."""
    study, panel = case.study, case.panel
    pool = study.candidates & _enough(panel)
    size = placebo.size_of_groups(int(study.treated.sum()), int(pool.sum()))
    groups = placebo.places(panel, case.ours, pool, study.where, size)
    if not len(groups):
        return None
    others = panel.together(groups)
    theirs = matching.controls(others, panel, placebo.allowed(groups, pool, study.camera))
    controlled = np.flatnonzero(theirs.any(axis=1))
    elsewhere = differences(others.level, of_controls(panel.level, theirs), panel.after).take(controlled)
    chance = placebo.chance_of(elsewhere.ratio, size)
    return None if chance is None else Placebos(elsewhere, chance, size)


def compared(known: Effect, case: Case, elsewhere: Placebos) -> Effect:
    """The answer."""
    after, found, chance = case.panel.after, case.found, elsewhere.chance
    checks = _checks(case, elsewhere)
    checked = replace(
        known,
        method=Method.DIFFERENCE_IN_DIFFERENCES,
        controls=case.names(np.flatnonzero(case.weights[0])),
        checks=checks,
        course=_course(case, chance),
    )
    reason = _broken(checks)
    if reason is not None:
        return replace(checked, state=EffectState.REFUSED, reason=reason)
    plain = _change(found, 0, chance)
    trend = checks.trend
    change = _widened(plain, found, trend, chance) if trend is not None and trend.doubtful else plain
    return replace(
        checked,
        change=change,
        levels=_levels(case, plain, after),
        zones=_each(case, chance),
        warnings=_warnings(checked, change),
    )


def _enough(panel: Panel) -> Mask:
    """The zones that could be asked about themselves: placebos are asked on the same terms."""
    known = ~np.isnan(panel.level)
    before, later = known[:, ~panel.after].sum(axis=1), known[:, panel.after].sum(axis=1)
    present = np.nan_to_num(panel.present)
    enough: Mask = (
        (before >= LEAST_PLACE.before) & (later >= LEAST_PLACE.after) & (present >= LEAST_PLACE.present)
    )  # fmt: skip
    return enough


def _checks(case: Case, elsewhere: Placebos) -> Checks:
    panel, found = case.panel, case.found
    controls = np.flatnonzero(case.weights[0])
    level = panel.level[controls]
    pooled = np.concatenate([case.ours.level, level])
    fitted = regression(pooled, np.arange(len(pooled)) == 0, panel.after)
    second = synthetic_control(case.ours.level[0], level, panel.after)
    return Checks(
        trend=pre_trend.trend(
            found.path[0], elsewhere.found.path, panel.calendar.number, panel.after, elsewhere.group_size
        ),
        placebo_places=len(elsewhere.chance.ratios),
        placebo_share=elsewhere.chance.share_beyond(float(found.ratio[0])),
        placebo_in_time=_in_time(case, elsewhere),
        clustered_error=None if fitted is None else fitted.by_both,
        synthetic_change=None if second is None else expm1(second.change),
        synthetic_fit_error=None if second is None else second.fit_error,
    )


def _in_time(case: Case, elsewhere: Placebos) -> Change | None:
    """What the method finds in the last third of the weeks before."""
    before = ~case.panel.after
    earlier = placebo.in_time(case.found, before)
    chance = placebo.chance_of(placebo.in_time(elsewhere.found, before).ratio, elsewhere.group_size)
    return None if chance is None or np.isnan(earlier.ratio[0]) else _change(earlier, 0, chance)


def _change(found: Differences, row: int, chance: placebo.Chance) -> Change:
    error = float(found.noise[row] * found.reach[row])
    p_value = chance.p_value(float(found.ratio[row]))
    return Change.of(float(found.change[row]), error * chance.reach(INTERVAL_LEVEL), p_value)


def _widened(change: Change, found: Differences, trend: pre_trend.Trend, chance: placebo.Chance) -> Change:
    """With an interval that holds the change less what the trend before it would feign, too."""
    error = float(found.noise[0] * found.reach[0])
    less = change.logarithm - trend.feigned
    other = Change.of(less, error * chance.reach(INTERVAL_LEVEL), chance.p_value(less / error))
    return Change(
        change.change, min(change.low, other.low), max(change.high, other.high), max(change.p_value, other.p_value)
    )


def _broken(checks: Checks) -> str | None:
    """Why what was before forbids an answer; None where it does not."""
    trend, in_time = checks.trend, checks.placebo_in_time
    if trend is not None and trend.broken:
        way = "more" if trend.slope > 0 else "less"
        return (
            f"it was already going another way than similar zones before: each week {percent(expm1(trend.slope))} "
            f"{way} than they, which alone would look like a change of {signed(trend.feigned_change)}"
        )
    if in_time is not None and in_time.p_value < pre_trend.REFUSED_BELOW and abs(in_time.logarithm) > pre_trend.LARGE:
        return (
            "something had changed before it began: in the last third of the weeks before it was already "
            f"{signed(in_time.change)} against similar zones"
        )
    return None


def _levels(case: Case, change: Change, after: Mask) -> Levels:
    level, usual = case.ours.level[0], float(case.ours.present[0])
    expected = of_controls(case.panel.level, case.weights)[0]
    both = ~np.isnan(level) & ~np.isnan(expected)
    before, later = float(np.mean(level[both & ~after])), float(np.mean(level[both & after]))
    controls = float(np.mean(expected[both & after]) - np.mean(expected[both & ~after]))
    return Levels(usual * exp(before), usual * exp(later), usual * exp(later - change.logarithm), expm1(controls))


def _course(case: Case, chance: placebo.Chance) -> Course:
    panel, found, level = case.panel, case.found, case.ours.level[0]
    before = ~panel.after & ~np.isnan(found.path[0])
    origin = float(np.mean(level[before]))
    expected = of_controls(panel.level, case.weights)[0]
    would = expected + float(np.mean(found.path[0][before])) - origin
    band = float(found.noise[0]) * quantile(INTERVAL_LEVEL, chance.freedom)
    return Course(
        panel.calendar.begins, panel.calendar.number, np.exp(level - origin), np.exp(would), np.exp(would - band),
        np.exp(would + band),
    )  # fmt: skip


def _each(case: Case, chance: placebo.Chance) -> tuple[ZoneChange, ...]:
    """Each zone of several by itself, against controls of its own."""
    study, panel = case.study, case.panel
    rows = np.flatnonzero(study.treated)
    if len(rows) < 2:
        return ()
    weights = matching.controls(panel.take(rows), panel, np.tile(study.candidates, (len(rows), 1)))
    found = differences(panel.level[rows], of_controls(panel.level, weights), panel.after)
    enough = _enough(panel)[rows]
    told = []
    for at, name in enumerate(case.names(rows)):
        if not enough[at]:
            told.append(ZoneChange(name, None, "too few weeks with enough counted, or too little to see"))
        elif np.isnan(found.ratio[at]):
            told.append(ZoneChange(name, None, "too few similar zones"))
        else:
            told.append(ZoneChange(name, _change(found, at, chance)))
    return tuple(told)


def _warnings(known: Effect, change: Change) -> tuple[str, ...]:
    told = []
    trend, second = known.checks.trend, known.checks.synthetic_change
    if trend is not None and trend.doubtful:
        told.append(
            "it may have been going another way already before; the trend alone would look like "
            f"{signed(trend.feigned_change)}, and the interval is wide enough for that"
        )
    if second is not None and not change.low <= second <= change.high:
        told.append(f"a mixture of the same controls (synthetic control) says {signed(second)}, outside the interval")
    if known.coverage is not None and abs(known.coverage[0] - known.coverage[1]) > UNEVEN:
        told.append(
            f"{percent(known.coverage[0])} of the usual was in counted hours before and {percent(known.coverage[1])} "
            "after: if hours were lost because of what happened in them, the figure leans"
        )
    return tuple(told)
