"""Made-up observations of so many cameras, without pictures: what plays a city that is larger than the recordings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np

from core.figures import CLASSES, PEOPLE, Figures, Gains, Shares
from core.records import Camera, CountObservation, Lighting, Status, observation_id

MODEL = "lowres-2@0123456789ab"
BEGINS = datetime(2025, 3, 3, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def played_cameras(count: int) -> list[Camera]:
    """Cameras that send a clip a minute, each with its whole view as one zone."""
    return [
        Camera(id=f"{number:06d}", name=f"Camera {number}", lat=51.5, lon=-0.1, cadence_s=60) for number in range(count)
    ]


def played(cameras: list[Camera], minutes: int, *, seed: int = 1) -> Iterator[CountObservation]:
    """One clip of each camera in each minute, minute by minute, as a city sends them."""
    random = np.random.default_rng(seed)
    kinds = [_figures(random) for _ in range(997)]  # as many different counts as make no difference
    for minute in range(minutes):
        for place, camera in enumerate(cameras):
            event_time = BEGINS + minute * MINUTE + timedelta(seconds=place % 60)
            present, low, high = kinds[(minute * 31 + place) % len(kinds)]
            zone = camera.counted_zones[0].id
            yield CountObservation(
                id=observation_id(camera.id, zone, event_time, MODEL),
                camera=camera.id,
                zone=zone,
                event_time=event_time,
                duration_s=10,
                status=Status.OK,
                frames=6,
                present=present,
                peak=high,
                spread=low,
                stationary=low,
                low=low,
                high=high,
                lighting=Lighting.DAY,
                gain=Gains(),
                shared=Shares(people=0.5, vehicles=0.5),
                view_epoch=1,
                content=f"{minute * len(cameras) + place:032x}",
                model=MODEL,
                counted_at=event_time + timedelta(seconds=20),
            )


def _figures(random: np.random.Generator) -> tuple[Figures, Figures, Figures]:
    """What was present, and an interval around it."""
    of_classes = random.gamma(2.0, 1.5, len(CLASSES))
    present = np.concatenate([of_classes, [of_classes[: len(PEOPLE)].sum(), of_classes[len(PEOPLE) :].sum()]])
    values = (present, present * 0.7, present * 1.4)
    mean, low, high = (Figures.of([round(float(value), 6) for value in column]) for column in values)
    return mean, low, high
