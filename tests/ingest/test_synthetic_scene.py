"""The synthetic street's truth: inside the picture, visible in the pixels, and as busy as the hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.figures import CLASSES
from ingest.street.backdrop import backdrop, lit, setting
from ingest.street.layout import HEIGHT_PX, WIDTH_PX, Character, street
from ingest.street.light import light, sun
from ingest.street.scene import MINIMUM_SIDE_PX, Stage, draw, set_stage, truth
from ingest.street.traffic import crowd, expected

SEED = 0
DAY = datetime(2026, 3, 12, tzinfo=UTC)  # a Thursday
CLIP_S = 10.0


def stage(index: int, hour: float) -> Stage:
    place, moment = street(SEED, index), DAY + timedelta(hours=hour)
    here = setting(place, light(moment, 51.5, -0.1, SEED), 40.0)
    return set_stage(here, crowd(place, moment, (SEED, index, int(hour * 60))))


@pytest.fixture(scope="module", params=[(1, 8.5), (3, 13.0), (1, 22.0)], ids=["morning", "lunch", "night"])
def scene(request: pytest.FixtureRequest) -> Stage:
    return stage(*request.param)


class TestTruth:
    def test_every_box_is_inside_the_picture_and_large_enough_to_see(self, scene: Stage) -> None:
        for t_s in (0.0, 5.0, 9.9):
            known = truth(scene, t_s, CLIP_S)
            assert known.offset_s == t_s
            assert known.objects
            for item in known.objects:
                assert item.kind in CLASSES
                assert item.x - item.w / 2 >= -1e-6
                assert item.y - item.h / 2 >= -1e-6
                assert item.x + item.w / 2 <= WIDTH_PX + 1e-6
                assert item.y + item.h / 2 <= HEIGHT_PX + 1e-6
                assert max(item.w, item.h) >= MINIMUM_SIDE_PX

    def test_every_object_changes_the_empty_street_where_it_stands(self, scene: Stage) -> None:
        picture, empty = draw(scene, 4.0).astype(int), scene.setting.plate.astype(int)
        for item in truth(scene, 4.0, CLIP_S).objects:
            rows = slice(int(item.y - item.h / 2), int(np.ceil(item.y + item.h / 2)))
            columns = slice(int(item.x - item.w / 2), int(np.ceil(item.x + item.w / 2)))
            changed = np.abs(picture[rows, columns] - empty[rows, columns]).max(axis=2) > 8
            assert changed.mean() > 0.12, item

    def test_where_nobody_is_nothing_changes_by_day(self) -> None:
        quiet = stage(1, 13.0)
        changed = np.abs(draw(quiet, 4.0).astype(int) - quiet.setting.plate.astype(int)).max(axis=2) > 40
        for item in truth(quiet, 4.0, CLIP_S).objects:
            margin = 8 + 0.8 * max(item.w, item.h)  # shadows reach beyond the body
            rows = slice(max(0, int(item.y - item.h / 2 - margin)), int(item.y + item.h / 2 + margin))
            columns = slice(max(0, int(item.x - item.w / 2 - margin)), int(item.x + item.w / 2 + margin))
            changed[rows, columns] = False
        assert changed.mean() < 0.01

    def test_the_stationary_stand_still_and_the_others_do_not(self, scene: Stage) -> None:
        people = scene.crowd
        start, end = people.street_position(0.0), people.street_position(CLIP_S)
        moved = np.hypot(end[0] - start[0], end[1] - start[1])
        still = people.still(CLIP_S)
        assert np.all(moved[still] < 0.3)
        assert np.all(moved[~still] >= 0.3)
        listed = truth(scene, 5.0, CLIP_S).objects
        assert sum(item.stationary for item in listed) <= still.sum()
        assert sum(not item.stationary for item in listed) <= (~still).sum()

    def test_who_is_behind_a_house_is_not_in_it(self) -> None:
        evening = stage(1, 18.0)
        visible = len(truth(evening, 5.0, CLIP_S).objects)
        assert 0 < visible < len(evening.crowd.kinds)


class TestGeometry:
    @pytest.mark.parametrize("index", range(12))
    def test_street_and_world_coordinates_are_inverse(self, index: int) -> None:
        place = street(SEED, index)
        random = np.random.default_rng(index)
        s, d = random.uniform(0, 150, 200), random.uniform(-20, 20, 200)
        back = place.to_street(*place.to_world(s, d))
        np.testing.assert_allclose(back[0], s, atol=1e-6)
        np.testing.assert_allclose(back[1], d, atol=1e-6)

    def test_a_pixel_of_the_ground_projects_onto_itself(self) -> None:
        lens = street(SEED, 0).lens
        x_px, y_px = np.array([10.0, 176.0, 340.0]), np.array([280.0, 200.0, 150.0])
        x_m, y_m = lens.ground(x_px, y_px)
        pixels, _ = lens.project(np.stack((x_m, y_m, np.zeros(3)), axis=1))
        np.testing.assert_allclose(pixels, np.stack((x_px, y_px), axis=1), atol=1e-6)

    def test_a_person_shrinks_with_distance_and_is_taller_than_wide(self) -> None:
        place = street(SEED, 0)
        tall = []
        for s in (15.0, 30.0, 60.0):
            (foot, head), _ = place.pixels(np.array([s, s]), np.array([0.0, 0.0]), np.array([0.0, 1.7]))
            tall.append(foot[1] - head[1])
        assert tall[0] > tall[1] > tall[2] > 4
        assert tall[0] < 90


def present(index: int, hour: float, kinds: tuple[str, ...], days: int = 15) -> float:
    """Mean number of these classes in the clips of one hour of 15 weekdays."""
    place = street(SEED, index)
    wanted = [CLASSES.index(kind) for kind in kinds]
    totals = []
    for day in range(days):
        local = DAY + timedelta(days=7 * day, hours=hour)
        totals.append(np.isin(crowd(place, local, (SEED, index, day, int(hour))).kinds, wanted).sum())
    return float(np.mean(totals))


class TestBusyness:
    def test_night_is_quieter_than_the_rush_hour_for_every_group(self) -> None:
        for kinds in (("pedestrian",), ("cyclist",), ("car", "van", "truck", "bus", "motorcycle")):
            assert present(1, 3.0, kinds) < 0.45 * present(1, 8.0, kinds)

    def test_lunch_fills_the_high_street_more_than_the_commuters_junction(self) -> None:
        assert street(SEED, 0).character is Character.HIGH_STREET
        lunch, before = (expected(street(SEED, 0), DAY + timedelta(hours=h)).walkers_per_m for h in (13, 8))
        assert lunch > 1.4 * before
        lunch, before = (expected(street(SEED, 1), DAY + timedelta(hours=h)).walkers_per_m for h in (13, 8))
        assert lunch < 0.8 * before

    def test_saturday_has_fewer_commuters_and_less_freight(self) -> None:
        place = street(SEED, 1)
        thursday, saturday = (expected(place, DAY + timedelta(days=d, hours=8)) for d in (0, 2))
        assert saturday.walkers_per_m < 0.6 * thursday.walkers_per_m
        assert saturday.flow_per_h["truck"] < 0.6 * thursday.flow_per_h["truck"]

    def test_every_class_appears_in_a_day(self) -> None:
        place = street(SEED, 1)
        seen = {
            CLASSES[kind]
            for hour in range(6, 20)
            for kind in crowd(place, DAY + timedelta(hours=hour), (SEED, 1, hour)).kinds
        }
        assert seen == set(CLASSES)

    def test_vehicles_of_one_lane_do_not_stand_in_each_other(self) -> None:
        for hour in (8, 13, 18):
            there = crowd(street(SEED, 2), DAY + timedelta(hours=hour), (SEED, 2, hour))
            for t_s in (0.0, 5.0, 10.0):
                s, d = there.street_position(t_s)
                cars = [
                    row
                    for row, body in enumerate(there.solids)
                    if body is not None and body.width_m > 1.5 and not there.across[row]
                ]
                for one in cars:
                    for other in cars:
                        if one < other and abs(d[one] - d[other]) < 0.8:
                            needed = (there.size_m[one, 0] + there.size_m[other, 0]) / 2
                            assert abs(s[one] - s[other]) > needed - 0.5


class TestLight:
    def test_the_sun_is_where_it_should_be(self) -> None:
        """Equinox noon in London: 90 - 51.5 degrees high, due south (NOAA solar calculator)."""
        elevation, azimuth = sun(datetime(2026, 3, 20, 12, 8, tzinfo=UTC), 51.5, 0.0)
        assert elevation == pytest.approx(38.5, abs=0.5)
        assert azimuth == pytest.approx(180.0, abs=1.5)

    def test_day_is_brighter_than_night_and_lamps_burn_only_after_dark(self) -> None:
        place = street(SEED, 1)
        noon, midnight = (light(DAY + timedelta(hours=h), 51.5, -0.1, SEED) for h in (12, 0))
        assert (noon.lamps, midnight.lamps) == (0.0, 1.0)
        assert lit(backdrop(place), place, noon, 0.0).mean() > 1.5 * lit(backdrop(place), place, midnight, 0.0).mean()
