"""A small street to ask about: two cameras, three zones, four quarters of an hour, known figures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from aggregate.answers import CAMERA_STATE_COLUMNS, READING_COLUMNS, Answers
from aggregate.beside_answers import BesideAnswers
from aggregate.duckdb_store import DuckDBStore
from aggregate.effects.effect_answers import EffectAnswers
from aggregate.effects.register import DocumentRegister
from aggregate.feed import ReadingFeed
from aggregate.forecast_answers import ForecastAnswers
from aggregate.grid import ZoneOfCamera
from aggregate.ground_figures import GROUND_COLUMNS
from aggregate.health_answers import HealthAnswers
from aggregate.loop_answers import LoopAnswers
from aggregate.query import ReadingQuery, expect_known
from aggregate.store import Store
from aggregate.tables import FIGURES
from aggregate.unusual_answers import UnusualAnswers
from aggregate.usual.baselines import ROLLING
from aggregate.usual.calendar import Calendar
from aggregate.usual.policy import Period, UsualPolicy
from aggregate.usual_answers import UsualAnswers
from aggregate.usual_columns import USUAL_COLUMNS
from api.app import About, create_app
from core.errors import BusynessError
from core.figures import SERIES
from core.ground import GroundMethod, GroundPlane, ZoneGround
from core.health import CameraState, HealthEvent
from core.interventions import Intervention, InterventionKind
from core.loops import LoopCounter, LoopReading
from core.records import Camera, Reading, TrustState, Window, Zone, ZoneKind
from core.shelf_memory import MemoryShelf

EIGHT = datetime(2017, 3, 9, 8, tzinfo=UTC)
NOW = datetime(2017, 3, 9, 9, 0, 7, tzinfo=UTC)
NORTH = ZoneGround(
    plane="06710/0123abcd",
    area_m2=150.0,
    area_error=0.04,
    length_m=40.0,
    outline=((-0.0782, 51.5036), (-0.0782, 51.50364), (-0.0778, 51.50364), (-0.0778, 51.5036)),  # clockwise
    most_px_per_m=31.5,
    least_px_per_m=8.0,
    cut="12 % of it is too far to resolve people",
)
TOWER = Camera(
    id="06710",
    name='Tower Bridge Rd / "Tooley" St, Süd',
    lat=51.5036,
    lon=-0.078,
    zones=(
        Zone(
            id="06710:north",
            name="North pavement",
            kind=ZoneKind.PAVEMENT,
            polygon=((0, 0), (100, 0), (50.5, 90)),
            effective_width_m=2.5,
            ground=NORTH,
        ),
        Zone(id="06710:road", name="Carriageway", kind=ZoneKind.CARRIAGEWAY),
    ),
    plane=GroundPlane(
        name="06710/0123abcd",
        method=GroundMethod.POINTS,
        lat=51.5036,
        lon=-0.078,
        image_to_ground=(0.1, 0, -17.6, 0, -0.1, 28.8, 0, 0.001, 0.1),
        error_m=0.24,
        height_m=9.6,
    ),
)
PARK = Camera(id="04254", name="Park Lane", lat=51.51, lon=-0.155, cadence_s=600)
CAMERAS = (PARK, TOWER)


def ground_of(zone: Zone, series: str, mean: float | None) -> dict[str, float | str | None]:
    """What a row of the north pavement has of its ground; null for every other, and where nothing was counted."""
    told: dict[str, float | str | None] = dict.fromkeys(GROUND_COLUMNS)
    if zone.ground is None or mean is None:
        return told
    of_people = series in ("people", "pedestrian")
    return told | {
        "area_m2": zone.ground.area_m2,
        "calibration_error": zone.ground.area_error,
        "density_per_100m2": round(mean / 1.5, 6),
        "density_low": round(mean / 2, 6),
        "density_high": round(mean / 1.25, 6),
        "crowded_share": 0.02 if of_people else None,
        "comfort_fruin": "A" if of_people else None,
        "comfort_tfl": "A-" if of_people else None,
    }


def usual_of(zone: Zone, mean: float | None) -> dict[str, float | str | None]:
    """What a row has of the usual: four on the north pavement; of the other zones nothing is known."""
    if zone.id != "06710:north":
        reason = "9 hours of its own past, 3 weeks are needed"
        told: dict[str, float | str | None] = dict.fromkeys(USUAL_COLUMNS)
        return told | {"baseline_state": "insufficient_history", "baseline_reason": reason}
    index = None if mean is None else round(mean / 4, 6)
    return {
        "baseline": 4.0,
        "baseline_low": 2.5,
        "baseline_high": 6.25,
        "index": index,
        "index_low": index,
        "index_high": index,
        "baseline_state": "ok",
        "baseline_reason": None,
    }


def readings_frame() -> pd.DataFrame:
    """One row for each quarter of 08:00-09:00, zone and series; the last quarter of every zone is missing."""
    rows: list[dict[str, Any]] = []
    for quarter in range(4):
        start = EIGHT + quarter * timedelta(minutes=15)
        for camera in CAMERAS:
            for zone in camera.counted_zones:
                for position, series in enumerate(SERIES):
                    missing = quarter == 3
                    mean = None if missing else position + quarter / 3
                    rows.append(
                        {
                            "zone": zone.id,
                            "camera": camera.id,
                            "class": series,
                            "window": "15m",
                            "start": start,
                            "end": start + timedelta(minutes=15),
                            "mean": mean,
                            "low": mean,
                            "high": mean,
                            "peak": mean,
                            "stationary_share": None if missing else 0.25,
                            **ground_of(zone, series, mean),
                            **usual_of(zone, mean),
                            "coverage": 0.0 if missing else 1.0,
                            "clips_counted": 0 if missing else 3,
                            "clips_expected": 3,
                            "state": "missing" if missing else "observed",
                            "reason": "no clip received" if missing else None,
                            "revision": 0 if missing else 1,
                            "derived_at": None if missing else start + timedelta(minutes=15, seconds=2, microseconds=7),
                        }
                    )
    frame = pd.DataFrame(rows, columns=list(READING_COLUMNS))
    times = dict.fromkeys(("start", "end", "derived_at"), "datetime64[us, UTC]")
    grades = ("comfort_fruin", "comfort_tfl")
    told = (*GROUND_COLUMNS, *USUAL_COLUMNS[:6])
    figures = dict.fromkeys((*FIGURES, *(name for name in told if name not in grades)), "float64")
    return frame.astype(times | figures)


HEALTH = (
    HealthEvent(camera="06710", since=EIGHT - timedelta(hours=30), state=CameraState.LIVE),
    HealthEvent(camera="06710", since=EIGHT, state=CameraState.UNREACHABLE, reason="no answer within 10 s"),
    HealthEvent(camera="06710", since=EIGHT + timedelta(minutes=5), state=CameraState.UNREACHABLE, reason="503"),
    HealthEvent(camera="06710", since=EIGHT + timedelta(minutes=10), state=CameraState.LIVE),
    HealthEvent(camera="06710", since=EIGHT + timedelta(minutes=40), state=CameraState.FAULTY, reason='a "card", ü'),
)
COUNTERS = (
    LoopCounter(
        id="scoot:N01-111a1", name="Tooley St, westbound", lat=51.504, lon=-0.08, source="TfL SCOOT", bearing_deg=270
    ),
    LoopCounter(id="tms:23101", name="Länsiväylä", timezone="Europe/Helsinki", source="Fintraffic TMS"),
)
LOOP_READINGS = tuple(
    LoopReading(
        counter=counter.id,
        series=series,
        start=EIGHT + timedelta(minutes=minute),
        end=EIGHT + timedelta(minutes=minute + 1),
        flow=None if minute == 3 else minute + 1 / 3,
        occupancy=None if minute == 3 or series != "vehicles" else 0.18,
        reason="marked as faulty by its publisher" if minute == 3 else None,
    )
    for minute in range(4)
    for counter in COUNTERS
    for series in ("vehicles", "bus")
)


BEFORE = Period(name="before the works", start=date(2017, 1, 9), end=date(2017, 2, 5))


@cache
def beside() -> Store:
    """A store with the health and the loops of the street."""
    store = DuckDBStore.open(None)
    store.save_cameras(CAMERAS)
    store.save_health(HEALTH)
    store.save_counters(COUNTERS)
    store.save_loops(LOOP_READINGS)
    return store


KERB = Intervention(
    id="tooley-st",
    name='Tooley St: "wider", Süd',
    kind=InterventionKind.WIDER_PAVEMENT,
    zones=("06710:north",),
    spill_zones=("06710:road",),
    lat=51.5037,
    lon=-0.079,
    start=EIGHT,
    works_from=EIGHT - timedelta(days=7),
    registered_at=EIGHT - timedelta(days=9),
)


def effects() -> EffectAnswers:
    """One intervention, of which too little is stored to say anything."""
    register = DocumentRegister(MemoryShelf(), "interventions.json")
    register.add(KERB)
    return EffectAnswers(beside(), register, lambda: NOW)


class FixedAnswers(Answers):
    """Answers from a frame instead of a store; `fault` is raised instead where it is set."""

    def __init__(self, frame: pd.DataFrame | None = None) -> None:
        self.frame = readings_frame() if frame is None else frame
        self.fault: Exception | None = None
        self.asked: list[ReadingQuery] = []

    @property
    def health(self) -> HealthAnswers:
        self._answering()
        return HealthAnswers(beside(), lambda: NOW)

    @property
    def loops(self) -> LoopAnswers:
        self._answering()
        return LoopAnswers(beside())

    @property
    def usual(self) -> UsualAnswers:
        self._answering()
        return UsualAnswers(beside(), Calendar.plain(), [BEFORE])

    @property
    def unusual(self) -> UnusualAnswers:
        return UnusualAnswers(beside(), self.usual, self.present)

    @property
    def beside(self) -> BesideAnswers:
        return BesideAnswers(beside(), self.present)

    @property
    def forecasts(self) -> ForecastAnswers:
        return ForecastAnswers(beside(), self.usual, UsualPolicy())

    def zones(self, query: ReadingQuery) -> list[ZoneOfCamera]:
        self._answering()
        return Answers(beside(), FixedClock()).zones(query)

    def present(self) -> datetime:
        return NOW

    def _answering(self) -> None:
        if self.fault is not None:
            raise self.fault

    def cameras(self, bbox: tuple[float, float, float, float] | None = None) -> list[Camera]:
        self._answering()
        if bbox is None:
            return list(CAMERAS)
        west, south, east, north = bbox
        return [camera for camera in CAMERAS if west <= camera.lon <= east and south <= camera.lat <= north]

    def extent(self) -> tuple[datetime, datetime] | None:
        self._answering()
        return EIGHT, EIGHT + timedelta(minutes=40)

    def readings(self, query: ReadingQuery) -> pd.DataFrame:
        self._answering()
        self.asked.append(query)
        expect_known("zone", query.zones or (), set(self.frame["zone"]))
        expect_known("camera", query.cameras or (), {camera.id for camera in CAMERAS})
        frame = self.frame[self.frame["class"].isin(query.series)]
        if query.kinds is not None:
            wanted = [zone.id for camera in CAMERAS for zone in camera.counted_zones if zone.kind in query.kinds]
            frame = frame[frame["zone"].isin(wanted)]
        inside = [camera.id for camera in self.cameras(query.bbox)]
        frame = frame[frame["camera"].isin(query.cameras or inside) & frame["camera"].isin(inside)]
        if query.zones is not None:
            frame = frame[frame["zone"].isin(query.zones)]
        if query.start is not None:
            frame = frame[frame["start"] >= query.start]
        if query.end is not None:
            frame = frame[frame["start"] < query.end]
        return frame.iloc[query.offset : query.offset + query.limit].reset_index(drop=True)

    def row_count(self, query: ReadingQuery) -> int:
        return len(self.readings(replace(query, limit=len(self.frame), offset=0)))

    def latest(
        self,
        window: Window = Window.QUARTER,
        series: tuple[str, ...] = ("people", "vehicles"),
        bbox: tuple[float, float, float, float] | None = None,
        cameras: tuple[str, ...] | None = None,
        kinds: tuple[ZoneKind, ...] | None = None,
        *,
        reference: str = ROLLING,
    ) -> pd.DataFrame:
        newest = EIGHT + timedelta(minutes=45)
        return self.readings(
            ReadingQuery(series=series, bbox=bbox, cameras=cameras, kinds=kinds, start=newest, reference=reference)
        )

    def camera_states(self) -> pd.DataFrame:
        self._answering()
        seen = EIGHT + timedelta(minutes=40)
        rows = [
            ("04254", None, None, None, None, None, None, None),
            (
                "06710", seen, "placeholder", "the feed shows its card", seen - timedelta(minutes=5),
                "faulty", seen, 'a "card", ü',
            ),
        ]  # fmt: skip
        frame = pd.DataFrame(rows, columns=list(CAMERA_STATE_COLUMNS))
        return frame.astype(dict.fromkeys(("last_event_time", "last_counted", "state_since"), "datetime64[us, UTC]"))


class FixedClock:
    """Always `NOW`."""

    def now(self) -> datetime:
        return NOW

    def sleep(self, seconds: float) -> None:
        raise AssertionError("the API never waits by the clock of the events")


@dataclass
class Street:
    """An application with everything it was made from, and a client that speaks to it without a socket."""

    app: FastAPI
    answers: Any
    feed: ReadingFeed
    registry: CollectorRegistry
    trouble: list[str] = field(default_factory=list)

    def request(self, method: str, address: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://street.test") as client:
                return await client.request(method, address, **options)

        return asyncio.run(ask())

    def get(self, address: str, **options: Any) -> httpx.Response:
        return self.request("GET", address, **options)


OUTLINES = {"type": "FeatureCollection", "features": []}


@pytest.fixture(scope="session")
def make_street() -> Callable[..., Street]:
    """Builds a street; any part of it can be given."""

    def make(
        *,
        answers: Answers | None = None,
        feed: ReadingFeed | None = None,
        about: About | None = None,
        web_dist: Path | None = None,
        source_of: Callable[[str], str | None] = lambda _: None,
    ) -> Street:
        answers = answers or FixedAnswers()
        feed = feed or ReadingFeed()
        registry = CollectorRegistry()
        trouble: list[str] = []
        app = create_app(
            answers,
            feed,
            about or About(name="Test street", outlines=OUTLINES),
            FixedClock(),
            registry,
            ready=lambda: trouble[0] if trouble else None,
            web_dist=web_dist,
            source_of=source_of,
            effects=effects(),
        )
        return Street(app, answers, feed, registry, trouble)

    return make


@pytest.fixture
def street(make_street: Callable[..., Street]) -> Street:
    return make_street()


@pytest.fixture
def reading() -> Callable[..., Reading]:
    """Builds a reading of the street; any of its fields can be given."""

    def make(**fields: Any) -> Reading:
        start = fields.get("start", EIGHT)
        plain: dict[str, Any] = {
            "zone": "06710:north",
            "camera": "06710",
            "series": "people",
            "window": Window.QUARTER,
            "start": start,
            "end": start + timedelta(minutes=15),
            "mean": 6.5,
            "low": 5.0,
            "high": 8.0,
            "peak": 9.0,
            "stationary_share": None,
            "coverage": 1.0,
            "clips_counted": 3,
            "clips_expected": 3,
            "state": TrustState.OBSERVED,
            "reason": None,
            "revision": 1,
            "derived_at": NOW,
        }
        return Reading(**(plain | fields))

    return make


@pytest.fixture(scope="session")
def assert_problem() -> Callable[..., dict[str, Any]]:
    """Checks that a response is a whole problem of the status given, and returns it."""

    def check(response: httpx.Response, status: int) -> dict[str, Any]:
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/problem+json"
        problem: dict[str, Any] = response.json()
        assert set(problem) == {"type", "title", "status", "detail", "remedy", "instance"}
        assert problem["status"] == status
        assert all(problem[member] for member in problem)
        assert "Traceback" not in response.text
        return problem

    return check


@pytest.fixture
def broken() -> BusynessError:
    """An error of ours that has no place in the table."""
    return BusynessError("/var/lib/secret.duckdb is broken", remedy="repair it")
