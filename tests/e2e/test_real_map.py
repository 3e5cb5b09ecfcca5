"""The replayed real day in a real browser: what a planner sees of three London streets, offline."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from fabricated_day import MapService, serving
from playwright.sync_api import expect
from visits import Visitor, settled

from aggregate.answers import Answers
from busyness.config import MapConfig
from busyness.keeping import open_store
from busyness.wiring import about
from core.clock import SystemClock
from core.records import Status

if TYPE_CHECKING:
    from conftest import ReplayedDays

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(900)]

KEW = "06710"


@pytest.fixture(scope="module")
def service(real_days: ReplayedDays) -> Iterator[MapService]:
    """The replayed store, served without a basemap: nothing beyond this machine is asked for."""
    config = real_days.config
    offline = config.model_copy(update={"map": MapConfig(outlines=config.map.outlines)})
    store, clock = open_store(config, read_only=True), SystemClock()
    with serving(store, Answers(store, clock), about(offline), clock) as running:
        yield running
    store.close()


def test_the_replayed_day_is_shown_moves_and_says_why_a_camera_is_grey(
    visit: Visitor, service: MapService, real_days: ReplayedDays
) -> None:
    nine = datetime(2017, 3, 9, 8, 45, tzinfo=UTC)
    status_of = real_days.replayed.tally.status_of
    withdrawn = [time for (camera, time), status in status_of.items() if camera == KEW and status is Status.PLACEHOLDER]
    assert min(withdrawn) < nine < max(withdrawn), "Kew Bridge shows its placeholder card at this hour"

    seen = settled(visit(service, f"#at={nine:%Y-%m-%dT%H:%M:%SZ}"))
    expect(seen.page.locator("#list li")).to_have_count(3)
    assert seen.figure(KEW) == "no data"
    busy = seen.figure("09800")
    assert float(busy) > 0
    seen.entry(KEW).hover()
    card = seen.page.get_by_role("tooltip")
    expect(card).to_contain_text("No data: placeholder")
    seen.shot("real-day-grey")

    slider = seen.page.get_by_role("slider", name="Time of day")
    for _ in range(12):
        slider.press("ArrowRight")
    expect(seen.page.locator("#now strong")).to_have_text("11:45–12:00 GMT")
    expect(seen.entry("09800").locator(".figure")).not_to_have_text(busy)

    seen.entry("09800").click()
    panel = seen.page.locator("#camera")
    expect(panel.get_by_role("img")).to_be_visible()
    expect(panel.locator(".readout")).to_contain_text("11:45–12:00 GMT")
    seen.shot("real-day-camera")
