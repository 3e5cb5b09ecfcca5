"""A place against its own past, where nothing can be compared with it."""

from __future__ import annotations

from dataclasses import replace
from math import exp

import numpy as np

from aggregate.effects.effect import Change, Course, Effect, EffectState, Levels, Method
from aggregate.effects.interrupted import LEAST_AFTER, LEAST_BEFORE, Interruption, interruption
from aggregate.effects.panel import Panel
from aggregate.effects.student import beyond, quantile
from core.records import INTERVAL_LEVEL

CARE = "whatever else changed in the city from that week on is in this figure"


def alone(known: Effect, ours: Panel, why: str) -> Effect:
    """The answer for the one unit of `ours`, or the refusal; `why` says why it has no controls."""
    level, after = ours.level[0], ours.after
    found = interruption(level, ours.calendar.number, after)
    if found is None:
        return replace(
            known, state=EffectState.REFUSED,
            reason=f"{why}; against its own past alone, {LEAST_BEFORE} weeks before and {LEAST_AFTER} after are "
            f"needed, and there are {known.weeks_before} and {known.weeks_after}",
        )  # fmt: skip
    usual = float(ours.present[0])
    counted = ~np.isnan(level)
    return replace(
        known,
        state=EffectState.UNCONTROLLED,
        reason=why,
        method=Method.INTERRUPTED_TIME_SERIES,
        change=Change.of(
            found.change,
            found.error * quantile(INTERVAL_LEVEL, found.freedom),
            beyond(found.change / max(found.error, 1e-12), found.freedom),
        ),
        levels=Levels(
            before=usual * exp(np.mean(level[counted & ~after])),
            after=usual * exp(np.mean(level[counted & after])),
            without=usual * exp(np.mean(found.expected[counted & after])),
            controls_change=None,
        ),
        warnings=(CARE,),
        course=_course(ours, found),
    )


def _course(ours: Panel, found: Interruption) -> Course:
    level, after = ours.level[0], ours.after
    rest = level - found.expected - found.change * after
    band = float(np.sqrt(np.nansum(rest**2) / found.freedom)) * quantile(INTERVAL_LEVEL, found.freedom)
    would = found.expected - float(np.nanmean(level[~after]))
    return Course(
        ours.calendar.begins, ours.calendar.number, np.exp(level - float(np.nanmean(level[~after]))), np.exp(would),
        np.exp(would - band), np.exp(would + band),
    )  # fmt: skip
