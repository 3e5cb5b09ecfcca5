"""What days of a kind of their own are, in terms of others: a public holiday so many times a Sunday, an eve, a bridge
or a day of the school holidays so many times its own weekday.

Each is a median over the days of the kind that were seen, by zone and hour, drawn towards that of all zones as far as
those days were few; and that of all zones towards 1, for one day of a city is one day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aggregate.tables import Integers, Mask
from aggregate.usual.calendar import BRIDGE, EVE, PUBLIC_HOLIDAY, SATURDAY, SCHOOL_HOLIDAY, SUNDAY
from aggregate.usual.days import HOURS, WEEK, Roots
from aggregate.usual.quantiles import median

Kinds = NDArray[np.uint8]

SHARED_DAYS = 2.0
"""So many days of all zones count beside a zone's own; and one ordinary day beside those of all zones."""

LEAST, MOST = 0.2, 3.0
"""Ratios are kept within these, on the root scale: from a twenty-fifth to nine times."""


@dataclass(frozen=True, eq=False)
class Effects:
    """Ratios on the root scale: `holiday` to a Sunday, `eve`, `bridge` to their weekday, [zone, hour]; `school` to its
    weekday, [zone, 2, hour]: working days, weekends."""

    holiday: Roots
    eve: Roots
    bridge: Roots
    school: Roots

    @classmethod
    def none(cls, zones: int) -> Effects:
        """Every day is like the others of its weekday, holidays are like Sundays."""
        one = np.ones((zones, HOURS), dtype=np.float32)
        return cls(one, one, one, np.ones((zones, 2, HOURS), dtype=np.float32))

    def of(self, kind: int, weekend: bool) -> Roots:
        """[zone, hour]: how many times its weekday a day of this kind is that is no public holiday."""
        factor = np.ones_like(self.holiday)
        if kind & BRIDGE:
            factor = factor * self.bridge
        elif kind & EVE:
            factor = factor * self.eve
        if kind & SCHOOL_HOLIDAY:
            factor = factor * self.school[:, int(weekend)]
        return factor

    def by_day(self, kinds: Kinds, weekday: Integers) -> Iterator[tuple[int, Roots]]:
        """The days of a kind of their own that are no public holidays, each with its factor [zone, hour]."""
        for day in np.flatnonzero((kinds > 0) & ((kinds & PUBLIC_HOLIDAY) == 0)):
            yield int(day), self.of(int(kinds[day]), bool(weekday[day] >= SATURDAY))


def sundays(days: int, first_weekday: int) -> Integers:
    """Of each day of whole weeks that begin on a weekday, the Sunday of the same week."""
    return np.arange(days) // WEEK * WEEK + (SUNDAY - first_weekday) % WEEK


def effects_of(root: Roots, reference: Roots, kinds: Kinds, weekday: Integers) -> Effects:
    """From `root` and what its days would be as ordinary ones, `reference`: both [zone, day, hour], whole weeks."""
    if not kinds.any():
        return Effects.none(len(root))
    public = (kinds & PUBLIC_HOLIDAY) > 0
    bridge = ((kinds & BRIDGE) > 0) & ~public
    eve = ((kinds & EVE) > 0) & ~public & ~bridge
    school = ((kinds & SCHOOL_HOLIDAY) > 0) & ~public & ~bridge & ~eve
    weekend = weekday >= SATURDAY
    sunday = reference[:, sundays(len(kinds), int(weekday[0]))]
    return Effects(
        holiday=_ratio(root, sunday, public),
        eve=_ratio(root, reference, eve),
        bridge=_ratio(root, reference, bridge),
        school=np.stack([_ratio(root, reference, school & (weekend == late)) for late in (False, True)], axis=1),
    )


def _ratio(root: Roots, reference: Roots, days: Mask) -> Roots:
    """[zone, hour]: root / reference over these days; 1 where there were none."""
    if not days.any():
        return np.ones((len(root), HOURS), dtype=np.float32)
    ratio = root[:, days] / np.maximum(reference[:, days], np.float32(0.1))
    seen = np.isfinite(ratio)
    own, number = np.nan_to_num(median(ratio, 1), nan=1.0), seen.sum(axis=1)
    city = np.nan_to_num(median(np.where(number > 0, own, np.nan), 0), nan=1.0)
    city_days = seen.any(axis=0).sum(axis=0)
    city = 1 + (city - 1) * city_days / (city_days + 1)
    shrunk = (number * own + SHARED_DAYS * city) / (number + SHARED_DAYS)
    return np.asarray(np.clip(shrunk, LEAST, MOST), dtype=np.float32)
