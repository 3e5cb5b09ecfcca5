"""Everyone in one clip of the synthetic street, and where each is at every instant of it.

Everyone moves along a fixed line by a closed formula of time, so any instant of a clip can be computed alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from core.figures import CLASSES
from ingest.street.layout import Floats
from ingest.street.people import CYCLING, RIDING, STANDING, WALKING, Figures, dress
from ingest.street.solid import Solid

ACCELERATION_M_S2 = 1.4
STILL_M = 0.3
PERSON_M = (0.4, 0.4, 1.7)


class Motion(IntEnum):
    """How a mover's distance follows from time."""

    STEADY = 0
    ARRIVING = 1
    """slows down towards its `reach_m`"""
    DEPARTING = 2
    """pulls away after `delay_s`"""


@dataclass(frozen=True)
class Mover:
    """One road user: what it is, where on the street it begins, and how it moves."""

    kind: str
    across: bool
    """moves along d (the crossing road, a crossing) instead of s"""
    at_m: float
    """its moving coordinate at the beginning of the clip"""
    offset_m: float
    """its other coordinate"""
    direction: float
    speed_m_s: float = 0.0
    facing_rad: float = 0.0
    """turned away from the direction of travel"""
    motion: Motion = Motion.STEADY
    reach_m: float = np.inf
    delay_s: float = 0.0
    body: Solid | None = None
    """what it drives or rides"""
    lamps_on: bool = True
    """after dark; parked vehicles have none"""


@dataclass(frozen=True, eq=False)
class Crowd:
    """Everyone present in one clip as arrays, one row each. Riders are figures that share the row of what they ride."""

    kinds: NDArray[np.int8]
    """index into CLASSES"""
    across: NDArray[np.bool_]
    at_m: Floats
    offset_m: Floats
    direction: Floats
    facing_rad: Floats
    speed_m_s: Floats
    motion: NDArray[np.int8]
    reach_m: Floats
    delay_s: Floats
    lamps_on: NDArray[np.bool_]
    size_m: Floats
    """[rows, 3] length, width, height"""
    solids: tuple[Solid | None, ...]
    figures: Figures
    figure_row: NDArray[np.int64]
    """[people] the row of each figure"""

    def travelled_m(self, t_s: float) -> Floats:
        """How far each has gone since the clip began."""
        gone = np.minimum(self.speed_m_s * t_s, self.reach_m)
        arriving = self.motion == Motion.ARRIVING
        reach = np.maximum(self.reach_m[arriving], 1e-3)
        gone[arriving] = reach * (1 - np.exp(-self.speed_m_s[arriving] * t_s / reach))
        departing = self.motion == Motion.DEPARTING
        since = np.maximum(0.0, t_s - self.delay_s[departing])
        rising = np.minimum(since, self.speed_m_s[departing] / ACCELERATION_M_S2)
        gone[departing] = 0.5 * ACCELERATION_M_S2 * rising**2 + self.speed_m_s[departing] * (since - rising)
        return gone

    def street_position(self, t_s: float) -> tuple[Floats, Floats]:
        """s and d of each."""
        along = self.at_m + self.direction * self.travelled_m(t_s)
        return np.where(self.across, self.offset_m, along), np.where(self.across, along, self.offset_m)

    def gone_m(self, s_m: Floats, d_m: Floats) -> Floats:
        """How far each has gone, from where it now is."""
        return np.abs(np.where(self.across, d_m, s_m) - self.at_m)

    def still(self, duration_s: float) -> NDArray[np.bool_]:
        """Who does not move by more than 0.3 m in the clip."""
        return self.travelled_m(duration_s) < STILL_M


_POSES = {"cyclist": CYCLING, "motorcycle": RIDING}


def gathered(movers: Sequence[Mover], random: np.random.Generator) -> Crowd:
    """The movers as one crowd; `random` dresses those whose body is seen."""
    on_show = [row for row, mover in enumerate(movers) if mover.kind in ("pedestrian", *_POSES)]
    poses = [_POSES.get(movers[row].kind, WALKING if movers[row].speed_m_s > 0 else STANDING) for row in on_show]
    sizes = [PERSON_M if m.body is None else (m.body.length_m, m.body.width_m, m.body.height_m) for m in movers]

    def column(name: str) -> Floats:
        return np.array([getattr(mover, name) for mover in movers], float)

    return Crowd(
        kinds=np.array([CLASSES.index(mover.kind) for mover in movers], np.int8),
        across=column("across").astype(bool),
        at_m=column("at_m"),
        offset_m=column("offset_m"),
        direction=column("direction"),
        facing_rad=column("facing_rad"),
        speed_m_s=column("speed_m_s"),
        motion=column("motion").astype(np.int8),
        reach_m=column("reach_m"),
        delay_s=column("delay_s"),
        lamps_on=column("lamps_on").astype(bool),
        size_m=np.array(sizes, float).reshape(-1, 3),
        solids=tuple(mover.body for mover in movers),
        figures=dress(random, np.array(poses, np.int8)),
        figure_row=np.array(on_show, np.int64),
    )
