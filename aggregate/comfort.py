"""How comfortable a walkway is by how full it is: indicative grades after Fruin and after Transport for London.

Both grades are meant for people who walk along a way whose clear width was measured. A camera sees how many are there
at a time, so both are INDICATIVE: they say where a count by hand is worth its while, and replace none.

Fruin (1971, Pedestrian Planning and Design, chapter 4: level of service of walkways) grades by the area to a person:

    A   35 sq ft (3.25 m2) and more    B   25 to 35 (2.32)    C   15 to 25 (1.39)
    D   10 to 15 (0.93)                E    5 to 10 (0.46)    F   less

Transport for London (Pedestrian Comfort Guidance for London, first edition 2010, version 2 of 2019, Pedestrian Comfort
Levels on footways) grades by the people who pass in a minute, to a metre of clear width:

    A+  below 3    A   3 to 5      A-   6 to 8
    B+  9 to 11    B  12 to 14     B-  15 to 17
    C+ 18 to 20    C  21 to 23     C-  24 to 26
    D  27 to 35    E  above 35

A grade begins at its lower figure, so that 5.5 is still an A. How many pass is not seen; it is taken from how many are
there, rho to a square metre, at the speed that people then walk (Weidmann 1993, Transporttechnik der Fussgänger,
Schriftenreihe des IVT 90, ETH Zürich):

    v = 1.34 m/s * (1 - exp(-1.913 * (1 / rho - 1 / 5.4)))        flow = 60 * rho * v, to a metre and minute

Who stands still is taken to walk, so the flow is rather too high and the grade rather too bad. From 1.75 people to a
square metre on fewer pass the more there are: that is no comfort, and stays an E.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from aggregate.tables import Numbers, Text
from core.records import Zone, ZoneKind

WALKED_ALONG = (ZoneKind.PAVEMENT, ZoneKind.CROSSING)
"""The kinds of zone that are graded. At a bus stop people wait, for which both have other measures."""

GRADED = ("people", "pedestrian")
"""The series that are graded."""

_M2_PER_SQ_FT = 0.3048**2
_FRUIN_SQ_FT = (5, 10, 15, 25, 35)
_FRUIN = np.array(["F", "E", "D", "C", "B", "A"], dtype=object)
_TFL_FROM = (3, 6, 9, 12, 15, 18, 21, 24, 27, np.nextafter(35, 36))
_TFL = np.array(["A+", "A", "A-", "B+", "B", "B-", "C+", "C", "C-", "D", "E"], dtype=object)

_FREE_M_PER_S, _SHAPE_PER_M2, _JAM_PER_M2 = 1.34, 1.913, 5.4
CAPACITY_PER_M2 = 1.75
"""The density of the greatest flow, 1.2 people a second and metre."""


def clear_share(zone: Zone) -> float:
    """The share of a zone's area that can be walked on: its length times its clear width, at most all of it.

    NaN where the width was not measured, the ground is not known, or the zone is not walked along.
    """
    if zone.kind not in WALKED_ALONG or zone.effective_width_m is None or zone.ground is None:
        return np.nan
    return min(1.0, zone.effective_width_m * zone.ground.length_m / zone.ground.area_m2)


def walking_speed(per_m2: ArrayLike) -> Numbers:
    """Metres a second that people walk where there are so many to a square metre; 0 from 5.4 on."""
    density = np.maximum(np.asarray(per_m2, dtype=np.float64), 1e-9)
    return np.maximum(0.0, _FREE_M_PER_S * -np.expm1(-_SHAPE_PER_M2 * (1 / density - 1 / _JAM_PER_M2)))


def walking_flow(per_m2: ArrayLike) -> Numbers:
    """People who pass in a minute to a metre of width, where there are so many to a square metre and all walk."""
    density = np.asarray(per_m2, dtype=np.float64)
    return 60.0 * density * walking_speed(density)


def fruin_grade(per_m2: ArrayLike) -> Text:
    """Fruin's level of service by people to a square metre (not NaN)."""
    density = np.asarray(per_m2, dtype=np.float64)
    area_m2 = np.divide(1.0, density, out=np.full_like(density, np.inf), where=density > 0)
    grades: Text = _FRUIN[np.searchsorted(np.array(_FRUIN_SQ_FT) * _M2_PER_SQ_FT, area_m2, side="right")]
    return grades


def tfl_grade(per_m2: ArrayLike) -> Text:
    """TfL's comfort level by people to a square metre (not NaN), at the flow that is likely of them."""
    flow = walking_flow(np.minimum(np.asarray(per_m2, dtype=np.float64), CAPACITY_PER_M2))
    grades: Text = _TFL[np.searchsorted(_TFL_FROM, flow, side="right")]
    return grades
