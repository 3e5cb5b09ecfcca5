"""Cameras on their ground: zones of a site get square metres by its fit, and what does not fit together is refused."""

from __future__ import annotations

import numpy as np
import pytest
from seen_ground import LIKE_A_JAMCAM, SPREAD_PX, exact_site, record_of, synthetic_street

from core.errors import CalibrationRefused, ConfigError
from core.records import Camera, PointPx, Zone, ZoneKind
from core.site import Fit, Site, ZoneCollection, ZoneFeature, ZonePolygon, ZoneProperties
from detect.ground.fitting import fit
from detect.ground.sited import grounded, sited
from ingest.street.places import synthetic_camera

NEAR = ((60.0, 280.0), (300.0, 280.0), (280.0, 200.0), (90.0, 190.0))
CAMERA = Camera(id="c", name="c", lat=51.5, lon=-0.12)


def feature(*corners: PointPx, name: str = "pavement") -> ZoneFeature:
    return ZoneFeature(
        id=name,
        properties=ZoneProperties(name=name, kind=ZoneKind.PAVEMENT, effective_width_m=2.5),
        geometry=ZonePolygon(coordinates=((*corners, corners[0]),)),
    )


def site_with(*features: ZoneFeature) -> Site:
    site = exact_site(SPREAD_PX).model_copy(update={"zones": ZoneCollection(features=features)})
    return site.model_copy(update={"fitted": fit(site)})


SITE = site_with(feature(*NEAR))


def test_a_site_gives_its_camera_zones_and_ground() -> None:
    camera = sited(CAMERA, SITE)
    (zone,) = camera.zones
    assert SITE.fitted is not None
    assert camera.plane == SITE.fitted.plane
    assert zone.ground is not None
    assert (zone.id, zone.kind, zone.effective_width_m, zone.polygon) == ("pavement", ZoneKind.PAVEMENT, 2.5, NEAR)
    assert zone.ground.plane == SITE.plane_name
    assert 0 < zone.ground.area_error < 0.1
    assert Camera.model_validate_json(camera.model_dump_json()) == camera


def test_a_site_without_anything_that_ties_it_to_the_ground_gives_zones_alone() -> None:
    bare = Site(camera="c", lat=51.5, lon=-0.12, zones=SITE.zones)
    camera = sited(CAMERA, bare)
    assert camera.plane is None
    assert [zone.ground for zone in camera.zones] == [None]
    with pytest.raises(ConfigError, match="nothing that ties its picture to the ground"):
        fit(bare)


def test_a_site_that_draws_no_zones_leaves_the_camera_its_own() -> None:
    camera = CAMERA.model_copy(update={"zones": (Zone(id="own", name="own", polygon=NEAR),)})
    (zone,) = sited(camera, site_with()).zones
    assert zone.id == "own"
    assert zone.ground is not None


def test_the_synthetic_cameras_have_exact_ground() -> None:
    camera = grounded(synthetic_camera("c", 0, synthetic_street(0), cadence_s=300))
    assert camera.zones
    assert all(zone.ground is not None and zone.ground.area_error == 0 for zone in camera.zones)
    assert any(zone.ground is not None and "beyond" in (zone.ground.cut or "") for zone in camera.zones)


def test_what_is_grounded_stays_as_it_is() -> None:
    """A cut zone is not cut again, nor are the words lost that say so."""
    camera = grounded(synthetic_camera("c", 0, synthetic_street(0), cadence_s=300))
    assert grounded(camera) == camera
    assert grounded(CAMERA) is CAMERA


def test_another_plane_gives_other_ground() -> None:
    once = sited(CAMERA, SITE)
    higher = record_of(np.diag((2.0, 2.0, 1.0)) @ LIKE_A_JAMCAM.image_to_ground)
    (zone,), (before,) = grounded(once.model_copy(update={"plane": higher})).zones, once.zones
    assert zone.ground is not None
    assert before.ground is not None
    assert zone.ground.area_m2 == pytest.approx(4 * before.ground.area_m2, rel=1e-6)


def stale(site: Site) -> Site:
    """A point was moved after the fit."""
    first, *others = site.map_points
    return site.model_copy(update={"map_points": (first.model_copy(update={"px": (41.0, 270.0)}), *others)})


@pytest.mark.parametrize(
    ("camera", "site", "message"),
    [
        pytest.param(
            CAMERA.model_copy(update={"id": "d"}), SITE, "site of camera 'c', not of 'd'", id="another camera"
        ),
        pytest.param(
            CAMERA.model_copy(update={"width": 640}),
            SITE,
            "drawn in a picture of 352x288, its clips are 640x288",
            id="size",
        ),
        pytest.param(CAMERA, stale(SITE), "fitted to other points .* busyness calibrate CONFIG c", id="stale"),
        pytest.param(
            CAMERA,
            site_with(feature(NEAR[0], NEAR[2], NEAR[1], NEAR[3])),
            r"'pavement' crosses itself: its edge from \(60, 280\)",
            id="crosses itself",
        ),
        pytest.param(
            CAMERA,
            site_with(feature((0.0, 1.0), (9.0, 1.0), (9.0, 9.0))),
            "wholly above the horizon: .* corner, 3",
            id="sky",
        ),
        pytest.param(
            CAMERA, site_with(feature(*NEAR[:3], (90.0, 300.0))), r"\(90, 300\) outside its 352x288", id="outside"
        ),
        pytest.param(
            CAMERA,
            site_with(feature(*NEAR), feature(*NEAR)),
            "^camera c has two zones called 'pavement'",
            id="one name",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(camera: Camera, site: Site, message: str) -> None:
    with pytest.raises(CalibrationRefused, match=message):
        sited(camera, site)


def test_a_fit_with_a_mirrored_plane_is_refused() -> None:
    assert SITE.fitted is not None
    mirrored = record_of(np.diag((-1.0, 1.0, 1.0)) @ LIKE_A_JAMCAM.image_to_ground)
    with pytest.raises(CalibrationRefused, match="no view of the ground from above"):
        grounded(CAMERA, Fit(of="0" * 32, plane=mirrored, covariance=SITE.fitted.covariance))
