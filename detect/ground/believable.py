"""What cannot be true of the sizes in a scene, seen before any camera is fitted to them; refused by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import hypot, inf, isfinite, sqrt

import numpy as np

from core.errors import CalibrationRefused
from core.records import PointPx
from core.site import KnownSizes, Site
from detect.ground.cues import Cue, HeightCue, LengthCue, LineCue
from detect.ground.plane import Numbers, Points

LEAST_EQUATIONS = 3
"""For focal length, pitch and height; what is still open after them, priors hold."""

LEAST_LENGTH_OF_ERROR = 4.0
"""Of whatever is marked by two points: shorter, it tells nothing."""

SURE_SIGMAS = 3.0

_STEP_PX = 0.1


def refuse_what_cannot_be(site: Site, cues: Sequence[Cue]) -> None:
    """Raises `CalibrationRefused` for the first item that cannot be true, or where there is not enough."""
    sizes = site.sizes or KnownSizes()
    _refuse_outside(site, sizes)
    _refuse_short(site, sizes)
    for number, height in enumerate(sizes.heights, 1):
        if height.top_px[1] >= height.foot_px[1]:
            raise CalibrationRefused(
                f"height {number}, {height.what!r}, has its top {_at(height.top_px)} below its foot "
                f"{_at(height.foot_px)}",
                remedy="swap them: foot_px is where it stands on the ground, y is counted downwards",
            )
    _refuse_too_little(site, cues)
    _refuse_mirrored(cues)


def _marked(sizes: KnownSizes) -> Iterator[tuple[str, PointPx, PointPx]]:
    """Every item that is two points, with what to call it."""
    for number, length in enumerate(sizes.lengths, 1):
        yield f"length {number}, {length.what!r},", length.from_px, length.to_px
    for number, height in enumerate(sizes.heights, 1):
        yield f"height {number}, {height.what!r},", height.foot_px, height.top_px
    for parallel in sizes.parallels:
        for number, (start, end) in enumerate(parallel.lines, 1):
            yield f"line {number} of {parallel.what!r}", start, end


def _refuse_outside(site: Site, sizes: KnownSizes) -> None:
    for item, *ends in _marked(sizes):
        for x, y in ends:
            if not (0 <= x <= site.width and 0 <= y <= site.height):
                raise CalibrationRefused(
                    f"{item} has the point {_at((x, y))} outside the {site.width}x{site.height} picture",
                    remedy="mark points that are seen, in pixels of the picture",
                )


def _refuse_short(site: Site, sizes: KnownSizes) -> None:
    least_px = LEAST_LENGTH_OF_ERROR * site.lens.error_px
    for item, start, end in _marked(sizes):
        apart_px = hypot(end[0] - start[0], end[1] - start[1])
        if apart_px < least_px:
            raise CalibrationRefused(
                f"{item} is {apart_px:.1f} px long, with points that are known to {site.lens.error_px:g} px",
                remedy=f"mark something at least {least_px:.0f} px long, such as the same thing nearer to the camera",
            )


def _refuse_too_little(site: Site, cues: Sequence[Cue]) -> None:
    scales = [cue for cue in cues if isinstance(cue, LengthCue | HeightCue)]
    if not scales:
        raise CalibrationRefused(
            f"nothing among the sizes of camera {site.camera} has metres: no length and no height is known",
            remedy="add a length on the ground (a lane's width) or the height of something upright (a bus)",
        )
    headings = {cue.heading for cue in cues if isinstance(cue, LineCue)}
    equations = sum(2 if isinstance(cue, HeightCue) else 1 for cue in cues if not _is_bearing(cue)) - len(headings)
    if equations < LEAST_EQUATIONS:
        raise CalibrationRefused(
            f"the sizes of camera {site.camera} are {equations} of at least {LEAST_EQUATIONS} equations "
            "(one for a length, two for a height, one for each line parallel to another)",
            remedy="add lengths along and across the street, and lines that are parallel on the ground",
        )


def _is_bearing(cue: Cue) -> bool:
    return len(cue.on_ground) == 0


def _refuse_mirrored(cues: Sequence[Cue]) -> None:
    """Lines on the ground meet at the horizon, and all of the ground lies below it."""
    lines = [cue for cue in cues if isinstance(cue, LineCue)]
    for line, other in combinations(lines, 2):
        if line.heading != other.heading or not _surely_cross(line, other):
            continue
        meeting = _meeting(line.ends.px, other.ends.px)
        error_px = _error_down(line, other)
        both = np.concatenate((line.ends.px, other.ends.px))
        if meeting[1] > both[:, 1].min() + SURE_SIGMAS * error_px:
            raise CalibrationRefused(
                f"{line.item} and {other.item} meet at {_at(meeting)}, not above all of what they mark: on the ground "
                "seen from above, parallel lines draw together towards the horizon",
                remedy="check that these lines are parallel, and that the picture is neither mirrored nor upside down",
            )
        for cue in cues:
            if cue is line or cue is other or cue.on_ground.size == 0:
                continue
            highest = cue.on_ground[cue.on_ground[:, 1].argmin()]
            # A camera that is not level has a slanting horizon: below it is told by the height only near the meeting.
            slant_px = _MOST_SLANT * abs(float(highest[0] - meeting[0]))
            if highest[1] < meeting[1] - SURE_SIGMAS * error_px - slant_px:
                raise CalibrationRefused(
                    f"{cue.item} has the point {_at(highest)} above the horizon, which {line.item} and {other.item} "
                    f"put at y = {meeting[1]:.0f} there",
                    remedy="mark points on the ground only, or check these lines",
                )


_MOST_SLANT = 0.16
"""Of a horizon, three standard errors of the prior of the roll: 9 degrees."""


def _surely_cross(line: LineCue, other: LineCue) -> bool:
    """Whether two lines are not parallel in the picture, surely."""
    variance, directions = 0.0, []
    for ends in (line.ends, other.ends):
        along = ends.px[1] - ends.px[0]
        length = float(np.hypot(*along))
        across = np.array((-along[1], along[0])) / length
        variance += float(across @ ends.covariance_px2.sum(axis=0) @ across) / length**2
        directions.append(along / length)
    angle = abs(float(np.cross(np.append(directions[0], 0), np.append(directions[1], 0))[2]))
    return angle > SURE_SIGMAS * sqrt(variance)


def _meeting(line: Points, other: Points) -> Points:
    """Where two lines [end, 2] meet; far away where they are parallel."""
    first, second = (np.cross(np.append(ends[0], 1), np.append(ends[1], 1)) for ends in (line, other))
    x, y, w = np.cross(first, second)
    return np.array((x, y)) / w if w else np.array((inf, inf))


def _error_down(line: LineCue, other: LineCue) -> float:
    """Standard error of the y at which two lines meet."""
    ends = np.stack((line.ends.px, other.ends.px))
    covariances = np.stack((line.ends.covariance_px2, other.ends.covariance_px2))
    variance = 0.0
    for which, end in np.ndindex(2, 2):
        moves: Numbers = np.zeros(2)
        for axis in range(2):
            step = np.zeros_like(ends)
            step[which, end, axis] = _STEP_PX
            moves[axis] = (_meeting(*(ends + step))[1] - _meeting(*(ends - step))[1]) / (2 * _STEP_PX)
        variance += float(moves @ covariances[which, end] @ moves)
    return sqrt(variance) if isfinite(variance) else inf


def _at(point: PointPx | Points) -> str:
    return f"({float(point[0]):.0f}, {float(point[1]):.0f})"
