"""The records that travel between the stages: frozen, closed, and never pixels.

Camera + Zone -> ClipReady -> (Frame, in memory only) -> CountObservation -> Reading
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from operator import le
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from core.config import Closed
from core.figures import SERIES, Figures, Gains, Shares
from core.ground import GroundPlane, ObservedGround, ZoneGround


def _utc(moment: datetime) -> datetime:
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError("a time needs an offset: write it as 2017-03-09T08:00:00Z")
    if offset:
        raise ValueError("times are kept in UTC; convert before building the record")
    return moment


def _zone_name(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"unknown IANA time zone {name!r}; an example is Europe/London") from error
    return name


UtcTime = Annotated[datetime, AfterValidator(_utc)]
TimeZoneName = Annotated[str, AfterValidator(_zone_name)]
Identifier = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$")]
ContentHash = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", description="half of a SHA-256, of a clip's bytes")]
PointPx = tuple[float, float]

INTERVAL_LEVEL = 0.90
"""Confidence of every interval. Not a setting: the API, the page and the records call it 90 %."""

LOCATION_LENGTH = 2048
"""The longest `ClipReady.location`, in characters."""

REASON_LENGTH = 500
"""The longest reason, in characters: why a clip was not counted, a camera is not live, a reading is not whole."""


class Status(StrEnum):
    """What became of a clip: counted (`ok`), or why not. Anything but `ok` has null counts.

    `unreachable` and `withdrawn` speak of the feed, which had no clip to give; `skipped` says that there was no time to
    count it, and `model_error` that the model failed on it: counting it again may succeed. The rest speak of the clip.
    """

    OK = "ok"
    PLACEHOLDER = "placeholder"
    OFFLINE = "offline"
    SMEARED = "smeared"
    FROZEN = "frozen"
    DARK = "dark"
    BLURRED = "blurred"
    MOVED_VIEW = "moved_view"
    WRONG_SIZE = "wrong_size"
    UNDECODABLE = "undecodable"
    OVERSIZE = "oversize"
    UNREACHABLE = "unreachable"
    WITHDRAWN = "withdrawn"
    SKIPPED = "skipped"
    MODEL_ERROR = "model_error"


class Lighting(StrEnum):
    """What light a clip was filmed in, as its picture shows it; counting errs differently in each."""

    DAY = "day"
    NIGHT = "night"


class TrustState(StrEnum):
    """How far a reading can be trusted: enough clips counted, some, or none."""

    OBSERVED = "observed"
    PARTIAL = "partial"
    MISSING = "missing"


class ZoneKind(StrEnum):
    VIEW = "view"
    PAVEMENT = "pavement"
    CARRIAGEWAY = "carriageway"
    CROSSING = "crossing"
    CYCLE_LANE = "cycle_lane"
    BUS_STOP = "bus_stop"


class Zone(Closed):
    """A named part of a camera's picture. `polygon` holds (x, y) in source pixels; None is the whole view.

    `ground` is what it covers on the ground, null where the camera is not calibrated; of a zone that has it, `polygon`
    is the part that is near enough to be counted. `effective_width_m` is the clear width that people walk in, where
    somebody has measured it.
    """

    id: Identifier
    name: str = Field(min_length=1, max_length=200)
    kind: ZoneKind = ZoneKind.VIEW
    polygon: tuple[PointPx, ...] | None = Field(default=None, min_length=3, max_length=200)
    effective_width_m: PositiveFloat | None = Field(default=None, le=100)
    ground: ZoneGround | None = None


class Camera(Closed):
    """A fixed viewpoint. Position in WGS84 degrees; `width`, `height` in pixels of its clips.

    `plane` is the ground in its picture; null where it is not calibrated: its counts are then no densities.
    """

    id: Identifier
    name: str = Field(min_length=1, max_length=200)
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    timezone: TimeZoneName = "Europe/London"
    cadence_s: PositiveFloat = Field(default=300.0, le=86_400, description="seconds from one clip to the next")
    width: PositiveInt = Field(default=352, le=7680)
    height: PositiveInt = Field(default=288, le=4320)
    zones: tuple[Zone, ...] = ()
    plane: GroundPlane | None = None

    @model_validator(mode="after")
    def _zones_fit(self) -> Self:
        seen: set[str] = set()
        for zone in self.zones:
            if zone.id in seen:
                raise ValueError(f"camera {self.id} has two zones called {zone.id!r}: give each its own id")
            seen.add(zone.id)
            for x_px, y_px in zone.polygon or ():
                if not (0 <= x_px <= self.width and 0 <= y_px <= self.height):
                    raise ValueError(
                        f"zone {zone.id!r} of camera {self.id} has the point ({x_px:g}, {y_px:g}) outside its "
                        f"{self.width}x{self.height} picture: draw it in pixels of the clip, or set width and height"
                    )
        return self

    @property
    def counted_zones(self) -> tuple[Zone, ...]:
        """The zones that are counted: those configured, or the whole view where there is none."""
        return self.zones or (Zone(id=f"{self.id}:view", name=self.name),)


class ClipFault(Closed):
    """Why there is no clip to count where one was due: the feed did not give it, or it waited too long."""

    status: Status
    reason: str = Field(min_length=1, max_length=REASON_LENGTH)

    @classmethod
    def of(cls, status: Status, reason: str) -> Self:
        """A fault whose reason may be of any length: it is cut where it is longer than one may be."""
        return cls(status=status, reason=reason[:REASON_LENGTH])

    @model_validator(mode="after")
    def _a_fault(self) -> Self:
        if self.status is Status.OK:
            raise ValueError("a fault says what is wrong: its status is not ok")
        return self


class ClipReady(Closed):
    """A clip that can be fetched: a reference, never pixels. This is what travels on the bus.

    `location` is a file path, an http(s) or rtsp URL or a synthetic address; `event_time` is when the clip begins.
    `content` is a hash of the clip's bytes, `etag` the publisher's own name of this version of it.
    `repeats` is the event time of the camera's earlier clip that has the same content, where the feed is stuck.
    `fault` says that a clip was due at `event_time` and cannot be counted: each of its zones gets its null and reason.
    """

    camera: Identifier
    event_time: UtcTime
    location: str = Field(min_length=1, max_length=LOCATION_LENGTH)
    etag: str | None = Field(default=None, max_length=200)
    content: ContentHash | None = None
    size_bytes: NonNegativeInt | None = None
    repeats: UtcTime | None = None
    fault: ClipFault | None = None


def observation_id(camera: str, zone: str, event_time: datetime, model: str) -> str:
    """The identity of a count: the same clip counted twice by the same model is one row."""
    key = f"{camera}\x1f{zone}\x1f{event_time.isoformat(timespec='microseconds')}\x1f{model}"
    return hashlib.sha256(key.encode()).hexdigest()[:32]


class CountObservation(Closed):
    """How many were present in one zone during one clip, or why that is not known.

    `present`, `peak`, `spread` and `stationary` are per-frame numbers of objects: the mean over the sampled
    frames, the largest frame, the standard deviation between frames, and the part that stood still through
    the clip. All are null when `status` is not `ok`; `stationary` is null too where standing still cannot be
    told: in a still, or a clip of a moment. `reason` is why the clip was not counted or, where it was, that
    only a part of it could be decoded.

    [`low`, `high`] is the 90 % interval of `present` from the error of the counter alone, as it was measured in this
    `lighting`; null where that error is not known, which is not the same as none. Where the counter's bias is known,
    the figures are what was counted times `gain`; `shared` is what part of the error clips have in common, null where
    that is not known: then all of it may be. `calibration` names the camera's own calibration that gain and interval
    are from (`06710/2`); null where they are those of the model. `view_epoch` numbers the lasting views that
    the camera has shown, `content` is the hash of the clip's bytes: by it a restarted ingest knows what it has counted.
    """

    id: str = Field(pattern=r"^[0-9a-f]{32}$")
    camera: Identifier
    zone: Identifier
    event_time: UtcTime
    duration_s: NonNegativeFloat
    status: Status
    reason: str | None = Field(default=None, max_length=REASON_LENGTH)
    frames: NonNegativeInt
    present: Figures | None = None
    peak: Figures | None = None
    spread: Figures | None = None
    stationary: Figures | None = None
    low: Figures | None = None
    high: Figures | None = None
    lighting: Lighting | None = None
    gain: Gains | None = None
    shared: Shares | None = None
    calibration: str | None = Field(default=None, min_length=1, max_length=150)
    ground: ObservedGround | None = None
    view_epoch: NonNegativeInt = 0
    content: ContentHash | None = None
    model: str = Field(min_length=1, max_length=200)
    counted_at: UtcTime

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.status is Status.OK:
            if self.present is None or self.peak is None or self.spread is None:
                raise ValueError("an observation with status ok carries present, peak and spread")
            self._interval_holds(self.present)
        else:
            self._explained()
        if self.id != observation_id(self.camera, self.zone, self.event_time, self.model):
            raise ValueError("the id of an observation is the hash of its camera, zone, event time and model")
        return self

    def _explained(self) -> None:
        figures = (self.present, self.peak, self.spread, self.stationary, self.low, self.high)
        if any(known is not None for known in (*figures, self.gain, self.shared, self.ground)):
            raise ValueError(f"an observation with status {self.status} carries no figures: null, never zero")
        if not self.reason:
            raise ValueError(f"an observation with status {self.status} needs a reason")

    def _interval_holds(self, present: Figures) -> None:
        if self.low is None or self.high is None:
            if self.low is not self.high:
                raise ValueError("the interval of an observation has both ends or none")
            return
        low, middle, high = vars(self.low), vars(present), vars(self.high)
        if all(map(le, low.values(), middle.values())) and all(map(le, middle.values(), high.values())):
            return
        series = next(name for name in SERIES if not low[name] <= middle[name] <= high[name])
        raise ValueError(f"the interval of {series} does not hold the number present")


class Window(StrEnum):
    """The widths of a reading. Minutes are aligned to UTC; a day begins at the camera's local midnight."""

    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    QUARTER = "15m"
    HOUR = "60m"
    DAY = "1d"


class Reading(Closed):
    """One series of one zone in one half-open window [start, end).

    `mean` is the mean number present over the counted clips, [`low`, `high`] its 90 % interval from the spread
    between clips and the error of the counter where that is known, `peak` the largest frame, `stationary_share` the
    part that stood still (0..1), `coverage` the share of the expected clips that were counted. `area_m2` is the zone's
    on the ground, by which `mean` becomes a density (`aggregate/density.py`), `calibration_error` its standard error as
    a share of it, `vehicles_m2` what the vehicles present cover of it by the footprints of their classes,
    `crowded_share` the mean share of it on which more than one person stood on 4 m2; the four are the same for all
    series, and null where the zone was not calibrated in every clip counted; `crowded_share` is null too in a zone that
    is not walked in. Figures are null where `state` is `missing`; of the others, `stationary_share` is null too where
    no one was present or no clip could tell who stood still.
    """

    zone: Identifier
    camera: Identifier
    series: str = Field(description="one of SERIES; called `class` in the API")
    window: Window
    start: UtcTime
    end: UtcTime
    mean: NonNegativeFloat | None
    low: NonNegativeFloat | None
    high: NonNegativeFloat | None
    peak: NonNegativeFloat | None
    stationary_share: float | None = Field(ge=0, le=1)
    area_m2: PositiveFloat | None = None
    calibration_error: NonNegativeFloat | None = None
    vehicles_m2: NonNegativeFloat | None = None
    crowded_share: float | None = Field(default=None, ge=0, le=1)
    coverage: float = Field(ge=0, le=1)
    clips_counted: NonNegativeInt
    clips_expected: PositiveInt
    state: TrustState
    reason: str | None = Field(max_length=REASON_LENGTH)
    revision: PositiveInt
    derived_at: UtcTime

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.series not in SERIES:
            raise ValueError(f"unknown series {self.series!r}: one of {', '.join(SERIES)}")
        never_a_silent_zero(self.state, self.reason, self.start, self.end, ((self.mean, self.low, self.high),))
        return self


def never_a_silent_zero(
    state: TrustState, reason: str | None, start: datetime, end: datetime, figures: Iterable[tuple[float | None, ...]]
) -> None:
    """The rules of a reading beside its fields; `figures`: (mean, low, high) of each series. Raises `ValueError`."""
    missing = state is TrustState.MISSING
    if any((figure is None) != missing for of_series in figures for figure in of_series):
        raise ValueError("a missing reading has null figures, every other one has mean and interval")
    if state is not TrustState.OBSERVED and not reason:
        raise ValueError(f"a reading that is {state} needs a reason")
    if not start < end:
        raise ValueError("a window is half-open and not empty: start < end")
