"""Did it work: from a history of hours to one answer, or to the reason why there is none.

history --> weeks (panel) --> controls (matching) --> differences --+--> interval by chance (placebo)
                                                                    +--> refused where the trend before is broken
               no controls --> interrupted time series              +--> checks: regression, synthetic control
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aggregate.effects import matching
from aggregate.effects.alone import alone
from aggregate.effects.compared import LEAST_PLACE, Case, compared, placebos
from aggregate.effects.differences import differences, of_controls
from aggregate.effects.effect import Effect, EffectState, Study
from aggregate.effects.panel import DAYS, Panel, Timing, build
from aggregate.effects.placebo import LEAST_PLACES
from aggregate.tables import Mask, Numbers


def measure(study: Study) -> Effect:
    """What the intervention changed. No data makes it raise: what cannot be told is refused with a reason."""
    series = study.history.series
    if not study.treated.any():
        return Effect(series, EffectState.REFUSED, "none of its zones is known here")
    if study.timing.end <= study.timing.start:
        return Effect(series, EffectState.REFUSED, "it has not begun: nothing is stored from after its start")
    panel = build(study.history, study.timing, study.off_days)
    ours = panel.together(study.treated[None, :])
    known = _known(series, ours, panel.after, study.timing)
    if known.reason is not None:
        return known
    weights = matching.controls(ours, panel, study.candidates[None, :])
    case = Case(study, panel, ours, weights, differences(ours.level, of_controls(panel.level, weights), panel.after))
    elsewhere = placebos(case)
    if not weights.any() or elsewhere is None or np.isnan(case.found.ratio[0]):
        return alone(known, ours, _why_alone(study, weights))
    return compared(known, case, elsewhere)


def _known(series: str, ours: Panel, after: Mask, timing: Timing) -> Effect:
    """How much is known of the place itself, and the reason where it is too little."""
    known = ~np.isnan(ours.level[0])
    before, later = int((known & ~after).sum()), int((known & after).sum())
    coverage = ours.coverage[0]
    told = Effect(
        series, EffectState.MEASURED, weeks_before=before, weeks_after=later,
        coverage=(_mean(coverage[~after]), _mean(coverage[after])),
    )  # fmt: skip
    reason = _too_little(ours, after, known, timing)
    return told if reason is None else replace(told, state=EffectState.REFUSED, reason=reason)


def _too_little(ours: Panel, after: Mask, known: Mask, timing: Timing) -> str | None:
    least, present = LEAST_PLACE, float(ours.present[0])
    before, later = int((known & ~after).sum()), int((known & after).sum())
    if before < least.before:
        return (
            f"too little is stored from before: {_weeks(before)} of {int((~after).sum())} with at least half of the "
            f"usual in counted hours, and at least {least.before} are needed"
        )
    days = int((timing.end - timing.start) / np.timedelta64(1, "D"))
    if later < least.after and days < least.after * DAYS:
        since = f"it lasted {days} days" if timing.ended else f"it is too early: it began {days} days ago"
        return f"{since}, and {least.after} whole weeks ({least.after * DAYS} days) are needed"
    if later < least.after:
        return (
            f"too little was counted since: {_weeks(later)} of {int(after.sum())} with at least half of the usual in "
            f"counted hours, and at least {least.after} are needed"
        )
    if not present >= least.present:
        return (
            f"there was too little to see: on average {present:.2g} present before, and below {least.present:g} a "
            "share of them is chance"
        )
    return None


def _why_alone(study: Study, weights: Numbers) -> str:
    candidates = int(study.candidates.sum())
    if candidates < matching.LEAST_CONTROLS:
        others = {0: "there is no other zone", 1: "there is 1 other zone"}.get(
            candidates, f"there are {candidates} others"
        )
        return f"{others} to compare with, and {matching.LEAST_CONTROLS} are needed"
    if not weights.any():
        return f"of {candidates} other zones fewer than {matching.LEAST_CONTROLS} were like it before"
    return f"of {candidates} other zones fewer than {LEAST_PLACES} have controls of their own, to learn chance from"


def _mean(values: Numbers) -> float:
    return float(values.mean()) if len(values) else 0.0


def _weeks(count: int) -> str:
    return "1 week" if count == 1 else f"{count} weeks"
