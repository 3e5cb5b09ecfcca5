"""Helsinki's LIDO-TIKU: what the city's counters of pedestrians, cyclists and vehicles saw, of several makers.

https://lidotiku.api.hel.fi/api, CC BY 4.0, no key (github City-of-Helsinki/lidotiku: `api/serializers.py`,
`api/filters.py`, `api/paginators.py`, `api/views.py`; JSON keys are camelCase, as `lidotiku/settings.py` sets its
renderer). Both lists come in pages {next, previous, results}:

    /counters/      GeoJSON features; id, name, classifying, crsEpsg, source, and a point in WGS84
    /observations/  ?startDate&endDate&measurementType=count&order=datetime&pageSize: typeofmeasurement (count, speed),
                    phenomenondurationseconds, vehicletype, direction, unit, value, datetime, source, counterId

Times carry their offset; days are Helsinki's. `/observations/aggregate/` adds up all kinds of vehicles, pedestrians and
cyclists among them, so it cannot say what was counted, and is not read. It cuts `datetime` to the hour, so an
observation's time is taken as its start (the list of latest values takes it as the end: `stamp` says which). What the
makers call their vehicles is in `vehicle_types`; an observation of another kind is left out and named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, PositiveFloat, PositiveInt, field_validator

from core.clock import Clock
from core.config import Closed
from core.figures import SERIES
from core.loops import LoopCounter, LoopReading
from core.records import Identifier
from ingest.feed import FetchFailed
from ingest.fetch.guard import shown
from ingest.fetch.guest import Guest
from ingest.fetch.json_answer import ask_json, members, point_of
from ingest.loop import LeftOut
from ingest.loops.asking import is_number
from ingest.loops.gathering import CounterIds, Gathering, figure
from ingest.loops.local_time import utc_time
from ingest.loops.web import LoopWeb

HELSINKI = ZoneInfo("Europe/Helsinki")
PAGE_SIZE = 10_000
MOST_PAGES = 100
_LONGEST_INTERVAL_S = 86_400

VEHICLE_TYPES: Mapping[str, str] = {
    "pedestrian": "pedestrian",
    "pedestrians": "pedestrian",
    "bicycle": "cyclist",
    "bike": "cyclist",
    "cyclist": "cyclist",
    "motorcycle": "motorcycle",
    "car": "car",
    "van": "van",
    "truck": "truck",
    "bus": "bus",
    "vehicle": "vehicles",
    "vehicles": "vehicles",
}
"""What is counted, in `SERIES`, by the maker's word for it in small letters."""


class LidoTikuConfig(Closed):
    """`counters` (by number) and `sources` (EcoCounter, HEL LAM, ...) say which; without both, all.

    `look_back_days` is how many days are asked for again, today included: observations come late. `vehicle_types` adds
    to, or changes, the words that are known.
    """

    kind: Literal["lido_tiku"] = "lido_tiku"
    name: Identifier = "lido_tiku"
    url: str = Field(default="https://lidotiku.api.hel.fi/api", pattern=r"^https?://", max_length=500)
    counters: tuple[PositiveInt, ...] = ()
    sources: tuple[str, ...] = ()
    vehicle_types: dict[str, str] = Field(default={})
    stamp: Literal["start", "end"] = Field(default="start", description="which end of its interval a time names")
    look_back_days: PositiveInt = Field(default=2, le=60)
    poll_s: PositiveFloat = Field(default=900.0, ge=60, le=86_400)
    web: LoopWeb = Field(default=LoopWeb(), description="further hosts, your own networks, how often, how long")

    @field_validator("vehicle_types")
    @classmethod
    def _of_ours(cls, types: dict[str, str]) -> dict[str, str]:
        unknown = [series for series in types.values() if series not in SERIES]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not counted here: one of {', '.join(SERIES)}")
        return {word.lower(): series for word, series in types.items()}


@dataclass(frozen=True)
class _Key:
    """One reading: observations of several kinds of vehicle may add up to it."""

    counter: str
    series: str
    start: datetime
    end: datetime


class LidoTiku:
    """`LoopFeed` of the city's counters; each direction is a counter of its own, as `lido:83.north`.

    The list of counters does not tell their directions: those are known once they have been observed.
    """

    fleeting = False

    def __init__(self, config: LidoTikuConfig, guest: Guest, clock: Clock) -> None:
        self.name = config.name
        self.poll_s = config.poll_s
        self._config = config
        self._guest = guest
        self._clock = clock
        self._ids = CounterIds("lido:")
        self._types = {**VEHICLE_TYPES, **config.vehicle_types}
        self._left_out: Sequence[LeftOut] = ()
        self._seen: dict[int, set[str]] = {}

    def counters(self) -> Sequence[LoopCounter]:
        found: dict[str, LoopCounter] = {}
        for page in self._pages("counters", {"pageSize": 1000}):
            for feature in members(page, "results", "features") or members(page, "results"):
                found.update((counter.id, counter) for counter in self._directions(feature))
        return tuple(found[name] for name in sorted(found))

    def readings(self) -> Sequence[LoopReading]:
        today = self._clock.now().astimezone(HELSINKI).date()
        question: dict[str, object] = {
            "startDate": today - timedelta(days=self._config.look_back_days - 1),
            "endDate": today,
            "measurementType": "count",
            "order": "datetime",
            "pageSize": PAGE_SIZE,
        }
        if self._config.counters:
            question["counter"] = ",".join(map(str, self._config.counters))
        gathering = Gathering()
        added: dict[_Key, dict[str, float | None]] = {}
        for number, page in enumerate(self._pages("observations", question), start=1):
            for line, observation in enumerate(members(page, "results"), start=1):
                place = f"{self.name}, page {number}, observation {line}"
                try:
                    self._add(observation, added)
                except ValueError as error:
                    gathering.leave_out(place, str(error))
        for key, parts in added.items():
            known = [flow for flow in parts.values() if flow is not None]
            unknown = ", ".join(word for word, flow in parts.items() if flow is None)
            gathering.take(
                f"{self.name}, {key.counter}",
                counter=key.counter,
                series=key.series,
                start=key.start,
                end=key.end,
                flow=None if unknown else sum(known),
                reason=f"no value for {unknown}" if unknown else None,
            )
        self._left_out = gathering.left_out()
        return gathering.readings()

    def handed_over(self) -> None:
        """Nothing to note: the days looked back over are asked for at every poll."""

    def forget(self) -> None:
        """As `handed_over`."""

    @property
    def left_out(self) -> Sequence[LeftOut]:
        return self._left_out

    def _add(self, observation: Mapping[str, Any], added: dict[_Key, dict[str, float | None]]) -> None:
        """Raises `ValueError` for an observation that cannot be used."""
        said = {name.replace("_", "").lower(): value for name, value in observation.items()}
        if str(said.get("typeofmeasurement", "count")).lower() != "count" or not self._is_wanted(said.get("source")):
            return
        word = str(said.get("vehicletype") or "vehicle").strip().lower()
        series = self._types.get(word)
        if series is None:
            raise ValueError(f"counts {word[:40]!r}, which is not in vehicle_types")
        seconds = said.get("phenomenondurationseconds")
        if not isinstance(seconds, int) or not 1 <= seconds <= _LONGEST_INTERVAL_S:
            raise ValueError(f"its duration {str(seconds)[:40]!r} is not from 1 s to a day")
        stamp = utc_time(said.get("datetime"))
        length = timedelta(seconds=seconds)
        start = stamp - length if self._config.stamp == "end" else stamp
        direction = str(said.get("direction") or "").strip()
        number = said.get("counterid")
        if not is_number(number):
            raise ValueError(f"counter {str(number)[:40]!r} is no number")
        key = _Key(self._id(number, direction), series, start, start + length)
        self._seen.setdefault(number, set()).add(direction)
        parts = added.setdefault(key, {})
        parts[word] = None  # where the value cannot be read, the sum is not known
        parts[word] = figure(said.get("value"), "the value")

    def _directions(self, feature: Mapping[str, Any]) -> Iterator[LoopCounter]:
        """The counters of a listed one: its directions, as far as observations have told them, or itself."""
        properties = feature.get("properties")
        said = properties if isinstance(properties, dict) else feature
        number, point = said.get("id", feature.get("id")), point_of(feature)
        if not is_number(number) or not self._is_wanted(said.get("source")):
            return
        if self._config.counters and number not in self._config.counters:
            return
        for direction in sorted(self._seen.get(number, {""})):
            name = str(said.get("name") or number)
            yield LoopCounter(
                id=self._id(number, direction),
                name=(f"{name}, {direction}" if direction else name)[:200],
                lat=point[0] if point else None,
                lon=point[1] if point else None,
                timezone=HELSINKI.key,
                source=f"Helsinki LIDO-TIKU, {said.get('source') or 'source not told'}"[:100],
            )

    def _id(self, number: int, direction: str) -> str:
        """Raises `ValueError` for a direction that can be in no id."""
        return self._ids.of(f"{number}.{direction}" if direction else f"{number}")

    def _is_wanted(self, source: object) -> bool:
        return not self._config.sources or str(source).lower() in map(str.lower, self._config.sources)

    def _pages(self, list_name: str, question: Mapping[str, object]) -> Iterator[Any]:
        """Page after page; of the address of the next one only the question is used, and asked where this one was."""
        address = f"{self._config.url}/{list_name}/"
        query = urlencode(question)
        seen: set[str] = set()
        while query not in seen:
            seen.add(query)
            if len(seen) > MOST_PAGES:
                raise FetchFailed(
                    f"{shown(address)} has more than {MOST_PAGES} pages",
                    remedy="Ask for fewer days or counters: look_back_days, counters",
                )
            page = ask_json(self._guest, f"{address}?{query}")
            yield page
            following = page.get("next") if isinstance(page, dict) else None
            if not isinstance(following, str):
                return
            query = urlsplit(following).query
