"""The operations page in a real browser, against the real API, with the world beyond this machine out of reach."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from fabricated_day import (
    CARD_ONLY,
    CROSSING,
    END,
    NOTICE,
    PARK,
    PATCHY,
    QUIET,
    TOWER,
    EveningClock,
    MapService,
    observations_of_the_day,
    serving,
)
from playwright.sync_api import Locator, ViewportSize, expect
from visits import Visit, Visitor

from aggregate.answers import Answers
from aggregate.duckdb_store import DuckDBStore
from api.app import About
from core.health import CameraState, HealthEvent
from core.records import Camera

pytestmark = [pytest.mark.service, pytest.mark.timeout(120)]

PHONE = ViewportSize(width=360, height=740)
CAMERAS = (TOWER, PARK, CARD_ONLY, PATCHY, CROSSING, QUIET)
STATES = {
    TOWER: [(24, "live", None), (10, "faulty", "placeholder: the feed shows its card"), (8, "live", None)],
    PARK: [(30, "live", None)],
    CARD_ONLY: [(400, "withdrawn", "its publisher says: camera temporarily unavailable")],
    PATCHY: [
        (20, "live", None),
        (9, "unreachable", "no answer within 10 s"),
        (8.5, "live", None),
        (6, "unreachable", "the publisher answered 503"),
        (5.5, "live", None),
        (1, "moved", "shows a house"),
    ],
    CROSSING: [(30, "live", None), (3, "stale", "the feed has given nothing new for 3 cadences")],
}
"""Hours before the evening, and how the camera was from then on; of the last camera nothing was ever told."""


def event(camera: Camera, hours_ago: float, state: str, reason: str | None) -> HealthEvent:
    since = END - timedelta(hours=hours_ago)
    return HealthEvent(camera=camera.id, since=since, state=CameraState(state), reason=reason)


@contextmanager
def evening(*, told: bool = True) -> Iterator[tuple[MapService, DuckDBStore]]:
    """The six cameras with their counts and, where `told`, how they were."""
    store, clock = DuckDBStore.open(None), EveningClock()
    store.save_cameras(CAMERAS)
    store.upsert_observations(observations_of_the_day())
    if told:
        store.save_health([event(camera, *one) for camera, events in STATES.items() for one in events])
    about = About(name="Fabricated London", notice=NOTICE)
    with serving(store, Answers(store, clock, live=True), about, clock) as service:
        yield service, store
    store.close()


@pytest.fixture(scope="module")
def service() -> Iterator[MapService]:
    with evening() as (service, _):
        yield service


def shown(seen: Visit) -> list[str]:
    found: list[str] = seen.page.locator("#rows tr:visible").evaluate_all("rows => rows.map(row => row.dataset.camera)")
    return found


def row(seen: Visit, camera: Camera) -> Locator:
    return seen.page.locator(f'#rows tr[data-camera="{camera.id}"]')


def ready(seen: Visit) -> Visit:
    expect(seen.page.locator("#rows tr").first).to_be_attached()
    return seen


def test_what_broke_last_is_at_the_top_with_since_when_and_why(visit: Visitor, service: MapService) -> None:
    seen = ready(visit(service, "operations"))
    expect(seen.page).to_have_title("Fabricated London · operations")
    expect(seen.page.locator("#notice")).to_have_text(NOTICE)
    assert shown(seen) == [camera.id for camera in (PATCHY, CROSSING, CARD_ONLY, QUIET, PARK, TOWER)]
    patchy = row(seen, PATCHY)
    expect(patchy.locator(".badge")).to_have_text("moved")
    expect(patchy.locator(".how small")).to_have_text("for 1 h 00 min")
    expect(patchy.locator(".why")).to_have_text("shows a house")
    expect(row(seen, CARD_ONLY).locator(".how small")).to_have_text("for 16 d 16 h")
    expect(row(seen, PARK).locator(".uptime")).to_have_text("100%")
    expect(row(seen, TOWER).locator(".uptime")).to_have_text("92%")
    expect(row(seen, QUIET).locator(".uptime")).to_have_text("—")
    expect(row(seen, CARD_ONLY).locator(".age")).to_contain_text("never counted")
    seen.shot("operations")


def test_the_strip_draws_the_last_day_and_says_it_in_words(visit: Visitor, service: MapService) -> None:
    seen = ready(visit(service, "operations"))
    strip = row(seen, TOWER).get_by_role("img")
    expect(strip).to_have_accessible_name("Out: 10:00–12:00 faulty")
    widths = strip.locator("rect.faulty").evaluate_all("bars => bars.map(bar => bar.width.baseVal.value)")
    assert widths == pytest.approx([480 * 2 / 24], rel=1e-3)
    expect(row(seen, PATCHY).locator("rect.waiting")).to_have_count(1)
    expect(seen.page.locator("#hours span")).to_have_text(["00:00", "06:00", "12:00", "18:00"])


def test_the_outages_of_a_camera_open_and_download(visit: Visitor, service: MapService) -> None:
    seen = ready(visit(service, "operations"))
    more = row(seen, PATCHY).locator("details")
    more.get_by_text("3 outages in 24 h").click()
    expect(more.locator("li")).to_have_text(
        [
            re.compile("19:00–20:00 moved, 1 h 00 min"),
            re.compile("14:00–14:30 unreachable, 30 min the publisher answered 503"),
            re.compile("11:00–11:30 unreachable, 30 min no answer"),
        ]
    )
    csv = seen.page.request.get(more.get_by_role("link").get_attribute("href") or "")
    assert csv.text().splitlines()[0] == "camera,state,start,end,duration_s,reason"
    assert len(csv.text().splitlines()) == 4


def test_the_filter_and_the_finder_narrow_the_table_and_the_address_keeps_the_filter(
    visit: Visitor, service: MapService
) -> None:
    seen = ready(visit(service, "operations"))
    expect(seen.page.locator("#filter label")).to_have_text(
        ["all 6", "trouble 3", "moved 1", "stale 1", "withdrawn 1", "unknown 1", "live 2"]
    )
    seen.page.get_by_label("trouble 3").check()
    assert shown(seen) == [camera.id for camera in (PATCHY, CROSSING, CARD_ONLY)]
    seen.page.locator("#search").fill("oxford")
    assert shown(seen) == [CARD_ONLY.id]
    seen.page.locator("#search").fill("nowhere")
    expect(seen.page.locator("#none")).to_be_visible()
    again = ready(visit(service, "operations#" + urlsplit(seen.page.url).fragment))
    expect(again.page.get_by_label("trouble 3")).to_be_checked()
    assert len(shown(again)) == 3


def test_the_page_is_used_without_a_mouse(visit: Visitor, service: MapService) -> None:
    seen = ready(visit(service, "operations"))
    keyboard = seen.page.keyboard
    for _ in range(4):  # skip link, map, API, filter
        keyboard.press("Tab")
    expect(seen.page.get_by_label("all 6")).to_be_focused()
    keyboard.press("ArrowRight")
    expect(seen.page.get_by_label("trouble 3")).to_be_checked()
    keyboard.press("Tab")
    expect(seen.page.locator("#search")).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(seen.page.get_by_text("it shows another view than its zones were drawn in")).to_be_visible()
    keyboard.press("Tab")
    expect(seen.page.get_by_role("link", name=PATCHY.name)).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(row(seen, PATCHY).locator("details")).to_have_attribute("open", "")


def test_the_map_leads_here_and_back_to_the_camera(visit: Visitor, service: MapService) -> None:
    seen = visit(service, f"#camera={PATCHY.id}&at=2017-03-09T08:30:00Z")
    expect(seen.page.locator("#camera")).to_contain_text("Now moved since Thu 9 Mar 2017, 19:00 GMT: shows a house")
    seen.page.get_by_role("link", name="When this camera was out").click()
    ready(seen)
    expect(row(seen, PATCHY).locator("details")).to_have_attribute("open", "")
    expect(seen.page.get_by_role("link", name=PATCHY.name)).to_be_focused()
    seen.page.get_by_role("link", name=PATCHY.name).click()
    expect(seen.page.locator("#camera").get_by_role("heading", level=2)).to_have_text(PATCHY.name)
    seen.page.get_by_role("link", name="Operations").click()
    expect(seen.page.locator("#rows tr")).to_have_count(6)


def test_news_arrives_and_what_is_open_stays_open(visit: Visitor) -> None:
    with evening() as (service, store):
        seen = ready(visit(service, "operations", own_time=True))
        row(seen, TOWER).locator("summary").click()
        store.save_health([event(TOWER, 0.5, "unreachable", "no answer within 10 s")])
        seen.page.clock.fast_forward(31_000)
        expect(row(seen, TOWER).locator(".badge")).to_have_text("unreachable")
        expect(row(seen, TOWER).locator("details")).to_have_attribute("open", "")
        expect(seen.page.locator("#filter label").nth(1)).to_have_text("trouble 4")


def test_a_service_that_stops_answering_is_told_and_the_table_stays(visit: Visitor, service: MapService) -> None:
    seen = ready(visit(service, "operations", own_time=True))
    seen.page.context.set_offline(True)
    seen.page.clock.fast_forward(31_000)
    expect(seen.page.locator("#asked")).to_contain_text("The service does not answer")
    assert len(shown(seen)) == 6
    seen.page.context.set_offline(False)
    seen.page.clock.fast_forward(31_000)
    expect(seen.page.locator("#asked")).to_contain_text("as of 20:00 GMT")
    assert all("ERR_INTERNET_DISCONNECTED" in complaint for complaint in seen.complaints)
    seen.complaints.clear()  # the browser's own lines about the cut line


def test_cameras_of_which_nothing_was_ever_told_are_said_to_be_unknown(visit: Visitor) -> None:
    with evening(told=False) as (service, _):
        seen = ready(visit(service, "operations"))
        expect(seen.page.locator("#untold")).to_be_visible()
        expect(seen.page.locator("#filter label")).to_have_text(["all 6", "trouble 0", "unknown 6"])
        expect(row(seen, TOWER).locator(".age")).to_contain_text("5 min ago")


def test_a_phone_shows_everything_without_scrolling_sideways(visit: Visitor, service: MapService) -> None:
    seen = ready(visit(service, "operations", PHONE, has_touch=True, is_mobile=True, device_scale_factor=2))
    seen.shot("operations-phone")
    assert seen.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_the_dark_theme_is_drawn_dark(visit: Visitor, service: MapService) -> None:
    seen = ready(visit(service, "operations", color_scheme="dark"))
    assert tuple(seen.shot("operations-dark")[-5, 5]) == (0x15, 0x1A, 0x21)
