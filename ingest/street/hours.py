"""How busy the synthetic street is: the hours of a weekday and of a weekend day, by class and kind of place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from ingest.street.layout import Character, Street

HOURS = (0, 2, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 16, 17, 18, 19, 20, 21, 22, 23, 24)
"""Local hours at which the curves are given; between them they run straight."""

_CURVES = {
    "shoppers": (10, 3, 2, 4, 10, 28, 62, 60, 55, 85, 100, 85, 80, 95, 100, 80, 55, 42, 32, 20, 10),
    "commuters": (6, 2, 2, 5, 18, 55, 100, 80, 45, 55, 66, 55, 62, 90, 100, 70, 42, 30, 22, 13, 6),
    "cyclists": (3, 1, 2, 6, 25, 70, 100, 65, 30, 28, 30, 30, 45, 85, 95, 60, 32, 20, 12, 7, 3),
    "drivers": (20, 9, 10, 22, 55, 90, 100, 90, 78, 76, 78, 80, 90, 100, 98, 82, 60, 46, 38, 28, 20),
    "freight": (12, 10, 18, 40, 75, 95, 100, 100, 100, 95, 90, 85, 60, 42, 28, 18, 14, 12, 12, 12, 12),
    "buses": (30, 25, 25, 40, 75, 100, 100, 100, 85, 80, 80, 85, 100, 100, 100, 85, 70, 60, 50, 40, 30),
}
"""Percent of the busiest hour of a weekday."""
_WEEKEND = {"shoppers": 1.15, "commuters": 0.55, "freight": 0.45}
_WEEKEND_OTHERS = 0.75
_WEEKEND_LATER_H = 1.5

_DRIVEN = {
    "motorcycle": ("drivers", 0.045),
    "car": ("drivers", 0.68),
    "van": ("freight", 0.16),
    "truck": ("freight", 0.06),
    "bus": ("buses", 0.075),
}
"""Which curve each class of vehicle follows, and its share of the flow at the peak."""
_FLOW_PER_H = {Character.HIGH_STREET: 380, Character.JUNCTION: 520, Character.ARTERIAL: 720, Character.SIDE_STREET: 130}
_WALKERS_PER_M = {
    Character.HIGH_STREET: 0.20,
    Character.JUNCTION: 0.11,
    Character.ARTERIAL: 0.05,
    Character.SIDE_STREET: 0.06,
}
_CYCLISTS = {Character.HIGH_STREET: 2.0, Character.JUNCTION: 2.6, Character.ARTERIAL: 2.0, Character.SIDE_STREET: 0.9}


@dataclass(frozen=True)
class Expected:
    """The numbers a clip is drawn from: walkers per metre of pavement, cyclists in view, vehicles per hour and lane."""

    walkers_per_m: float
    cyclists: float
    flow_per_h: dict[str, float]


def expected(place: Street, local: datetime) -> Expected:
    """What this place expects at a local time. Weekends have fewer commuters and drivers, and later mornings."""
    taste = np.random.default_rng((place.look_seed, 7)).lognormal(0, 0.25, 3)
    walking = "shoppers" if place.character is Character.HIGH_STREET else "commuters"
    flow = _FLOW_PER_H[place.character] * taste[1]
    return Expected(
        walkers_per_m=_WALKERS_PER_M[place.character] * taste[0] * _share(walking, local),
        cyclists=_CYCLISTS[place.character] * taste[2] * _share("cyclists", local),
        flow_per_h={kind: flow * share * _share(name, local) for kind, (name, share) in _DRIVEN.items()},
    )


def _share(curve: str, local: datetime) -> float:
    """The share of the busiest weekday hour that a curve has at a local time."""
    hour = local.hour + local.minute / 60 + local.second / 3600
    weekend = local.weekday() >= 5
    share = float(np.interp(max(0.0, hour - _WEEKEND_LATER_H * weekend), HOURS, _CURVES[curve])) / 100
    return share * (_WEEKEND.get(curve, _WEEKEND_OTHERS) if weekend else 1.0)
