"""How a parameter is written in a query string, and what is said where it is written wrongly."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from aggregate.query import expect_box, near
from core.errors import QueryError
from core.figures import SERIES
from core.health import CameraState
from core.records import ZoneKind

MAX_NAMES = 1_000
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

# In a query string an unescaped + arrives as a space: `...T08:00:00 01:00` can only have been an offset.
_LOST_PLUS = re.compile(r"(\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) (\d{2}:?\d{2})$")


def refused(parameter: str, message: str, remedy: str) -> PydanticCustomError:
    # The words are the client's own in part; passing them as context keeps their braces from being formatted.
    return PydanticCustomError(f"bad_{parameter}", "{message}", {"message": message, "remedy": remedy})


def empty() -> PydanticCustomError:
    # Taken for "no filter", an empty filter (of a script whose list of cameras came out empty) would give everything.
    return PydanticCustomError("empty", "is empty", {"remedy": "give an empty parameter a value or leave it out"})


def _first(value: object) -> object:
    """The query-model machinery gives lists for list-like types; a text parameter is its only element."""
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return ",".join(value)
    return value


def parse_names(value: object) -> object:
    """`zone=a,b&zone=c` is (a, b, c), each once."""
    text = _first(value)
    if not isinstance(text, str):
        return value
    names = tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
    if len(names) > MAX_NAMES:
        raise refused("names", f"{len(names)} names are asked for at once", f"ask for at most {MAX_NAMES} at a time")
    if not names:
        raise empty()
    return names


def parse_classes(value: object) -> object:
    """The names of `SERIES`."""
    names = parse_names(value)
    if not isinstance(names, tuple):
        return names
    for name in names:
        if name not in SERIES:
            raise refused(
                "class",
                f"class {name[:80]!r} is not counted",
                f"{near(name, SERIES)}use one or more of {', '.join(SERIES)}",
            )
    return names


def parse_class(value: object) -> object:
    """The one name of `SERIES`."""
    names = parse_classes(value)
    if isinstance(names, tuple) and len(names) != 1:
        raise refused("class", f"{len(names)} classes are asked for", "ask for one class at a time")
    return names


def parse_zone(value: object) -> object:
    """The one id of a zone."""
    names = parse_names(value)
    if isinstance(names, tuple) and len(names) != 1:
        raise refused("zone", f"{len(names)} zones are asked for", "ask for one zone at a time")
    return names


def parse_states(value: object) -> object:
    """The names of `CameraState`."""
    return members(value, CameraState, "state", "camera state")


def parse_kinds(value: object) -> object:
    """The names of `ZoneKind`."""
    return members(value, ZoneKind, "kind", "kind of zone")


def members(value: object, known: type[StrEnum], parameter: str, called: str) -> object:
    names = parse_names(value)
    if not isinstance(names, tuple):
        return names
    for name in names:
        if name not in list(known):
            raise refused(
                parameter,
                f"there is no {called} {name[:80]!r}",
                f"{near(name, list(known))}use one or more of {', '.join(known)}",
            )
    return tuple(known(name) for name in names)


def parse_bbox(value: object) -> object:
    """`west,south,east,north` in degrees, as `aggregate.query.expect_box` wants them."""
    text = _first(value)
    if not isinstance(text, str):
        return value
    if not text.strip():
        raise empty()
    order = "write bbox=west,south,east,north in WGS84 degrees, such as bbox=-0.15,51.49,-0.05,51.53"
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise refused("bbox", f"bbox is {text[:80]!r}, which is not four numbers", order) from None
    try:
        expect_box((west, south, east, north))
    except QueryError as fault:
        raise refused("bbox", f"bbox is {text[:80]!r}: {fault.message}", fault.remedy or order) from None
    return west, south, east, north


def parse_time(value: object) -> object:
    """ISO 8601 with an offset, as UTC."""
    text = _first(value)
    if not isinstance(text, str):
        return value
    text = _LOST_PLUS.sub(r"\1+\2", text.strip())
    if not text:
        raise empty()
    example = "write it as 2017-03-09T08:00:00Z, or with another offset, as 2017-03-09T08:00:00%2B01:00"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise refused("time", f"{text[:80]!r} is not an ISO 8601 time", example) from None
    if moment.utcoffset() is None:
        raise refused("time", f"the time {text[:80]!r} has no offset, so it could be anywhere", example)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        moment = datetime.min.replace(tzinfo=UTC)
    if not EARLIEST <= moment < LATEST:
        raise refused("time", f"the time {text[:80]!r} is outside {EARLIEST:%Y}..{LATEST:%Y}", example)
    return moment


def parse_day(value: object) -> object:
    """A day of the calendar, as 2017-03-09."""
    text = _first(value)
    if not isinstance(text, str):
        return value
    if not text.strip():
        raise empty()
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise refused("day", f"{text[:80]!r} is not a day", "write it as 2017-03-09") from None
    if not EARLIEST.date() <= day < LATEST.date():
        raise refused("day", f"the day {text[:80]!r} is outside {EARLIEST:%Y}..{LATEST:%Y}", "write it as 2017-03-09")
    return day


Names = Annotated[tuple[str, ...] | None, BeforeValidator(parse_names)]
Classes = Annotated[tuple[str, ...], BeforeValidator(parse_classes)]
States = Annotated[tuple[CameraState, ...] | None, BeforeValidator(parse_states)]
Kinds = Annotated[tuple[ZoneKind, ...] | None, BeforeValidator(parse_kinds)]
Box = Annotated[tuple[float, float, float, float] | None, BeforeValidator(parse_bbox)]
Moment = Annotated[datetime | None, BeforeValidator(parse_time)]
Day = Annotated[date | None, BeforeValidator(parse_day)]


def as_text(schema: JsonDict) -> None:
    """Describe a parameter as it is written, not as it is understood."""
    for understood in ("anyOf", "items"):
        schema.pop(understood, None)
    schema["type"] = "string"


def as_time(schema: JsonDict) -> None:
    as_text(schema)
    schema["format"] = "date-time"
