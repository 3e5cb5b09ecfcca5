"""Counts made by hand, as the columns that a store answers with."""

from __future__ import annotations

import numpy as np

from aggregate.tables import Clips, moment, text
from core.figures import SERIES, Figures
from core.records import CountObservation


def clips_of(observations: list[CountObservation]) -> Clips:
    """In the order given."""

    def table(name: str) -> np.ndarray:
        rows: list[Figures | None] = [getattr(one, name) for one in observations]
        return np.array([[np.nan] * 9 if row is None else [row.get(series) for series in SERIES] for row in rows])

    def of_ground(name: str) -> np.ndarray:
        return np.array([getattr(one.ground, name, None) for one in observations], dtype=np.float64)

    def of_shared(name: str) -> np.ndarray:
        return np.array([getattr(one.shared, name, None) for one in observations], dtype=np.float64)

    return Clips(
        id=text([one.id for one in observations]),
        camera=text([one.camera for one in observations]),
        zone=text([one.zone for one in observations]),
        event_time=np.array([moment(one.event_time) for one in observations]),
        counted_at=np.array([moment(one.counted_at) for one in observations]),
        status=text([one.status.value for one in observations]),
        present=table("present").reshape(-1, 9),
        peak=table("peak").reshape(-1, 9),
        stationary=table("stationary").reshape(-1, 9),
        high=table("high").reshape(-1, 9),
        shared_by_people=of_shared("people"),
        shared_by_vehicles=of_shared("vehicles"),
        **{name: of_ground(name) for name in ("area_m2", "area_error", "crowded_share")},
    )
