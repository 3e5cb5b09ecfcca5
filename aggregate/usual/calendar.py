"""Which days are not like the others of their weekday: public holidays, the days around them, school holidays.

    Thu     Fri      Sat Sun  Mon            24 Dec  25 26  27 28 29 30 31  1 Jan
    holiday bridge   -   eve  holiday        eve     hol    bridge (and 31: eve)  holiday

Public holidays are those of the `holidays` package, for a country and, where they differ within it, a subdivision.
School holidays are the reader's own file, for no package knows them.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from core.config import Closed
from core.errors import ConfigError

Days = NDArray[np.datetime64]
"""Local days, datetime64[D]."""

PUBLIC_HOLIDAY = 1
SCHOOL_HOLIDAY = 2
EVE = 4
"""The day before a public holiday, where it is none itself."""
BRIDGE = 8
"""A working day alone between a weekend and a public holiday, or among at most `MOST_BRIDGED` between two of them."""

MOST_BRIDGED = 5

_COLUMNS = ("start", "end", "name")
SATURDAY, SUNDAY = 5, 6


class CalendarConfig(Closed):
    """Where the calendar of a city comes from."""

    country: str | None = Field(
        default=None, description="country of the public holidays, ISO 3166, as GB; without it no day is a holiday"
    )
    subdivision: str | None = Field(default=None, description="part of the country, ISO 3166-2 without it, as ENG")
    school_holidays: Path | None = Field(
        default=None, description="CSV file of school holidays: start,end and perhaps name; both days included"
    )


@dataclass(frozen=True)
class SchoolHoliday:
    """A school holiday, from its first day to its last."""

    first: date
    last: date
    name: str


@dataclass(frozen=True)
class Calendar:
    """The kinds of days of one place. Built by `of` or `plain`."""

    country: str | None = None
    subdivision: str | None = None
    school: tuple[SchoolHoliday, ...] = ()
    _names: dict[int, dict[date, str]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def plain(cls) -> Calendar:
        """A calendar on which every day is like the others of its weekday."""
        return cls()

    @classmethod
    def of(cls, config: CalendarConfig) -> Calendar:
        """The calendar a configuration asks for; raises `ConfigError` where there is no such country or file."""
        if config.subdivision is not None and config.country is None:
            raise ConfigError(
                f"subdivision {config.subdivision!r} without a country", remedy="Name the country too, as country: GB"
            )
        if config.country is not None:
            _check(config.country, config.subdivision)
        school = () if config.school_holidays is None else read_school_holidays(config.school_holidays)
        return cls(config.country, config.subdivision, school)

    def kinds(self, days: Days) -> NDArray[np.uint8]:
        """Of each local day the sum of the kinds it is of (`PUBLIC_HOLIDAY`, ...), 0 for an ordinary one."""
        wanted = days.astype("datetime64[D]")
        kinds = np.zeros(wanted.shape, dtype=np.uint8)
        if wanted.size == 0:
            return kinds
        # A week more at both ends: what a day is depends on its neighbours.
        first, last = wanted.min() - np.timedelta64(8, "D"), wanted.max() + np.timedelta64(8, "D")
        around = np.arange(first, last + np.timedelta64(1, "D"))
        of_day = self._kinds_in_a_row(around)
        kinds[...] = of_day[(wanted - first).astype(np.int64)]
        return kinds

    def name_of(self, day: date) -> str | None:
        """What a public or school holiday is called; None for other days."""
        public = self._public(day.year).get(day)
        if public is not None:
            return public
        return next((one.name for one in self.school if one.first <= day <= one.last), None)

    def _kinds_in_a_row(self, days: Days) -> NDArray[np.uint8]:
        years = range(days[0].astype(date).year, days[-1].astype(date).year + 1)
        off = [np.datetime64(day, "D") for year in years for day in self._public(year)]
        public = np.isin(days, np.array(off, dtype="datetime64[D]"))
        weekday = weekdays(days)
        kinds = np.where(public, PUBLIC_HOLIDAY, 0).astype(np.uint8)
        kinds[:-1][public[1:] & ~public[:-1]] |= EVE
        kinds[_bridged(public, weekday >= SATURDAY)] |= BRIDGE
        for one in self.school:
            kinds[(days >= np.datetime64(one.first, "D")) & (days <= np.datetime64(one.last, "D"))] |= SCHOOL_HOLIDAY
        return kinds

    def _public(self, year: int) -> dict[date, str]:
        if self.country is None:
            return {}
        if year not in self._names:
            from holidays import country_holidays  # noqa: PLC0415 - it takes a while to load

            found = country_holidays(self.country, subdiv=self.subdivision, years=year, language=_english(self.country))
            self._names[year] = {day: name for day, name in found.items() if day.year == year}
        return self._names[year]


def _english(country: str) -> str | None:
    """The kind of English in which the package has a country's holidays; None for its own language, where in none."""
    from holidays import country_holidays  # noqa: PLC0415 - it takes a while to load

    place = country_holidays(country)
    if (place.default_language or "en").startswith("en"):
        return None
    return next((one for one in ("en_GB", "en_US") if one in place.supported_languages), None)


def weekdays(days: Days) -> NDArray[np.int64]:
    """0 for Monday to 6 for Sunday."""
    # 1 January 1970 was a Thursday.
    return (days.astype("datetime64[D]").astype(np.int64) + 3) % 7


def _bridged(public: NDArray[np.bool_], weekend: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which days of a row are bridges."""
    bridged = np.zeros(len(public), dtype=bool)
    free = public | weekend
    working = np.flatnonzero(~free)
    for run in np.split(working, np.flatnonzero(np.diff(working) > 1) + 1) if len(working) else ():
        before, after = run[0] - 1, run[-1] + 1
        if before < 0 or after >= len(public):
            continue
        if len(run) == 1:
            bridged[run] = public[before] or public[after]
    holidays = np.flatnonzero(public)
    for one, following in pairwise(holidays):
        between = np.arange(one + 1, following)
        among = between[~free[between]]
        if 0 < len(among) <= MOST_BRIDGED:
            bridged[among] = True
    return bridged


def _check(country: str, subdivision: str | None) -> None:
    from holidays import list_supported_countries  # noqa: PLC0415 - it takes a while to load

    known = list_supported_countries()
    if country not in known:
        raise ConfigError(
            f"no public holidays are known of country {country!r}",
            remedy="Give its ISO 3166 code of two letters, as GB, or leave it out",
        )
    if subdivision is not None and subdivision not in known[country]:
        some = ", ".join(known[country]) or "none"
        raise ConfigError(
            f"country {country} has no subdivision {subdivision!r}", remedy=f"Take one of: {some}; or leave it out"
        )


def read_school_holidays(path: Path) -> tuple[SchoolHoliday, ...]:
    """The school holidays of a CSV file, oldest first; raises `ConfigError` naming the line that cannot be used."""
    remedy = "It needs a header start,end or start,end,name and dates as 2017-04-03, both days included"
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.reader(lines))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"school holidays {path} cannot be read: {error}", remedy=remedy) from error
    header = tuple(name.strip().lower() for name in rows[0]) if rows else ()
    if header not in (_COLUMNS, _COLUMNS[:2]):
        raise ConfigError(
            f"school holidays {path}, line 1: the columns are {', '.join(header) or 'none'}", remedy=remedy
        )
    found = []
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        try:
            first, last = (date.fromisoformat(cell.strip()) for cell in row[:2])
        except ValueError as error:
            raise ConfigError(f"school holidays {path}, line {number}: {','.join(row)!r}", remedy=remedy) from error
        if last < first:
            raise ConfigError(f"school holidays {path}, line {number}: {last} is before {first}", remedy=remedy)
        name = row[2].strip() if len(row) > 2 else ""
        found.append(SchoolHoliday(first, last, name or "school holidays"))
    return tuple(sorted(found, key=lambda one: (one.first, one.last)))
