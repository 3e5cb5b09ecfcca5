"""What a report is asked to be of: a district by its name, a box, cameras, kinds of zone; whole local days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import shapely
from shapely.geometry import shape

from aggregate.answers import Answers
from aggregate.grid import ZoneOfCamera
from aggregate.query import BoundingBox, ReadingQuery, near
from api.report.facts import Scope
from core.errors import NotFound, QueryError
from core.records import ZoneKind

USUAL_DAYS = 28
"""How long a period is that nobody has named."""


def scope_of(
    answers: Answers,
    outlines: Mapping[str, Any] | None,
    *,
    series: str,
    first: date | None = None,
    last: date | None = None,
    district: str | None = None,
    bbox: BoundingBox | None = None,
    cameras: tuple[str, ...] | None = None,
    kinds: tuple[ZoneKind, ...] | None = None,
) -> Scope:
    """The zones and the time of a report on the local days `first` to `last`, both included: by default the four weeks
    that end with the last whole day. Raises `NotFound` for a district or camera that there is not, `QueryError`."""
    zones: Sequence[ZoneOfCamera] = answers.zones(ReadingQuery(cameras=cameras, kinds=kinds, bbox=bbox))
    place = "the streets of these cameras" if cameras else "this part of the city" if bbox else "the city"
    if district is not None:
        area = _area(outlines, district)
        points = shapely.points([one.camera.lon for one in zones], [one.camera.lat for one in zones])
        inside = shapely.covers(area, points)
        zones = [one for one, within in zip(zones, inside, strict=True) if within]
        place = district
    start, end = _days(answers, zones, first, last)
    return Scope(place=place, zones=tuple(zones), series=series, start=start, end=end, outlines=outlines)


def districts(outlines: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The names that a report can be asked for by."""
    return tuple(sorted({str(name) for name, _ in _named(outlines)}))


def _named(outlines: Mapping[str, Any] | None) -> list[tuple[str, Mapping[str, Any]]]:
    features = (outlines or {}).get("features", ())
    return [
        (str(one["properties"]["name"]), one["geometry"])
        for one in features
        if (one.get("properties") or {}).get("name") and (one.get("geometry") or {}).get("type") in _AREAS
    ]


_AREAS = ("Polygon", "MultiPolygon")


def _area(outlines: Mapping[str, Any] | None, district: str) -> shapely.Geometry:
    found = [geometry for name, geometry in _named(outlines) if name.casefold() == district.casefold()]
    if not found:
        known = districts(outlines)
        if not known:
            raise QueryError(
                "no districts are known here",
                remedy="set map.outlines to a GeoJSON file of areas with names, or give bbox or camera",
            )
        raise NotFound(
            f"there is no district {district[:80]!r}",
            remedy=f"{near(district, known)}there are {', '.join(known[:40])}",
        )
    return shapely.union_all([shape(geometry) for geometry in found])


def _days(
    answers: Answers, zones: Sequence[ZoneOfCamera], first: date | None, last: date | None
) -> tuple[datetime, datetime]:
    """The beginning of the first day and the end of the last, by the zones' clock; no later than the present hour. Of
    clocks that are half an hour off, the hours (UTC) that these are in: the hours of a history are those."""
    zone = ZoneInfo(zones[0].camera.timezone if zones else "UTC")
    present = answers.present()
    if last is None:
        last = present.astimezone(zone).date() - timedelta(days=1)
    if first is None:
        first = last - timedelta(days=USUAL_DAYS - 1)
    if last < first:
        raise QueryError(f"the last day, {last}, is before the first, {first}", remedy="swap them")
    start, end = (
        datetime.combine(day, time(), zone).astimezone(present.tzinfo).replace(minute=0)
        for day in (first, last + timedelta(days=1))
    )
    extent = answers.extent()
    if extent is not None:
        start = max(start, extent[0].replace(minute=0, second=0, microsecond=0))
    return start, min(end, present.replace(minute=0, second=0, microsecond=0))
