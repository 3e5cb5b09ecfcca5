"""The questions one can ask, parameter by parameter: what each means, its unit, its bounds and an example.

Each question is a closed record, so a misspelt parameter is refused instead of being ignored.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from fastapi import Depends, Request
from pydantic import BeforeValidator, Field, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from aggregate.query import expect_box, near
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


def _refused(parameter: str, message: str, remedy: str) -> PydanticCustomError:
    # The words are the client's own in part; passing them as context keeps their braces from being formatted.
    return PydanticCustomError(f"bad_{parameter}", "{message}", {"message": message, "remedy": remedy})


def _empty() -> PydanticCustomError:
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
        raise _refused("names", f"{len(names)} names are asked for at once", f"ask for at most {MAX_NAMES} at a time")
    if not names:
        raise _empty()
    return names


def parse_classes(value: object) -> object:
    """The names of `SERIES`."""
    names = parse_names(value)
    if not isinstance(names, tuple):
        return names
    for name in names:
        if name not in SERIES:
            raise _refused(
                "class",
                f"class {name[:80]!r} is not counted",
                f"{near(name, SERIES)}use one or more of {', '.join(SERIES)}",
            )
    return names


def parse_states(value: object) -> object:
    """The names of `CameraState`."""
    return _members(value, CameraState, "state", "camera state")


def parse_kinds(value: object) -> object:
    """The names of `ZoneKind`."""
    return _members(value, ZoneKind, "kind", "kind of zone")


def _members(value: object, known: type[StrEnum], parameter: str, called: str) -> object:
    names = parse_names(value)
    if not isinstance(names, tuple):
        return names
    for name in names:
        if name not in list(known):
            raise _refused(
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
        raise _empty()
    order = "write bbox=west,south,east,north in WGS84 degrees, such as bbox=-0.15,51.49,-0.05,51.53"
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise _refused("bbox", f"bbox is {text[:80]!r}, which is not four numbers", order) from None
    try:
        expect_box((west, south, east, north))
    except QueryError as fault:
        raise _refused("bbox", f"bbox is {text[:80]!r}: {fault.message}", fault.remedy or order) from None
    return west, south, east, north


def parse_time(value: object) -> object:
    """ISO 8601 with an offset, as UTC."""
    text = _first(value)
    if not isinstance(text, str):
        return value
    text = _LOST_PLUS.sub(r"\1+\2", text.strip())
    if not text:
        raise _empty()
    example = "write it as 2017-03-09T08:00:00Z, or with another offset, as 2017-03-09T08:00:00%2B01:00"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _refused("time", f"{text[:80]!r} is not an ISO 8601 time", example) from None
    if moment.utcoffset() is None:
        raise _refused("time", f"the time {text[:80]!r} has no offset, so it could be anywhere", example)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        moment = datetime.min.replace(tzinfo=UTC)
    if not EARLIEST <= moment < LATEST:
        raise _refused("time", f"the time {text[:80]!r} is outside {EARLIEST:%Y}..{LATEST:%Y}", example)
    return moment


Names = Annotated[tuple[str, ...] | None, BeforeValidator(parse_names)]
Classes = Annotated[tuple[str, ...], BeforeValidator(parse_classes)]
States = Annotated[tuple[CameraState, ...] | None, BeforeValidator(parse_states)]
Kinds = Annotated[tuple[ZoneKind, ...] | None, BeforeValidator(parse_kinds)]
Box = Annotated[tuple[float, float, float, float] | None, BeforeValidator(parse_bbox)]
Moment = Annotated[datetime | None, BeforeValidator(parse_time)]


def _text(schema: JsonDict) -> None:
    """Describe a parameter as it is written, not as it is understood."""
    for understood in ("anyOf", "items"):
        schema.pop(understood, None)
    schema["type"] = "string"


def _time(schema: JsonDict) -> None:
    _text(schema)
    schema["format"] = "date-time"


class _Formatted(Closed):
    format: Format | None = Field(
        default=None,
        description="how the table is written; without it the Accept header decides, and JSON is the default. CSV has "
        "no types, so that a spreadsheet or a plain pandas.read_csv reads camera 04254 as the number 4254: "
        'pandas.read_csv(address, dtype={"camera": str, "zone": str}) keeps it (of /v1/cameras and /v1/zones, '
        '"id" too). Parquet is typed and better wherever it can be read',
        examples=["csv"],
    )


class _Boxed(Closed):
    bbox: Box = Field(
        default=None,
        description="only cameras inside west,south,east,north (WGS84 degrees)",
        examples=["-0.15,51.49,-0.05,51.53"],
        json_schema_extra=_text,
    )


class _OfCameras(Closed):
    camera: Names = Field(
        default=None,
        description="camera ids, comma-separated or repeated; all without it",
        examples=["06710,04254"],
        json_schema_extra=_text,
    )


class _OfKinds(Closed):
    kind: Kinds = Field(
        default=None,
        description=f"only zones of these kinds, comma-separated or repeated: {', '.join(ZoneKind)}; all without it",
        examples=["pavement,crossing"],
        json_schema_extra=_text,
    )


class _Counted(_OfCameras):
    """Which figures: of which cameras, classes and width of window."""

    classes: Classes = Field(
        default_factory=lambda: DEFAULT_CLASSES,  # a factory, because a tuple is not how it is written in OpenAPI
        alias="class",
        description=f"what is counted, comma-separated or repeated: {', '.join(SERIES)}; "
        f"{','.join(DEFAULT_CLASSES)} without it",
        examples=["pedestrian,cyclist"],
        json_schema_extra=_text,
    )
    window: Window = Field(
        default=Window.QUARTER,
        description="width of a reading: minutes aligned to UTC, or 1d from the camera's local midnight",
        examples=["15m"],
    )


def _from(otherwise: str) -> Any:
    return Field(
        default=None,
        alias="from",
        description=f"first instant of the period [from, to), ISO 8601 with offset; {otherwise}",
        examples=["2017-03-09T08:00:00Z"],
        json_schema_extra=_time,
    )


def _to(otherwise: str) -> Any:
    return Field(
        default=None,
        alias="to",
        description=f"instant before which the period [from, to) ends, ISO 8601 with offset; {otherwise}",
        examples=["2017-03-09T09:00:00Z"],
        json_schema_extra=_time,
    )


class _OfPeriod(Closed):
    """Of which time; the edges are declared where it is known what they are without being given."""

    start: Moment
    end: Moment

    @model_validator(mode="after")
    def _period_runs_forward(self) -> Self:
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise _refused(
                "period",
                f"from ({self.start:%Y-%m-%dT%H:%M:%SZ}) is not before to ({self.end:%Y-%m-%dT%H:%M:%SZ})",
                "the period is [from, to): swap them, or move to forward",
            )
        return self


class _Paged(Closed):
    limit: int = Field(
        default=10_000,
        ge=1,
        le=MAX_ROWS,
        description="most rows in one answer; follow `next` for more",
        examples=[1000],
    )
    offset: int = Field(default=0, ge=0, le=10**9, description="rows to pass over; set by `next`", examples=[0])


class _InStates(Closed):
    state: States = Field(
        default=None,
        description=f"only in these states, comma-separated or repeated: {', '.join(CameraState)}; all without it",
        examples=["stale,unreachable"],
        json_schema_extra=_text,
    )


class HealthQuestion(_InStates, _Boxed, _Formatted):
    """Of which cameras."""


class CameraHealthQuestion(_Formatted, _OfPeriod):
    """Of which time."""

    start: Moment = _from("a day before the end without it, and at most 366 days before it")
    end: Moment = _to("the present without it")


class StatesQuestion(_OfCameras, _InStates, _Boxed, _Formatted, _OfPeriod):
    """Which cameras, which states, which time."""

    start: Moment = _from("a day before the end without it, and at most 31 days before it")
    end: Moment = _to("the present without it")


class LoopsQuestion(_Boxed, _Formatted):
    """Which counters."""


class LoopReadingsQuestion(_Formatted, _Paged, _OfPeriod):
    """Which loop readings."""

    counter: Names = Field(
        default=None,
        description="counter ids, comma-separated or repeated; all without it",
        examples=["scoot:N01-111a1"],
        json_schema_extra=_text,
    )
    classes: Classes | None = Field(
        default=None,
        alias="class",
        description=f"what is counted, comma-separated or repeated: {', '.join(SERIES)}; all without it",
        examples=["vehicles"],
        json_schema_extra=_text,
    )
    start: Moment = _from("the beginning of what is stored without it")
    end: Moment = _to("the end of what is stored without it")


class CamerasQuestion(_Boxed, _Formatted):
    """Which cameras."""


class ZonesQuestion(_OfCameras, _OfKinds, _Formatted):
    """Which zones."""


class LatestQuestion(_Counted, _OfKinds, _Boxed, _Formatted):
    """Which newest readings."""


class LiveQuestion(_Counted):
    """Which readings to be told of as they change."""


class ReadingsQuestion(_Counted, _OfKinds, _Boxed, _Formatted, _Paged, _OfPeriod):
    """Which readings, of which time, as known when."""

    zone: Names = Field(
        default=None,
        description="zone ids, comma-separated or repeated; all without it",
        examples=["06710:view"],
        json_schema_extra=_text,
    )
    start: Moment = _from("the beginning of what is stored without it")
    end: Moment = _to("the end of what is stored without it")
    as_of: Moment = Field(
        default=None,
        description="the figures as they were known at this time, before later revisions, ISO 8601 with offset",
        examples=["2017-03-10T00:00:00Z"],
        json_schema_extra=_time,
    )


# Of these all but the last would be ignored. Any other may be repeated, or is unknown and refused as such.
_ONCE = frozenset(info.alias or name for name, info in ReadingsQuestion.model_fields.items()) - {
    "camera",
    "zone",
    "class",
    "kind",
}


async def _expect_once(request: Request) -> None:
    """Raises `QueryError` for a parameter that has one value and is given several."""
    for name in request.query_params:
        values = request.query_params.getlist(name)
        if name in _ONCE and len(values) > 1:
            shown = ", ".join(repr(value[:40]) for value in values[:3])
            raise QueryError(f"{name} is given {len(values)} times ({shown})", remedy=f"give {name} once")


once = Depends(_expect_once)
"""What every route with parameters depends on."""
