"""The drawn check of a calibration: lines where the ground has them, figures beside it, and no pixel of a picture."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import numpy as np
import pytest
from calibrated_site import calibrated_site, drawn_site, street_camera

from core.site import KnownHeight, KnownLength, KnownSizes, ParallelLines, Site
from detect.ground.drawing import FRAME_WIDTH, draw_check
from detect.ground.plane import Plane

CAMERA = street_camera()
SITE = calibrated_site(CAMERA)
SCALE = FRAME_WIDTH / SITE.width


def elements(svg: str, name: str, kind: str | None = None) -> list[ET.Element]:
    found = ET.fromstring(svg).iter(f"{{http://www.w3.org/2000/svg}}{name}")
    return [one for one in found if kind is None or one.get("class") == kind]


def corners(element: ET.Element) -> np.ndarray:
    """Its points [n, 2], in pixels of the camera."""
    return np.array([[float(part) for part in pair.split(",")] for pair in element.get("points", "").split()]) / SCALE


def words(svg: str) -> Iterator[str]:
    return ("".join(one.itertext()) for one in elements(svg, "text"))


def test_the_grid_is_metres_on_the_ground_and_ends_where_counting_does() -> None:
    assert CAMERA.plane is not None
    plane = Plane(CAMERA.plane, (CAMERA.width, CAMERA.height))
    lines = [corners(line) for line in elements(draw_check(SITE), "polyline", "grid")]
    assert len(lines) > 10
    for line in lines:
        ground_m = plane.to_ground(line)
        on = ground_m / 5.0
        whole = np.abs(on - np.round(on)).max(axis=0)
        assert whole.min() < 0.1, "it leads east or north, at a multiple of 5 m"
        assert plane.px_per_m(line).min() > 5.5


def test_the_horizon_is_drawn_where_it_is() -> None:
    assert CAMERA.plane is not None
    plane = Plane(CAMERA.plane, (CAMERA.width, CAMERA.height))
    (horizon,) = elements(draw_check(SITE), "polyline", "horizon")
    seen = corners(horizon)
    w = seen @ plane.matrix[2, :2] + plane.matrix[2, 2]
    assert np.abs(w).max() < 0.1 * np.abs(plane.matrix[2, 1])


def test_every_zone_has_its_name_and_area_and_what_was_cut_off() -> None:
    svg = draw_check(SITE)
    told = list(words(svg))
    zones = elements(svg, "polygon", "zone")
    assert len(zones) == len(CAMERA.zones)
    for zone in CAMERA.zones:
        assert zone.name in told
        figures = told[told.index(f"■ {zone.name}") + 1]
        assert re.match(r"\d+ ± \d+ m², \d+ to \d+ px/m", figures)
    assert "px/m; cut off: the part beyond" in " ".join(told)
    assert elements(svg, "polygon", "edge"), "what was cut off is drawn as it was meant"


def test_residuals_are_enlarged_and_it_says_how_much() -> None:
    """A point moved by 2 px is drawn 20 px away from where the ground has it, and the legend says 10 times."""
    points = list(SITE.map_points)
    x, y = points[0].px
    points[0] = points[0].model_copy(update={"px": (x + 2.0, y)})
    site = SITE.model_copy(update={"map_points": tuple(points)})
    assert site.fitted is not None
    judged = [point.model_copy(update={"error_px": 0.0}) for point in site.fitted.points]
    judged[0] = judged[0].model_copy(update={"error_px": 2.0})
    judged[1] = judged[1].model_copy(update={"used": False})
    fitted = site.fitted.model_copy(update={"of": site.ground_hash, "points": tuple(judged)})
    svg = draw_check(site.model_copy(update={"fitted": fitted}))
    told = list(words(svg))
    assert "How far it is off; the way there is drawn 10 times longer" in told
    assert "0.0 px, 0.20 m, outvoted: 2 corner 2" in told
    way = next(path for path in elements(svg, "path") if path.get("stroke") == "#0b4f9e")
    x0, y0, x1, y1 = map(float, (way.get("d") or "").replace("M", "").split())
    assert (x1 - x0, y1 - y0) == pytest.approx((-20 * SCALE, 0), abs=0.5)


def test_a_site_without_ground_shows_its_zones_and_points() -> None:
    svg = draw_check(drawn_site(CAMERA))
    assert "no ground: its points were not fitted" in list(words(svg))
    assert len(elements(svg, "circle")) == len(SITE.map_points)
    assert not elements(svg, "polyline", "grid")


def test_sizes_are_drawn_with_their_metres() -> None:
    sizes = KnownSizes(
        lengths=(KnownLength(from_px=(100, 250), to_px=(200, 250), length_m=3.65, what="a lane"),),
        heights=(KnownHeight(foot_px=(80, 200), top_px=(80, 120), height_m=4.4, what="a bus"),),
        parallels=(ParallelLines(lines=(((10, 280), (120, 120)), ((340, 280), (190, 120))), what="kerbs"),),
    )
    svg = draw_check(drawn_site(CAMERA, sizes=sizes))
    assert {"3.65 m", "4.4 m"} <= set(words(svg))
    assert len([line for line in elements(svg, "polyline") if line.get("stroke") == "#6b3fa0"]) == 4


def test_a_lens_that_bends_bends_the_grid() -> None:
    assert SITE.fitted is not None
    site = SITE.model_copy(update={"lens": SITE.lens.model_copy(update={"k1": -0.15})})
    plane = SITE.fitted.plane.model_copy(update={"lens_k1": -0.15, "name": site.plane_name})
    fitted = SITE.fitted.model_copy(update={"plane": plane, "of": site.ground_hash})
    svg = draw_check(site.model_copy(update={"fitted": fitted}))
    assert max(len(corners(line)) for line in elements(svg, "polyline", "grid")) > 2


def test_words_of_people_cannot_become_markup_and_no_picture_is_in_it() -> None:
    feature = SITE.zones.features[0]
    named = feature.properties.model_copy(update={"name": '<script>alert("x")</script> & more'})
    zones = SITE.zones.model_copy(update={"features": (feature.model_copy(update={"properties": named}),)})
    site = Site.model_validate(SITE.model_copy(update={"zones": zones}).model_dump())
    svg = draw_check(site)
    assert '<script>alert("x")</script> & more' in list(words(svg))
    for name in ("script", "image", "foreignObject", "use"):
        assert not elements(svg, name)
    assert "href" not in svg
