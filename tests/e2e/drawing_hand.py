"""A hand that draws on the calibration page with the mouse or with the keyboard, and where things truly are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from playwright.sync_api import FloatRect, Locator, Page

from core.ground import LocalFrame
from core.records import Camera
from detect.ground.plane import Plane

Px = tuple[float, float]
START_ZOOM = 18.3
"""At which the page shows the map (api/web/src/calibrate/site_map.ts)."""


@dataclass
class Truth:
    """Where the places of a camera's picture really are."""

    camera: Camera
    plane: Plane = field(init=False)
    frame: LocalFrame = field(init=False)

    def __post_init__(self) -> None:
        record = self.camera.plane
        assert record is not None
        self.plane = Plane(record, (self.camera.width, self.camera.height))
        self.frame = LocalFrame(record.lat, record.lon)

    def place(self, px: Px) -> tuple[float, float]:
        """(lat, lon)"""
        east, north = self.plane.to_ground(px)
        return self.frame.degrees(float(east), float(north))

    def area_m2(self, corners: Sequence[Px]) -> float:
        """By the shoelace formula."""
        east, north = self.plane.to_ground(np.array(corners, dtype=np.float64)).T
        return float(abs(np.dot(east, np.roll(north, -1)) - np.dot(north, np.roll(east, -1))) / 2)


def offset_px(to: tuple[float, float], origin: tuple[float, float], zoom: float) -> tuple[float, float]:
    """Pixels right and down on the map from one (lat, lon) to another: spherical Mercator, tiles of 512."""
    world = 512 * 2**zoom

    def down(lat: float) -> float:
        return -math.log(math.tan(math.pi / 4 + math.radians(lat) / 2)) / (2 * math.pi)

    return (to[1] - origin[1]) / 360 * world, (down(to[0]) - down(origin[0])) * world


def box_of(thing: Locator) -> FloatRect:
    box = thing.bounding_box()
    assert box is not None
    return box


def click_picture(page: Page, px: Px, clicks: int = 1) -> None:
    picture = page.locator("#picture svg")
    picture.scroll_into_view_if_needed()
    box = box_of(picture)
    x, y = box["x"] + px[0] * box["width"] / 352, box["y"] + px[1] * box["height"] / 288
    page.mouse.click(x, y, click_count=clicks)


def click_map(page: Page, camera: Camera, place: tuple[float, float]) -> None:
    box = box_of(page.locator("#map canvas"))
    right, down = offset_px(place, (camera.lat, camera.lon), START_ZOOM)
    assert abs(right) < box["width"] / 2, "out of the map's view"
    assert abs(down) < box["height"] / 2, "out of the map's view"
    page.mouse.click(box["x"] + box["width"] / 2 + right, box["y"] + box["height"] / 2 + down)


def draw(page: Page, corners: Sequence[Px]) -> None:
    for px in corners[:-1]:
        click_picture(page, px)
    click_picture(page, corners[-1])
    click_picture(page, corners[-1])  # a double click is this


def aim(page: Page, at: Px, to: Px) -> None:
    """Move the crosshair of the picture, which has the focus, with arrow keys alone."""
    steps(page, round(to[0] - at[0]), "ArrowLeft", "ArrowRight")
    steps(page, round(to[1] - at[1]), "ArrowUp", "ArrowDown")


def steps(page: Page, count: int, back: str, forth: str) -> None:
    """So many steps with an arrow key, ten at a time with Shift."""
    key = forth if count > 0 else back
    for _ in range(abs(count) // 10):
        page.keyboard.press(f"Shift+{key}")
    for _ in range(abs(count) % 10):
        page.keyboard.press(key)


def pan(page: Page, at: Px, to: Px) -> Px:
    """Move the map, which has the focus, in steps of 10 pixels until its crosshair is at a place; where it is then."""
    right, down = round((to[0] - at[0]) / 10), round((to[1] - at[1]) / 10)
    steps(page, right, "ArrowLeft", "ArrowRight")
    steps(page, down, "ArrowUp", "ArrowDown")
    return at[0] + 10 * right, at[1] + 10 * down


def tab_to(page: Page, wanted: str, key: str = "Tab", most: int = 60) -> None:
    """Go on with Tab until what matches the selector has the focus."""
    for _ in range(most):
        page.keyboard.press(key)
        if page.evaluate("selector => document.activeElement.matches(selector)", wanted):
            return
    raise AssertionError(f"{key} does not lead to {wanted}")
