"""The synthetic street knows its ground: its planes are what its lens draws, everyone stands where they are seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.figures import CLASSES
from core.ground import GroundMethod, LocalFrame
from core.records import Camera, ClipReady
from detect.ground.plane import Plane
from ingest.rendering import RenderedStreet
from ingest.street.faults import FaultKind
from ingest.street.layout import HEIGHT_PX, WIDTH_PX, street
from ingest.street.places import ground_plane
from ingest.synthetic import SceneFault, SyntheticConfig, clip_location

SIZE = (WIDTH_PX, HEIGHT_PX)
SEED = 0
NOON = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
FRAMES = 3


@pytest.fixture(scope="module")
def source() -> RenderedStreet:
    return RenderedStreet(SyntheticConfig(cameras=4, seed=SEED))


def clip_of(camera: Camera, at: datetime = NOON) -> ClipReady:
    return ClipReady(camera=camera.id, event_time=at, location=clip_location(camera.id, at))


def plane_of(camera: Camera) -> Plane:
    assert camera.plane is not None
    return Plane(camera.plane, SIZE)


class TestPlane:
    @pytest.mark.parametrize("seed", [0, 1, 2])
    @pytest.mark.parametrize("index", range(8))
    def test_it_is_the_ground_of_the_lens_turned_to_where_the_camera_faces(self, seed: int, index: int) -> None:
        place = street(seed, index)
        plane = Plane(ground_plane("synthetic-01", place, 51.5, -0.1), SIZE)
        x_px, y_px = np.meshgrid(np.linspace(0, WIDTH_PX, 9), np.linspace(place.lens.horizon_px + 5, HEIGHT_PX, 9))
        right, ahead = place.lens.ground(x_px, y_px)
        facing = np.radians(place.facing_deg)
        expected = np.stack(
            (ahead * np.sin(facing) + right * np.cos(facing), ahead * np.cos(facing) - right * np.sin(facing)), axis=-1
        )
        np.testing.assert_allclose(plane.to_ground(np.stack((x_px, y_px), axis=-1)), expected, atol=1e-6)

    def test_what_is_ahead_lies_where_the_camera_faces_and_the_map_is_not_mirrored(self) -> None:
        for index in range(8):
            place = street(SEED, index)
            plane = Plane(ground_plane("synthetic-01", place, 51.5, -0.1), SIZE)
            east, north = plane.to_ground((WIDTH_PX / 2, HEIGHT_PX / 2))
            assert np.degrees(np.arctan2(east, north)) % 360 == pytest.approx(place.facing_deg)
            assert np.linalg.det(plane.jacobian((WIDTH_PX / 2, HEIGHT_PX / 2))) < 0

    def test_at_and_above_the_horizon_there_is_no_ground(self) -> None:
        place = street(SEED, 1)
        plane = Plane(ground_plane("synthetic-01", place, 51.5, -0.1), SIZE)
        horizon = place.lens.horizon_px
        assert np.isnan(plane.to_ground((WIDTH_PX / 2, horizon - 1e-6))).all()
        assert np.isfinite(plane.to_ground((WIDTH_PX / 2, horizon + 1e-6))).all()

    def test_every_camera_has_one_that_says_how_it_is_known(self, source: RenderedStreet) -> None:
        for index, camera in enumerate(source.cameras):
            plane, lens = camera.plane, street(SEED, index).lens
            assert plane is not None
            assert plane.method is GroundMethod.RENDERED
            assert (plane.lat, plane.lon) == (camera.lat, camera.lon)
            assert (plane.height_m, plane.focal_px) == (lens.height_m, lens.focal_px)
            assert plane.name.startswith(f"{camera.id}/")
            assert np.linalg.norm(plane.image_to_ground) == pytest.approx(1)

    def test_its_name_is_that_of_its_geometry(self, source: RenderedStreet) -> None:
        names = {camera.plane.name.split("/")[1] for camera in source.cameras if camera.plane}
        assert len(names) == len(source.cameras)
        again = RenderedStreet(SyntheticConfig(cameras=4, seed=SEED, cadence_s=60))
        assert [camera.plane for camera in again.cameras] == [camera.plane for camera in source.cameras]
        elsewhere = ground_plane("synthetic-01", street(SEED, 0), 51.6, -0.1)
        assert elsewhere.name != ground_plane("synthetic-01", street(SEED, 0), 51.5, -0.1).name


class TestStanding:
    def test_those_seen_are_those_of_the_truth(self, source: RenderedStreet) -> None:
        for camera in source.cameras:
            clip = clip_of(camera)
            for known, there in zip(source.truth(clip, FRAMES), source.standing(clip, FRAMES), strict=True):
                assert there.offset_s == known.offset_s
                assert [CLASSES[kind] for kind in there.kinds[there.seen]] == [item.kind for item in known.objects]
                assert 0 < there.seen.sum() < len(there.seen)

    def test_everyone_stands_at_the_foot_of_their_box(self, source: RenderedStreet) -> None:
        """A walker's feet lie in their box, near its lower edge, wherever neither is cut off by the picture's."""
        checked = 0
        for camera in source.cameras:
            plane, clip = plane_of(camera), clip_of(camera)
            for known, there in zip(source.truth(clip, FRAMES), source.standing(clip, FRAMES), strict=True):
                feet_px = plane.to_picture(there.ground_m[there.seen])
                for item, (x_px, y_px) in zip(known.objects, feet_px, strict=True):
                    bottom = item.y + item.h / 2
                    whole = item.x - item.w / 2 > 1 and item.x + item.w / 2 < WIDTH_PX - 1 and bottom < HEIGHT_PX - 1
                    if item.kind == "pedestrian" and whole:
                        assert abs(x_px - item.x) <= item.w / 2
                        assert abs(bottom - y_px) <= 0.15 * item.h + 1  # a step is taken before or behind the middle
                        checked += 1
        assert checked > 30

    def test_everyone_is_in_the_same_place_of_the_list_in_every_frame_and_walks_no_faster_than_people_do(
        self, source: RenderedStreet
    ) -> None:
        first, *others = source.standing(clip_of(source.cameras[0]), FRAMES)
        walkers = first.kinds == CLASSES.index("pedestrian")
        for later in others:
            np.testing.assert_array_equal(later.kinds, first.kinds)
            gone = np.linalg.norm(later.ground_m - first.ground_m, axis=1)[walkers]
            assert 0 < gone.max() <= 2.05 * (later.offset_s - first.offset_s)

    def test_a_fault_of_the_feed_takes_nobody_off_the_street(self) -> None:
        fault = SceneFault.model_validate(
            {"camera": "synthetic-01", "kind": FaultKind.DARK, "from": NOON, "to": NOON + timedelta(hours=1)}
        )
        sound, faulty = (
            RenderedStreet(SyntheticConfig(cameras=1, seed=SEED, faults=faults)) for faults in ((), (fault,))
        )
        clip = clip_of(sound.cameras[0])
        assert not faulty.truth(clip, 1)[0].objects
        np.testing.assert_array_equal(faulty.standing(clip, 1)[0].ground_m, sound.standing(clip, 1)[0].ground_m)

    def test_they_are_as_far_from_each_other_on_the_map_as_on_the_street(self, source: RenderedStreet) -> None:
        """Metres are metres: the width of the carriageway, across the crossing, measured by the camera's plane."""
        for index, camera in enumerate(source.cameras):
            place = street(SEED, index)
            kerbs_px, depth = place.pixels(np.full(2, place.crossing_s_m), np.array([-place.half_m, place.half_m]))
            assert (depth > 0).all()
            left, right = plane_of(camera).to_ground(kerbs_px)
            assert np.linalg.norm(right - left) == pytest.approx(2 * place.half_m)
            frame = LocalFrame(camera.lat, camera.lon)
            assert frame.metres(*frame.degrees(*left)) == pytest.approx(tuple(left), abs=1e-6)
