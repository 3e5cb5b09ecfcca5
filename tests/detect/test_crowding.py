"""The share of a walked zone with more than one person on 4 m2: known answers, and the synthetic street's own truth."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray
from seen_ground import LIKE_A_JAMCAM, plane_of

from core.figures import CLASSES
from core.ground import GroundMethod, GroundPlane
from core.records import Zone, ZoneKind
from detect.contact import Contact, SeenGround, above
from detect.crowding import CROWDED, crowded_share
from detect.error_model import Correction, GroupError
from detect.figures import figures_of
from detect.ground.area import on_ground
from detect.ground.plane import Plane
from ingest.rendering import RenderedStreet
from ingest.synthetic import SyntheticConfig

SIZE_PX, GRID = (400, 400), (200, 200)
PX_PER_M = 20

FROM_ABOVE = GroundPlane(
    name="camera/00000000", method=GroundMethod.RENDERED, lat=51.5, lon=0,
    image_to_ground=(1 / PX_PER_M, 0, 0, 0, -1 / PX_PER_M, 0, 0, 0, 1),
)  # fmt: skip
"""Straight down, 20 px a metre: a cell of the map is 0.1 m, the picture 20 m."""
PAVEMENT = Zone(
    id="pavement", name="pavement", kind=ZoneKind.PAVEMENT, polygon=((100, 100), (300, 100), (300, 300), (100, 300))
)
"""10 m x 10 m."""
GROUND = SeenGround(FROM_ABOVE, SIZE_PX)


def people(*at_m: tuple[float, float]) -> NDArray[np.float64]:
    """One frame with a unit in the cell of each place, in metres right and down from the picture's corner."""
    density = np.zeros((1, *GRID))
    for right, down in at_m:
        density[0, int(down * 10), int(right * 10)] += 1
    return density


def crowded_m2(density: NDArray[np.float64], zone: Zone = PAVEMENT, ground: SeenGround = GROUND) -> float:
    share = crowded_share(density, zone, ground)
    assert share is not None
    return share * 100


def test_one_alone_has_room() -> None:
    assert crowded_m2(people((10, 10))) == 0


@pytest.mark.parametrize(
    ("apart_m", "m2"), [((1.0, 0.0), 2.0), ((0.0, 1.2), 1.6), ((1.0, 1.0), 1.0), ((0.0, 0.0), 4.0), ((2.2, 0.0), 0.0)]
)
def test_two_crowd_the_ground_that_is_within_a_metre_of_both(apart_m: tuple[float, float], m2: float) -> None:
    """Two squares of 2 m around them overlap by (2 - |dx|)(2 - |dy|) m2; exact to a row of tiles of 0.4 m."""
    two = people((10.05, 10.05), (10.05 + apart_m[0], 10.05 + apart_m[1]))
    assert crowded_m2(two) == pytest.approx(m2, abs=0.85)


def test_it_is_right_on_average_wherever_two_stand() -> None:
    """What tiles round off is no bias: over many places the mean is the overlap."""
    random = np.random.default_rng(5)
    found = [crowded_m2(people((x, y), (x + 1, y))) for x, y in random.uniform(8, 12, (200, 2))]
    assert np.mean(found) == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(("people_on_4_m2", "share"), [(1.1, 0.0), (1.4, 1.0)])
def test_an_even_crowd_is_crowded_everywhere_or_nowhere(people_on_4_m2: float, share: float) -> None:
    assert 1.1 < CROWDED < 1.4
    even = np.full((3, *GRID), people_on_4_m2 / 400)  # a cell is 0.01 m2
    assert crowded_share(even, PAVEMENT, GROUND) == share


def test_who_stands_beside_the_zone_crowds_it_too() -> None:
    """One 0.3 m before its edge, one 0.2 m past it: of the 1.5 m x 2 m near both, 0.8 m x 2 m lie in the zone."""
    random = np.random.default_rng(6)
    found = [crowded_m2(people((x, y), (x + 0.5, y))) for x, y in random.uniform((14.6, 8), (14.8, 12), (200, 2))]
    assert np.mean(found) == pytest.approx(1.6, abs=0.45), "a tile is in or out by its middle"


def test_it_is_the_mean_over_the_frames() -> None:
    two = people((10, 10), (11, 10))
    assert crowded_m2(np.concatenate([two, people((10, 10))])) == pytest.approx(crowded_m2(two) / 2)


def test_only_where_people_walk_it_is_asked() -> None:
    crowd = people(*[(10, 10)] * 9)
    for kind in ZoneKind:
        asked = kind in (ZoneKind.PAVEMENT, ZoneKind.CROSSING, ZoneKind.BUS_STOP)
        zone = PAVEMENT.model_copy(update={"kind": kind})
        assert (crowded_share(crowd, zone, GROUND) is not None) == asked
    assert crowded_share(crowd, Zone(id="all", name="all", kind=ZoneKind.PAVEMENT), GROUND) is None


def test_the_ground_follows_a_view_that_has_moved() -> None:
    """The picture, its zones and the people in it 40 px farther right and 20 farther down are the same street, to the
    corner of the zone."""
    before = people((5.45, 5.45), (6.45, 5.45))
    assert crowded_m2(before) > 0
    after = np.roll(before, (10, 20), axis=(1, 2))
    shifted = PAVEMENT.model_copy(update={"polygon": tuple((x + 40, y + 20) for x, y in PAVEMENT.polygon or ())})
    assert crowded_m2(after, shifted, SeenGround(FROM_ABOVE, SIZE_PX, (40, 20))) == pytest.approx(crowded_m2(before))


def test_the_turn_of_the_map_does_not_matter() -> None:
    """The same camera with north elsewhere: the patches lie along its view, not along the compass."""
    turn = np.radians(37)
    turned = np.array([[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    matrix = turned @ np.array(FROM_ABOVE.image_to_ground).reshape(3, 3)
    elsewhere = FROM_ABOVE.model_copy(update={"image_to_ground": tuple(matrix.ravel().tolist())})
    two = people((10.05, 10.05), (11.05, 10.05))
    assert crowded_m2(two, PAVEMENT, SeenGround(elsewhere, SIZE_PX)) == pytest.approx(crowded_m2(two), abs=0.01)


STREET = RenderedStreet(SyntheticConfig(cameras=4, seed=0))
HIGHER = Contact(people=0.25)


def test_it_agrees_with_where_people_stand_on_the_synthetic_street() -> None:
    """People thrown onto the ground of a rendered camera, each a spot of the network's size, against their places.

    The spots are as wide as those that `models/train/compose.py` teaches; the truth asks every place of the zone, on a
    grid of 0.25 m, how many stand in the square of 2 m around it.
    """
    random = np.random.default_rng(11)
    camera = STREET.cameras[0]
    assert camera.plane is not None
    plane = Plane(camera.plane, (352, 288))
    zone = Zone(
        id="zone", name="zone", kind=ZoneKind.PAVEMENT, polygon=((30, 160), (320, 160), (320, 280), (30, 280))
    )  # fmt: skip
    corners_m = plane.to_ground(np.array(zone.polygon))
    low, high = corners_m.min(axis=0) - 1, corners_m.max(axis=0) + 1
    asked = np.stack(np.meshgrid(*(np.arange(a, b, 0.25) for a, b in zip(low, high, strict=True))), axis=-1)
    asked_px = plane.to_picture(asked)
    asked = asked[((asked_px >= (30, 160)) & (asked_px <= (320, 280))).all(axis=-1)]
    right = plane.matrix[:2, 0] / np.linalg.norm(plane.matrix[:2, 0])
    axes = np.array((right, (-right[1], right[0])))
    found, true = [], []
    for number in (4, 10, 25, 60, 120):
        at_m = random.uniform(low, high, (number, 2))
        found.append(crowded_share(spots(plane, at_m), zone, SeenGround(camera.plane, (352, 288), (0, 0), HIGHER)))
        near = (np.abs((asked[:, None] - at_m) @ axes.T) <= 1).all(axis=-1).sum(axis=1)
        true.append(float((near >= 2).mean()))
    assert true[-1] > 0.1
    np.testing.assert_allclose(found, true, atol=0.04)


def spots(plane: Plane, at_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """The density map of people at these places: one frame, [1, 72, 88]."""
    density = np.zeros((1, 72, 88))
    feet = plane.to_picture(at_m)
    for (x, y), scale in zip(feet, plane.px_per_m(feet), strict=True):
        across, high = np.clip(0.55 * scale / 32, 0.45, 1.6), np.clip(1.75 * scale / 32, 0.45, 1.6)
        columns = np.exp(-0.5 * ((np.arange(88) - x / 4 + 0.5) / across) ** 2)
        rows = np.exp(-0.5 * ((np.arange(72) - (y - HIGHER.people * scale) / 4 + 0.5) / high) ** 2)
        spot = np.outer(rows, columns)
        density[0] += spot / max(spot.sum(), 1e-9)
    return density


def test_a_zone_too_far_to_tell_two_from_one_is_left_open() -> None:
    camera = STREET.cameras[0]
    assert camera.plane is not None
    lens = STREET._streets[0].lens
    top = int(lens.horizon_px) + 4
    far = Zone(
        id="far", name="far", kind=ZoneKind.PAVEMENT,
        polygon=((100, top), (250, top), (250, top + 12), (100, top + 12)),
    )  # fmt: skip
    assert crowded_share(np.zeros((1, 72, 88)), far, SeenGround(camera.plane, (352, 288))) is None


def test_a_clip_costs_milliseconds() -> None:
    """Six frames of a zone, its tiles known: 1 ms on a core of 2024; ten times that is a mistake."""
    camera = STREET.cameras[0]
    assert camera.plane is not None
    zone, ground = camera.zones[0], SeenGround(camera.plane, (352, 288))
    frames = np.random.default_rng(0).uniform(0, 0.02, (6, 72, 88))
    crowded_share(frames, zone, ground)
    started = time.process_time()
    for _ in range(10):
        crowded_share(frames, zone, ground)
    assert time.process_time() - started < 0.1


def test_those_who_are_shown_above_their_feet_crowd_the_ground_at_their_feet() -> None:
    camera = plane_of(LIKE_A_JAMCAM)
    record = camera.record.model_copy(update={"focal_px": LIKE_A_JAMCAM.focal_px})
    middle_m = 20 * np.array((np.sin(0.6), np.cos(0.6)))  # straight ahead
    square_px = camera.to_picture(middle_m + 2 * np.array(((-1, -1), (1, -1), (1, 1), (-1, 1))))
    zone = PAVEMENT.model_copy(update={"polygon": tuple(map(tuple, square_px.tolist()))})
    feet_px = camera.to_picture(middle_m + np.array(((-0.4, 0), (0.4, 0))))
    shares = []
    for height_m in (0.0, 2.0):
        ground = SeenGround(record, (352, 288), contact=Contact(people=height_m))
        density = np.zeros((1, 288, 352))
        for x, y in above(ground, feet_px, height_m):
            density[0, int(y), int(x)] += 1
        shares.append(crowded_share(density, zone, ground))
    assert shares[0] is not None
    assert shares[0] > 0.1
    assert shares[1] == pytest.approx(shares[0], abs=0.06)


@pytest.mark.parametrize(("cells", "share"), [(200, 0.0), (80, None)])
def test_a_cell_longer_than_a_patch_tells_nothing(cells: int, share: float | None) -> None:
    """Of 200 m on the ground: a cell of 1 m, and one of 2.5 m."""
    far_up = FROM_ABOVE.model_copy(update={"image_to_ground": (0.5, 0, 0, 0, -0.5, 0, 0, 0, 1)})
    assert crowded_share(np.zeros((1, cells, cells)), PAVEMENT, SeenGround(far_up, SIZE_PX)) == share


@pytest.mark.parametrize(("gain", "share"), [(1.0, 0.02), (0.5, 0.0)])
def test_it_is_asked_of_how_many_there_are_and_not_of_how_many_the_model_sees(gain: float, share: float) -> None:
    density = np.zeros((1, len(CLASSES), *GRID))
    density[:, CLASSES.index("pedestrian")] = people((10.05, 10.05), (11.05, 10.05))
    known = Correction(people=GroupError(gain=gain, sqrt_error=0.3, frames=12, sites=6), vehicles=None)
    (found,) = figures_of(
        density, 10, [on_ground(PAVEMENT, Plane(FROM_ABOVE, SIZE_PX))], SIZE_PX, [known], ground=GROUND
    )
    assert found.ground is not None
    assert found.ground.crowded_share == pytest.approx(share, abs=0.009)


def test_a_large_zone_of_many_corners_fits_a_worker() -> None:
    """5000 m2 within 200 corners: 40 thousand tiles of a few dozen bytes, not as many for each corner."""
    far_up = FROM_ABOVE.model_copy(update={"image_to_ground": (0.5, 0, 0, 0, -0.5, 0, 0, 0, 1)})
    turns = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = 200 + 80 * np.stack((np.cos(turns), np.sin(turns)), axis=-1)
    zone = PAVEMENT.model_copy(update={"polygon": tuple((float(x), float(y)) for x, y in ring)})
    tracemalloc.start()
    try:
        assert crowded_share(np.zeros((1, *GRID)), zone, SeenGround(far_up, SIZE_PX)) == 0
        assert tracemalloc.get_traced_memory()[1] < 30e6
    finally:
        tracemalloc.stop()
