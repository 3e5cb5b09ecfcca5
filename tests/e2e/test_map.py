"""The map page in a real browser, against the real API, with the world beyond this machine out of reach."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from fabricated_day import (
    CAMERAS,
    CARD_ONLY,
    CROSSING,
    END,
    NOTICE,
    PATCHY,
    QUIET,
    TOWER,
    EveningClock,
    MapService,
    fabricated_day,
    observation,
)
from playwright.sync_api import ViewportSize, expect
from visits import (
    DESKTOP,
    FOCUS,
    NO_FIGURE,
    RIVER,
    TEN_TO_TWENTY_FIVE,
    TWENTY_TO_FIFTY,
    TWO_TO_FIVE,
    Visitor,
    drawn,
    near,
    settled,
)

pytestmark = [pytest.mark.service, pytest.mark.timeout(120)]

PHONE = ViewportSize(width=360, height=740)
LEGEND_TOP = int(DESKTOP["height"] * 0.7)
"""Above it there is only the map."""
RUSH = "#at=2017-03-09T08:30:00Z"


@pytest.fixture(scope="module")
def day() -> Iterator[MapService]:
    with fabricated_day() as service:
        yield service


def test_the_map_is_whole_without_any_network(visit: Visitor, day: MapService) -> None:
    seen = settled(visit(day, RUSH))
    expect(seen.page).to_have_title(re.compile("Fabricated London"))
    expect(seen.page.locator("#notice")).to_have_text(NOTICE)
    drawn(seen, RIVER, at_least=500)
    drawn(seen, TWENTY_TO_FIFTY)
    expect(seen.page.locator("#legend li")).to_have_count(9)
    expect(seen.page.locator("#legend h2")).to_contain_text("people in view")
    seen.shot("desktop")


def test_every_camera_of_the_stored_day_is_listed_busiest_first_and_the_silent_one_last(
    visit: Visitor, day: MapService
) -> None:
    seen = settled(visit(day, RUSH))
    order = seen.page.locator("#list li").evaluate_all("items => items.map(item => item.dataset.camera)")
    assert sorted(order) == sorted(camera.id for camera in CAMERAS)
    figures = [float(seen.figure(camera)) for camera in order[:-1]]
    assert figures == sorted(figures, reverse=True)
    assert order[-1] == CARD_ONLY.id
    assert seen.figure(CARD_ONLY.id) == "no data"
    assert "partly observed" in (seen.entry(PATCHY.id).get_attribute("aria-label") or "")


def test_the_slider_moves_through_the_day_by_keyboard_and_the_figures_follow(visit: Visitor, day: MapService) -> None:
    seen = settled(visit(day, RUSH))
    before = seen.figure(TOWER.id)
    slider = seen.page.get_by_role("slider", name="Time of day")
    assert slider.get_attribute("aria-valuetext") == "08:30–08:45 GMT, Thu 9 Mar 2017"
    slider.focus()
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "08:45–09:00 GMT, Thu 9 Mar 2017")
    expect(seen.entry(TOWER.id).locator(".figure")).not_to_have_text(before)
    slider.press("Home")
    expect(seen.page.locator("#now strong")).to_have_text("00:00–00:15 GMT")
    expect(seen.entry(TOWER.id).locator(".figure")).to_have_text(re.compile(r"^[0-4]\.\d$"))
    assert float(before) > 20
    slider.press("End")
    expect(seen.page.locator("#now strong")).to_have_text("19:45–20:00 GMT")
    assert "at=2017-03-09T19:45:00Z" in seen.page.url


def test_playing_walks_through_the_windows_and_stops_when_asked(visit: Visitor, day: MapService) -> None:
    seen = settled(visit(day, RUSH))
    seen.page.locator("#speed").select_option("1")
    seen.page.get_by_role("button", name="Play the day").click()
    expect(seen.page.locator("#now strong")).not_to_have_text("08:30–08:45 GMT")
    seen.page.get_by_role("button", name="Pause").click()
    stopped = seen.page.locator("#now strong").inner_text()
    seen.page.wait_for_timeout(500)
    assert seen.page.locator("#now strong").inner_text() == stopped


def test_hovering_the_grey_camera_says_why_it_has_no_data_and_since_when(visit: Visitor, day: MapService) -> None:
    seen = settled(visit(day, "#at=2017-03-09T10:30:00Z"))
    card = seen.page.get_by_role("tooltip")
    seen.entry(TOWER.id).focus()
    expect(card).to_contain_text("Nothing counted since 10:00 GMT")
    ring = np.argwhere(drawn(seen, FOCUS))  # the ring around the camera whose entry has the focus
    y, x = (ring.min(axis=0) + ring.max(axis=0)) / 2
    seen.page.locator("#search").focus()
    expect(card).to_be_hidden()
    seen.page.mouse.move(x, y)
    expect(card).to_contain_text(TOWER.name)
    expect(card).to_contain_text("No data: placeholder")
    expect(card).to_contain_text("Nothing counted since 10:00 GMT")
    expect(card).to_contain_text("0 of 3 clips")
    seen.shot("grey-hover")


def test_clicking_a_camera_on_the_map_opens_its_day(visit: Visitor, day: MapService) -> None:
    seen = settled(visit(day, RUSH))
    marks = np.argwhere(drawn(seen, TWENTY_TO_FIFTY))
    on_map = marks[marks[:, 0] < DESKTOP["height"] * 0.75]  # below it is the legend
    y, x = on_map.mean(axis=0)
    seen.page.mouse.click(x, y)
    panel = seen.page.locator("#camera")
    expect(panel.get_by_role("heading", level=2)).to_have_text(TOWER.name)
    expect(panel.get_by_role("img")).to_be_visible()
    expect(panel.locator(".gaps")).to_contain_text("10:00–12:00 placeholder")
    expect(panel.locator(".readout")).to_contain_text("08:30–08:45 GMT")
    expect(panel.locator(".readout .value")).to_have_text(re.compile(r"^\d+\.\d \(\d+\.\d–\d+\.\d\)$"))
    seen.shot("camera")
    panel.get_by_text("The day as a table").click()
    expect(panel.locator("tbody tr")).to_have_count(80)  # quarters of an hour from 00:00 to 20:00, none of the future


def test_the_page_is_used_from_end_to_end_without_a_mouse(visit: Visitor, day: MapService) -> None:
    seen = settled(visit(day, RUSH))
    keyboard = seen.page.keyboard
    keyboard.press("Tab")
    expect(seen.page.get_by_role("link", name="Skip to the list")).to_be_focused()
    keyboard.press("Enter")
    expect(seen.page.locator("#search")).to_be_focused()
    keyboard.type("oxford")
    expect(seen.page.locator("#count")).to_have_text("1 of 6 cameras")
    keyboard.press("ArrowDown")
    expect(seen.entry(CARD_ONLY.id)).to_be_focused()
    expect(seen.page.get_by_role("tooltip")).to_contain_text("No data: placeholder")
    keyboard.press("Enter")
    heading = seen.page.get_by_role("heading", name=CARD_ONLY.name)
    expect(heading).to_be_focused()
    expect(seen.page.locator("#camera .readout")).to_contain_text("no data: placeholder")
    keyboard.press("Escape")
    expect(seen.entry(CARD_ONLY.id)).to_be_focused()


def test_class_window_camera_and_time_are_kept_in_the_address(visit: Visitor, day: MapService) -> None:
    seen = settled(visit(day, RUSH))
    seen.page.locator("#series").select_option("bus")
    seen.page.get_by_label("60 min").check()
    expect(seen.page.locator("#now strong")).to_have_text("08:00–09:00 GMT")
    expect(seen.page.locator("#legend")).to_contain_text("0.1–0.2")
    seen.entry(PATCHY.id).click()
    expect(seen.page.locator("#camera .readout")).to_contain_text("Mean buses")
    again = settled(visit(day, "#" + urlsplit(seen.page.url).fragment))
    expect(again.page.locator("#camera .readout")).to_contain_text("08:00–09:00 GMT")
    expect(again.page.locator("#series")).to_have_value("bus")


def test_a_camera_with_several_zones_shows_the_figures_of_each_and_lets_one_be_chosen(
    visit: Visitor, day: MapService
) -> None:
    seen = settled(visit(day, f"{RUSH}&camera={CROSSING.id}"))
    rows = seen.page.locator("#camera .zones tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_have_text(re.compile(r"East pavement\d\d\.\d\d\d\.\d"))
    expect(rows.first.get_by_role("radio")).to_be_checked()
    rows.first.get_by_role("radio").press("ArrowDown")
    expect(seen.page).to_have_url(re.compile("zone=07450:road"))
    expect(rows.nth(1).get_by_role("radio")).to_be_focused()
    expect(seen.page.locator("#camera")).to_contain_text("Cut off: the part beyond 48 m from the camera")


def test_an_uncalibrated_camera_says_that_it_gives_numbers_and_no_densities(visit: Visitor, day: MapService) -> None:
    seen = settled(visit(day, f"{RUSH}&camera={TOWER.id}&measure=density"))
    panel = seen.page.locator("#camera")
    expect(panel).to_contain_text("Not calibrated: numbers, not densities")
    expect(panel.get_by_role("img")).to_have_accessible_name(re.compile("^people over the day"))
    expect(panel.get_by_role("button", name="Show zones on the ground")).to_be_hidden()


def test_zones_on_the_ground_are_coloured_by_density_at_street_zoom(visit: Visitor, day: MapService) -> None:
    seen = settled(visit(day, f"{RUSH}&measure=number&hotspots=off&camera={CROSSING.id}"))
    expect(seen.page.locator("#legend li")).to_have_count(9)  # from afar there are only marks
    seen.page.get_by_role("button", name="Show zones on the ground").click()
    expect(seen.page.locator("#legend h2")).to_have_text([re.compile("people per 100 m²"), "people in view"])
    pavement = drawn(seen, TEN_TO_TWENTY_FIVE, at_least=2_000)
    drawn(seen, TWO_TO_FIVE, at_least=2_000)  # of the carriageway
    y, x = np.argwhere(pavement)[np.argwhere(pavement)[:, 0] < LEGEND_TOP].mean(axis=0)
    seen.page.mouse.move(x, y)
    card = seen.page.get_by_role("tooltip")
    expect(card).to_contain_text("East pavement")
    expect(card.locator(".value")).to_have_text(re.compile(r"^\d\d\.\d \(\d+\.\d+–\d\d\.\d\) people per 100 m²$"))
    expect(card).to_contain_text(re.compile(r"people on 400 m² ± 4%3% of it crowded \(under 2 m apart\)"))
    expect(card).to_contain_text(re.compile(r"Comfort, indicative: Fruin [A-F], TfL [A-E][+−]?"))
    seen.shot("zones")
    seen.page.mouse.move(x - 250, y)
    expect(card).to_contain_text("Carriageway")
    seen.page.mouse.click(x - 250, y)
    expect(seen.page).to_have_url(re.compile("zone=07450:road"))
    # A zone without a figure is hatched, and never of the colour of few.
    seen.page.goto(f"{day.address}#at=2017-03-09T14:30:00Z&measure=number&hotspots=off&camera={CROSSING.id}")
    drawn(seen, NO_FIGURE, at_least=1_000)
    assert not near(seen.shot("no-figure"), TWO_TO_FIVE)[:LEGEND_TOP].any()
    seen.page.mouse.move(x, y)
    expect(card).to_contain_text("No data: placeholder")


def test_the_curve_of_a_calibrated_zone_can_be_that_of_its_density(visit: Visitor, day: MapService) -> None:
    seen = settled(visit(day, f"{RUSH}&camera={CROSSING.id}"))
    panel = seen.page.locator("#camera")
    expect(panel.get_by_role("img")).to_have_accessible_name(re.compile("^people over the day"))
    seen.page.get_by_role("radio", name="Number").press("ArrowRight")
    expect(panel.get_by_role("img")).to_have_accessible_name(re.compile("^people per 100 m² over the day"))
    expect(seen.page.get_by_role("radio", name="Per 100 m²")).to_be_focused()
    expect(panel.get_by_role("heading", level=3).first).to_contain_text("People per 100 m²")
    expect(seen.page).to_have_url(re.compile("measure=density"))
    seen.shot("density-curve")


def test_an_empty_store_says_so_and_figures_arrive_live(visit: Visitor) -> None:
    zone = TOWER.counted_zones[0]
    with fabricated_day(counted=False) as service:
        seen = visit(service)
        expect(seen.page.locator("#cover")).to_contain_text("No counts yet")
        service.receive([observation(TOWER, zone, END - timedelta(minutes=5), people=3)])
        expect(seen.entry(TOWER.id).locator(".figure")).to_have_text("3.0")
        expect(seen.page.locator("#cover")).to_be_hidden()
        expect(seen.page.locator("#now strong")).to_have_text("19:45–20:00 GMT")
        seen.entry(TOWER.id).click()
        expect(seen.page.locator("#camera .readout .value")).to_contain_text("3.0 (")
        service.receive([observation(TOWER, zone, END, people=88)])
        expect(seen.page.locator("#now strong")).to_have_text("20:00–20:15 GMT")
        expect(seen.entry(TOWER.id).locator(".figure")).to_have_text("88.0")
        expect(seen.page.locator("#camera .readout .value")).to_contain_text("88.0 (")
        expect(seen.page.get_by_role("button", name="Live")).to_have_attribute("aria-pressed", "true")
        seen.shot("live")


def test_when_the_whole_feed_stops_an_open_page_says_so_by_itself(visit: Visitor) -> None:
    clock = EveningClock()
    with fabricated_day(live=clock) as service:
        seen = settled(visit(service, own_time=True))
        seen.entry(TOWER.id).click()
        expect(seen.page.locator("#camera .readout")).to_contain_text("19:45–20:00 GMT")
        clock.time = END + timedelta(hours=1)
        seen.page.clock.fast_forward(30_000)
        said = re.compile("no data, no clip since 2017-03-09T19:55:00Z")
        expect(seen.entry(TOWER.id)).to_have_attribute("aria-label", said)
        expect(seen.page.locator("#now strong")).to_have_text("21:00–21:15 GMT")
        expect(seen.page.locator("#camera .readout")).to_contain_text("no data: no clip since 2017-03-09T19:55:00Z")
        slider = seen.page.locator("#slider")
        assert slider.input_value() == slider.get_attribute("max")
        seen.shot("stopped")


def test_a_camera_slower_than_the_window_says_which_window_to_choose(visit: Visitor, day: MapService) -> None:
    seen = settled(visit(day, f"{RUSH}&window=5m&camera={QUIET.id}"))
    advice = seen.page.locator("#camera").get_by_text("A clip every 10 min: choose 15 min or more")
    expect(advice).to_be_visible()
    seen.shot("slow-camera")
    seen.page.get_by_label("15 min").check()
    expect(advice).to_have_count(0)


def test_the_documentation_lists_every_operation(visit: Visitor, day: MapService) -> None:
    seen = visit(day, "docs")
    described = seen.page.request.get(f"{day.address}openapi.json").json()["paths"]
    listed = seen.page.locator(".opblock-summary-path")  # once for each of its readers
    expect(listed.first).to_be_visible()
    assert set(listed.evaluate_all("paths => paths.map(path => path.dataset.path)")) == set(described)
    seen.page.locator(".opblock", has_text="/v1/latest").first.click()
    seen.page.get_by_role("button", name="Execute").click()
    expect(seen.page.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    seen.shot("docs")


def test_a_service_that_does_not_answer_is_told_and_tried_again(visit: Visitor, day: MapService) -> None:
    seen = settled(visit(day, RUSH))
    seen.page.context.set_offline(True)
    seen.page.locator("#slider").press("ArrowLeft")
    seen.page.locator("#slider").press("ArrowLeft")
    expect(seen.page.locator("#cover")).to_contain_text("The service does not answer")
    seen.shot("unreachable")
    seen.page.context.set_offline(False)
    seen.page.get_by_role("button", name="Try again").click()
    expect(seen.page.locator("#cover")).to_be_hidden()
    expect(seen.page.locator("#now strong")).to_have_text("08:00–08:15 GMT")
    assert all("ERR_INTERNET_DISCONNECTED" in complaint for complaint in seen.complaints)
    seen.complaints.clear()  # the browser's own lines about the cut line


@pytest.mark.parametrize("at", [RUSH, f"{RUSH}&camera={PATCHY.id}"], ids=["map", "camera"])
def test_a_phone_shows_everything_without_scrolling_sideways(visit: Visitor, day: MapService, at: str) -> None:
    seen = settled(visit(day, at, PHONE, has_touch=True, is_mobile=True, device_scale_factor=2))
    if at != RUSH:
        expect(seen.page.locator("#camera .chart")).to_be_visible()
    seen.shot(f"phone-{len(at)}")
    assert seen.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    for control in ("#series", "#live", "#slider", "#handle"):
        box = seen.page.locator(control).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE["width"]


def test_the_dark_theme_draws_dark_ground(visit: Visitor, day: MapService) -> None:
    seen = visit(day, RUSH, color_scheme="dark")
    drawn(seen, (0x1B, 0x21, 0x29), at_least=10_000)
    seen.shot("dark")


def test_a_basemap_out_of_reach_leaves_the_plain_ground(visit: Visitor) -> None:
    with fabricated_day(basemap_url="http://tiles.test/{z}/{x}/{y}.png") as service:
        seen = settled(visit(service, RUSH, beyond={"tiles.test"}))
        drawn(seen, RIVER, at_least=500)
        # Of the one probe the browser itself writes a line, which no page can keep it from.
        assert [line for line in seen.complaints if "ERR_NAME_NOT_RESOLVED" not in line] == []
        assert len(seen.complaints) == 1
        seen.complaints.clear()


def test_a_basemap_within_reach_is_drawn_under_the_cameras(visit: Visitor) -> None:
    green = np.full((256, 256, 3), (80, 160, 80), dtype=np.uint8)
    tile = cv2.imencode(".png", green)[1].tobytes()
    with fabricated_day(basemap_url="http://tiles.test/{z}/{x}/{y}.png") as service:
        seen = visit(service, RUSH, beyond={"tiles.test"}, tile=tile)
        drawn(seen, (99, 123, 99), at_least=100_000)  # the green of the tile, muted
        drawn(seen, TWENTY_TO_FIFTY)
