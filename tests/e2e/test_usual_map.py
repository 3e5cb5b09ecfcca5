"""What is usual and unusual on the map page: the index, hotspots, where to act first, what was changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

import pytest
from fabricated_day import CARD_ONLY, CROSSING, PARK, PATCHY, QUIET, TOWER, MapService, fabricated_day
from fabricated_usual import HEADLINE, LANE, RANKED, REGION, TOO_EARLY, TOO_NEW, WORDS, YOUNG, answer_in_its_place
from playwright.sync_api import Locator, Page, Route, ViewportSize, expect
from visits import NO_FIGURE, RIVER, Visit, Visitor, drawn, settled

pytestmark = [pytest.mark.service, pytest.mark.timeout(120)]

PHONE = ViewportSize(width=360, height=740)
RUSH = "#at=2017-03-09T08:30:00Z"

# What the page draws with (api/web/src/indices.ts), as RGB.
OVER_DOUBLE = (0x7D, 0x14, 0x24)
UNDER_HALF = (0x0A, 0x3D, 0x7A)
BUSY = (0xD4, 0x56, 0x2C)


@pytest.fixture(scope="module")
def day() -> Iterator[MapService]:
    with fabricated_day() as service:
        yield service


@pytest.fixture
def look(visit: Visitor, day: MapService) -> Visitor:
    """Opens the page of a service that knows what is usual."""
    return partial(visit, day, answers=answer_in_its_place)


def test_the_map_shows_what_is_unusual_first_and_says_it_in_words(look: Visitor) -> None:
    seen = settled(look(RUSH))
    expect(seen.page.get_by_role("radio", name="Against usual")).to_be_checked()
    expect(seen.page.locator("#legend h2").first).to_contain_text("people against usual")
    drawn(seen, RIVER, at_least=500)
    drawn(seen, OVER_DOUBLE, at_least=250)  # the one of the legend, and that on the map
    drawn(seen, UNDER_HALF, at_least=250)
    assert seen.figure(TOWER.id).endswith("×")
    expect(seen.page.locator("#cameras-title")).to_have_text("Cameras, furthest above usual first")
    order = seen.page.locator("#list li").evaluate_all("items => items.map(item => item.dataset.camera)")
    assert order[0] == TOWER.id
    assert order[-3:] == [PARK.id, QUIET.id, CARD_ONLY.id]
    said = re.compile(
        r"times as many people as usual \(90% interval .*\), hotspot: busier than usual with 99% confidence"
    )
    expect(seen.entry(TOWER.id)).to_have_attribute("aria-label", said)
    seen.shot("usual-desktop")


def test_a_camera_without_enough_history_is_hatched_and_says_so(look: Visitor) -> None:
    seen = settled(look(RUSH))
    assert seen.figure(QUIET.id) == "not known"
    seen.entry(QUIET.id).focus()
    card = seen.page.get_by_role("tooltip")
    expect(card).to_contain_text(f"Not compared with usual: {TOO_NEW}")
    expect(card).to_contain_text(re.compile(r"\d\.\d \(\d\.\d–\d\.\d\) people"))
    drawn(seen, NO_FIGURE)
    seen.entry(QUIET.id).press("Enter")
    expect(seen.page.locator("#camera .readout")).to_contain_text(f"not known: {TOO_NEW}")


def test_the_card_tells_number_usual_range_and_hotspot(look: Visitor) -> None:
    seen = settled(look(RUSH))
    seen.entry(TOWER.id).focus()
    card = seen.page.get_by_role("tooltip")
    expect(card.locator(".value")).to_have_text(re.compile(r"^\d\.\d\d× the usual$"))
    expect(card).to_contain_text(re.compile(r"Usual: \d+\.\d \(\d+\.\d–\d+\.\d\)"))
    expect(card).to_contain_text("Hotspot: busier than usual with 99% confidence, since 07:45 GMT")
    seen.shot("usual-card")
    seen.entry(CROSSING.id).focus()
    expect(card).to_contain_text("Usual is borrowed from similar places: of 3 similar zones")
    seen.entry(PATCHY.id).focus()
    expect(card).to_contain_text("so within the usual range")


def test_number_and_density_stay_selectable_by_keyboard_and_are_kept_in_the_address(look: Visitor) -> None:
    seen = settled(look(RUSH))
    seen.page.get_by_role("radio", name="Against usual").press("ArrowRight")
    expect(seen.page.locator("#legend h2").first).to_contain_text("people in view")
    assert "measure=number" in seen.page.url
    expect(seen.entry(TOWER.id).locator(".figure")).to_have_text(re.compile(r"^\d+\.\d$"))
    seen.page.get_by_role("radio", name="Number").press("ArrowRight")
    expect(seen.page.locator("#legend h2").first).to_contain_text("people per 100 m²")
    expect(seen.entry(TOWER.id).locator(".figure")).to_have_text("no density")
    expect(seen.entry(CROSSING.id).locator(".figure")).to_have_text(re.compile(r"^\d+\.\d+$"))


@pytest.mark.parametrize("at", [RUSH, f"{RUSH}&window=5m"], ids=["too new", "too short"])
def test_where_no_usual_level_is_known_numbers_are_shown_and_the_page_says_why(
    visit: Visitor, day: MapService, at: str
) -> None:
    seen = settled(visit(day, at, answers=partial(answer_in_its_place, known="5m" in at)))
    why = "5 min are too short" if "5m" in at else TOO_NEW
    expect(seen.page.locator("#legend")).to_contain_text(f"Numbers are shown, as no usual level is known: {why}.")
    assert float(seen.figure(TOWER.id)) > 0
    expect(seen.page.get_by_role("radio", name="Against usual")).to_be_checked()


def test_hotspots_are_drawn_with_their_confidence_told_and_can_be_taken_away(look: Visitor) -> None:
    seen = settled(look(RUSH))
    legend = seen.page.locator("#legend")
    expect(legend).to_contain_text(WORDS)
    expect(legend.locator(".hotspots li")).to_have_text(["busier 90%", "95%", "99%", "quieter 90%", "95%", "99%"])
    drawn(seen, BUSY, at_least=150)
    hovered = _hover_hexagon(seen)
    expect(hovered).to_contain_text(re.compile("(Busier|Quieter) than usual with 9[059]% confidence"))
    expect(hovered).to_contain_text("1 zone in this hexagon, judged together with those around it")
    seen.shot("hotspots")
    seen.page.get_by_label("Hotspots").uncheck()
    expect(legend.locator(".hotspots")).to_have_count(0)
    assert "hotspots=off" in seen.page.url
    expect(seen.entry(TOWER.id)).not_to_have_attribute("aria-label", re.compile("hotspot"))


def _hover_hexagon(seen: Visit) -> Locator:
    """Point at the hexagon around a camera, beside its mark; the card that tells of it."""
    card = seen.page.get_by_role("tooltip")
    seen.entry(TOWER.id).focus()
    expect(card).to_be_visible()
    ring = drawn(seen, (0xC2, 0x18, 0x5B)).nonzero()
    y, x = (float(axis.min() + axis.max()) / 2 for axis in ring)
    seen.page.locator("#search").focus()
    seen.page.mouse.move(x - 32, y, steps=2)  # beside its mark
    expect(card).to_contain_text("hexagon")
    return card


def test_where_to_act_first_is_ranked_with_reasons_and_leads_to_the_place(look: Visitor) -> None:
    seen = settled(look(RUSH))
    with seen.page.expect_request(re.compile("/v1/priorities")) as asked:
        seen.page.get_by_role("tab", name="Cameras").press("ArrowRight")
    assert "to=2017-03-09T09%3A00%3A00Z" in asked.value.url
    tab = seen.page.get_by_role("tab", name="Act first")
    expect(tab).to_be_focused()
    expect(tab).to_have_attribute("aria-selected", "true")
    panel = seen.page.get_by_role("tabpanel", name="Act first")
    expect(panel).to_contain_text(RANKED)
    entries = panel.locator(".ranked li")
    expect(entries).to_have_count(2)
    expect(entries.first).to_contain_text("+310217–404person-hours")
    expect(entries.first).to_contain_text("▲ getting worse")
    expect(entries.first).to_contain_text("12 hours above its usual range")
    expect(panel).to_contain_text(REGION)
    panel.get_by_text("1 place of which nothing can be said").click()
    expect(panel).to_contain_text(f"{QUIET.name}: {TOO_NEW}")
    seen.shot("act-first")
    entries.first.get_by_role("button").press("Enter")
    expect(seen.page.get_by_role("heading", name=TOWER.name)).to_be_focused()
    assert "list=priorities" in seen.page.url
    seen.page.keyboard.press("Escape")
    expect(entries.first.get_by_role("button")).to_be_focused()


def test_a_change_is_marked_and_opens_with_its_effect_in_words_and_as_a_plot(look: Visitor) -> None:
    seen = settled(look(f"{RUSH}&list=changes"))
    panel = seen.page.get_by_role("tabpanel", name="Changes")
    expect(panel.locator(".ranked li")).to_have_text([re.compile(YOUNG["name"]), re.compile(LANE["name"])])
    expect(seen.page.locator("#legend")).to_contain_text("a change made in the street")
    panel.get_by_role("button", name=LANE["name"]).press("Enter")
    expect(seen.page.get_by_role("heading", name=LANE["name"])).to_be_focused()
    opened = seen.page.locator("#change")
    expect(opened).to_contain_text("Closed lane, since Thu 2 Mar 2017")
    expect(opened).to_contain_text("Works began Mon 27 Feb 2017: left out")
    expect(opened.locator(".headline")).to_have_text(HEADLINE)
    expect(opened.get_by_role("img")).to_have_accessible_name(
        re.compile(f"^People at {LANE['name']} by week.*20 % fewer")
    )
    expect(opened).to_contain_text("20% fewer (15% to 25% fewer)")
    seen.shot("change")
    opened.get_by_role("button", name=CROSSING.name).click()
    expect(seen.page.get_by_role("heading", name=CROSSING.name)).to_be_focused()
    seen.page.get_by_role("button", name=f"‹ {LANE['name']}").click()
    expect(opened.locator(".headline")).to_be_visible()
    expect(seen.page.get_by_role("button", name="‹ All changes")).to_be_visible()
    seen.page.keyboard.press("Escape")
    expect(panel.get_by_role("button", name=LANE["name"])).to_be_focused()
    panel.get_by_role("button", name=YOUNG["name"]).click()
    expect(opened.locator(".headline")).to_have_text(TOO_EARLY)
    expect(opened.get_by_role("img")).to_have_count(0)


def test_the_day_is_drawn_over_its_usual_range(look: Visitor) -> None:
    seen = settled(look(f"{RUSH}&camera={TOWER.id}"))
    chart = seen.page.locator("#camera .chart")
    expect(chart.locator("path.usual")).to_have_count(1)
    expect(chart).to_have_accessible_name(re.compile(r"of \d+ windows \d+ above and \d+ below the usual range"))
    expect(seen.page.locator("#camera .key")).to_contain_text("usual range, 9 of 10 such windows")
    expect(seen.page.locator("#camera .readout")).to_contain_text("times as many people as usual")
    seen.page.locator("#camera summary").click()
    expect(seen.page.get_by_role("region", name="Readings").locator("thead")).to_contain_text(
        "Against usual (interval)"
    )
    seen.shot("usual-day")


def test_a_service_without_such_answers_leaves_a_whole_map_that_says_so(visit: Visitor, day: MapService) -> None:
    def refuse(page: Page) -> None:
        answer_in_its_place(page)
        for name, status in (("hotspots", 404), ("interventions", 404), ("priorities", 503), ("anomalies", 503)):
            body = f'{{"title": "No {name} here", "remedy": "ask another day"}}'
            page.route(re.compile(f"/v1/{name}"), partial(_refuse, status=status, body=body))

    seen = settled(visit(day, RUSH, answers=refuse))
    expect(seen.page.locator("#legend")).to_contain_text("not available: No hotspots here. ask another day.")
    drawn(seen, OVER_DOUBLE)
    seen.page.get_by_role("tab", name="Changes").click()
    expect(seen.page.locator("#changes")).to_contain_text("Not available: No interventions here")
    seen.page.get_by_role("tab", name="Act first").click()
    expect(seen.page.locator("#priorities")).to_contain_text("Not available: No priorities here")
    expect(seen.page.locator("#priorities").get_by_role("button", name="Try again")).to_be_visible()
    assert all("404" in line or "503" in line for line in seen.complaints)
    seen.complaints.clear()  # the browser's own lines about the answers


def _refuse(route: Route, *, status: int, body: str) -> None:
    route.fulfill(status=status, body=body, content_type="application/problem+json")


def test_zones_on_the_ground_are_coloured_against_usual(look: Visitor) -> None:
    seen = settled(look(f"{RUSH}&camera={CROSSING.id}"))
    seen.page.get_by_role("button", name="Show zones on the ground").click()
    drawn(seen, BUSY, at_least=2_000)
    expect(seen.page.locator("#legend h2").first).to_contain_text("people against usual")
    seen.shot("usual-zones")


@pytest.mark.parametrize(
    "more", ["", "&list=priorities", f"&change={LANE['id']}&list=changes"], ids=["map", "act", "change"]
)
def test_a_phone_shows_it_without_scrolling_sideways(look: Visitor, more: str) -> None:
    seen = settled(look(f"{RUSH}{more}", PHONE, has_touch=True, is_mobile=True, device_scale_factor=2))
    if more:
        seen.page.locator("#handle").click()
        expect(
            seen.page.locator("#change .headline" if "change=" in more else "#priorities .ranked li").first
        ).to_be_visible()
    seen.shot(f"usual-phone-{len(more)}")
    assert seen.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    for control in ("#series", "#measure", "#hotspots", "#live", "#slider", "#handle"):
        box = seen.page.locator(control).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE["width"]


def test_the_dark_theme_has_its_own_scale(look: Visitor) -> None:
    seen = settled_dark(look(RUSH, color_scheme="dark"))
    drawn(seen, (0xFF, 0xD0, 0xA3))
    drawn(seen, (0xB9, 0xDD, 0xFB))
    seen.shot("usual-dark")


def settled_dark(seen: Visit) -> Visit:
    expect(seen.page.locator("#list button:not(.missing)").first).to_be_attached()
    return seen
