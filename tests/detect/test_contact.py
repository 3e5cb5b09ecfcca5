"""A zone drawn on the ground holds those who stand in it, though the network shows them a little above their feet."""

from __future__ import annotations

import numpy as np
import pytest
from seen_ground import LIKE_A_JAMCAM, plane_of

from core.figures import CLASSES, Gains
from core.ground import GroundMethod, GroundPlane
from core.records import Lighting, Zone
from detect.contact import ON_THE_GROUND, Contact, SeenGround, above, below, contact_of
from detect.error_model import Correction, GroupError, known_errors
from detect.figures import figures_of
from detect.ground.area import on_ground
from detect.ground.plane import Plane, bent
from detect.registry import open_model
from ingest.street.layout import Lens, street
from ingest.street.places import ground_plane
from ingest.synthetic import SyntheticConfig, SyntheticStreet

SIZE_PX = (352, 288)
PLACES = [street(3, index) for index in range(8)]


def seen(index: int, *, told: bool = True, contact: Contact = ON_THE_GROUND) -> tuple[SeenGround, Lens]:
    place = PLACES[index]
    plane = ground_plane("camera", place, 51.5, 0.0)
    if not told:
        plane = plane.model_copy(update={"height_m": None, "focal_px": None})
    return SeenGround(plane, SIZE_PX, contact=contact), place.lens


def feet_and_heads(lens: Lens, height_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Where a grid of people stands and how high `height_m` above them is, in the picture, as it is rendered."""
    x_m, y_m = (axis.ravel() for axis in np.meshgrid(np.linspace(-8, 8, 7), np.linspace(12, 60, 9)))
    ground = np.stack((x_m, y_m, np.zeros_like(x_m)), axis=-1)
    return lens.project(ground)[0], lens.project(ground + np.array((0, 0, height_m)))[0]


@pytest.mark.parametrize("index", range(8))
def test_what_stands_is_shown_where_the_camera_shows_it(index: int) -> None:
    """Exact for a known focal length, and to 2 px, half a cell of the map, where it is not known."""
    ground, lens = seen(index)
    feet, heads = feet_and_heads(lens, 1.7)
    np.testing.assert_allclose(above(ground, feet, 1.7), heads, atol=1e-9)
    np.testing.assert_allclose(below(ground, above(ground, feet, 0.3), 0.3), feet, atol=0.02)
    guessed, _ = seen(index, told=False)
    off_px = np.abs(above(guessed, feet, 0.3) - feet_and_heads(lens, 0.3)[1])
    assert off_px[((feet >= 0) & (feet <= SIZE_PX)).all(axis=1)].max() < 2.0


def test_it_follows_a_view_that_has_moved() -> None:
    ground, lens = seen(0)
    moved, shift_px = SeenGround(ground.plane, SIZE_PX, (12, -5)), np.array((12, -5))
    feet, heads = feet_and_heads(lens, 0.3)
    np.testing.assert_allclose(above(moved, feet + shift_px, 0.3), heads + shift_px, atol=1e-9)


@pytest.mark.parametrize("k1", [-0.3, 0.1, 0.5])
def test_it_is_seen_through_a_lens_that_bends(k1: float) -> None:
    record = plane_of(LIKE_A_JAMCAM, k1=k1).record.model_copy(update={"focal_px": LIKE_A_JAMCAM.focal_px})
    feet = np.array(((20.0, 150.0), (340.0, 150.0), (20.0, 280.0), (176.0, 280.0), (176.0, 100.0)))
    stands_m = Plane(record, SIZE_PX).to_ground(feet)
    heads = bent(LIKE_A_JAMCAM.to_picture(stands_m, 0.25), k1, SIZE_PX)
    np.testing.assert_allclose(above(SeenGround(record, SIZE_PX), feet, 0.25), heads, atol=1e-9)


def test_a_zone_that_would_shrink_to_nothing_is_left_where_it_is_drawn() -> None:
    """A zone encloses one square pixel at least: raised it is less, and its camera is counted all the same."""
    speck = Zone(id="z", name="z", polygon=((165.0, 209.0), (166.0, 209.0), (166.0, 210.0), (165.0, 210.0)))
    record = plane_of(LIKE_A_JAMCAM).record.model_copy(update={"focal_px": LIKE_A_JAMCAM.focal_px})
    ground = SeenGround(record, SIZE_PX, contact=Contact(people=0.25))
    density = np.zeros((1, len(CLASSES), 72, 88), dtype=np.float32)
    (found,) = figures_of(density, 10, [speck], SIZE_PX, [known_errors(Lighting.DAY, None, None)], ground=ground)
    assert found.present.people == 0
    assert ground.raised([speck], 0.25) == (speck,)


@pytest.mark.parametrize("shift_px", [(0, 0), (-36, 0), (0, 30)])
def test_of_a_zone_whose_edge_has_left_the_picture_the_area_is_what_is_left(shift_px: tuple[int, int]) -> None:
    """People who are spread evenly, a tenth to a square metre, are a tenth to a square metre wherever it is seen."""
    drawn = Zone(id="z", name="z", polygon=((4.0, 150.0), (150.0, 150.0), (150.0, 280.0), (4.0, 280.0)))
    plane = plane_of(LIKE_A_JAMCAM)
    placed = on_ground(drawn, plane)
    assert placed.polygon is not None
    assert placed.ground is not None
    moved = placed.model_copy(update={"polygon": tuple((x + shift_px[0], y + shift_px[1]) for x, y in placed.polygon)})
    middles = np.stack(np.meshgrid(np.arange(352), np.arange(288)), axis=-1) + 0.5
    density = np.zeros((1, len(CLASSES), 288, 352), dtype=np.float32)
    density[0, 0] = 0.1 * np.abs(np.linalg.det(np.nan_to_num(plane.jacobian(middles - shift_px))))
    nothing = known_errors(Lighting.DAY, None, None)
    seen_ground = SeenGround(plane.record, SIZE_PX, shift_px)
    (found,) = figures_of(density, 10, [moved], SIZE_PX, [nothing], ground=seen_ground)
    assert found.ground is not None
    assert (found.ground.area_m2 == placed.ground.area_m2) == (shift_px == (0, 0))
    assert found.present.people / found.ground.area_m2 == pytest.approx(0.1, rel=1e-3)


def test_who_stands_on_this_side_of_a_line_is_counted_there() -> None:
    """Units 0.3 m above the feet of people a little before and behind a kerb that runs across the view."""
    ground, lens = seen(1, contact=Contact(people=0.3))
    kerb = lens.project(np.array(((-9.0, 20, 0), (9, 20, 0), (9, 28, 0), (-9, 28, 0))))[0]
    pavement = Zone(id="pavement", name="pavement", polygon=tuple((float(x), float(y)) for x, y in kerb))
    standing = np.array([(x, y, 0.3) for x in (-3.0, 0, 3) for y in (20.5, 27.5)])  # within, by half a metre
    beside = np.array([(x, y, 0.3) for x in (-3.0, 0, 3) for y in (18.5, 28.5)])  # not
    density = np.zeros((1, len(CLASSES), 288, 352), dtype=np.float32)
    for at in lens.project(np.concatenate((standing, beside)))[0]:
        density[0, CLASSES.index("pedestrian"), int(at[1]), int(at[0])] += 1
        density[0, CLASSES.index("car"), int(at[1]), int(at[0])] += 1
    nothing = known_errors(Lighting.DAY, None, None)
    (right,) = figures_of(density, 10, [pavement], SIZE_PX, [nothing], ground=ground)
    (wrong,) = figures_of(density, 10, [pavement], SIZE_PX, [nothing])
    assert right.present.pedestrian == 6
    assert wrong.present.pedestrian == 3, "drawn where they stand: those at its far edge are shown behind it"
    assert right.present.car == wrong.present.car, "of vehicles it stands on the ground"
    both = SeenGround(ground.plane, SIZE_PX, contact=Contact(people=0.3, vehicles=0.3))
    (as_high,) = figures_of(density, 10, [pavement], SIZE_PX, [nothing], ground=both)
    assert as_high.present.car == 6, "unless the model says so"


def test_each_zone_is_corrected_by_its_own_gain() -> None:
    halves = [
        Zone(id=side, name=side, polygon=((x, 0.0), (x + 176, 0.0), (x + 176, 288.0), (x, 288.0)))
        for side, x in (("left", 0.0), ("right", 176.0))
    ]
    density = np.zeros((2, len(CLASSES), 72, 88), dtype=np.float32)
    density[:, CLASSES.index("pedestrian"), 30, [20, 60]] = 2.0
    gained = [
        Correction(people=GroupError(gain=gain, sqrt_error=0.3, frames=12, sites=6), vehicles=None)
        for gain in (0.5, 3.0)
    ]
    left, right = figures_of(density, 10, halves, SIZE_PX, gained)
    assert (left.present.people, right.present.people) == (1.0, 6.0)
    assert (left.gain, right.gain) == (Gains(people=0.5), Gains(people=3.0))


def test_a_camera_that_looks_straight_down_sees_nobody_above_their_feet() -> None:
    down = GroundPlane(
        name="camera/00000000",
        method=GroundMethod.POINTS,
        lat=51.5,
        lon=0,
        image_to_ground=(1, 0, 0, 0, -1, 0, 0, 0, 1),
    )
    feet = np.array(((10.0, 20.0), (300.0, 200.0)))
    assert (above(SeenGround(down, SIZE_PX), feet, 1.7) == feet).all()


def test_what_no_ground_is_known_of_stays_where_it_is() -> None:
    ground, lens = seen(0)
    sky = np.array(((100.0, lens.horizon_px - 20), (100.0, 200.0)))
    raised = above(ground, sky, 0.3)
    assert (raised[0] == sky[0]).all()
    assert raised[1, 1] < 200


def test_models_say_where_their_density_stands() -> None:
    assert contact_of(open_model("lowres-2")).people == pytest.approx(0.25)
    assert contact_of(object()) == ON_THE_GROUND  # type: ignore[arg-type]  # as box detectors: feet, and wheels


def test_a_zone_is_raised_by_little_and_stays_a_zone() -> None:
    """Of every zone of the synthetic cameras: simple, and by less than a tenth of its picture's height."""
    for camera in SyntheticStreet(SyntheticConfig(cameras=8)).cameras:
        assert camera.plane is not None
        ground = SeenGround(camera.plane, SIZE_PX)
        for zone, raised in zip(camera.zones, ground.raised(camera.zones, 0.25), strict=True):
            was, now = np.array(zone.polygon), np.array(raised.polygon)
            assert ((was[:, 1] - now[:, 1] >= 0) & (was[:, 1] - now[:, 1] < 29)).all()
            px_per_m = Plane(camera.plane, SIZE_PX).px_per_m(was)
            np.testing.assert_allclose(np.linalg.norm(was - now, axis=1), 0.25 * px_per_m, rtol=0.25)
