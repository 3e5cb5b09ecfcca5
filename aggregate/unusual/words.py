"""What is unusual, in sentences that a planner reads: plain British English, every figure with its interval.

31 % more people than usual (90 % interval 12 to 55 % more)
2.3 times as many people as usual (90 % interval 1.8 to 2.9 times)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from aggregate.nouns import NOUNS
from aggregate.tables import Integers, Numbers
from aggregate.unusual.verdicts import ChangeKind, Trend

HOURS_OF = dict.fromkeys(("pedestrian", "cyclist", "people"), "person-hours")
"""What one of them for an hour is called; all others are vehicle-hours."""

WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")

MOST_OF_IT = 0.6
"""The share of an excess that a time of day or a day of the week has to have to be named."""

_TIMES_FROM = 2.0


def figure(value: float) -> str:
    """A number present as one says it: 0.4, 7.3, 48, 1,240."""
    if abs(value) < 10:
        return f"{value:.1f}"
    return f"{value:,.0f}"


def compared(ratio: float, low: float, high: float, series: str) -> str:
    """`31 % more people than usual (90 % interval 12 to 55 % more)`."""
    noun = NOUNS[series]
    if ratio >= _TIMES_FROM:
        return f"{ratio:.1f} times as many {noun} as usual (90 % interval {_span_of_times(low, high)})"
    share = _percent(ratio)
    if share == 0:
        return f"about as many {noun} as usual (90 % interval {span(low, high, 'fewer', 'more')})"
    way = "more" if share > 0 else "fewer"
    return f"{abs(share)} % {way} {noun} than usual (90 % interval {span(low, high, 'fewer', 'more')})"


def changed(ratio: float, low: float, high: float, series: str) -> str:
    """`26 % fewer people than before (90 % interval 19 to 32 % fewer)`."""
    return compared(ratio, low, high, series).replace("than usual", "than before").replace("as usual", "as before")


def span(low: float, high: float, less: str, more: str) -> str:
    """An interval of ratios: `12 to 55 % more`, `8 % fewer to 20 % more`, `19 to 32 % fewer`."""
    least, most = _percent(low), _percent(high)
    if least >= 0:
        return f"{least} to {most} % {more}"
    if most <= 0:
        return f"{-most} to {-least} % {less}"
    return f"{-least} % {less} to {most} % {more}"


def _span_of_times(low: float, high: float) -> str:
    return f"{low:.1f} to {high:.1f} times"


def _percent(ratio: float) -> int:
    return round(100 * (ratio - 1))


def likelihood(p: float) -> str:
    """How often chance alone does it: `chance alone does so less than once in 1,000 times`."""
    if p < 0.001:
        return "chance alone does so less than once in 1,000 times"
    return f"chance alone does so about once in {round(1 / p):,} times"


def local(time: datetime, timezone: str) -> str:
    """A moment as the street's clocks show it: `Sat 14 Nov 2026 17:00`."""
    moment = time.astimezone(ZoneInfo(timezone))
    return f"{moment:%a} {moment.day} {moment:%b %Y %H:%M}"


def day(time: datetime, timezone: str) -> str:
    """A day as the street's clocks have it: `14 November 2026`."""
    moment = time.astimezone(ZoneInfo(timezone))
    return f"{moment.day} {moment:%B %Y}"


def counted(number: int, one: str, many: str) -> str:
    """`1 place`, `12 places`, `no places`."""
    return f"{number:,} {one if number == 1 else many}" if number else f"no {many}"


def when_mostly(excess: Numbers, weekday: Integers, hour: Integers) -> str | None:
    """When most of an excess [hour] was, by local `weekday` (0 Monday) and `hour` (0..23): `mostly 16:00 to 19:00 on
    Saturdays`; None where it is spread over the day and the week.

    Chance may be taken off the excess; NaN is none.
    """
    by_hour, by_day = (
        np.maximum(np.bincount(part, weights=np.nan_to_num(excess), minlength=parts), 0.0)
        for part, parts in ((hour, 24), (weekday, 7))
    )
    if by_hour.sum() == 0 or by_day.sum() == 0:
        return None
    time, days = _time_of_day(by_hour / by_hour.sum()), _days(by_day / by_day.sum())
    if time and days:
        return f"mostly {time} {days}"
    return f"mostly {time or days}" if time or days else None


def _time_of_day(share: Numbers) -> str | None:
    """The shortest stretch of at most six hours, perhaps over midnight, that has most of it."""
    for length in range(1, 7):
        stretches = np.convolve(np.concatenate([share, share[: length - 1]]), np.ones(length), mode="valid")
        begins = int(np.argmax(stretches))
        if stretches[begins] >= MOST_OF_IT:
            return f"{begins:02d}:00 to {(begins + length) % 24:02d}:00"
    return None


def _days(share: Numbers) -> str | None:
    one = int(np.argmax(share))
    if share[one] >= MOST_OF_IT:
        return f"on {WEEKDAYS[one]}"
    weekend = float(share[5:].sum())
    if weekend >= 0.75:
        return "on weekends"
    return "on weekdays" if weekend <= 0.1 else None


def trend(which: Trend, per_week: float, low: float, high: float) -> str:
    """Which way it is going: `Getting busier against usual: 6 % a week (90 % interval 2 to 10 % more).`"""
    if which is Trend.UNKNOWN:
        return "Too few days to say which way it is going."
    interval = f"90 % interval {span(1 + low, 1 + high, 'less', 'more')}"
    if which is Trend.NEITHER:
        return f"Getting neither clearly busier nor quieter ({interval} a week)."
    way = "busier" if which is Trend.WORSE else "quieter"
    return f"Getting {way} against usual by {abs(round(100 * per_week))} % a week ({interval})."


def looked_at(known: int, places: int, found: Sequence[str], one: str, many: str) -> str:
    """What was found among how many places, and of how many nothing can be said."""
    if places == 0:
        return f"No {many} are counted there."
    if known == 0:
        return f"There is no {one} of which it can be said whether it is as usual; {places:,} cannot be judged."
    said = " and ".join(found) or "nothing stands out"
    unknown = places - known
    rest = f"; {unknown:,} more cannot be judged" if unknown else ""
    return f"{said[0].upper()}{said[1:]} among {counted(known, one, many)}{rest}."


def together(series: str, index: float, low: float, high: float) -> str:
    """`Altogether there are 7 % more people than usual (90 % interval 2 to 12 % more).`"""
    return f"Altogether there are {compared(index, low, high, series)}."


def none_of(number: int, one: str, many: str) -> str:
    """`its zone has no figure`, `none of its 3 zones has a figure`."""
    return f"its {one} has no figure" if number == 1 else f"none of its {number} {many} has a figure"


def listed(names: Sequence[str], most: int) -> str:
    """`Park Lane`, `Park Lane and Strand`, `Park Lane, Strand and 3 more`."""
    if len(names) <= most:
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def regions(known: int, places: int, found: Sequence[str]) -> str:
    """`1 region busier than usual among 22 hexagons; 2 more cannot be judged.`"""
    rest = f"; {places - known:,} more cannot be judged" if places > known else ""
    if not found:
        return f"No region is unusual among {counted(known, 'hexagon', 'hexagons')}{rest}."
    first, *others = found
    number, said = first.split(" ", 1)
    many = "region" if number == "1" else "regions"
    return f"{' and '.join([f'{number} {many} {said}', *others])} among {counted(known, 'hexagon', 'hexagons')}{rest}."


def region(share: str, since: str, cameras: Sequence[str], zones: int, p: float) -> str:
    """What a cluster is: how much, since when, where, and how likely by chance."""
    where = f"{listed(list(cameras), most=3)} ({counted(zones, 'zone', 'zones')})"
    return f"{share[0].upper()}{share[1:]} since {since}, at {where}; {likelihood(p)}."


def reasons(
    series: str,
    *,
    hours: int,
    known: int,
    people_hours: tuple[float, float, float],
    mostly: str | None,
    worst: tuple[str, float, float],
    trend: str,
    coverage: float,
) -> str:
    """Why a place is on the list: for how long, when, how many, the worst of it, which way it goes, and how much of the
    period was counted. `people_hours` with its interval; `worst`: when, how many were there, how many are usual."""
    unit = HOURS_OF.get(series, "vehicle-hours")
    total, low, high = people_hours
    when, there, usual = worst
    share = round(100 * hours / known)
    said = [
        f"Above its usual range in {hours:,} of {known:,} hours counted ({share} %)"
        + (f", {mostly}." if mostly else ", at no time of day or week in particular."),
        f"That is about {whole(total)} {unit} more than usual, chance taken off (90 % interval {whole(low)} to "
        f"{whole(high)}).",
        f"Worst on {when}: {figure(there)} {NOUNS[series]} where {figure(usual)} are usual.",
        trend,
    ]
    if coverage < 0.9:
        said.append(f"Only {round(100 * coverage)} % of the hours were counted: there may have been more.")
    return " ".join(said)


def whole(value: float) -> str:
    """A total as one says it, in two figures or three: 8, 46, 310, 1,240."""
    if value >= 1000:
        return f"{round(value, -1):,.0f}"
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def change(share: str, when: str, series: str, *, before: float, after: float, kind: ChangeKind, evidence: str) -> str:
    """What changed, from when on, and whether it looks like the street or the camera."""
    looks = "It looks like the camera" if kind is ChangeKind.CAMERA_DRIFT else "It looks like the street"
    level = f"{figure(before)} {NOUNS[series]} present on average before, {figure(after)} after"
    return f"{share[0].upper()}{share[1:]} from about {when} on: {level}. {looks}: {evidence}."
