"""Counts of a small street, made by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core.figures import CLASSES, PEOPLE, VEHICLES, Figures, Shares
from core.ground import ObservedGround
from core.records import Camera, CountObservation, Status, Zone, observation_id

NOON = datetime(2017, 3, 9, 12, tzinfo=UTC)
TOWER = Camera(id="tower", name="Tower Bridge Road", lat=51.5, lon=-0.08, cadence_s=300)
PARK = Camera(
    id="park",
    name="Park Lane",
    lat=51.51,
    lon=-0.15,
    cadence_s=600,
    zones=(Zone(id="park:pavement", name="Pavement"), Zone(id="park:road", name="Carriageway")),
)


class StoppedClock:
    """Stands still until it is set."""

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def figures(**counts: float) -> Figures:
    """Figures of the given classes; the others are zero, the two sums follow."""
    values = {name: counts.get(name, 0.0) for name in CLASSES}
    return Figures(
        **values, people=sum(values[name] for name in PEOPLE), vehicles=sum(values[name] for name in VEHICLES)
    )


def ground(area_m2: float = 250.0, area_error: float = 0.04, crowded_share: float | None = None) -> ObservedGround:
    """What a calibrated zone was when a clip was counted."""
    return ObservedGround(plane="tower/0123abcd", area_m2=area_m2, area_error=area_error, crowded_share=crowded_share)


def counted(
    event_time: datetime,
    present: Figures | None = None,
    *,
    camera: str = "tower",
    zone: str | None = None,
    status: Status = Status.OK,
    peak: Figures | None = None,
    stationary: Figures | None = None,
    low: Figures | None = None,
    high: Figures | None = None,
    shared: Shares | None = None,
    ground: ObservedGround | None = None,
    model: str = "lowres-2@0123456789ab",
    counted_at: datetime | None = None,
) -> CountObservation:
    """One observation; `present` is one pedestrian and two cars unless given."""
    zone = zone or f"{camera}:view"
    ok = status is Status.OK
    present = present or figures(pedestrian=1, car=2)
    return CountObservation(
        id=observation_id(camera, zone, event_time, model),
        camera=camera,
        zone=zone,
        event_time=event_time,
        duration_s=10,
        status=status,
        reason=None if ok else f"the picture is {status}",
        frames=8 if ok else 0,
        present=present if ok else None,
        peak=(peak or present) if ok else None,
        spread=figures() if ok else None,
        stationary=(stationary or figures()) if ok else None,
        low=low,
        high=high,
        shared=shared,
        ground=ground,
        model=model,
        counted_at=counted_at or event_time + timedelta(seconds=90),
    )
