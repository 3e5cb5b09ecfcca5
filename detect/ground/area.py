"""What a zone covers on the ground: the part near enough to count people in, its square metres, and their error."""

from __future__ import annotations

from math import sqrt

import numpy as np

from core.errors import CalibrationRefused
from core.ground import LocalFrame, ZoneGround
from core.records import PointPx, Zone
from detect.ground.outlines import (
    Corners,
    followed,
    longer_side,
    pieces_above,
    pieces_within,
    signed_area,
    simplified,
    without_repeats,
)
from detect.ground.plane import Matrix, Numbers, Plane, Points, bent, scale_of, straightened
from detect.ground.pose import Pose

LEAST_PX_PER_M = 6.0
"""Where a metre is fewer pixels of a picture 288 high, nobody is counted: someone of 1.7 m is 10 px high there and 3 px
wide, less than a cell of the network's density map. See `least_px_per_m`."""

COUNTED_HEIGHT_PX = 288
"""The height to which the network brings every picture."""

LEAST_LEFT_PX2 = 1.0
"""Less of a zone than this, in pixels of the picture, is nothing of it."""

_CORNERS = 200
"""The most that a zone may have."""

_STEP_PX = 4.0
"""How closely the edge of a zone is followed through a lens that bends it: to 0.004 px in 352x288, at k1 = 0.1."""


def least_px_per_m(size_px: tuple[int, int]) -> float:
    """The least pixels to a metre, across the view, at which people are counted in a picture of `size_px`.

    A larger picture is reduced before it is counted, so that the same people are more pixels in it; a smaller one is
    enlarged, which shows nothing more.
    """
    return LEAST_PX_PER_M * max(1.0, size_px[1] / COUNTED_HEIGHT_PX)


def on_ground(zone: Zone, plane: Plane, covariance: Matrix | None = None, pose: Pose | None = None) -> Zone:
    """`zone` with its ground, and its polygon cut to the part below the horizon where a person can be counted.

    `covariance` [9, 9] is that of the numbers of `plane`; None where they are exact. A `pose` lets the words on what
    was cut say how far from the camera that is. Where the cut leaves several pieces the largest on the ground is kept.
    The whole view, a zone without a polygon, is no piece of ground and is left as it is.

    Raises `CalibrationRefused` for a zone that is wholly above the horizon or is too far in every corner.
    """
    if zone.polygon is None:
        return zone
    drawn = without_repeats(np.array(zone.polygon, np.float64))
    corners, cut = _near_part(zone.id, drawn, plane, pose)
    edge_px = _edge(corners, plane)
    area_m2, slopes = area_of(edge_px, plane)
    error_m2 = 0.0 if covariance is None else sqrt(max(0.0, float(slopes @ covariance @ slopes)))
    scale = plane.px_per_m(edge_px)
    return zone.model_copy(
        update={
            "polygon": tuple((float(x), float(y)) for x, y in corners),
            "ground": ZoneGround(
                plane=plane.record.name,
                area_m2=area_m2,
                area_error=error_m2 / area_m2,
                length_m=longer_side(plane.to_ground(edge_px)),
                outline=_outline(plane, corners),
                most_px_per_m=float(scale.max()),
                least_px_per_m=float(scale.min()),
                cut=cut,
            ),
        }
    )


def area_of(corners_px: Points, plane: Plane) -> tuple[float, Numbers]:
    """Square metres of a polygon below the horizon, and their derivative [9] by the numbers of the plane.

    Without distortion the edges are straight on the ground too, and the area is that of the mapped corners, exactly.
    With one the edges have to be followed (`outlines.followed`). The derivative is the chain of the shoelace formula
    and of (east, north) = (h1 p, h2 p) / (h3 p).
    """
    ideal = straightened(corners_px, plane.record.lens_k1, plane.size_px)
    homogeneous = np.column_stack((ideal, np.ones(len(ideal))))
    w = homogeneous @ plane.matrix[2]
    ground_m = (homogeneous @ plane.matrix[:2].T) / w[:, None]
    ground_m -= (origin := ground_m[0].copy())
    signed_m2 = signed_area(ground_m)
    east, north = ground_m.T
    by_east = (np.roll(north, -1) - np.roll(north, 1)) / 2
    by_north = (np.roll(east, 1) - np.roll(east, -1)) / 2
    rays = homogeneous / w[:, None]
    by_w = -(by_east * (east + origin[0]) + by_north * (north + origin[1]))
    slopes = np.concatenate((by_east @ rays, by_north @ rays, by_w @ rays))
    return abs(signed_m2), slopes * np.sign(signed_m2)


def shown_share(corners_px: Points, plane: Plane, shift_px: tuple[int, int]) -> float:
    """The share of a polygon's ground that is in the picture, whose view has moved by `shift_px` since `plane` was
    fitted: 1 where it is wholly within. The polygon [n, 2] is where that view shows it."""
    corners_px = np.asarray(corners_px, np.float64)
    if ((corners_px >= 0) & (corners_px <= plane.size_px)).all():
        return 1.0
    pieces = (corners_px, *pieces_within(corners_px, plane.size_px))
    whole_m2, *left_m2 = (area_of(_edge(piece - shift_px, plane), plane)[0] for piece in pieces)
    return min(1.0, sum(left_m2) / whole_m2)


def _near_part(zone: str, drawn: Corners, plane: Plane, pose: Pose | None) -> tuple[Corners, str | None]:
    """The corners that are left of a zone, in pixels, and in words what was cut off; None where nothing was.

    The scale across the view grows evenly from none at the horizon, so what is too far lies beyond a straight line
    (before the lens bends it), and so does what is above the horizon.
    """
    k1, least = plane.record.lens_k1, least_px_per_m(plane.size_px)
    edge = straightened(_edge(drawn, plane), k1, plane.size_px)
    w = _w(edge, plane)
    least_w = least / float(scale_of(plane.matrix, np.ones(1))[0])
    if w.min() >= least_w:
        return drawn, None
    pieces = [_few(bent(piece, k1, plane.size_px), plane) for piece in pieces_above(edge, w - least_w)]
    pieces = [piece for piece in pieces if len(piece) > 2 and abs(signed_area(piece)) >= LEAST_LEFT_PX2]
    if not pieces:
        raise _out_of_sight(zone, drawn, plane, least)
    kept = max(pieces, key=lambda piece: area_of(_edge(piece, plane), plane)[0])
    near_w = _w(straightened(kept, k1, plane.size_px), plane)
    far_m = plane.to_ground(kept[near_w < least_w * 1.01]).mean(axis=0)
    if pose is not None:
        beyond = f"beyond {np.hypot(*(far_m - pose.foot_m)):.0f} m from the camera"
    else:
        near_m = plane.to_ground(kept[np.argmax(near_w)])
        beyond = f"beyond {np.hypot(*(far_m - near_m)):.0f} m from its near end"
    above = "above the horizon and " if w.min() <= 0 else ""
    largest = f"; of the {len(pieces)} pieces that are left, the largest is kept" if len(pieces) > 1 else ""
    return kept, f"the part {above}{beyond}, where a metre is fewer than {least:.3g} px{largest}"


def _out_of_sight(zone: str, drawn: Corners, plane: Plane, least: float) -> CalibrationRefused:
    """Names the corner of a zone that is nearest, and yet not near enough."""
    w = _w(straightened(drawn, plane.record.lens_k1, plane.size_px), plane)
    nearest = int(np.argmax(w))
    corner = f"its nearest corner, {nearest + 1} at ({drawn[nearest, 0]:g}, {drawn[nearest, 1]:g}),"
    remedy = "draw it where people can be seen on the ground, or check the points that the ground is fitted to"
    if w[nearest] <= 0:
        return CalibrationRefused(f"zone {zone!r} is wholly above the horizon: {corner} sees no ground", remedy=remedy)
    scale = float(scale_of(plane.matrix, w[nearest]))
    return CalibrationRefused(
        f"zone {zone!r} is wholly too far: at {corner} a metre is {scale:.3g} px, and people are counted from "
        f"{least:.3g} px to a metre",
        remedy=remedy,
    )


def _w(ideal_px: Points, plane: Plane) -> Numbers:
    """The homography's third coordinate [n]: positive below the horizon."""
    w: Numbers = ideal_px @ plane.matrix[2, :2] + plane.matrix[2, 2]
    return w


def _edge(corners_px: Corners, plane: Plane) -> Corners:
    """Corners between which the outline is straight on the ground too."""
    return followed(corners_px, _STEP_PX) if plane.record.lens_k1 else corners_px


def _few(corners_px: Corners, plane: Plane) -> Corners:
    """Without the corners that only followed an edge, to a thousandth of a pixel and as few as a zone may have.

    Between followed corners an edge is taken as straight: what that moves out of the picture is brought back.
    """
    tolerance = 0.05
    few = simplified(corners_px, tolerance) if plane.record.lens_k1 else corners_px
    while len(few) > _CORNERS:
        few, tolerance = simplified(corners_px, tolerance), tolerance * 1.5
    inside = np.clip(few, 0.0, np.array(plane.size_px, np.float64))
    return without_repeats(np.round(inside, 3))


def _outline(plane: Plane, corners_px: Corners) -> tuple[PointPx, ...]:
    """(lon, lat) of the corners to a centimetre, counter-clockwise as the outer ring of a polygon in GeoJSON is."""
    frame = LocalFrame(plane.record.lat, plane.record.lon)
    ground_m = plane.to_ground(corners_px)
    if signed_area(ground_m) < 0:
        ground_m = ground_m[::-1]
    places = [frame.degrees(float(east), float(north)) for east, north in ground_m]
    return tuple((round(lon, 7), round(lat, 7)) for lat, lon in places)
