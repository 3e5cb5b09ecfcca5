"""The question that can be asked of stored readings."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregate.usual.baselines import ROLLING
from core.errors import NotFound, QueryError
from core.figures import SERIES
from core.records import Camera, Window, ZoneKind

BoundingBox = tuple[float, float, float, float]
"""(west, south, east, north) in WGS84 degrees; none crosses the antimeridian: west <= east, south <= north."""

MAX_ROWS = 1_000_000
"""The most rows one answer may hold; larger ones are asked for in pages."""

MAX_RANGE = timedelta(days=3660)
"""How far back an answer reaches of itself, and the longest range of days, which are looked up one by one."""

_YEARS = range(1970, 2200)


@dataclass(frozen=True, kw_only=True)
class ReadingQuery:
    """Which readings are asked for: the rows that satisfy every filter that is not None.

    `zones`, `cameras` are ids, `kinds` kinds of zone, `series` is from `core.figures.SERIES`, `bbox` selects by camera
    position. Windows that begin in the half-open [`start`, `end`) answer; None is the stored extent. `as_of` asks for
    what was known at that moment; it holds for windows that were closed then, for provisional figures are not kept.
    `reference` names what readings are compared with: the usual, or a named period. `limit` and `offset` page through
    the rows in the order start, zone, class.
    """

    zones: tuple[str, ...] | None = None
    cameras: tuple[str, ...] | None = None
    kinds: tuple[ZoneKind, ...] | None = None
    series: tuple[str, ...] = ("people", "vehicles")
    bbox: BoundingBox | None = None
    start: datetime | None = None
    end: datetime | None = None
    window: Window = Window.QUARTER
    as_of: datetime | None = None
    reference: str = ROLLING
    limit: int = 100_000
    offset: int = 0


def expect_sound(query: ReadingQuery) -> None:
    """Raises `QueryError` for a question that has no answer whatever is stored."""
    for name, time in (("start", query.start), ("end", query.end), ("as_of", query.as_of)):
        if time is not None and time.utcoffset() is None:
            raise QueryError(f"the time {name}={time.isoformat()} has no offset", remedy=f"write {time.isoformat()}Z")
        if time is not None and time.year not in _YEARS:
            raise QueryError(f"the time {name}={time.isoformat()} is out of range", remedy="give a year of this age")
    if query.start is not None and query.end is not None and query.start >= query.end:
        raise QueryError(
            f"the range from {query.start.isoformat()} to {query.end.isoformat()} is empty",
            remedy="a range is half-open, [from, to): give an earlier start or a later end",
        )
    if not 1 <= query.limit <= MAX_ROWS:
        raise QueryError(
            f"limit is {query.limit}, expected 1 to {MAX_ROWS}", remedy="ask for less at once and page with offset"
        )
    if query.offset < 0:
        raise QueryError(f"offset is {query.offset}, expected 0 or more", remedy="begin with offset 0")
    expect_series(query.series)
    if query.bbox is not None:
        expect_box(query.bbox)


def expect_hours(start: datetime, end: datetime) -> None:
    """Raises `QueryError` for a period that, cut to the whole hours that are over, has none left."""
    if start >= end:
        raise QueryError(
            f"no whole hour that is over lies between {start:%Y-%m-%dT%H:%MZ} and {end:%Y-%m-%dT%H:%MZ}",
            remedy="hours up to the present are compared: give an earlier from, or a later to",
        )


def expect_series(series: Collection[str]) -> None:
    """Raises `QueryError` for a class that is not counted, and for none at all."""
    for name in series:
        if name not in SERIES:
            raise QueryError(f"unknown class {name!r}", remedy=f"{near(name, SERIES)}classes are {', '.join(SERIES)}")
    if not series:
        raise QueryError("no class was asked for", remedy=f"classes are {', '.join(SERIES)}")


def expect_box(box: BoundingBox) -> None:
    """Raises `QueryError` for a box that is not on the globe, or whose corners are swapped."""
    west, south, east, north = box
    if not all(math.isfinite(edge) for edge in box) or max(abs(west), abs(east)) > 180 or max(-south, north) > 90:
        raise QueryError(
            f"the box {box} is not in degrees", remedy="give west,south,east,north, as in -0.2,51.4,0,51.6"
        )
    for lower, upper, swapped in (("west", "east", west > east), ("south", "north", south > north)):
        if swapped:
            raise QueryError(
                f"the box {box} has its {lower} beyond its {upper}",
                remedy="corners are swapped? give west,south,east,north",
            )


def in_box(camera: Camera, box: BoundingBox | None) -> bool:
    """Whether the camera stands in the box, its edges included; None holds every camera."""
    if box is None:
        return True
    west, south, east, north = box
    return west <= camera.lon <= east and south <= camera.lat <= north


def expect_known(kind: str, asked: Iterable[str], known: Collection[str]) -> None:
    """Raises `NotFound` for the first id that is not known, naming those that look like it."""
    for name in asked:
        if name not in known:
            raise NotFound(
                f"there is no {kind} {name!r}",
                remedy=f"{near(name, known)}the {kind}s are listed at /v1/{kind}s",
            )


def near(name: str, known: Collection[str]) -> str:
    """The beginning of a remedy: which known names look like `name`; empty where none does."""
    matches = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(matches)}? " if matches else ""
