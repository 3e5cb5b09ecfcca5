"""Finland's traffic measurement stations (TMS, in Finnish LAM): induction loops in each lane, by direction.

Fintraffic publishes them at https://tie.digitraffic.fi under CC BY 4.0. `/api/tms/v1/stations` is GeoJSON; the newest
figures are in `/api/tms/v1/stations/data`: stations with `sensorValues` {id, name, timeWindowStart, timeWindowEnd,
measuredTime, value, reliability, unit}, times in UTC (https://www.digitraffic.fi/en/road-traffic/lam/; the classes of
github tmfg/digitraffic-road `dto/tms/v1`, `dto/v1/SensorValueDtoV1`, `model/roadstation/SensorValueReliability`):

    direction 1, 2   5116, 5119  OHITUKSET_5MIN_LIUKUVA   vehicles an hour, from the last five minutes
                     5054, 5055  OHITUKSET_60MIN_KIINTEA  vehicles counted in the hour of the time window

Each direction is a counter of its own: 23001.1 is direction 1 of station 23001. The five minutes slide, so two answers
may overlap; a window that begins before the last one of its counter has ended is not given, so that nothing is counted
twice. What was given before a restart, or by another process, is not known here, but none of it ended after what the
publisher shows first: the first window begins then at the earliest, so for seven minutes there is none. A window that
ends in the future is a slip of a station's clock, and is left out; so is one that ends before the last one has begun.
The five-minute and the hourly figures are one traffic seen twice, so a feed gives one of them. Digitraffic asks for a
name in `Digitraffic-User`, and allows 60 requests a minute. The sensors for speed are not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from pydantic import Field, PositiveFloat

from core.clock import Clock
from core.config import Closed
from core.loops import LoopCounter, LoopReading
from core.records import Identifier
from ingest.feeds.settings import Area
from ingest.fetch.guest import Guest
from ingest.fetch.json_answer import ask_json, members, point_of
from ingest.loop import LeftOut
from ingest.loops.asking import is_number
from ingest.loops.gathering import Gathering, figure
from ingest.loops.local_time import utc_time
from ingest.loops.web import LoopWeb

FIVE_MINUTES = timedelta(minutes=5)
HOUR = timedelta(hours=1)
DIRECTION_OF: dict[str, dict[int, int]] = {"5m": {5116: 1, 5119: 2}, "60m": {5054: 1, 5055: 2}}
"""The sensors that are read, and the direction of each."""

_DOUBTFUL = {"SUSPICIOUS", "FAULTY"}
_JITTER = timedelta(seconds=90)

_AHEAD = timedelta(minutes=3)
"""How far a station's clock may be ahead of ours to be believed."""

_CACHED = timedelta(minutes=2)
"""So much older than an answer that another process had may be the one out of a cache that we have."""


class _Until(NamedTuple):
    """When the windows of a counter may begin again, and whether one that was given here ends then."""

    time: datetime
    given: bool


class DigitrafficTmsConfig(Closed):
    """`stations` and `area` say which stations; without both, all of Finland's."""

    kind: Literal["digitraffic_tms"] = "digitraffic_tms"
    name: Identifier = "digitraffic_tms"
    url: str = Field(default="https://tie.digitraffic.fi", pattern=r"^https?://", max_length=500)
    user: str = Field(default="busyness", min_length=1, max_length=100, description="who asks, for Digitraffic-User")
    stations: tuple[int, ...] = ()
    area: Area | None = Field(default=None, description="only the stations in this box")
    window: Literal["5m", "60m"] = Field(
        default="5m", description="a rate from the last five minutes, or the vehicles counted in a full hour"
    )
    poll_s: PositiveFloat = Field(default=60.0, ge=10, le=86_400)
    web: LoopWeb = Field(default=LoopWeb(), description="further hosts, your own networks, how often, how long")


class DigitrafficTms:
    """`LoopFeed` of the stations' newest figures."""

    fleeting = True

    def __init__(self, config: DigitrafficTmsConfig, guest: Guest, clock: Clock) -> None:
        self.name = config.name
        self.poll_s = config.poll_s
        self._config = config
        self._guest = guest
        self._clock = clock
        self._left_out: Sequence[LeftOut] = ()
        self._listed: frozenset[int] | None = None
        self._until: dict[str, _Until] = {}

    def counters(self) -> Sequence[LoopCounter]:
        listed = stations(self._guest, self._config.url, self._config.user, self._config.stations, self._config.area)
        self._listed = frozenset(station for station, _ in listed)
        return tuple(counter for _, counter in listed)

    def readings(self) -> Sequence[LoopReading]:
        if self._listed is None and self._config.area is not None:
            self.counters()
        answer = ask_json(self._guest, f"{self._config.url}/api/tms/v1/stations/data", _headers(self._config.user))
        gathering = Gathering()
        for station in members(answer, "stations"):
            number = station.get("id")
            if is_number(number) and self._is_wanted(number):
                for value in members(station, "sensorValues"):
                    self._take(number, value, gathering)
        self._left_out = gathering.left_out()
        return gathering.readings()

    def handed_over(self) -> None:
        """Nothing to note: a window is given as long as it is shown, and none that overlaps it."""

    def forget(self) -> None:
        """See `LoopFeed`."""
        self._until.clear()

    @property
    def left_out(self) -> Sequence[LeftOut]:
        return self._left_out

    def _is_wanted(self, station: int) -> bool:
        if self._config.area is not None and self._listed is not None:
            return station in self._listed
        return not self._config.stations or station in self._config.stations

    def _take(self, station: int, value: dict[str, Any], gathering: Gathering) -> None:
        sensor = value.get("id")
        direction = DIRECTION_OF[self._config.window].get(sensor) if isinstance(sensor, int) else None
        if direction is None:
            return
        counter = f"{station}.{direction}"
        place = f"station {station}, sensor {sensor}"
        try:
            start, end = _sliding(value) if self._config.window == "5m" else _fixed(value)
            if end > self._clock.now() + _AHEAD:
                raise ValueError(f"its measurement ends at {end:%Y-%m-%d %H:%M} UTC, which is in the future")
            passed = figure(value.get("value"), "the value")
        except ValueError as error:
            gathering.leave_out(place, str(error))
            return
        if self._config.window == "5m":
            until = self._until.setdefault(counter, _Until(end + _CACHED, given=False))
            if end < until.time - FIVE_MINUTES:
                shown = f"{until.time:%Y-%m-%d %H:%M} UTC"
                gathering.leave_out(place, f"it is older than what was shown before, and given until {shown}")
            if start < until.time and until != (end, True):
                return
            self._until[counter] = _Until(end, given=True)
        doubt = str(value.get("reliability")) if value.get("reliability") in _DOUBTFUL else None
        reason = f"the publisher calls it {doubt.lower()}" if doubt else "the publisher gives no value"
        flow = None if passed is None or doubt else passed * ((end - start) / HOUR)
        gathering.take(
            place,
            counter=counter,
            series="vehicles",
            start=start,
            end=end,
            flow=flow,
            reason=reason if flow is None else None,
        )


def stations(
    guest: Guest, url: str, user: str, wanted: Sequence[int], area: Area | None
) -> tuple[tuple[int, LoopCounter], ...]:
    """The counters of the stations in use, two each, with their station's number. Raises `FetchFailed`."""
    answer = ask_json(guest, f"{url}/api/tms/v1/stations", _headers(user))
    found: dict[str, tuple[int, LoopCounter]] = {}
    for feature in members(answer, "features"):
        properties = feature.get("properties")
        if not isinstance(properties, dict) or properties.get("collectionStatus") == "REMOVED_PERMANENTLY":
            continue
        number, position = properties.get("id"), point_of(feature)
        inside = area is None or (position is not None and area.holds(*position))
        if not is_number(number) or not inside or (wanted and number not in wanted):
            continue
        for direction in (1, 2):
            counter = LoopCounter(
                id=f"{number}.{direction}",
                name=f"{properties.get('name') or number}, direction {direction}"[:200],
                lat=position[0] if position else None,
                lon=position[1] if position else None,
                timezone="Europe/Helsinki",
                source="Fintraffic TMS",
            )
            found[counter.id] = (number, counter)
    return tuple(found[name] for name in sorted(found))


def _headers(user: str) -> dict[str, str]:
    return {"Digitraffic-User": user}


def _sliding(value: dict[str, Any]) -> tuple[datetime, datetime]:
    end = utc_time(value.get("measuredTime"))
    return end - FIVE_MINUTES, end


def _fixed(value: dict[str, Any]) -> tuple[datetime, datetime]:
    start, end = utc_time(value.get("timeWindowStart")), utc_time(value.get("timeWindowEnd"))
    if abs(end - start - HOUR) > _JITTER:
        raise ValueError(f"its time window is {end - start}, not an hour")
    begin = (start + HOUR / 2).replace(minute=0, second=0, microsecond=0)
    begin = begin if abs(begin - start) <= _JITTER else start
    return begin, begin + HOUR
