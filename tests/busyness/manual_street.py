"""A camera of one street that was counted by a model for a day, and by hand for some of it; made by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core.figures import CLASSES, PEOPLE, VEHICLES, Figures, Gains
from core.records import Camera, CountObservation, Lighting, Status, Zone, observation_id

MORNING = datetime(2017, 3, 9, 8, tzinfo=UTC)
STREET = Camera(
    id="00001",
    name="one",
    lat=51.5,
    lon=-0.1,
    cadence_s=600,
    zones=(Zone(id="pavement", name="Pavement"), Zone(id="road", name="Road")),
)
MODEL = "m@0123456789ab"


def figures(**counts: float) -> Figures:
    values = {name: counts.get(name, 0.0) for name in CLASSES}
    return Figures(
        **values, people=sum(values[name] for name in PEOPLE), vehicles=sum(values[name] for name in VEHICLES)
    )


def observed(
    minutes: float,
    *,
    zone: str = "pavement",
    status: Status = Status.OK,
    model: str = MODEL,
    lighting: Lighting | None = Lighting.DAY,
    gain: Gains | None = None,
    counted_s: float = 60,
    **counts: float,
) -> CountObservation:
    """What is stored of the clip that began so long after 8:00 and lasted ten seconds."""
    at = MORNING + timedelta(minutes=minutes)
    ok = status is Status.OK
    present = figures(**counts)
    return CountObservation(
        id=observation_id(STREET.id, zone, at, model),
        camera=STREET.id,
        zone=zone,
        event_time=at,
        duration_s=10,
        status=status,
        reason=None if ok else f"the picture is {status}",
        frames=6,
        present=present if ok else None,
        peak=present if ok else None,
        spread=present if ok else None,
        lighting=lighting if ok else None,
        gain=gain if ok else None,
        model=model,
        counted_at=at + timedelta(seconds=counted_s),
    )
