"""A day of six cameras, counted by nobody: curves with a rush hour, gaps with reasons, served as the real thing.

Everything is real but the counts: aggregator, store, answers, feed, API and page.
"""

from __future__ import annotations

import json
import math
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry

from aggregate.aggregator import Aggregator
from aggregate.answers import Answers
from aggregate.duckdb_store import DuckDBStore
from aggregate.effects.effect_answers import EffectAnswers
from aggregate.effects.register import DocumentRegister
from aggregate.feed import ReadingFeed
from aggregate.policy import AggregatePolicy
from api.app import About, create_app
from core.clock import Clock
from core.figures import PEOPLE, SERIES, VEHICLES, Figures
from core.ground import GroundMethod, GroundPlane, LocalFrame, ObservedGround, ZoneGround
from core.records import Camera, CountObservation, Status, Zone, ZoneKind, observation_id
from core.shelf_memory import MemoryShelf

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "api" / "web" / "dist"
DAY = datetime(2017, 3, 9, tzinfo=UTC)
END = DAY + timedelta(hours=20)
"""The last clip counted is of 19:55; the evening is still to come."""
CADENCE = timedelta(minutes=5)
NOTICE = "Fabricated figures: made by a test, not counted from any street."
CARD = "the feed shows its placeholder card"
SMEAR = "rows of the picture are smeared"


def _camera(camera: str, name: str, lat: float, lon: float, *zones: Zone, cadence: timedelta = CADENCE) -> Camera:
    return Camera(id=camera, name=name, lat=lat, lon=lon, zones=zones, cadence_s=cadence.total_seconds())


TOWER = _camera("06710", "Tower Bridge Rd / Tooley St", 51.5036, -0.078)
PARK = _camera("04254", "Park Lane / Brook Gate", 51.5105, -0.156)
CARD_ONLY = _camera("09800", "Oxford St / Portman St", 51.5142, -0.157)
PATCHY = _camera("03604", "Brixton Rd / Acre Lane", 51.4617, -0.1148)


_PARKWAY = GroundPlane(
    name="07450/0badcafe",
    method=GroundMethod.POINTS,
    lat=51.539,
    lon=-0.1426,
    image_to_ground=(0.1, 0, 0, 0, -0.1, 0, 0, 0, 0.99),
    error_m=0.24,
)


def _ground(west_m: float, east_m: float, cut: str | None = None) -> ZoneGround:
    """The strip of ground between two distances east of the camera, from 8 to 48 m north of it."""
    frame = LocalFrame(_PARKWAY.lat, _PARKWAY.lon)
    corners = ((west_m, 8), (east_m, 8), (east_m, 48), (west_m, 48))
    return ZoneGround(
        plane=_PARKWAY.name,
        area_m2=(east_m - west_m) * 40,
        area_error=0.04,
        length_m=40,
        outline=tuple((lon, lat) for lat, lon in (frame.degrees(*corner) for corner in corners)),
        most_px_per_m=40,
        least_px_per_m=7,
        cut=cut,
    )


PAVEMENT = Zone(
    id="07450:pavement",
    name="East pavement",
    kind=ZoneKind.PAVEMENT,
    polygon=((0, 0), (120, 0), (120, 288), (0, 288)),
    effective_width_m=5.5,
    ground=_ground(10, 20),
)
CARRIAGEWAY = Zone(
    id="07450:road",
    name="Carriageway",
    kind=ZoneKind.CARRIAGEWAY,
    polygon=((120, 0), (352, 0), (352, 288), (120, 288)),
    ground=_ground(-30, 10, cut="the part beyond 48 m from the camera, where a metre is fewer than 6 px"),
)
CROSSING = _camera("07450", "Camden High St / Parkway", 51.539, -0.1426, PAVEMENT, CARRIAGEWAY).model_copy(
    update={"plane": _PARKWAY}
)
"""The one that is calibrated."""
QUIET = _camera("01251", "Blackheath Hill / Dartmouth Hill", 51.472, -0.011, cadence=2 * CADENCE)
CAMERAS = (TOWER, PARK, CARD_ONLY, PATCHY, CROSSING, QUIET)
_BUSYNESS = {TOWER.id: 28.0, PARK.id: 9.0, CARD_ONLY.id: 20.0, PATCHY.id: 15.0, CROSSING.id: 60.0, QUIET.id: 1.2}
_CLASS_SHARE = {
    "pedestrian": 0.9,
    "cyclist": 0.1,
    "motorcycle": 0.06,
    "car": 0.6,
    "van": 0.2,
    "truck": 0.06,
    "bus": 0.08,
}


@dataclass
class EveningClock:
    """Stands still just after the last clip, until it is set."""

    time: datetime = END

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits by the clock of the events")


def _level(camera: str, at: datetime) -> float:
    """Mean present: low at night, peaks at 08:30, 13:00 and 17:30."""
    hour = at.hour + at.minute / 60
    rush = sum(weight * math.exp(-(((hour - peak) / 1.3) ** 2)) for peak, weight in ((8.5, 1), (13, 0.6), (17.5, 0.9)))
    return _BUSYNESS[camera] * (0.06 + rush)


def _curve(camera: str, at: datetime) -> float:
    """The same with a wobble that differs by camera."""
    return _level(camera, at) * (1 + 0.25 * math.sin(at.minute * 1.7 + len(camera) + int(camera[-2:])))


def usual_level(camera: str, series: str, at: datetime) -> float:
    """What a day without a wobble has of a class at this time."""
    return _figures(level := _level(camera, at), level * 0.5).get(series)


def _fault(camera: str, at: datetime) -> tuple[Status, str] | None:
    if (
        camera == CARD_ONLY.id
        or (camera == TOWER.id and 10 <= at.hour < 12)
        or (camera == CROSSING.id and at.hour == 14)
    ):
        return Status.PLACEHOLDER, CARD
    if camera == PATCHY.id and at.minute % 15 == 5:
        return Status.SMEARED, SMEAR
    return None


def _figures(people: float, vehicles: float) -> Figures:
    values = {name: _CLASS_SHARE[name] * (people if name in PEOPLE else vehicles) for name in (*PEOPLE, *VEHICLES)}
    sums = {"people": sum(values[name] for name in PEOPLE), "vehicles": sum(values[name] for name in VEHICLES)}
    return Figures.of([(values | sums)[name] for name in SERIES])


def _observed(zone: Zone) -> ObservedGround | None:
    if zone.ground is None:
        return None
    crowded = 0.03 if zone.kind is ZoneKind.PAVEMENT else None
    return ObservedGround(
        plane=zone.ground.plane,
        area_m2=zone.ground.area_m2,
        area_error=zone.ground.area_error,
        crowded_share=crowded,
    )


def observation(camera: Camera, zone: Zone, at: datetime, people: float | None = None) -> CountObservation:
    """What a clip of this camera would have given; `people` overrides the day's curve."""
    fault = None if people is not None else _fault(camera.id, at)
    present = _curve(camera.id, at) if people is None else people
    counts: dict[str, Any] = {}
    if fault is None:
        counts = {
            "present": _figures(present, present * 0.5),
            "peak": _figures(present * 1.4 + 1, present * 0.7 + 1),
            "spread": _figures(present * 0.1, present * 0.05),
            "stationary": _figures(present * 0.3, present * 0.2),
            "ground": _observed(zone),
        }
    status, reason = fault or (Status.OK, None)
    return CountObservation(
        id=observation_id(camera.id, zone.id, at, "fabricated-1"),
        camera=camera.id,
        zone=zone.id,
        event_time=at,
        duration_s=9.0,
        status=status,
        reason=reason,
        frames=8,
        model="fabricated-1",
        counted_at=END,
        **counts,
    )


def observations_of_the_day() -> list[CountObservation]:
    steps = int((END - DAY) / CADENCE)
    return [
        observation(camera, zone, DAY + step * CADENCE)
        for step in range(steps)
        for camera in CAMERAS
        if step * CADENCE % timedelta(seconds=camera.cadence_s) == timedelta(0)
        for zone in camera.counted_zones
    ]


@dataclass(frozen=True)
class MapService:
    """The API and the page on a loopback port, and the way figures come in."""

    address: str
    aggregator: Aggregator
    feed: ReadingFeed

    def receive(self, observations: list[CountObservation]) -> None:
        """As the pipeline does it: stored and derived, then told to those who watch."""
        self.feed.publish(self.aggregator.accept(observations))


@contextmanager
def serving(
    store: DuckDBStore, answers: Answers, about: About, clock: Clock, dist: Path = DIST
) -> Iterator[MapService]:
    """Serve a store on a free loopback port, in a thread."""
    feed = ReadingFeed()
    effects = EffectAnswers(store, DocumentRegister(MemoryShelf(), "interventions.json"), clock.now)
    app = create_app(
        answers, feed, about, clock, CollectorRegistry(), ready=lambda: None, web_dist=dist, effects=effects
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="map service")
    thread.start()
    try:
        aggregator = Aggregator(store, AggregatePolicy(), clock)
        yield MapService(f"http://127.0.0.1:{listener.getsockname()[1]}/", aggregator, feed)
    finally:
        feed.close()
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


@contextmanager
def fabricated_day(
    *, counted: bool = True, basemap_url: str | None = None, live: EveningClock | None = None
) -> Iterator[MapService]:
    """The six cameras and, where `counted`, their day; with a clock, the present is what it says (`live`)."""
    store = DuckDBStore.open(None)
    clock = live or EveningClock()
    store.save_cameras(CAMERAS)
    outlines = json.loads((ROOT / "configs" / "outlines" / "london.geojson").read_text())
    about = About(name="Fabricated London", notice=NOTICE, outlines=outlines, basemap_url=basemap_url)
    with serving(store, Answers(store, clock, live=live is not None), about, clock) as service:
        if counted:
            service.receive(observations_of_the_day())
        yield service
    store.close()
