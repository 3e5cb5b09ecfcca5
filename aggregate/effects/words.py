"""The answer as a planner reads it: what changed, how sure that is, and what it rests on."""

from __future__ import annotations

from math import expm1

from aggregate.effects.effect import Change, Checks, Effect, EffectState, Levels
from aggregate.effects.percent import change_in_words, interval_in_words, percent, signed
from aggregate.effects.pre_trend import Trend
from aggregate.nouns import NOUNS
from core.records import INTERVAL_LEVEL

"""What is counted, in the plural; `people` and `vehicles` are so already."""

INTERVAL = f"{INTERVAL_LEVEL * 100:.0f} % interval"


def headline(effect: Effect) -> str:
    """One sentence: the change with its interval, or why there is none."""
    if effect.change is None:
        return f"No answer: {effect.reason}."
    return f"{_capital(_found(effect.change, NOUNS[effect.series]))}."


def sentences(effect: Effect) -> tuple[str, ...]:
    """The headline, then what it rests on and what was checked, each in a sentence."""
    told = [headline(effect)]
    if effect.change is None or effect.levels is None:
        return (*told, *_before_it(effect.checks))
    told.append(_levels(effect.levels))
    told.append(_compared(effect, effect.levels))
    told.append(_chance(effect.change, effect.checks))
    told += _before_it(effect.checks)
    if effect.checks.synthetic_change is not None:
        told.append(
            f"A second method, a mixture of those zones that went as this place did before (synthetic control), gives "
            f"{change_in_words(effect.checks.synthetic_change)}."
        )
    told += [f"Take care: {warning}." for warning in effect.warnings]
    return tuple(told)


def _found(change: Change, noun: str) -> str:
    size = f"{percent(change.change)} {'fewer' if change.change < 0 else 'more'} {noun}"
    interval = f"{INTERVAL} {interval_in_words(change.low, change.high)}"
    if change.told:
        return f"{size} than there would have been without it ({interval})"
    if change.low > 0 or change.high < 0:
        return f"perhaps {size} than there would have been without it ({interval}), but it may still be chance"
    return f"no change that chance could not explain: the best estimate is {size}, {interval}"


def _levels(levels: Levels) -> str:
    return (
        f"On average {_count(levels.after)} were present at a time, where {_count(levels.without)} were to be "
        f"expected; before it {_count(levels.before)} were."
    )


def _compared(effect: Effect, levels: Levels) -> str:
    before, after = _weeks(effect.weeks_before), _weeks(effect.weeks_after)
    if effect.state is EffectState.UNCONTROLLED or levels.controls_change is None:
        return (
            f"Compared with its own past alone ({before} before it, {after} after), because {effect.reason}: this "
            "cannot tell the change in the street from anything else that changed in the city in that week, so take it "
            "as a hint."
        )
    return (
        f"Compared with {len(effect.controls)} zones that were most like it before and where nothing was done, over "
        f"{before} before it and {after} after; these changed by {signed(levels.controls_change)} meanwhile."
    )


def _chance(change: Change, checks: Checks) -> str:
    often = _often(change.p_value)
    if not checks.placebo_places:
        return f"Chance alone gives a change of this size {often}."
    return (
        f"Chance alone gives a change of this size {often}, going by {checks.placebo_places} other places where "
        "nothing was done and the same was asked."
    )


def _before_it(checks: Checks) -> list[str]:
    told = []
    if checks.trend is not None:
        two_errors = 1.645 * checks.trend.feigned_error
        told.append(
            f"Before it, place and similar zones went {_ways(checks.trend)}: continued, the trend "
            f"between them would come to {signed(checks.trend.feigned_change)}, give or take "
            f"{percent(expm1(abs(two_errors)))}."
        )
    if checks.placebo_in_time is not None:
        told.append(
            "Asked of the last third of the weeks before, when nothing was done yet, the same method finds "
            f"{signed(checks.placebo_in_time.change)} ({INTERVAL} {signed(checks.placebo_in_time.low)} to "
            f"{signed(checks.placebo_in_time.high)})."
        )
    return told


def _ways(trend: Trend) -> str:
    if trend.broken:
        return "different ways"
    return "perhaps different ways" if trend.doubtful else "the same way as far as can be told"


def _often(p_value: float) -> str:
    if p_value < 0.001:
        return "in fewer than 1 of 1,000 cases"
    if p_value < 0.0095:
        return f"in {p_value * 1000:.0f} of 1,000 cases"
    return f"in {p_value * 100:.0f} of 100 cases"


def _count(present: float) -> str:
    return f"{present:.0f}" if present >= 99.5 else f"{present:.2g}"


def _weeks(count: int) -> str:
    return "1 week" if count == 1 else f"{count} weeks"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
