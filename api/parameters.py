"""The parameters that questions are made of: what each means, its unit, its bounds and an example.

`api/questions.py` puts them together; the rooms that answer other questions do so beside their routes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self

from fastapi import Depends, Request
from pydantic import BeforeValidator, Field, model_validator

from aggregate.usual.baselines import ROLLING
from api.written import Box, Classes, Kinds, Moment, Names, States, as_text, as_time, parse_class, refused
from core.config import Closed
from core.errors import QueryError
from core.figures import SERIES
from core.health import CameraState
from core.records import Window, ZoneKind

DEFAULT_CLASSES = ("people", "vehicles")
MAX_ROWS = 100_000


class Format(StrEnum):
    """The dialects of a table."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"
    GEOJSON = "geojson"


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
