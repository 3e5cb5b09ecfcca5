"""What the network we ship tells of those who stand in the zones of the demo: its past is to be as its present.

Houses and buses hide some, it misses some who are far, and sees some who are not there, in each zone in its own way.
`benchmarks/street_past/told.py` measures it; it is of the city of seed 7. Other cities get what is usual.
"""

from __future__ import annotations

from dataclasses import dataclass

SEED = 7


@dataclass(frozen=True)
class Told:
    """Of people, and of vehicles: the share told of those present, and how many are told besides."""

    of_people: float
    phantom_people: float
    of_vehicles: float
    phantom_vehicles: float


USUAL = Told(0.55, 0.50, 0.65, 0.40)

_OF_ZONES = {
    "synthetic-01:bus-stop": Told(0.16, 0.11, 0.00, 0.05),
    "synthetic-01:carriageway": Told(0.90, 0.01, 0.78, 0.21),
    "synthetic-01:crossing": Told(0.52, 0.41, 0.76, 0.09),
    "synthetic-01:pavement-left": Told(0.36, 0.59, 0.00, 0.32),
    "synthetic-01:pavement-right": Told(0.77, 1.58, 0.00, 0.22),
    "synthetic-02:view": Told(0.64, 2.82, 0.74, 1.02),
    "synthetic-03:carriageway": Told(0.34, 0.37, 0.58, 0.74),
    "synthetic-03:crossing": Told(0.10, 0.00, 0.70, 0.05),
    "synthetic-03:pavement-left": Told(0.57, 0.54, 0.00, 0.04),
    "synthetic-03:pavement-right": Told(0.26, 0.09, 0.00, 0.08),
    "synthetic-04:view": Told(0.53, 4.87, 0.62, 2.24),
    "synthetic-05:carriageway": Told(0.99, 0.32, 0.77, 0.35),
    "synthetic-05:crossing": Told(0.42, 0.04, 0.63, 0.09),
    "synthetic-05:pavement-left": Told(0.36, 0.82, 1.03, 0.28),
    "synthetic-05:pavement-right": Told(0.35, 0.50, 0.73, 0.26),
    "synthetic-06:view": Told(0.74, 3.99, 0.23, 3.11),
    "synthetic-07:carriageway": Told(1.17, 0.31, 0.46, 0.69),
    "synthetic-07:crossing": Told(0.80, 0.00, 0.75, 0.06),
    "synthetic-07:pavement-left": Told(0.14, 0.07, 0.45, 0.18),
    "synthetic-07:pavement-right": Told(0.51, 0.00, 0.56, 0.16),
    "synthetic-08:view": Told(0.30, 4.59, 0.55, 3.76),
}


def told_of(seed: int, zone: str) -> Told:
    """What is told of a zone of a city."""
    return _OF_ZONES.get(zone, USUAL) if seed == SEED else USUAL
