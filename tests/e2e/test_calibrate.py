"""Zones drawn and points matched in a real browser, against `busyness run` on the synthetic street, whose true ground
gives every place of the picture its place on the map."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from drawing_hand import (
    START_ZOOM,
    Px,
    Truth,
    aim,
    box_of,
    click_map,
    click_picture,
    draw,
    offset_px,
    pan,
    tab_to,
)
from playwright.sync_api import Dialog, Locator, Page, ViewportSize, expect
from visits import Visit, Visitor

from core.records import Camera
from core.site import Site
from ingest.synthetic import SyntheticConfig, SyntheticStreet

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-u", "-c", "from busyness.command import main; main()")
STREET = SyntheticConfig(cameras=8, seed=7, start=datetime(2026, 3, 12, 9, tzinfo=UTC), days=7)
CAMERAS = {camera.id: camera for camera in SyntheticStreet(STREET).cameras}
MOUSE, KEYBOARD, FAULTS, SIZED = (CAMERAS[f"synthetic-0{number}"] for number in (2, 4, 6, 8))
"""Cameras that come without zones."""

CONFIG = """\
name: Calibrated street
sources:
  - {{kind: synthetic, cameras: 8, seed: 7, start: 2026-03-12T09:00:00Z, days: 7, cadence_s: 600}}
clock: {{speedup: 60}}
detect: {{model: lowres-2, frames_per_clip: 2, workers: 1}}
store: {{kind: duckdb}}
sites: {sites}
api: {{host: 127.0.0.1, port: 0}}
"""
SIZES = {
    "lengths": [{"from_px": [100, 250], "to_px": [250, 250], "length_m": 6.5, "what": "width of the carriageway"}],
    "heights": [{"foot_px": [60, 150], "top_px": [60, 90], "height_m": 4.4, "error_m": 0.05, "what": "a bus"}],
    "parallels": [{"lines": [[[100, 250], [150, 120]], [[250, 250], [190, 120]]], "what": "kerbs"}],
}

ZONE: tuple[Px, ...] = ((60, 250), (250, 260), (220, 180), (110, 170))
POINTS: tuple[Px, ...] = ((40, 270), (300, 270), (230, 160), (100, 150))

CLOSER = 2
"""How often the keyboard zooms in before it sets a point: ten pixels are 40 cm then."""
PHONE = ViewportSize(width=360, height=740)

pytestmark = [pytest.mark.service, pytest.mark.timeout(180)]


@dataclass(frozen=True)
class City:
    """`busyness run`, and the folder of its site files."""

    address: str
    sites: Path

    def site(self, camera: Camera) -> Site:
        return Site.model_validate_json((self.sites / f"{camera.id}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    folder = tmp_path_factory.mktemp("calibrated")
    sites, config = folder / "sites", folder / "city.yaml"
    sites.mkdir()
    sized = {"camera": SIZED.id, "lat": SIZED.lat, "lon": SIZED.lon, "sizes": SIZES}
    (sites / f"{SIZED.id}.json").write_text(json.dumps(sized), encoding="utf-8")
    config.write_text(CONFIG.format(sites=sites), encoding="utf-8")
    process = subprocess.Popen(
        [*COMMAND, "run", str(config)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        printed = ""
        while (found := re.search(r"map +(http://127\.0\.0\.1:\d+)/", printed)) is None:
            line = process.stdout.readline()
            assert line, f"it ended: {printed}"
            printed += line
        yield City(found[1] + "/", sites)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def ready(seen: Visit) -> Page:
    expect(seen.page.locator("#picture svg")).to_be_visible()
    seen.page.wait_for_function("document.querySelector('#picture svg').hasAttribute('width')")
    return seen.page


def opened(visit: Visitor, city: City, camera: Camera, **how: object) -> Visit:
    seen = visit(city, f"operations/calibrate/{camera.id}", **how)
    ready(seen)
    return seen


def told(page: Page) -> Locator:
    return page.locator("#told")


def figure(page: Page, term: str) -> Locator:
    return page.locator("#figures div").filter(has_text=term).locator("dd")


def area_of(row: Locator) -> tuple[float, float]:
    """The area in the table and its standard error, m2."""
    cell = row.locator("td.figure").first
    expect(cell).to_have_text(re.compile(r"^[\d.]+ ± [\d.]+ m²$"))
    value, error = re.findall(r"[\d.]+", cell.inner_text())[:2]
    return float(value), float(error)


def test_a_zone_is_drawn_and_four_points_are_matched_with_the_mouse(visit: Visitor, city: City) -> None:
    """From the operations page to the saved file; error and area are seen before it is saved."""
    seen = visit(city, "operations")
    page = seen.page
    row = page.locator(f'#rows tr[data-camera="{MOUSE.id}"]')
    expect(row).to_be_visible()
    seen.shot("operations-calibrates")
    row.get_by_role("link", name="Zones and ground").click()
    ready(seen)
    truth = Truth(MOUSE)
    draw(page, ZONE)
    expect(told(page)).to_contain_text("Pavement 1 is drawn, with 4 corners")
    zone = page.locator("#zones tr")
    expect(zone.locator("td.figure").first).to_have_text("—")
    page.get_by_role("radio", name="Points").check()
    for count, px in enumerate(POINTS, 1):
        click_picture(page, px)
        click_map(page, MOUSE, truth.place(px))
        expect(told(page)).to_contain_text(f"Point {count} is matched")
    expect(figure(page, "Error")).to_have_text(re.compile(r"^0\.\d+ m$"))
    expect(figure(page, "Camera height")).to_have_text(re.compile(r"^[\d.]+ ± [\d.]+ m$"))
    before, error = area_of(zone)
    assert before == pytest.approx(truth.area_m2(ZONE), rel=0.15)
    assert error > 0
    expect(page.locator(".metre-grid")).to_be_attached()
    assert not (city.sites / f"{MOUSE.id}.json").exists()

    page.get_by_role("radio", name="Zones").check()
    corner = page.get_by_role("button", name="Pavement 1, corner 1 at")
    grip = box_of(corner)
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    page.mouse.down()
    page.mouse.move(grip["x"] + 120, grip["y"] + 20, steps=4)
    page.mouse.up()
    expect(zone.locator("td.figure").first).not_to_have_text(re.compile(f"^{before:g} "))
    smaller, _ = area_of(zone)
    assert smaller < before
    page.keyboard.press("Control+z")
    expect(zone.locator("td.figure").first).to_have_text(re.compile(f"^{before:g} "))
    expect(page.locator("#unsaved")).to_be_visible()
    zone.get_by_label("Kind of Pavement 1").select_option("crossing")
    zone.get_by_label("Effective width").fill("2,4")
    seen.shot("calibrate-mouse")
    page.get_by_role("button", name="Save").click()
    expect(told(page)).to_have_text("Saved.")
    expect(page.locator("#unsaved")).to_be_hidden()

    site = city.site(MOUSE)
    (feature,) = site.zones.features
    assert (feature.id, feature.properties.kind) == (f"{MOUSE.id}:crossing-1", "crossing")
    assert feature.properties.effective_width_m == pytest.approx(2.4)
    assert np.allclose(feature.geometry.coordinates[0][:-1], ZONE, atol=0.6)
    assert [point.px for point in site.map_points] == [pytest.approx(px, abs=0.6) for px in POINTS]
    assert site.fitted is not None
    assert site.fitted.of == site.ground_hash
    page.reload()
    ready(seen)
    expect(page.locator("#zones tr")).to_have_count(1)
    expect(figure(page, "Points used")).to_have_text("4 of 4")
    expect(page.locator("#unsaved")).to_be_hidden()


def test_the_same_is_done_with_the_keyboard_alone(visit: Visitor, city: City) -> None:
    """Places on the map are set at its crosshair, and one is mended by its pin, one in the table."""
    seen = opened(visit, city, KEYBOARD)
    page, keyboard, truth = seen.page, seen.page.keyboard, Truth(KEYBOARD)
    tab_to(page, "#picture svg")
    at: Px = (176, 144)
    for px in ZONE:
        aim(page, at, px)
        keyboard.press("Enter")
        expect(told(page)).to_contain_text(f"at {px[0]:g}, {px[1]:g}.")
        at = px
    seen.shot("calibrate-crosshair")
    keyboard.press("Enter")
    expect(told(page)).to_contain_text("Pavement 1 is drawn, with 4 corners")
    tab_to(page, "[data-handle='corner:0:1']")
    keyboard.press("ArrowUp")
    expect(page.get_by_role("button", name="Pavement 1, corner 2 at 250, 259")).to_be_focused()
    keyboard.press("ArrowDown")

    tab_to(page, "[name='mode']", "Shift+Tab")
    keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Points")).to_be_checked()
    tab_to(page, "#picture svg")
    centre: Px = (0, 0)
    for count, px in enumerate(POINTS, 1):
        aim(page, at, px)
        at = px
        keyboard.press("Enter")
        expect(page.locator("#map canvas")).to_be_focused()  # the other half of the pair
        if count == 1:
            for _ in range(CLOSER):
                keyboard.press("=")
        wanted = offset_px(truth.place(px), (KEYBOARD.lat, KEYBOARD.lon), START_ZOOM + CLOSER)
        centre = pan(page, centre, wanted)
        keyboard.press("Enter")
        expect(told(page)).to_contain_text(f"Point {count} is matched")
        expect(page.locator("#picture svg")).to_be_focused()
    expect(figure(page, "Error")).to_have_text(re.compile(r"^0\.\d+ m$"))

    tab_to(page, ".pin[aria-label^='Point 2']")
    keyboard.press("ArrowRight")
    tab_to(page, "[aria-label='Latitude of point 3']")
    keyboard.type("{}, {}".format(*truth.place(POINTS[2])))
    keyboard.press("Enter")
    zone = page.locator("#zones tr")
    assert area_of(zone)[0] == pytest.approx(truth.area_m2(ZONE), rel=0.15)
    seen.shot("calibrate-keyboard")
    keyboard.press("Control+s")
    expect(told(page)).to_have_text("Saved.")
    site = city.site(KEYBOARD)
    assert [feature.geometry.coordinates[0][:-1] for feature in site.zones.features] == [ZONE]
    assert [point.px for point in site.map_points] == [pytest.approx(px) for px in POINTS]
    metres = [truth.frame.metres(point.lat, point.lon) for point in site.map_points]
    assert np.allclose(metres, truth.plane.to_ground(POINTS), atol=0.4)


def test_the_background_is_shown_once_and_not_kept(visit: Visitor, city: City) -> None:
    """It lies under what is drawn; neither it nor a trace of it is in the folder of sites."""
    seen = opened(visit, city, FAULTS)
    page = seen.page
    expect(page.get_by_label("keep the picture")).not_to_be_checked()
    page.get_by_role("button", name="Show the background").click()
    expect(page.locator("#gathering")).to_have_text(re.compile(r"\d+ of \d+ clips"))
    expect(page.locator("image.background")).to_be_attached(timeout=120_000)
    expect(page.locator("#gathering")).to_have_text("Shown once; nothing of it is stored.")
    picture = seen.shot("calibrate-background")
    box = box_of(page.locator("#picture svg"))
    shown = picture[int(box["y"]) : int(box["y"] + box["height"]), int(box["x"]) : int(box["x"] + box["width"])]
    assert shown.std() > 20, "a street has more in it than an empty frame"
    again = page.request.get(f"{city.address}operations/calibrate/{FAULTS.id}/background.png")
    assert again.status == 404
    assert not list(city.sites.glob("*.png"))


def test_what_is_refused_is_told_where_it_is(visit: Visitor, city: City) -> None:
    """A zone that crosses itself in its row, swapped points beside the figures, and nothing of it is saved."""
    seen, truth = opened(visit, city, FAULTS), Truth(FAULTS)
    page = seen.page
    draw(page, (ZONE[0], ZONE[1], ZONE[3], ZONE[2]))
    expect(page.locator("#zones .note")).to_contain_text("crosses itself")
    expect(page.locator(".zone.refused")).to_be_attached()
    page.locator("#zones").get_by_role("button", name="Remove Pavement 1").click()
    expect(page.locator("#zones tr")).to_have_count(0)

    page.get_by_role("radio", name="Points").check()
    swapped = [POINTS[1], POINTS[0], POINTS[3], POINTS[2]]
    for px, other in zip(POINTS, swapped, strict=True):
        click_picture(page, px)
        if px == POINTS[0]:
            page.get_by_role("button", name="Save").click()
            expect(page.locator("#save-told")).to_contain_text("point 1 is not on the map yet")
        page.get_by_label(f"Latitude of point {POINTS.index(px) + 1}").fill("{}, {}".format(*truth.place(other)))
        page.keyboard.press("Enter")
    expect(page.locator("#verdict .refused")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#save-told")).to_contain_text("Not saved")
    assert not (city.sites / f"{FAULTS.id}.json").exists()
    assert all("422" in complaint for complaint in seen.complaints)
    seen.complaints.clear()  # the browser's own line about the answer

    written = page.get_by_label("Latitude of point 1")
    written.fill("north")
    page.keyboard.press("Enter")
    expect(written).to_have_attribute("aria-invalid", "true")
    expect(told(page)).to_contain_text("lat is degrees between -90 and 90, got north")


def test_undo_goes_back_step_by_step_and_leaving_unsaved_is_asked_about(visit: Visitor, city: City) -> None:
    seen = opened(visit, city, FAULTS)
    page = seen.page
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    draw(page, ZONE)
    expect(page.locator("#zones tr")).to_have_count(1)
    page.keyboard.press("Control+z")
    expect(page.locator("#zones tr")).to_have_count(0)
    expect(page.locator("[data-handle^='ring:']")).to_have_count(4)
    for _ in ZONE:
        page.keyboard.press("Control+z")
    expect(page.locator("[data-handle^='ring:']")).to_have_count(0)
    expect(page.locator("#unsaved")).to_be_hidden()
    for _ in range(5):
        page.keyboard.press("Control+Shift+z")
    expect(page.locator("#zones tr")).to_have_count(1)
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.once("dialog", leave)
    page.reload()
    assert asked == ["beforeunload"]
    ready(seen)
    expect(page.locator("#zones tr")).to_have_count(0)


def test_sizes_of_the_file_are_shown_and_points_are_not_offered(visit: Visitor, city: City) -> None:
    seen = opened(visit, city, SIZED)
    page = seen.page
    expect(page.locator("#sizes-rows tr")).to_have_count(3)
    expect(page.locator("#sizes")).to_contain_text("They are edited in its file")
    expect(page.locator("#picture .length:not(.casing)")).to_have_count(2)
    expect(page.locator("#picture .parallel")).to_have_count(2)
    expect(page.locator("#matching")).to_be_hidden()
    page.get_by_role("radio", name="Points").check()
    click_picture(page, POINTS[0])
    expect(told(page)).to_contain_text("known from sizes")
    seen.shot("calibrate-sizes")


@pytest.mark.parametrize("how", [{"viewport": PHONE}, {"color_scheme": "dark"}], ids=["narrow", "dark"])
def test_it_is_whole_on_a_narrow_window_and_in_the_dark(visit: Visitor, city: City, how: dict[str, object]) -> None:
    seen = opened(visit, city, CAMERAS["synthetic-01"], **how)
    expect(seen.page.locator("#zones tr").first).to_be_visible()
    picture = seen.shot("calibrate-" + next(iter(how)))
    width = seen.page.evaluate("document.documentElement.scrollWidth")
    assert width == seen.page.evaluate("innerWidth")
    if "color_scheme" in how:
        assert tuple(picture[-5, 5]) == (0x15, 0x1A, 0x21)


def test_a_camera_that_there_is_not_is_said_to_be_none(city: City, visit: Visitor) -> None:
    page = opened(visit, city, FAULTS).page
    answer = page.request.get(f"{city.address}operations/calibrate/nowhere")
    assert answer.status == 404
    assert "nowhere" in answer.json()["detail"]
