"""The parameters that questions are made of: what each means, its unit, its bounds and an example.

`api/questions.py` puts them together; the rooms that answer other questions do so beside their routes.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from fastapi import Depends, Request
from pydantic import BeforeValidator, Field, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from aggregate.query import expect_box, near
from aggregate.usual.baselines import ROLLING
from core.config import Closed
from core.errors import QueryError
from core.health import CameraState
from core.records import SERIES, Window, ZoneKind

DEFAULT_CLASSES = ("people", "vehicles")
MAX_ROWS = 100_000
MAX_NAMES = 1_000
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

# In a query string an unescaped + arrives as a space: `...T08:00:00 01:00` can only have been an offset.
_LOST_PLUS = re.compile(r"(\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) (\d{2}:?\d{2})$")


class Format(StrEnum):
    """The dialects of a table."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"
    GEOJSON = "geojson"


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


class Formatted(Closed):
    """In which dialect the answer is."""

    format: Format | None = Field(
        default=None,
        description="how the table is written; without it the Accept header decides, and JSON is the default. CSV has "
        "no types, so that a spreadsheet or a plain pandas.read_csv reads camera 04254 as the number 4254: "
        'pandas.read_csv(address, dtype={"camera": str, "zone": str}) keeps it (of /v1/cameras and /v1/zones, '
        '"id" too). Parquet is typed and better wherever it can be read',
        examples=["csv"],
    )


class Boxed(Closed):
    """Where the cameras stand."""

    bbox: Box = Field(
        default=None,
        description="only cameras inside west,south,east,north (WGS84 degrees)",
        examples=["-0.15,51.49,-0.05,51.53"],
        json_schema_extra=as_text,
    )


class OfCameras(Closed):
    """Of which cameras."""

    camera: Names = Field(
        default=None,
        description="camera ids, comma-separated or repeated; all without it",
        examples=["06710,04254"],
        json_schema_extra=as_text,
    )


class OfKinds(Closed):
    """Of which kinds of zone."""

    kind: Kinds = Field(
        default=None,
        description=f"only zones of these kinds, comma-separated or repeated: {', '.join(ZoneKind)}; all without it",
        examples=["pavement,crossing"],
        json_schema_extra=as_text,
    )


class OfZones(Closed):
    """Of which zones."""

    zone: Names = Field(
        default=None,
        description="zone ids, comma-separated or repeated; all without it",
        examples=["06710:view"],
        json_schema_extra=as_text,
    )


class OfClasses(Closed):
    """What is counted."""

    classes: Classes = Field(
        default_factory=lambda: DEFAULT_CLASSES,  # a factory, because a tuple is not how it is written in OpenAPI
        alias="class",
        description=f"what is counted, comma-separated or repeated: {', '.join(SERIES)}; "
        f"{','.join(DEFAULT_CLASSES)} without it",
        examples=["pedestrian,cyclist"],
        json_schema_extra=as_text,
    )


class OfOneClass(Closed):
    """What is counted, one class of it."""

    classes: Annotated[tuple[str, ...], BeforeValidator(parse_class)] = Field(
        default_factory=lambda: DEFAULT_CLASSES[:1],  # a factory, because a tuple is not how it is written in OpenAPI
        alias="class",
        description=f"what is counted, one of {', '.join(SERIES)}; {DEFAULT_CLASSES[0]} without it",
        examples=["people"],
        json_schema_extra=as_text,
    )

    @property
    def series(self) -> str:
        """The one class."""
        return self.classes[0]


class Counted(OfCameras, OfClasses):
    """Which figures: of which cameras, classes and width of window."""

    window: Window = Field(
        default=Window.QUARTER,
        description="width of a reading: minutes aligned to UTC, or 1d from the camera's local midnight",
        examples=["15m"],
    )


def from_field(otherwise: str) -> Any:
    """The first edge of a period; `otherwise` says what it is without being given."""
    return Field(
        default=None,
        alias="from",
        description=f"first instant of the period [from, to), ISO 8601 with offset; {otherwise}",
        examples=["2017-03-09T08:00:00Z"],
        json_schema_extra=as_time,
    )


def to_field(otherwise: str) -> Any:
    """The other edge of a period."""
    return Field(
        default=None,
        alias="to",
        description=f"instant before which the period [from, to) ends, ISO 8601 with offset; {otherwise}",
        examples=["2017-03-09T09:00:00Z"],
        json_schema_extra=as_time,
    )


class OfPeriod(Closed):
    """Of which time; the edges are declared where it is known what they are without being given."""

    start: Moment
    end: Moment

    @model_validator(mode="after")
    def _period_runs_forward(self) -> Self:
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise refused(
                "period",
                f"from ({self.start:%Y-%m-%dT%H:%M:%SZ}) is not before to ({self.end:%Y-%m-%dT%H:%M:%SZ})",
                "the period is [from, to): swap them, or move to forward",
            )
        return self


class Paged(Closed):
    """Which page of the answer."""

    limit: int = Field(
        default=10_000,
        ge=1,
        le=MAX_ROWS,
        description="most rows in one answer; follow `next` for more",
        examples=[1000],
    )
    offset: int = Field(default=0, ge=0, le=10**9, description="rows to pass over; set by `next`", examples=[0])


class Compared(Closed):
    """With what it is compared."""

    reference: str = Field(
        default=ROLLING,
        min_length=1,
        max_length=80,
        description=f"what it is compared with: {ROLLING!r}, or the name of a period of the past; /v1/references lists "
        "them",
        examples=[ROLLING],
    )


class InStates(Closed):
    """Of cameras in which states."""

    state: States = Field(
        default=None,
        description=f"only in these states, comma-separated or repeated: {', '.join(CameraState)}; all without it",
        examples=["stale,unreachable"],
        json_schema_extra=as_text,
    )


_ONCE = frozenset(
    (
        "format",
        "bbox",
        "window",
        "from",
        "to",
        "as_of",
        "limit",
        "offset",
        "at",
        "hours",
        "grid",
        "resolution",
        "reference",
        "by",
        "district",
        "first",
        "last",
    )
)
"""The parameters that have one value. Any other may be repeated, or is unknown and refused as such."""


async def _expect_once(request: Request) -> None:
    """Raises `QueryError` for a parameter that has one value and is given several: the others would be ignored."""
    for name in request.query_params:
        values = request.query_params.getlist(name)
        if name in _ONCE and len(values) > 1:
            shown = ", ".join(repr(value[:40]) for value in values[:3])
            raise QueryError(f"{name} is given {len(values)} times ({shown})", remedy=f"give {name} once")


once = Depends(_expect_once)
"""What every route with parameters depends on."""
