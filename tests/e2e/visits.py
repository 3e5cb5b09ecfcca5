"""A visit to the map in a real browser, with the world beyond this machine out of reach."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from fabricated_day import DIST, MapService
from numpy.typing import NDArray
from playwright.sync_api import Browser, Locator, Page, Route, ViewportSize, expect, sync_playwright

CHROMIUM = Path(shutil.which("chromium") or "/usr/bin/chromium")
PATIENCE_MS = 20_000
"""How long the page may take: software rendering on a busy machine is slow."""
DESKTOP = ViewportSize(width=1280, height=800)

# What the page draws with (api/web/src: colours.ts, densities.ts, style.ts), as RGB.
TWENTY_TO_FIFTY = (0x44, 0x39, 0x83)
TWO_TO_FIVE = (0xD4, 0x48, 0x42)
"""To 100 m2; as the next one."""
TEN_TO_TWENTY_FIVE = (0x65, 0x15, 0x6E)
NO_FIGURE = (0x68, 0x70, 0x7C)
FOCUS = (0xC2, 0x18, 0x5B)
LAND = (0xF8, 0xF9, 0xFA)
RIVER = (0xA9, 0xC8, 0xE3)


@dataclass
class Visit:
    """A page with what went wrong on it and whom it spoke to."""

    page: Page
    shots: Path
    expected_hosts: set[str]
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def ask(self, address: str) -> None:
        """Remember whom a request goes to; what the page has in memory itself (`blob:`) is nobody."""
        parts = urlsplit(address)
        if parts.scheme != "blob":
            self.hosts.add(parts.netloc)

    def entry(self, camera: str) -> Locator:
        return self.page.locator(f'#list li[data-camera="{camera}"] button')

    def figure(self, camera: str) -> str:
        return self.entry(camera).locator(".figure").text_content() or ""

    def shot(self, name: str) -> NDArray[np.uint8]:
        """The page as RGB pixels [y, x, channel]; also kept as NAME.png."""
        picture = self.page.screenshot(path=self.shots / f"{name}.png")
        bgr = cv2.imdecode(np.frombuffer(picture, dtype=np.uint8), cv2.IMREAD_COLOR)
        assert bgr is not None
        return np.asarray(bgr[..., ::-1], dtype=np.uint8)


Visitor = Callable[..., Visit]


def _answer(route: Route, **answer: Any) -> None:
    route.fulfill(**answer)


def _unavailable(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")  # while it is open, Playwright keeps an event loop running: not for other modules
def browser() -> Iterator[Browser]:
    if not CHROMIUM.is_file():
        _unavailable(f"needs Chromium as {CHROMIUM}: apt-get install chromium")
    if not (DIST / "index.html").is_file():
        _unavailable("needs the built page: make page")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--use-gl=angle",
                "--use-angle=swiftshader",
                "--enable-unsafe-swiftshader",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("map")


@pytest.fixture
def visit(browser: Browser, shots: Path) -> Iterator[Visitor]:
    """Opens a page; afterwards it must have spoken to nobody but us, and have nothing to complain of."""
    visits: list[Visit] = []

    def open_page(
        service: MapService,
        at: str = "",
        viewport: ViewportSize = DESKTOP,
        beyond: Set[str] = frozenset(),
        tile: bytes | None = None,
        own_time: bool = False,
        answers: Callable[[Page], None] = lambda _: None,
        **context: Any,
    ) -> Visit:
        """`beyond`: hosts it may ask besides us; `tile`: what they answer, where they do.

        `own_time`: the timers of the page can be put forward (`page.clock`). `answers` may answer in the service's
        place, before anything is asked.
        """
        page = browser.new_context(viewport=viewport, reduced_motion="reduce", **context).new_page()
        page.set_default_timeout(PATIENCE_MS)
        if own_time:
            page.clock.install()
        seen = Visit(page, shots, {urlsplit(service.address).netloc, *beyond})
        if tile is not None:
            cors = {"Access-Control-Allow-Origin": "*"}
            for host in beyond:
                answer = partial(_answer, body=tile, content_type="image/png", headers=cors)
                page.route(f"http://{host}/**", answer)
        visits.append(seen)
        page.on("console", lambda line: seen.complaints.append(line.text) if line.type != "log" else None)
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on("request", lambda request: seen.ask(request.url))
        answers(page)
        page.goto(service.address + at)
        return seen

    yield open_page
    for seen in visits:
        seen.page.unroute_all(behavior="ignoreErrors")  # what is still being answered need not be
        seen.page.context.close()
    for seen in visits:
        assert seen.complaints == []
        assert seen.hosts == seen.expected_hosts


def settled(seen: Visit) -> Visit:
    """Wait until figures are on the page and the map has drawn them."""
    expect(seen.page.locator("#list button:not(.missing)").first).to_be_attached(timeout=PATIENCE_MS)
    drawn(seen, LAND)
    return seen


def near(picture: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Where the picture [y, x, channel] has this colour, within what blending and rounding change."""
    return np.asarray(np.abs(picture.astype(int) - np.array(colour)).max(axis=-1) <= 6)


def drawn(seen: Visit, colour: tuple[int, int, int], at_least: int = 40) -> NDArray[np.bool_]:
    """Wait until the map shows this colour; returns where."""
    box = seen.page.locator("#map").bounding_box()
    assert box is not None
    deadline = time.monotonic() + PATIENCE_MS / 1_000
    while time.monotonic() < deadline:
        found = near(seen.shot("waiting"), colour)
        found[:, int(box["x"] + box["width"]) :] = False
        found[: int(box["y"])] = False
        if int(found.sum()) >= at_least:
            return found
        seen.page.wait_for_timeout(250)
    raise AssertionError(f"the map never showed the colour {colour}; see {seen.shots}/waiting.png")
