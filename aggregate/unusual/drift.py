"""Is it the street that changed, or the camera? What else is known of the days around a change is held against it.

For the camera speak: that its view, counter or calibration became another at that time; that it was moved or its clips
faulty; that a loop in the road beside it saw no such change; that what else it counts changed alike, as with a dirty
lens, though no other camera near it did. Nothing of that means that the street changed: no more can be told by figures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aggregate.tables import Mask, Numbers
from aggregate.unusual.verdicts import ChangeKind

_Z = 1.645


@dataclass(frozen=True)
class Step:
    """By how much a level changed, on the logarithmic scale, and the standard error of that."""

    size: float
    error: float

    @property
    def surely(self) -> bool:
        """Whether its 90 % interval holds no 0."""
        return abs(self.size) > _Z * self.error


@dataclass(frozen=True)
class Beside:
    """What is known beside a change of `size`: what of the camera became another (`became`, in words); the step of
    its other figures, called `other`; that of a loop near it; how many other cameras near it changed alike."""

    size: float
    became: tuple[str, ...] = ()
    other: str = ""
    other_step: Step | None = None
    loop_step: Step | None = None
    loop: str = ""
    alike_near: int = 0


def step(level: Numbers, day: int, first: int, last: int) -> Step | None:
    """How a level [day] changed at `day` between the days [first, last); None where too few are known on a side."""
    before, after = (side[np.isfinite(side)] for side in (level[first:day], level[day:last]))
    if min(len(before), len(after)) < 7:
        return None
    error = np.sqrt(before.var(ddof=1) / len(before) + after.var(ddof=1) / len(after))
    return Step(float(after.mean() - before.mean()), float(error))


def judged(beside: Beside) -> tuple[ChangeKind, str]:
    """Which it looks like, and what speaks for that, in words."""
    camera, street = list(beside.became), []
    if beside.loop_step is not None:
        if _alike(beside.loop_step, beside.size):
            street.append(f"the loop {beside.loop} beside it changed alike")
        elif abs(beside.loop_step.size) + _Z * beside.loop_step.error < abs(beside.size) / 2:
            camera.append(f"the loop {beside.loop} beside it saw no such change")
    near = f"{beside.alike_near} other {'camera' if beside.alike_near == 1 else 'cameras'} near it changed alike"
    if beside.alike_near:
        street.append(near)
    if beside.other_step is not None:
        if not beside.other_step.surely or np.sign(beside.other_step.size) != np.sign(beside.size):
            street.append(f"its {beside.other} did not change with it")
        elif _alike(beside.other_step, beside.size) and not street:
            camera.append(f"its {beside.other} changed alike, and nothing near it did")
    if camera:
        return ChangeKind.CAMERA_DRIFT, "; ".join(camera)
    return ChangeKind.STREET_CHANGE, "; ".join(street) or "nothing is known that would speak for the camera"


def _alike(other: Step, size: float) -> bool:
    """Surely in the same direction, and between half and twice as much."""
    return other.surely and 0.5 <= other.size / size <= 2.0


def alike(sizes: Numbers, size: float) -> Mask:
    """Which of the sizes are in the same direction, and between half and twice as much."""
    ratio = sizes / size
    return (ratio >= 0.5) & (ratio <= 2.0)
